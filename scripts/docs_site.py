"""pages of the repository → pages of the site: what `mkdocs.yml` cannot say, as a hook of MkDocs.

Pages in docs link to files outside of it, as GitHub shows them. Those that readers want become
pages of the site; a link to anything else, which the site does not hold, becomes plain text. The
API reference is made from the public face, so it has every name that is promised.
"""

from __future__ import annotations

import ast
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "coverslip"
# Pages that lie outside of docs, and their places on the site.
OUTSIDE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "examples/README.md": "examples.md",
}
LINK = re.compile(r"(?P<shown>!?\[[^\]]*\])\((?P<target>[^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", flags=re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside, and the API reference."""
    for origin, page in OUTSIDE.items():
        text = (ROOT / origin).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    stub = (SOURCE / "__init__.pyi").read_text("utf-8")
    files.append(File.generated(config, "api.md", content=api_page(stub)))
    return files


def api_page(stub: str) -> str:
    """Every name of the public face, below the room it comes from."""
    lines = [
        "# API reference",
        "",
        "`import coverslip` gives these; each is loaded when it is used.",
    ]
    for node in ast.parse(stub).body:
        if isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names if not alias.name.startswith("_")]
            lines += [f"## {node.module}"] if names else []
            lines += [f"::: {definition(f'coverslip.{node.module}', name)}" for name in names]
    return "\n\n".join(lines)


def definition(module: str, name: str) -> str:
    """Where a name is defined that a module imports from others below: as the face of a room does.

    A function may bear its module's name, so `coverslip.room.name` could be either.
    """
    stem = SOURCE.joinpath(*module.split(".")[1:])
    candidates = (stem / "__init__.pyi", stem / "__init__.py", stem.with_suffix(".py"))
    file = next(path for path in candidates if path.is_file())
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            inside = f"{module}.{node.module}" if node.level else str(node.module)
            return definition(inside, name)
    return f"{module}.{name}"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that leave docs towards pages of the site, or into plain text."""
    here = page.file.src_uri
    origin = next((name for name, place in OUTSIDE.items() if place == here), f"docs/{here}")
    kept = CODE.findall(markdown)
    parts = CODE.split(markdown)
    turned = [LINK.sub(lambda link: turn(link, origin, here, files), part) for part in parts]
    return "".join(part + code for part, code in zip(turned, [*kept, ""], strict=True))


def turn(link: re.Match[str], origin: str, here: str, files: Files) -> str:
    """One link of the page `origin` of the repository, as the page `here` of the site needs it."""
    target, hash_mark, anchor = link["target"].partition("#")
    if not target or re.match(r"[a-z]+:", target):
        return link[0]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
    place = OUTSIDE.get(path, path.removeprefix("docs/"))
    if files.get_file_from_path(place) is None:
        return link["shown"].strip("![]")
    there = posixpath.relpath(place, posixpath.dirname(here) or ".")
    return f"{link['shown']}({there}{hash_mark}{anchor})"

"""The documentation says what the program does: its options, columns, links, recipes and floors."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import typer

from coverslip.checkpoints import shipped_models
from coverslip.cli import app
from coverslip.cli.shared import SHARED
from coverslip.evaluation import COLUMNS as SCORE_COLUMNS
from coverslip.evaluation import SUMMARY_COLUMNS
from coverslip.measurements import COLUMNS as CELL_COLUMNS
from coverslip.measurements.columns import GROUPS
from coverslip.models import MODELS
from coverslip.report import IMAGE_COLUMNS
from coverslip.segmentation.classical import METHODS
from coverslip.tracking import TRACK_COLUMNS
from test_layers import FLOOR

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "examples" / "README.md"],
    key=lambda path: path.relative_to(ROOT),
)
VERBS = typer.main.get_command(app).commands


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def rows_below(text: str, heading: str) -> list[list[str]]:
    """The cells of all table rows in the section of that heading, without the tables' heads."""
    section = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, flags=re.MULTILINE)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:2] == "| "]
    assert rows, f"no table below {heading!r}"
    return [row for row in rows if row[0] not in ("option", "column", "floor")]


# --- options


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_explains_every_option_of_its_verb_with_its_default(verb):
    text = read(DOCS / f"{verb}.md")
    options = {parameter.name: parameter for parameter in VERBS[verb].params}
    options = {name: it for name, it in options.items() if it.param_type_name == "option"}
    shared = {name: it for name, it in options.items() if name in SHARED}
    options = {name: it for name, it in options.items() if name not in SHARED}
    check_options(read(DOCS / "every_verb.md"), shared, all_of_them="json" in shared)
    if options:
        check_options(text, options)


def check_options(text: str, options: dict, *, all_of_them: bool = True) -> None:
    """That the table of a page has these options, with their defaults."""
    said = {row[0]: row[1] for row in rows_below(text, "Options")}
    if not all_of_them:
        del said["`--json`"]
    wanted = {
        ", ".join(f"`{opt}`" for opt in sorted(it.opts, key=len)): it for it in options.values()
    }
    assert said.keys() == wanted.keys()
    for names, default in said.items():
        if wanted[names].is_flag:
            assert default == "off", names
        elif wanted[names].default is None:  # what then counts is said in brackets
            assert re.fullmatch(r"\(.+\)", default), names
        else:
            assert default == str(wanted[names].default), names


def printed_commands() -> list[tuple[str, str]]:
    """Every command line of ours that a page prints."""
    blocks = [
        (page, block) for page in PAGES for block in code_blocks(read(page), "(?:sh|console)")
    ]
    return [
        (name_of(page), line.removeprefix("$ "))
        for page, block in blocks
        for line in re.sub(r"\\\n\s*", "", block).splitlines()  # a backslash goes on
        if line.removeprefix("$ ").startswith("coverslip ")
    ]


@pytest.mark.parametrize(("page", "command"), printed_commands())
def test_printed_commands_are_understood(page, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the files of settings that pages name are
    for name in re.findall(r"--config (\S+)", command):
        (tmp_path / name).write_text('[segment]\nimages = ["a"]\nout = "b"\n')
    _, verb, *words = shlex.split(command, comments=True)
    context = VERBS[verb].make_context(verb, words)  # an error where a word or value is not known
    assert len(context.params) == len(VERBS[verb].params)


# --- columns, models, networks


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("images.csv", IMAGE_COLUMNS),
        ("Scores of evaluate and score", SCORE_COLUMNS | SUMMARY_COLUMNS),
    ],
)
def test_every_column_is_explained_in_the_words_of_the_code(heading, columns):
    said = dict(rows_below(read(DOCS / "tables.md"), heading))
    wanted = {f"`{column}`": text for column, text in columns.items()}
    assert said == wanted


def test_every_column_of_tracks_is_explained_in_the_words_of_the_code():
    rows = rows_below(read(DOCS / "track.md"), "Columns of tracks.csv")
    assert rows == [[f"`{name}`", it.unit, it.text] for name, it in TRACK_COLUMNS.items()]


@pytest.mark.parametrize("group", ["identity", *GROUPS])
def test_every_column_of_cells_is_explained_in_the_words_of_the_code(group):
    rows = rows_below(read(DOCS / "tables.md"), group.capitalize())
    wanted = [
        [f"`{name}`", it.unit, it.text, it.source, "yes" if it.basic else "no"]
        for name, it in CELL_COLUMNS.items()
        if it.group == group
    ]
    assert [row for row in rows if row[0] not in ("`file`", "`frame`")] == wanted


def test_every_model_and_network_is_named():
    text = read(DOCS / "models.md")
    for name in [*shipped_models(), *MODELS, *METHODS]:
        assert f"| `{name}` |" in text


@pytest.mark.parametrize(
    ("heading", "names"),
    [("Settings of EGT", ["egt"]), ("Settings of PHANTAST", ["phantast", "phantast_gui"])],
)
def test_every_setting_of_a_method_is_named_with_its_default(heading, names):
    head, *rows = rows_below(read(DOCS / "models.md"), heading)
    usual = [asdict(METHODS[name][1]) for name in names]
    wanted = {f"`{key}`": [json.dumps(values[key]) for values in usual] for key in usual[0]}
    assert head[0] == "setting"
    assert {row[0]: row[1:-1] for row in rows} == wanted


# --- links


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", read(path), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path: Path) -> list[str]:
    text = re.sub(r"^```.*?^```$", "", read(path), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_link_is_dead(page):
    dead = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert not dead


def test_every_page_is_in_the_index():
    listed = {target.partition("#")[0] for target in links(DOCS / "README.md")}
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.glob("*.md")}
    assert pages - {"README.md"} <= listed


def test_every_page_is_in_the_menu_of_the_site():
    nav = re.split(r"^nav:$", read(ROOT / "mkdocs.yml"), flags=re.MULTILINE)[1]
    listed = re.findall(r"[\w/-]+\.md$", nav.split("\n\n")[0], flags=re.MULTILINE)
    pages = [*DOCS.glob("*.md"), *(DOCS / "models").glob("*.md"), *(DOCS / "results").glob("*.md")]
    assert len(listed) == len(set(listed))
    assert {page.relative_to(DOCS).as_posix() for page in pages} <= set(listed)


# --- recipes


RECIPES = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in (ROOT / "README.md", DOCS / "python.md")
    for number, block in enumerate(code_blocks(read(page), "python"), start=1)
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_run(recipe, tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(recipe, "recipe", "exec"), {})
    assert capsys.readouterr().out


# --- floors


def test_the_floors_of_the_page_are_those_of_the_code():
    rows = rows_below(read(DOCS / "architecture.md"), "Floors")
    assert {room: int(row[0]) for row in rows for room in re.findall(r"\w+", row[1])} == FLOOR

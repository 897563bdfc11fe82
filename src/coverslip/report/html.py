"""text → HTML, escaped unless it is HTML already."""

import html
import re
from urllib.parse import quote

VOID_ELEMENTS = frozenset({"img", "meta", "wbr"})

# Code points that no HTML document may contain.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Html(str):
    """Markup. Any other string is text, and `element` escapes it: forgetting cannot happen."""

    __slots__ = ()


def element(tag: str, /, *children: str, **attributes: str | int | float | None) -> Html:
    """Build an element.

    Args:
        tag: Of HTML or SVG.
        *children: Text (escaped here) or `Html` (taken as it is).
        **attributes: Escaped here. Underscores become hyphens, one at the end is dropped
            (`class_`); None leaves the attribute out.
    """
    opening = "".join(
        f' {key.removesuffix("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in VOID_ELEMENTS:
        return Html(f"<{tag}{opening}>")
    return Html(f"<{tag}{opening}>{join(*children)}</{tag}>")


def join(*children: str, between: str = "") -> Html:
    """Put text and markup in a row."""
    return Html(
        escape(between).join(
            child if isinstance(child, Html) else escape(child) for child in children
        )
    )


def breakable(name: str) -> Html:
    """A name that breaks, where it must, after its underscores, hyphens and slashes."""
    return Html(re.sub("(?<=[_/-])(?=.)", element("wbr"), escape(name)))


def escape(text: str) -> str:
    """Make any string, even a file name that is no valid text, safe inside HTML."""
    readable = FORBIDDEN.sub("\ufffd", text.encode("utf-8", "replace").decode())
    return html.escape(readable, quote=True)


def path_to_url(path: str) -> str:
    """Make a relative path a link. A colon is encoded too, so that no name can act as a scheme."""
    return quote(path.replace("\\", "/"), safe="/", errors="surrogateescape")

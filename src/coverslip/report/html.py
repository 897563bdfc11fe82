"""a template + its data → HTML, in which all text is escaped.

Jinja2 fills the templates in ``templates``; what is not `Markup` already becomes text.
"""

import base64
import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup

from coverslip.report.values import count, duration, percent, plural

if TYPE_CHECKING:
    from jinja2 import Environment

# A page without a script, which loads nothing.
STILL_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
# Code points that no HTML document may contain.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@lru_cache(maxsize=1)
def environment() -> "Environment":
    """Open the templates: what they use and does not exist is an error, not nothing."""
    # Here, so that a process that writes no page does not wait for it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("coverslip.report"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "breakable": breakable,
        "duration": duration,
        "percent": percent,
        "plural": plural,
        "px": px,
        "thousands": count,
        "url": path_to_url,
    }
    return templates


def render(template: str, /, **data: object) -> Markup:
    """Fill a template; any text in `data` is escaped, and fit for a file."""
    return Markup(clean(environment().get_template(template).render(data)))


def render_still(template: str, /, *, style: str, **data: object) -> str:
    """Fill the template of a page that has no script: its own style comes after that of all pages.

    Returns:
        HTML5, with style and pictures inside: nothing is loaded, and no script runs.
    """
    folder = files("coverslip.report")
    css = "\n".join(folder.joinpath(f"{name}.css").read_text("utf-8") for name in ("style", style))
    page = render(template, style=Markup(css), script="", policy=STILL_POLICY, **data)
    return f"{page}\n"


def data_url(data: bytes, kind: str) -> str:
    """An address that holds a file itself, such as a picture of the kind "image/jpeg"."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def clean(text: str) -> str:
    """Replace what no HTML file can hold, such as parts of a file name that is no valid text."""
    return FORBIDDEN.sub("\ufffd", text.encode("utf-8", "replace").decode())


def breakable(name: str) -> Markup:
    """A name that breaks, where it must, after its underscores, hyphens and slashes."""
    return Markup("<wbr>").join(re.split("(?<=[_/-])(?=.)", name))


def px(value: float) -> str:
    """A length in a drawing, with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


def path_to_url(path: str) -> str:
    """Make a relative path a link. A colon is encoded too, so that no name can act as a scheme."""
    return quote(path.replace("\\", "/"), safe="/", errors="surrogateescape")

"""figures and tables of a plate's conditions → one HTML page that loads nothing."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import pandas as pd
from markupsafe import Markup

from coverslip.report.html import render

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True, eq=False)
class PlateSection:
    """A part of the page.

    Attributes:
        title: its heading.
        pictures: what each shows, and the picture as SVG.
        table: of texts and numbers; may be empty.
        about: a sentence below the heading.
    """

    title: str
    pictures: Sequence[tuple[str, bytes]]
    table: pd.DataFrame
    about: str = ""


def plate_page(
    title: str,
    *,
    tiles: Sequence[tuple[str, str, str]],
    notes: Sequence[str],
    sections: Sequence[PlateSection],
    tables: Sequence[str],
) -> str:
    """Write the page.

    Args:
        title: heading of the page.
        tiles: the few numbers that tell of all: name, value and detail.
        notes: what was decided, and what the reader should know.
        sections: in their order.
        tables: files of the tables, which lie beside the page.
    """
    folder = files("coverslip.report")
    style = "\n".join(folder.joinpath(f"{n}.css").read_text("utf-8") for n in ("style", "plates"))
    page = render(
        "plates.html.j2",
        title=title,
        style=Markup(style),
        script="",
        policy=POLICY,
        tiles=tiles,
        notes=notes,
        sections=[
            {
                "title": section.title,
                "about": section.about,
                "pictures": [(words, _to_source(svg)) for words, svg in section.pictures],
                "header": list(map(str, section.table.columns)),
                "rows": section.table.astype(str).to_numpy().tolist(),
            }
            for section in sections
        ],
        tables=tables,
    )
    return f"{page}\n"


def _to_source(svg: bytes) -> str:
    """A drawing as a link that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"

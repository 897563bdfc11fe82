"""figures and tables of a plate's conditions → one HTML page that loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from coverslip.report.html import data_url, render_still


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
    return render_still(
        "plates.html.j2",
        style="plates",
        title=title,
        tiles=tiles,
        notes=notes,
        sections=[
            {
                "title": section.title,
                "about": section.about,
                "pictures": [
                    (words, data_url(svg, "image/svg+xml")) for words, svg in section.pictures
                ],
                "header": list(map(str, section.table.columns)),
                "rows": section.table.astype(str).to_numpy().tolist(),
            }
            for section in sections
        ],
        tables=tables,
    )

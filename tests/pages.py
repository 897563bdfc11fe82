"""Pages of results, made and read back for tests."""

import json
from datetime import datetime
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from coverslip.report import Cells, Drawing, Methods, Run, html_report

RUN = Run(
    model="nuclei",
    version="0.1.0",
    started=datetime(2026, 3, 4, 5, 6, 7),
    seconds=75,
    settings={"tta": "paper", "threshold": 0.5},
    methods=Methods(
        "Cells were segmented with coverslip.",
        ("caicedo2019",),
        "0.1.0",
        command='coverslip segment "my images" -o out',
    ),
)
TWO = pd.DataFrame({"file": ["a.png", "b.png"], "n_cells": [1, 12], "confluence": [0.25, 0.5]})
NAMES = {"a.png", "b.png"}
PICTURE = np.full((30, 40, 3), 200, dtype=np.uint8)
VOID = {"meta", "img", "wbr"}


class Page(HTMLParser):
    """Reads a page as a browser does, and complains of what is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.is_broken = False
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        self.is_broken = tag == "wbr"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        text = data.replace("\u202f", " ")
        if self.is_broken:  # a place where a name may break is no end of it
            tag, before = self.texts.pop()
            text = before + text
        else:
            tag = self.open[-1] if self.open else ""
        self.is_broken = False
        self.texts.append((tag, text))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def text_of(self, *tags: str) -> list[str]:
        return [text for tag, text in self.texts if tag in tags]

    @property
    def text(self) -> str:
        return " ".join(text for tag, text in self.texts if tag not in ("style", "script"))

    @property
    def data(self) -> dict:
        """What the page's script reads."""
        (first, _) = self.text_of("script")
        return json.loads(first)


def page_of(images: pd.DataFrame, **options) -> Page:
    return Page(html_report("Cells", images, **({"run": RUN, "thumbnails": {}} | options)))


def movie(n: int, **columns) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "file": "movie.tif",
            "frame": range(n),
            "n_cells": range(10, 10 + n),
            "confluence": np.linspace(0.1, 0.5, n),
            **columns,
        }
    )


def squares(n: int, *, side: int = 4) -> Drawing:
    """Cells 1 to n, squares of 4 in a row on an image of 10 × 10 n."""
    corners = np.array([(0, 0), (0, side), (side, side), (side, 0)])
    rings = {i + 1: [corners + np.array([3, 3 + 10 * i])] for i in range(n)}
    return Drawing((10, 10 * n), rings, {cell: cell % 5 for cell in rings})


def cells_of(images: pd.DataFrame, **columns) -> Cells:
    """The cells that a table of images counts, with areas 10, 20, … in each image."""
    rows = images.assign(frame=images["frame"] if "frame" in images else 0)
    each = [(row, cell) for row in rows.itertuples() for cell in range(1, row.n_cells + 1)]
    table = pd.DataFrame({"label": [cell for _, cell in each]})
    table["file"] = pd.Series([row.file for row, _ in each], dtype=object)
    table["frame"] = [row.frame for row, _ in each]
    table = table.assign(area_px=10 * table["label"], **columns)
    counts = {(row.file, row.frame): row.n_cells for row in rows.itertuples()}
    return Cells(table, lambda file, frame: squares(counts[file, frame]), csv="cells.csv")

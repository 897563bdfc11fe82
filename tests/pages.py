"""Pages of results, made and read back for tests."""

from datetime import datetime
from html.parser import HTMLParser

import numpy as np
import pandas as pd

from coverslip.report import Run, html_report

RUN = Run(
    model="nuclei",
    version="0.1.0",
    started=datetime(2026, 3, 4, 5, 6, 7),
    seconds=75,
    settings={"tta": "paper", "threshold": 0.5},
    command='coverslip segment "my images" -o out',
)
TWO = pd.DataFrame({"file": ["a.png", "b.png"], "n_cells": [1, 12], "confluence": [0.25, 0.5]})
NAMES = {"a.png", "b.png"}
PICTURE = np.full((30, 40, 3), 200, dtype=np.uint8)
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Reads a page as a browser does, and complains of what is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data.replace("\u202f", " ")))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def text_of(self, *tags: str) -> list[str]:
        return [text for tag, text in self.texts if tag in tags]

    @property
    def text(self) -> str:
        return " ".join(text for tag, text in self.texts if tag != "style")


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

"""cells + pictures → the parts of the page that its script brings to life."""

import base64
import hashlib
from importlib.resources import files

import pandas as pd

from coverslip.report.cells import (
    MOST_DOUBTS,
    Cells,
    cells_in_page,
    data_block,
    measured_columns,
)
from coverslip.report.histogram import histograms
from coverslip.report.html import Html, element, path_to_url
from coverslip.report.values import count, plural

# In the order in which one builds on the other.
SCRIPTS = ("dom", "data", "table", "zoom", "panel", "viewer", "doubt", "browse", "tips", "start")


def script() -> str:
    """The page's script: its files in one scope of their own."""
    folder = files("coverslip.report").joinpath("script")
    parts = (folder.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def script_hash(text: str) -> str:
    """What a content policy calls a script, so that no other may run."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def doubt_section() -> Html:
    """Room for the cells that the model is least sure of; the script fills and shows it."""
    return element(
        "section",
        element("h2", "Cells to check first"),
        element("p", class_="about"),
        element("ul", class_="doubts"),
        id="doubt",
        data_most=MOST_DOUBTS,
        hidden="",
    )


def cells_section(images: pd.DataFrame, cells: Cells) -> Html:
    """Histograms of all cells, and room for their table.

    Args:
        images: A completed table of images.
        cells: The cells of these images.
    """
    if cells.table.empty:
        return Html()
    shown = measured_columns(cells.table)
    return element(
        "section",
        element("h2", "Cells"),
        element("p", *_about(images, cells), class_="about"),
        element("div", id="choose-image", class_="choose", hidden=""),
        histograms(cells.table, shown=shown),
        element("div", id="cell-table", hidden=""),
        id="cells",
    )


def _about(images: pd.DataFrame, cells: Cells) -> list[str]:
    """How many there are, how many of them the page has, and where all of them are."""
    n_page = len(cells_in_page(cells.table, pictured=set()))
    words = plural(len(cells.table) + cells.n_left_out, "cell")
    if images["file"].duplicated().any():
        words += ", those of a film counted in each frame"
    if cells.n_left_out:
        words += f"; of a large image, this page has some evenly spread, {count(n_page)} in all"
    elif n_page < len(cells.table):
        words += f"; {count(n_page)} are in the table below, those of the images shown first"
    if not cells.csv:
        return [words]
    form = "Parquet" if cells.csv.endswith(".parquet") else "CSV"
    return [f"{words} · ", element("a", f"all as {form}", href=path_to_url(cells.csv))]


def page_data(images: pd.DataFrame, cells: Cells, *, pictured: set[tuple[str, int]]) -> Html:
    """What the script reads."""
    return data_block(images, cells_in_page(cells.table, pictured=pictured))

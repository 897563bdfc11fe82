"""table of images + thumbnails → one HTML page that needs nothing else."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from typing import Any

import pandas as pd
from markupsafe import Markup

from coverslip.report.cards import MOST_CARDS
from coverslip.report.cells import MOST_DOUBTS, Cells, cells_in_page, data_block, measured_columns
from coverslip.report.histogram import histograms
from coverslip.report.html import render
from coverslip.report.images import MOST_FRAMES_OF_ALL, common_folder, complete, short_name
from coverslip.report.methods import Methods
from coverslip.report.pictures import Pictures, Thumbnails, TileSet
from coverslip.report.series import result_sections
from coverslip.report.values import count, in_words, percent, plural, significant

# The page may load nothing from anywhere, and run no script but its own; a browser that reads this
# line makes sure of it.
POLICY = "default-src 'none'; img-src data:{tiles}; style-src 'unsafe-inline'; script-src "
TILES = " 'self' file:"  # pictures that lie beside the page, on the disk or where it is served

STYLES = ("style.css", "browse.css")

# In the order in which one builds on the other.
SCRIPTS = ("dom", "data", "marks", "table", "zoom", "scale_bar", "look", "tiles", "play",
           "panel", "viewer", "doubt", "browse", "tips", "start")  # fmt: skip

NO_CELLS = Cells(pd.DataFrame(columns=["file", "frame", "label"]))


@dataclass(frozen=True)
class Run:
    """What was run.

    Attributes:
        model: Name or path of the model.
        model_hashes: SHA-256 of the file of each model; empty: not shown.
        scale: At what size of the images it was run, in words; empty: not shown.
        version: Version of coverslip.
        started: Local time.
        seconds: Duration of the whole run.
        settings: Every setting by name; True and False are shown as yes and no.
        methods: How it was done, in words for a paper; None: not shown.
    """

    model: str
    version: str
    started: datetime
    seconds: float
    settings: Mapping[str, object] = field(default_factory=dict)
    methods: Methods | None = None
    model_hashes: tuple[str, ...] = ()
    scale: str = ""


def html_report(
    title: str,
    images: pd.DataFrame,
    *,
    run: Run,
    thumbnails: Thumbnails,
    cells: Cells | None = None,
    failures: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    tiles: Mapping[tuple[str, int], TileSet] | None = None,
) -> str:
    """Write the page of a run: what was run, what was found, picture by picture, what failed.

    Args:
        title: Heading of the page.
        images: `IMAGE_COLUMNS`, one row per image. Rows of one file are a series, with curves.
        run: What was run.
        thumbnails: Pictures by (file, frame): uint8 arrays, or the bytes of a JPEG or PNG file. Of
            a series, only the frames with a picture get a card.
        cells: The cells of all images, and what gives their outlines; None: none are known.
        failures: Message by file, of files that could not be done.
        notes: What the reader should know of the whole run.
        tiles: Full resolution by (file, frame), in files beside the page; None: there is none.

    Returns:
        HTML5, with style, script, pictures and curves inside: nothing is loaded but tiles. Without
        its script, the page shows all but the table of cells.

    Raises:
        ValueError: `images` lacks a needed column.
    """
    failures, cells = failures or {}, cells or NO_CELLS
    folder = common_folder([*map(str, images.get("file", ())), *failures])
    table = complete(images, folder=folder)
    most = MOST_CARDS + MOST_FRAMES_OF_ALL
    pictures = Pictures(thumbnails, cells.draw, n_shown=min(len(thumbnails), most))
    sections = result_sections(table, pictures)
    chosen = cells_in_page(cells.table, pictured=set(thumbnails))
    page = render(
        "report.html.j2",
        title=title,
        **read_assets(STYLES, SCRIPTS, with_tiles=bool(tiles)),
        **_about_run(run, folder=folder),
        tiles=_tiles(table, n_failed=len(failures)),
        failures=[
            (short_name(file, folder=folder), message.removeprefix(f"{file}: "))
            for file, message in failures.items()
        ],
        notes=notes,
        most_doubts=MOST_DOUBTS,
        sections=sections,
        is_stained=any(
            card.get("n_shown") for one in sections for card in (*one["cards"], *one["further"])
        ),
        cells=_about_cells(table, cells),
        rows=table.to_dict("records"),
        data=data_block(table, chosen, folder=folder, tiles=tiles),
    )
    return f"{page}\n"


def read_assets(
    styles: Sequence[str], scripts: Sequence[str], *, with_tiles: bool = False
) -> dict[str, Markup | str]:
    """Style and script as their files have them, and the policy that lets no other script run."""
    folder = files("coverslip.report")
    style = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in styles)
    parts = (folder.joinpath("script", f"{name}.js").read_text("utf-8") for name in scripts)
    script = '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = f"{POLICY.format(tiles=TILES * with_tiles)}'sha256-{digest}'"
    return {"style": Markup(style), "script": Markup(script), "policy": policy}


def _about_run(run: Run, *, folder: str) -> dict[str, Any]:
    settings = {name.replace("_", " "): in_words(value) for name, value in run.settings.items()}
    moment = run.started.isoformat(sep=" ", timespec="minutes")
    return {"run": run, "settings": settings, "moment": moment, "folder": folder}


def _tiles(table: pd.DataFrame, *, n_failed: int) -> list[tuple[str, str, str]]:
    """The few numbers that answer "how did it go" at one glance: name, value and detail."""
    failed = f"{n_failed} failed" if n_failed else "none failed"
    n_files, n_frames = table["file"].nunique(), len(table)
    is_series = n_frames > n_files
    frames = f"{plural(n_frames, 'frame')}, " if is_series else ""
    each = "frame" if is_series else "image"
    cells, shares, areas = (table[c] for c in ("n_cells", "confluence", "median_area_um2"))
    tiles = [
        ("Files" if is_series else "Images", count(n_files), f"{frames}{failed}"),
        (f"Cells per {each}", count(cells.median()), _range(cells, count, "median")),
        ("Confluence", percent(shares.mean()), _range(shares, percent, "mean")),
    ]
    if not is_series:  # a cell of a series would be counted once a frame
        tiles.append(("Cells in all", count(cells.sum()), "summed over the images"))
    if areas.notna().any():
        area = f"{significant(areas.median())} µm²"
        tiles.append(("Cell area", area, f"median over {each}s of their medians"))
    return tiles


def _range(values: "pd.Series[float]", show: Callable[[float], str], middle: str) -> str:
    if len(values) < 2:
        return ""
    return f"{middle}; from {show(values.min())} to {show(values.max())}"


def _about_cells(images: pd.DataFrame, cells: Cells) -> dict[str, Any] | None:
    """How many cells there are, how many of them the page has, and how they are spread."""
    if cells.table.empty:
        return None
    n_page = len(cells_in_page(cells.table, pictured=set()))
    words = plural(len(cells.table) + cells.n_left_out, "cell")
    if images["file"].duplicated().any():
        words += ", those of a film counted in each frame"
    if cells.n_left_out:
        words += f"; of so many, this page has some evenly spread, {count(n_page)} in all"
    elif n_page < len(cells.table):
        words += f"; {count(n_page)} are in the table below, those of the images shown first"
    drawn = histograms(cells.table, shown=measured_columns(cells.table))
    return {"about": words, "csv": cells.csv, "histograms": drawn}

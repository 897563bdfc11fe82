"""table of images + thumbnails → one HTML page that needs nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files

import pandas as pd

from coverslip.report.browse import cells_section, doubt_section, page_data, script, script_hash
from coverslip.report.cards import MOST_CARDS
from coverslip.report.cells import Cells
from coverslip.report.html import Html, element
from coverslip.report.images import common_folder, complete, short_name
from coverslip.report.pictures import Pictures, Thumbnails
from coverslip.report.series import result_sections
from coverslip.report.summary import summary
from coverslip.report.values import duration, in_words, plural

# The page may load nothing from anywhere, and run no script but its own; a browser that reads this
# line makes sure of it.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "

# A coverslip with two cells under it.
LOGO = Html(
    '<svg class="logo" viewBox="0 0 24 24" aria-hidden="true">'
    '<rect x="2" y="2" width="20" height="20" rx="4"></rect>'
    '<path d="M6 10.5C6 7 9 5.5 11.5 7s2 5-.5 6.5S6 14 6 10.5Z"></path>'
    '<path d="M13.5 16c0-2.5 2-4 3.6-3s1.5 4-.3 5.2S13.5 18 13.5 16Z"></path></svg>'
)

HOW_TO_READ = (
    "Every outline is one cell; neighbours differ in colour, and the colours mean nothing else. "
    "Cells that the model does not part count as one. Confluence is the share of the image's area "
    "inside outlines. Mostly dark images are shown brighter than they are."
)

STYLES = ("style.css", "browse.css")

NO_CELLS = Cells(pd.DataFrame(columns=["file", "frame", "label"]))


@dataclass(frozen=True)
class Run:
    """What was run.

    Attributes:
        model: Name or path of the model.
        version: Version of coverslip.
        started: Local time.
        seconds: Duration of the whole run.
        settings: Every setting by name; True and False are shown as yes and no.
        command: Command line that does it again; empty: not shown.
    """

    model: str
    version: str
    started: datetime
    seconds: float
    settings: Mapping[str, object] = field(default_factory=dict)
    command: str = ""


def html_report(
    title: str,
    images: pd.DataFrame,
    *,
    run: Run,
    thumbnails: Thumbnails,
    cells: Cells | None = None,
    failures: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
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

    Returns:
        HTML5, with style, script, pictures and curves inside: nothing is loaded. Without its
        script, the page shows all but the table of cells.

    Raises:
        ValueError: `images` lacks a needed column.
    """
    failures, cells = failures or {}, cells or NO_CELLS
    folder = common_folder([*map(str, images.get("file", ())), *failures])
    table = complete(images, folder=folder)
    pictures = Pictures(thumbnails, cells.draw, n_shown=min(len(thumbnails), 2 * MOST_CARDS))
    code = script()
    body = [
        _header(title, run, folder=folder),
        summary(table, n_failed=len(failures)),
        _failures(failures, folder=folder),
        _notes(notes),
        doubt_section(),
        *result_sections(table, pictures),
        cells_section(table, cells),
        _numbers(table),
        element("footer", element("h2", "How to read this page"), element("p", HOW_TO_READ)),
    ]
    data = page_data(table, cells, pictured=set(thumbnails))
    end = (data, element("script", Html(code)))
    page = element(
        "html", _head(title, code), element("body", element("main", *body), *end), lang="en"
    )
    return f"<!DOCTYPE html>\n{page}\n"


def _head(title: str, code: str) -> Html:
    folder = files("coverslip.report")
    style = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in STYLES)
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY + script_hash(code)),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html(style)),
    )


def _header(title: str, run: Run, *, folder: str) -> Html:
    """Title, then model, version, date and duration; the settings below them."""
    moment = run.started.isoformat(sep=" ", timespec="minutes")
    when = element("time", moment, datetime=moment)
    facts = {"Model": run.model, "Version": f"coverslip {run.version}", "Date": when}
    facts |= {"Duration": duration(run.seconds)} | ({"Folder": folder} if folder else {})
    settings = {name.replace("_", " "): in_words(value) for name, value in run.settings.items()}
    command = element("pre", element("code", run.command), tabindex=0)
    return element(
        "header",
        element("p", LOGO, "coverslip", class_="brand"),
        element("h1", title),
        _definitions(facts, class_="facts"),
        _definitions(settings, class_="settings") if settings else "",
        command if run.command else "",
    )


def _definitions(items: Mapping[str, str], *, class_: str) -> Html:
    pairs = (element("div", element("dt", k), element("dd", v)) for k, v in items.items())
    return element("dl", *pairs, class_=class_)


def _failures(failures: Mapping[str, str], *, folder: str) -> Html:
    if not failures:
        return Html()
    items = (
        element(
            "li",
            element("b", short_name(file, folder=folder)),
            element("p", message.removeprefix(f"{file}: ")),
        )
        for file, message in failures.items()
    )
    title = f"{plural(len(failures), 'file')} failed"
    return element("section", element("h2", title), element("ul", *items), class_="failures")


def _notes(notes: Sequence[str]) -> Html:
    if not notes:
        return Html()
    items = (element("li", note) for note in notes)
    return element("section", element("h2", "Notes"), element("ul", *items), class_="run-notes")


def _numbers(table: pd.DataFrame) -> Html:
    """All rows as a table, to be copied into a spreadsheet."""
    columns = {"File": "file", "Frame": "frame", "Cells": "n_cells"}
    head = element("tr", *(element("th", name, scope="col") for name in (*columns, "Confluence")))
    rows = (
        element(
            "tr",
            element("th", row["name"], scope="row"),
            element("td", str(row["frame"])),
            element("td", f"{row['n_cells']:.0f}"),
            element("td", f"{100 * row['confluence']:.1f}%"),
        )
        for row in table.to_dict("records")
    )
    whole = element("table", element("thead", head), element("tbody", *rows))
    title = element("summary", f"All numbers ({plural(len(table), 'row')})")
    box = element("div", whole, class_="scroll", tabindex=0)
    return element("details", title, box)

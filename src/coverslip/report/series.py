"""the images of a page → its sections: each series with its curves, then the single images."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from coverslip.report.cards import MOST_CARDS, card_grid, rows_with_cards
from coverslip.report.chart import Chart, draw_chart
from coverslip.report.html import Html, element
from coverslip.report.images import MOST_FRAMES, by_file
from coverslip.report.pictures import Pictures
from coverslip.report.values import count, percent, plural

# Fewer single images than this make no picture worth drawing.
FEWEST_DOTS = 3

# (seconds in it, name), the largest first; a series is shown in the first it spans three of.
TIME_UNITS = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def result_sections(table: pd.DataFrame, pictures: Pictures) -> list[Html]:
    """Write the sections of a completed table."""
    groups = by_file(table)
    series = [rows for rows in groups.values() if len(rows) > 1]
    singles = table[table["file"].isin([file for file, rows in groups.items() if len(rows) == 1])]
    most = min(MOST_FRAMES, max(1, MOST_CARDS // max(1, len(series))))  # all films share the page
    sections = [_series_section(rows, pictures, most_frames=most) for rows in series]
    return sections + ([_singles_section(singles, pictures)] if len(singles) else [])


def _series_section(rows: pd.DataFrame, pictures: Pictures, *, most_frames: int) -> Html:
    shown = rows_with_cards(rows, pictures.thumbnails, is_series=True, most_frames=most_frames)
    first, last = rows.iloc[0], rows.iloc[-1]
    about = (
        f"{plural(len(rows), 'frame')} · "
        f"confluence {percent(first['confluence'])} → {percent(last['confluence'])} · "
        f"cells {count(first['n_cells'])} → {count(last['n_cells'])}"
    )
    if len(shown) < len(rows):
        about += f" · {count(len(shown))} frames shown, all are in the table below"
    return element(
        "section",
        element("h2", first["name"]),
        element("p", about, class_="about"),
        _charts(rows, joined=True),
        card_grid(shown, pictures, is_series=True),
        class_="results",
    )


def _singles_section(rows: pd.DataFrame, pictures: Pictures) -> Html:
    has_charts = len(rows) >= FEWEST_DOTS
    if has_charts:  # the cards have the charts' numbers
        rows = rows.assign(place=range(1, len(rows) + 1))
    shown = rows_with_cards(rows, pictures.thumbnails, is_series=False)
    about = f"{count(len(shown))} of {plural(len(rows), 'image')} shown, all are in the table below"
    return element(
        "section",
        element("h2", "Images"),
        element("p", about, class_="about") if len(shown) < len(rows) else "",
        _charts(rows, joined=False) if has_charts else "",
        card_grid(shown, pictures, is_series=False),
        class_="results",
    )


def _charts(rows: pd.DataFrame, *, joined: bool) -> Html:
    """Confluence and count, one beside the other: two scales in one picture mislead."""
    x, x_label, names = _positions(rows) if joined else _order(rows)
    where = "of each image" if not joined else "over time" if "time" in x_label else "by frame"
    confluence = Chart(
        title=f"Confluence {where}",
        x=x,
        x_label=x_label,
        y=rows["confluence"].tolist(),
        names=names,
        show=percent,
        kind="confluence",
        joined=joined,
    )
    cells = replace(
        confluence, title=f"Cells {where}", y=rows["n_cells"].tolist(), show=count, kind="count"
    )
    return element("div", draw_chart(confluence), draw_chart(cells), class_="charts")


def _order(rows: pd.DataFrame) -> tuple[Sequence[float], str, list[str]]:
    return rows["place"].tolist(), "image, by its number below", rows["name"].tolist()


def _positions(rows: pd.DataFrame) -> tuple[Sequence[float], str, list[str]]:
    """Where the frames lie: in time if every one has its own, else by number."""
    times, names = rows["time_s"], [f"frame {frame}" for frame in rows["frame"]]
    if times.isna().any() or not times.is_monotonic_increasing or times.nunique() < len(times):
        return rows["frame"].tolist(), "frame", names
    span = times.iloc[-1] - times.iloc[0]
    seconds, unit = next((u for u in TIME_UNITS if span >= 3 * u[0]), TIME_UNITS[-1])
    moments = (times / seconds).tolist()
    tips = [f"{name}, {moment:.4g} {unit}" for name, moment in zip(names, moments, strict=True)]
    return moments, f"time ({unit})", tips

"""the images of a page → its sections: each series with its curves, then the single images.

A time-lapse has curves of its cell counts and confluence.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from markupsafe import Markup

from coverslip.report.cards import MOST_CARDS, common_ratio, make_cards, rows_with_cards
from coverslip.report.chart import Chart, draw_chart
from coverslip.report.images import MOST_FRAMES, by_file
from coverslip.report.pictures import Pictures
from coverslip.report.values import count, percent, plural

# Fewer single images than this make no picture worth drawing.
FEWEST_DOTS = 3

# (seconds in it, name), the largest first; a series is shown in the first it spans three of.
TIME_UNITS = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def result_sections(table: pd.DataFrame, pictures: Pictures) -> list[dict[str, Any]]:
    """What the sections of a completed table show, each by the names of the template."""
    groups = by_file(table)
    series = [rows for rows in groups.values() if len(rows) > 1]
    singles = table[table["file"].isin([file for file, rows in groups.items() if len(rows) == 1])]
    most = min(MOST_FRAMES, max(1, MOST_CARDS // max(1, len(series))))  # all films share the page
    sections = [_series_section(rows, pictures, most_frames=most) for rows in series]
    return sections + ([_singles_section(singles, pictures)] if len(singles) else [])


def _series_section(rows: pd.DataFrame, pictures: Pictures, *, most_frames: int) -> dict[str, Any]:
    shown = rows_with_cards(rows, pictures.thumbnails, is_series=True, most_frames=most_frames)
    first, last = rows.iloc[0], rows.iloc[-1]
    about = (
        f"{plural(len(rows), 'frame')} · "
        f"confluence {percent(first['confluence'])} → {percent(last['confluence'])} · "
        f"cells {count(first['n_cells'])} → {count(last['n_cells'])}"
    )
    if len(shown) < len(rows):
        about += f" · {count(len(shown))} frames shown, all are in the table below"
    heading = {"title": first["name"], "about": about, "is_series": True}
    return heading | {"charts": _charts(rows, joined=True)} | _cards(shown, pictures)


def _singles_section(rows: pd.DataFrame, pictures: Pictures) -> dict[str, Any]:
    has_charts = len(rows) >= FEWEST_DOTS
    if has_charts:  # the cards have the charts' numbers
        rows = rows.assign(place=range(1, len(rows) + 1))
    shown = rows_with_cards(rows, pictures.thumbnails, is_series=False)
    about = f"{count(len(shown))} of {plural(len(rows), 'image')} shown, all are in the table below"
    about = about if len(shown) < len(rows) else ""
    heading = {"title": "Images", "about": about, "is_series": False}
    charts = _charts(rows, joined=False) if has_charts else []
    return heading | {"charts": charts} | _cards(shown, pictures)


def _cards(rows: pd.DataFrame, pictures: Pictures) -> dict[str, Any]:
    cards = make_cards(rows, pictures)
    return {"cards": cards, "ratio": common_ratio(cards)}


def _charts(rows: pd.DataFrame, *, joined: bool) -> list[Markup]:
    """Confluence and count, one beside the other: two scales in one picture mislead."""
    rows = rows[rows["n_cells"].notna()]  # a frame that could not be read has no point
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
    return [draw_chart(confluence), draw_chart(cells)]


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

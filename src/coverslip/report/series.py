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
from coverslip.report.images import by_file, frames_to_show, pick_frames
from coverslip.report.pictures import Pictures
from coverslip.report.values import count, percent, plural

# Fewer single images than this make no picture worth drawing.
FEWEST_DOTS = 3

# Cards of a film that are seen at once: enough to see how it goes. The others unfold.
FILM_CARDS = 12

# (seconds in it, name), the largest first; a series is shown in the first it spans three of.
TIME_UNITS = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def result_sections(table: pd.DataFrame, pictures: Pictures) -> list[dict[str, Any]]:
    """What the sections of a completed table show, each by the names of the template."""
    groups = by_file(table)
    series = [rows for rows in groups.values() if len(rows) > 1]
    singles = table[table["file"].isin([file for file, rows in groups.items() if len(rows) == 1])]
    sections = [_series_section(rows, pictures, n_films=len(series)) for rows in series]
    return sections + ([_singles_section(singles, pictures)] if len(singles) else [])


def _series_section(rows: pd.DataFrame, pictures: Pictures, *, n_films: int) -> dict[str, Any]:
    most = len(frames_to_show(len(rows), n_films=n_films))
    shown = rows_with_cards(rows, pictures.thumbnails, is_series=True, most_frames=most)
    begin, end = rows.iloc[0], rows.iloc[-1]
    about = (
        f"{plural(len(rows), 'frame')} · "
        f"confluence {percent(begin['confluence'])} → {percent(end['confluence'])} · "
        f"cells {count(begin['n_cells'])} → {count(end['n_cells'])}"
    )
    if len(shown) < len(rows):
        about += f" · {count(len(shown))} frames shown, all are in the table below"
    heading = {"title": begin["name"], "about": about, "is_series": True}
    at_once = min(FILM_CARDS, max(1, MOST_CARDS // n_films))  # all films share the page
    first = pick_frames(len(shown), most=at_once) if at_once > 1 else [0][: len(shown)]
    further = shown.drop(shown.index[first])
    heading |= {"charts": _charts(rows, joined=True), "further": make_cards(further, pictures)}
    return heading | _cards(shown.iloc[first], pictures)


def _singles_section(rows: pd.DataFrame, pictures: Pictures) -> dict[str, Any]:
    has_charts = len(rows) >= FEWEST_DOTS
    if has_charts:  # the cards have the charts' numbers
        rows = rows.assign(place=range(1, len(rows) + 1))
    shown = rows_with_cards(rows, pictures.thumbnails, is_series=False)
    about = f"{count(len(shown))} of {plural(len(rows), 'image')} shown, all are in the table below"
    about = about if len(shown) < len(rows) else ""
    heading = {"title": "Images", "about": about, "is_series": False, "further": []}
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

"""one image → its card."""

import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from coverslip.report.html import Html, breakable, element, join, path_to_url
from coverslip.report.images import MOST_FRAMES, pick_frames
from coverslip.report.pictures import Pictures, Thumbnails, picture_url
from coverslip.report.values import NARROW_SPACE, count, duration, percent, plural, significant

# Of many single images, so many pictures are what a browser still scrolls and a mail may hold.
MOST_CARDS = 200

# The proportions (width by height) that the frame of all pictures may take.
RATIOS = (0.8, 1.6)

Row = Mapping[Any, Any]


def rows_with_cards(
    rows: pd.DataFrame, thumbnails: Thumbnails, *, is_series: bool, most_frames: int = MOST_FRAMES
) -> pd.DataFrame:
    """Choose the rows to show: frames with a picture, or all images while they are not too many."""
    if len(rows) <= MOST_CARDS and not is_series:
        return rows
    keys = zip(rows["file"], rows["frame"], strict=True)
    pictured = rows[[key in thumbnails for key in keys]]
    if is_series:
        return pictured.iloc[pick_frames(len(pictured), most=most_frames)]
    rows = pictured if len(pictured) else rows
    return rows.iloc[pick_frames(len(rows), most=MOST_CARDS)]


def card_grid(rows: pd.DataFrame, pictures: Pictures, *, is_series: bool) -> Html:
    """Show rows of a completed table as cards, with their numbers if there is a column `place`."""
    if rows.empty:
        return Html()
    pictured = [
        {**row, "id": index, **_pictured((row["file"], row["frame"]), pictures, index=index)}
        for index, row in zip(rows.index, rows.to_dict("records"), strict=True)
    ]
    cards = (_card(row, is_series=is_series) for row in pictured)
    ratio = _common_ratio([row["thumbnail"] for row in pictured])
    return element("ul", *cards, class_="cards", style=f"--ratio: {ratio:.3f}")


def _pictured(key: tuple[str, int], pictures: Pictures, *, index: int) -> dict[str, Any]:
    """The picture of a row, and the outlines that lie over it."""
    thumbnail = pictures.picture(key)
    lines = pictures.outlines(key, name=f"cells-{index}") if thumbnail is not None else Html()
    return {"thumbnail": thumbnail, "outlines": lines}


def _common_ratio(pictures: list[bytes | None]) -> float:
    """Proportions of the frame that all cards share: the pictures' own, if those are usual."""
    sizes = [Image.open(io.BytesIO(picture)).size for picture in pictures if picture is not None]
    ratio = float(np.median([width / height for width, height in sizes])) if sizes else 1.0
    return min(max(ratio, RATIOS[0]), RATIOS[1])


def _card(row: Row, *, is_series: bool) -> Html:
    name = Html(f"Frame {row['frame']}") if is_series else breakable(row["name"])
    return element(
        "li",
        _picture(row),
        element("h3", name, data_place=row.get("place")),
        _numbers(row),
        element("p", " · ".join(_facts(row)), class_="facts-line") if _facts(row) else "",
        _note_list(row["notes"]),
        _links(row),
        class_="card",
        id=f"image-{row['id']}",
    )


def _picture(row: Row) -> Html:
    """The overlay; a click on it fills the window, without any script."""
    if row["thumbnail"] is None:
        return element("div", "no picture", class_="picture empty")
    width, height = Image.open(io.BytesIO(row["thumbnail"])).size
    what = f"{row['name']}, frame {row['frame']}" if row["frame"] else row["name"]
    picture = element(
        "img",
        src=picture_url(row["thumbnail"]),
        alt=f"{what}: outlines of {plural(int(row['n_cells']), 'cell')} over the image",
        width=width,
        height=height,
    )
    view = f"view-{row['id']}"
    return element(
        "div",
        element("a", picture, row["outlines"], href=f"#{view}", class_="open", title="Enlarge"),
        element("a", "Close", href=f"#image-{row['id']}", class_="close"),
        class_="picture",
        id=view,
    )


def _numbers(row: Row) -> Html:
    """Cell count and confluence, the latter as a bar too."""
    share = min(max(row["confluence"], 0.0), 1.0)
    bar = element("span", style=f"width: {100 * share:.1f}%")
    cells = "cell" if row["n_cells"] == 1 else "cells"
    return join(
        element(
            "p",
            element("span", element("b", count(row["n_cells"])), f" {cells}", class_="count"),
            element("span", element("b", percent(share)), " confluence", class_="confluence"),
            class_="numbers",
        ),
        element("div", bar, class_="bar", aria_hidden="true"),
    )


def _facts(row: Row) -> list[str]:
    """Time, size, pixel size and cell area, where they are known."""
    known = {key: not math.isnan(value) for key, value in row.items() if isinstance(value, float)}
    facts = []
    if known["time_s"]:
        facts.append(f"at {duration(row['time_s'])}")
    if known["width_px"] and known["height_px"]:
        facts.append(f"{row['width_px']:.0f} × {row['height_px']:.0f} px")
    if known["pixel_size_um"]:
        facts.append(f"{significant(row['pixel_size_um'])} µm per pixel")
    if known["median_area_um2"]:
        facts.append(f"median cell {significant(row['median_area_um2'])} µm²")
    elif known["median_area_px"]:
        facts.append(f"median cell {count(row['median_area_px'])}{NARROW_SPACE}px")
    return facts


def _note_list(notes: str) -> Html:
    lines = [element("li", line) for line in notes.splitlines() if line.strip()]
    return element("ul", *lines, class_="notes") if lines else Html()


def _links(row: Row) -> Html:
    """The files of this image, beside the page; the page is whole without them."""
    links = [
        element("a", text, href=path_to_url(row[column]))
        for column, text in (("overlay", "overlay in full size"), ("labels", "labels"))
        if row[column]
    ]
    return element("p", join(*links, between=" · "), class_="links") if links else Html()

"""one image → what its card says of it."""

import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from coverslip.report.images import pick_frames
from coverslip.report.pictures import (
    Pictures,
    Thumbnails,
    picture_channels,
    picture_url,
)
from coverslip.report.values import NARROW_SPACE, count, duration, significant

# Of many single images, so many pictures are what a browser still scrolls and a mail may hold.
MOST_CARDS = 200

# The proportions (width by height) that the frame of all pictures may take.
RATIOS = (0.8, 1.6)

Row = Mapping[Any, Any]


def rows_with_cards(
    rows: pd.DataFrame, thumbnails: Thumbnails, *, is_series: bool, most_frames: int = 0
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


def make_cards(rows: pd.DataFrame, pictures: Pictures) -> list[dict[Any, Any]]:
    """What the cards of some rows of a completed table show, each by the names of the template."""
    return [
        {**row, "id": index}
        | _picture((row["file"], row["frame"]), pictures, index=index)
        | {"share": _share(row["confluence"]), "facts": _facts(row)}
        | {"notes": [line for line in row["notes"].splitlines() if line.strip()]}
        for index, row in zip(rows.index, rows.to_dict("records"), strict=True)
    ]


def _share(confluence: float) -> float:
    """How long its bar is; none of a frame that could not be read."""
    return 0.0 if math.isnan(confluence) else min(max(confluence, 0.0), 1.0)


def _picture(key: tuple[str, int], pictures: Pictures, *, index: int) -> dict[str, Any]:
    """The picture of a row, its size, and the outlines that lie over it."""
    picture = pictures.picture(key)
    if picture is None:
        return {"source": ""}
    with Image.open(io.BytesIO(picture)) as opened:
        (width, height), channels = opened.size, picture_channels(opened)
    lines = pictures.outlines(key, name=f"cells-{index}")
    return {
        "source": picture_url(picture),
        "width": width,
        "height": height,
        "outlines": lines,
        "channels": "\n".join(channels.names),
        "n_shown": channels.n_shown,
    }


def common_ratio(cards: list[dict[Any, Any]]) -> float:
    """Proportions of the frame that all cards share: the pictures' own, if those are usual."""
    ratios = [card["width"] / card["height"] for card in cards if card["source"]]
    return min(max(float(np.median(ratios)) if ratios else 1.0, RATIOS[0]), RATIOS[1])


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

"""labels (+ image, probabilities) → table, one row per cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.measurements.columns import in_order, names_in, split_channel
from coverslip.measurements.intensity import (
    backgrounds,
    confidences,
    disagreements,
    intensities,
    to_channels,
)
from coverslip.measurements.neighbours import contacts, count_near, nearest, surroundings
from coverslip.measurements.pixels import check_labels, find_rim, gather
from coverslip.measurements.settings import MeasureSettings
from coverslip.measurements.shape import ONE, places, shapes
from coverslip.measurements.skeleton import skeletons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from coverslip.measurements.neighbours import Surroundings
    from coverslip.measurements.pixels import Integers, Labels, Pixels, Rim
    from coverslip.measurements.shape import Measures

DISTANT = {"n_near", "nearest_label", "nearest_edge_px", "nearest_edge_um"}
CORRECTED = {
    "intensity_background",
    "intensity_corrected_mean",
    "intensity_corrected_integrated",
}


def measure(
    labels: Labels,
    image: NDArray[Any] | Mapping[str, NDArray[Any]] | None = None,
    *,
    pixel_size_um: tuple[float, float] | None = None,
    probs: NDArray[np.floating[Any]] | None = None,
    spread: NDArray[np.floating[Any]] | None = None,
    settings: MeasureSettings | None = None,
) -> pd.DataFrame:
    """Measure every cell of a label image.

    Args:
        labels: (H, W) integer, 0 is background; the numbers may have gaps.
        image: how bright the cells are: (H, W); or (H, W, 3), then each column of brightness is
            there for red, green and blue; or channels by name, each of these, then it is there for
            each name. Without it there are none.
        pixel_size_um: height and width of a pixel in micrometres; None if not known.
        probs: (H, W) in [0, 1], for how sure a cell is.
        spread: (H, W), the standard deviation of the probabilities between views.
        settings: what to measure, and within which distances; None: everything.

    Returns:
        One row per cell, ascending by label, with the columns of `COLUMNS` that were asked for;
        those in micrometres only if the pixel size is known. No cells: no rows, the same columns.

    Raises:
        ValueError: labels that are not (H, W) integers from 0 on, or an image or probabilities of
            another size.

    Example:
        >>> import coverslip, numpy as np
        >>> labels = np.zeros((20, 20), int)
        >>> labels[2:7, 3:13] = 1
        >>> labels[10:15, 10:15] = 2
        >>> image = np.where(labels == 1, 100, 50)
        >>> cells = coverslip.measure(labels, image, pixel_size_um=(0.5, 0.5))
        >>> cells[["label", "area_px", "area_um2", "intensity_mean", "n_near"]]
           label  area_px  area_um2  intensity_mean  n_near
        0      1       50     12.50           100.0       1
        1      2       25      6.25            50.0       1
    """
    settings = settings or MeasureSettings()
    wanted = settings.columns
    check_labels(labels)
    channels = {} if image is None else to_channels(image)
    for what, maps in (("image", channels), ("map", {"probs": probs, "spread": spread})):
        _check_sizes(what, maps, labels)
    ids, pixels = gather(labels)
    rim = find_rim(labels, pixels)
    beyond = wanted & (DISTANT | CORRECTED if channels else DISTANT)
    around = surroundings(labels, pixels, reach=settings.reach_px) if beyond else None

    def wants(group: str) -> bool:
        return not wanted.isdisjoint(names_in(group))

    table: Measures = {"label": ids}
    if wants("place"):
        table |= places(pixels, shape=labels.shape, pixel_size_um=pixel_size_um)
    if wants("shape"):
        table |= shapes(pixels, rim, pixel_size_um=pixel_size_um)
    if wants("skeleton"):
        table |= _skeletons(pixels, shape=labels.shape, pixel_size_um=pixel_size_um)
    if wants("neighbours"):
        table |= contacts(rim, ids, pixel_size=pixel_size_um or ONE)
    if around and wanted & DISTANT:
        table["n_near"] = count_near(around, distance=settings.near_px)
        table |= _nearest(labels, ids, pixels, rim, around, pixel_size_um=pixel_size_um)
    if probs is not None:
        table |= confidences(probs, pixels)
    if spread is not None:
        table |= disagreements(spread, pixels)
    if wants("intensity"):
        for name, channel in channels.items():
            found = _intensities(channel, labels, pixels, around, settings=settings)
            table |= {f"{column}_{name}" if name else column: it for column, it in found.items()}
    kept = in_order(name for name in table if split_channel(name)[0] in wanted)
    return pd.DataFrame({name: table[name] for name in kept})


def _check_sizes(what: str, maps: Mapping[str, NDArray[Any] | None], labels: Labels) -> None:
    for name, values in maps.items():
        if values is not None and values.shape != labels.shape:
            raise ValueError(
                f"the {what} {name} is {values.shape}, the labels {labels.shape}; wanted the same"
            )


def _skeletons(
    pixels: Pixels, *, shape: tuple[int, ...], pixel_size_um: tuple[float, float] | None
) -> Measures:
    found = skeletons(pixels, shape=shape)
    table: Measures = {"skeleton_length_px": found.lengths(), "skeleton_ends": found.ends}
    if pixel_size_um is not None:
        table["skeleton_length_um"] = found.lengths(pixel_size=pixel_size_um)
    return table


def _nearest(
    labels: Labels,
    ids: Integers,
    pixels: Pixels,
    rim: Rim,
    around: Surroundings,
    *,
    pixel_size_um: tuple[float, float] | None,
) -> Measures:
    """The nearest other cell; where pixels are not square, it may be another in micrometres."""
    label, gap = nearest(rim, ids, around)
    table: Measures = {"nearest_label": label, "nearest_edge_px": gap}
    if pixel_size_um is None:
        return table
    height, width = pixel_size_um
    if height == width:
        return table | {"nearest_edge_um": gap * height}
    reach = around.reach * min(height, width)
    real = surroundings(labels, pixels, reach=reach, pixel_size=pixel_size_um)
    label, gap = nearest(rim, ids, real, pixel_size=pixel_size_um)
    return table | {"nearest_label": label, "nearest_edge_um": gap}


def _intensities(
    image: NDArray[Any],
    labels: Labels,
    pixels: Pixels,
    around: Surroundings | None,
    *,
    settings: MeasureSettings,
) -> Measures:
    """The columns of one channel."""
    found = {f"intensity_{name}": values for name, values in intensities(image, pixels).items()}
    if around is None:
        return found
    ground = backgrounds(
        image, labels, around, gap_px=settings.ring_gap_px, ring_px=settings.ring_px
    )
    return found | {
        "intensity_background": ground,
        "intensity_corrected_mean": found["intensity_mean"] - ground,
        "intensity_corrected_integrated": found["intensity_integrated"] - ground * pixels.areas,
    }


def confluence(mask_or_labels: NDArray[Any]) -> float:
    """Say which fraction of the image, 0 to 1, is covered by cells.

    Raises:
        ValueError: the image has no pixels.

    Example:
        >>> import coverslip, numpy as np
        >>> coverslip.confluence(np.array([[0, 3], [0, 0]]))
        0.25
    """
    if not mask_or_labels.size:
        raise ValueError(f"the mask is {mask_or_labels.shape}; it has no pixels to be covered")
    return float(np.count_nonzero(mask_or_labels) / mask_or_labels.size)

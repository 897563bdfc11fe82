"""an image and its cells → what may be wrong with it: focus, light, debris, nothing in it.

Quality control (QC) of every image of a plate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float64]

OUTLIER = 3.5  # robust standard deviations (Iglewicz and Hoaglin 1993)
UNEVEN = 0.5  # difference of the background's ends to its mean, above which light is uneven
SATURATED = 0.01  # share of pixels at the type's limit
DEBRIS = 0.3  # share of small cells, above which they are likely to be debris
SMALL = 0.2  # of the experiment's median area, below which a cell is small
FITS = 0.5  # score of fit, below which a model does not fit
BLOCKS = 16  # along each side, in whose medians the background is looked at


class Look(NamedTuple):
    """What an image itself shows.

    Attributes:
        focus: how fast detail falls off from coarse to fine: about 0 where it does not, as in
            noise; the higher, the sharper.
        unevenness: how far the background's light differs over the view, of its mean.
        saturated: share of pixels at the greatest value.
    """

    focus: float
    unevenness: float
    saturated: float


def look_at(image: NDArray[Any]) -> Look:
    """Measure what tells of a bad image.

    Args:
        image: (H, W), or (H, W, 3), whose mean is taken.

    Example:
        >>> import numpy as np
        >>> from scipy.ndimage import gaussian_filter
        >>> from coverslip.plates import look_at
        >>> points = np.random.default_rng(0).random((256, 256)) > 0.999
        >>> sharp, blurred = (gaussian_filter(points.astype(float), sigma) for sigma in (2, 5))
        >>> look_at(sharp).focus > look_at(blurred).focus
        True
    """
    limit = np.iinfo(image.dtype).max if image.dtype.kind in "ui" else np.inf
    top = image.max() if np.isinf(limit) else limit
    saturated = float((image >= top).mean()) if image.size and not np.isinf(limit) else 0.0
    grey = image.astype(float).mean(axis=2) if image.ndim == 3 else image.astype(float)
    return Look(measure_focus(grey), measure_unevenness(grey), saturated)


def measure_focus(image: Image) -> float:
    """How much of the variation is finer than 4 px, beside what is finer than 16 px: log10.

    Blur takes fine detail first. The camera's noise, which blur does not touch, is estimated by the
    finest differences' median (Donoho 1995) and taken out.
    """
    noise = float(np.median(np.abs(_differences(image, step=1))) / 0.6745) ** 2
    fine, coarse = (
        max(float((_differences(image, step=step) ** 2).mean()) - noise / step**2, 0.0)
        for step in (2, 8)
    )
    least = 1e-3 * coarse + 1e-12  # less than this cannot be told from noise
    return float(np.log10(max(fine, least) / max(coarse, least)))


def _differences(image: Image, *, step: int) -> Image:
    """Diagonal differences of the means of squares of ``step`` pixels (Haar's wavelet)."""
    height, width = (side // (2 * step) * 2 * step for side in image.shape)
    if not height or not width:
        return np.zeros((1, 1))
    means = image[:height, :width].reshape(height // step, step, width // step, step).mean((1, 3))
    a, b = means[::2, ::2], means[::2, 1::2]
    c, d = means[1::2, ::2], means[1::2, 1::2]
    return np.asarray((a - b - c + d) / 2)


def measure_unevenness(image: Image) -> float:
    """How far a plane and a bowl through the background's blocks differ over the view, of its mean.

    The background is the median of each block; blocks full of cells, which lie far from the
    surface, are left out in two further rounds.
    """
    height, width = image.shape
    n_rows, n_columns = min(BLOCKS, height), min(BLOCKS, width)
    rows = np.array_split(np.arange(height), n_rows)
    columns = np.array_split(np.arange(width), n_columns)
    blocks = np.array([[np.median(image[np.ix_(r, c)]) for c in columns] for r in rows])
    y, x = np.meshgrid(np.linspace(-1, 1, n_rows), np.linspace(-1, 1, n_columns), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1).reshape(-1, 6)
    values = blocks.ravel()
    kept = np.ones(len(values), dtype=bool)
    for _ in range(3):
        fit, *_ = np.linalg.lstsq(terms[kept], values[kept], rcond=None)
        surface = terms @ fit
        misses = np.abs(values - surface)
        kept = misses <= 3 * max(float(np.median(misses)), 1e-9)
    mean = abs(float(surface.mean()))
    return float(np.ptp(surface)) / mean if mean > 0 else 0.0


def judge_images(images: pd.DataFrame, cells: pd.DataFrame, looks: pd.DataFrame) -> pd.DataFrame:
    """What may be wrong with each image, beside the others of the experiment.

    Args:
        images: one row per frame: ``file``, ``frame``, ``n_cells`` and, where known, ``fit``.
        cells: one row per cell: ``file``, ``frame``, ``area_px``.
        looks: ``file``, ``frame`` and the values of `Look`; without images that could not be read.

    Returns:
        One row per frame: ``file``, ``frame``, ``focus``, ``unevenness``, ``saturated``,
        ``small_cells`` (share), ``fit`` and ``flags``, words with semicolons between them; empty
        where nothing is wrong.
    """
    keys = ["file", "frame"]
    table = images[[*keys, "n_cells"]].assign(fit=images.get("fit", np.nan))
    table = table.merge(looks, on=keys, how="left")
    small = pd.DataFrame(columns=[*keys, "small_cells"])
    if len(cells) and "area_px" in cells:
        is_small = cells["area_px"] < SMALL * cells["area_px"].median()
        shares = is_small.groupby([cells[key] for key in keys]).mean()
        small = shares.rename("small_cells").reset_index()
    table = table.merge(small, on=keys, how="left")
    odd_focus = outliers_below(table["focus"].to_numpy(dtype=float))
    table["flags"] = [
        "; ".join(_flags(row, is_blurred=bool(odd)))
        for row, odd in zip(table.to_dict("records"), odd_focus, strict=True)
    ]
    order = [*keys, *Look._fields, "small_cells", "fit", "flags"]
    return table[order]


def _flags(row: dict[Any, Any], *, is_blurred: bool) -> list[str]:
    flags = []
    if row["n_cells"] == 0:
        flags.append("no cells")
    if is_blurred:
        flags.append("less sharp than the others")
    if row["unevenness"] > UNEVEN:
        flags.append("uneven light")
    if row["saturated"] > SATURATED:
        flags.append("saturated")
    if row["small_cells"] > DEBRIS:
        flags.append("many small pieces, perhaps debris")
    if row["fit"] < FITS:
        flags.append("the model does not fit")
    return flags


def outliers_below(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values lie far below the others, by the median and its absolute deviations."""
    known = values[np.isfinite(values)]
    if len(known) < 5:  # nothing to be compared with
        return np.zeros(len(values), dtype=bool)
    middle = float(np.median(known))
    spread = max(1.4826 * float(np.median(np.abs(known - middle))), 0.02)
    return np.asarray((values - middle) / spread < -OUTLIER)

"""a sample of an image's values → the range that its cells use: what becomes black, what white.

The usual range reaches from one percentile to another. A burnt-in scale bar, a white border, a bad
row of the camera, saturated cells or crystals that cover more than the last percentile would be the
whole range, and all cells black; so what is far from all the rest, with nothing between, is left
out of it. A few bright cells in an image that is noise otherwise are the opposite: they lie beyond
the last percentile, and the range is widened to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

LOOK_AT = 100_000  # values of the sample are enough to see whether anything is odd
MOST_SHARE = 0.6  # of the pixels, that may be set apart: the wide border of a mosaic


class Gap(NamedTuple):
    """What tells something that was set apart from the bright cells of an ordinary image.

    Chosen on the 997 images in docs/results/fit.md, none of which is to be changed by it.
    """

    factor: float  # so many times the range of the rest, it lies above its bottom at the least
    between: float  # pixels between the two, as a share of those that are set apart, at the most
    share: float  # of all pixels, at the most
    one_value: float  # share of those set apart that have one and the same value, at the least
    filled: float  # place of the rest's 95th percentile in its own range, at the least


GAPS = (
    Gap(factor=3, between=0.25, share=MOST_SHARE, one_value=0.6, filled=0.0),  # drawn, saturated
    Gap(factor=8, between=0.5, share=0.03, one_value=0.0, filled=0.3),  # crystals, dead cells
)
STRUCTURE = 0.5  # correlation of neighbouring pixels above which the rest is more than noise
NOISE = 0.3  # and below which it is nothing else
FAR = 4.0  # times the range of noise, above which bright cells are no noise
HELD_TOGETHER = 0.6  # share of bright pixels whose neighbour is bright: cells, not hot pixels
NOISE_BY_SIDE = {2: 0.3, 4: 0.2}  # likeness of squares of so many pixels, below which it is noise
BLOCK_PX, MOST_IN_BLOCK = 64, 0.5  # and likeness within each square of it: one cell is enough
LEAST_SIDE_PX = 32  # of an image, of which that can be said
LEAST_LEVELS = 16  # different values in the rest: fewer are a drawing, not a picture of cells
FEW = 20  # values, of which less can be said
ROUNDING = 1e-12  # share of the squares' sum, below which a variance is none


@dataclass(frozen=True)
class ValueRange:
    """What becomes 0 and what becomes 1.

    Attributes:
        low: becomes 0.
        high: becomes 1.
        note: what the user should know, where it is not that of the percentiles.
        below: what is less was left out of the range.
        above: what is more was left out of it too.
    """

    low: float
    high: float
    note: str = ""
    below: float = -math.inf
    above: float = math.inf


def sample_pairs(
    image: NDArray[Any], first: int, step: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every so-many-th value from a first one on, and the value of the next pixel in its row.

    Args:
        image: (H, W) or (H, W, 3).
        first: Place of the first value in the flattened image.
        step: From one to the next.
    """
    flat, samples = image.reshape(-1), math.prod(image.shape[2:])
    places = np.arange(first, flat.size, step)
    is_last = places // samples % image.shape[1] == image.shape[1] - 1
    following = places + np.where(is_last, -samples, samples) * (image.shape[1] > 1)
    return flat[places].astype(np.float64), flat[following].astype(np.float64)


def find_range(
    values: Values, following: Values, *, percentiles: tuple[float, float]
) -> ValueRange:
    """The range between two percentiles, without what is far from all the rest.

    Args:
        values: some of the image's, evenly spread over it.
        following: of each, the value of the next pixel.
        percentiles: in [0, 100].

    Returns:
        A range with `low` not below `high` where the percentiles coincide.
    """
    low, high = np.percentile(values, percentiles).tolist()
    step = max(1, len(values) // LOOK_AT)
    some, their = values[::step], following[::step]
    top = find_cut(some, their)
    bottom = find_cut(-some, -their)
    if top is None and bottom is None:
        return widen(ValueRange(low, high), values, following)
    kept = values
    parts = []
    if top is not None:
        kept = kept[kept <= top]
        parts.append(f"{span(values[values > top])}, all others {kept.max():g} or less")
    if bottom is not None:
        kept = kept[kept >= -bottom]
        parts.append(f"{span(values[values < -bottom])}, all others {kept.min():g} or more")
    low, high = np.percentile(kept, percentiles).tolist()
    share = 100 * (1 - len(kept) / len(values))
    note = (
        f"{share:.2g} % of the pixels are {'; and '.join(parts)}: they are saturated or burnt in, "
        "as a scale bar or a border is, and were left out of the range in which cells are looked "
        "for, and bars of them are no cells; cut them away where you can"
    )
    return ValueRange(
        low,
        high,
        note,
        below=-math.inf if bottom is None else -bottom,
        above=math.inf if top is None else top,
    )


def span(values: Values) -> str:
    """From the least to the greatest."""
    least, most = float(values.min()), float(values.max())
    return f"{most:g}" if least == most else f"{least:g} to {most:g}"


def find_cut(values: Values, following: Values) -> float | None:
    """The greatest value of the rest, if something lies far above it; None where nothing does."""
    ordered = np.sort(values)
    n = len(ordered)
    if n < FEW or ordered[0] == ordered[-1]:
        return None
    low = ordered[int(0.01 * n)]
    places = np.unique((n * (1 - np.geomspace(0.002, MOST_SHARE, 40))).astype(np.int64))
    for value in np.unique(ordered[places])[::-1].tolist():
        for gap in GAPS:
            cut = cut_at(ordered, value, low, gap)
            if cut is not None and is_structured(values, following, up_to=cut, low=low, gap=gap):
                return cut
    return None


def cut_at(ordered: Values, value: float, low: float, gap: Gap) -> float | None:
    """Where the rest ends, if it does so near a value, by a gap of this sort."""
    n, reach = len(ordered), value - low
    if reach <= 0:
        return None
    begin = int(np.searchsorted(ordered, value, "right"))
    end = int(np.searchsorted(ordered, low + gap.factor * reach, "right"))
    n_apart = n - end
    if not max(0.002 * n, FEW / 4) <= n_apart <= gap.share * n:
        return None
    if end - begin > gap.between * n_apart:
        return None
    if gap.one_value and one_value_share(ordered[end:]) < gap.one_value:
        return None
    edges = ordered[begin - 1 : end + 1]
    return float(edges[int(np.argmax(np.diff(edges)))])


def one_value_share(ordered: Values) -> float:
    """The share of the commonest of some ordered values."""
    ends = np.flatnonzero(np.diff(ordered, append=np.inf))
    return float(np.diff(ends, prepend=-1).max() / len(ordered))


def is_structured(values: Values, following: Values, *, up_to: float, low: float, gap: Gap) -> bool:
    """Whether the rest shows something, and not noise alone, in which no cells would be."""
    rest = (values <= up_to) & (following <= up_to)
    if len(np.unique(values[rest])) < LEAST_LEVELS:
        return False
    if np.percentile(values[rest], 95) - low < gap.filled * (up_to - low):
        return False
    return correlation(values[rest], following[rest]) > STRUCTURE


def correlation(one: Values, other: Values) -> float:
    """Pearson's, of pairs; 0 where one of the two does not vary."""
    if len(one) < FEW or one.min() == one.max() or other.min() == other.max():
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def widen(found: ValueRange, values: Values, following: Values) -> ValueRange:
    """The range up to the bright cells of an image that is noise otherwise, and they too few."""
    reach = found.high - found.low
    limit = found.low + FAR * reach
    bright = values > limit
    n_bright = int(np.count_nonzero(bright))
    if reach <= 0 or n_bright < FEW or (following[bright] > limit).mean() < HELD_TOGETHER:
        return found
    rest = (values <= found.high) & (following <= found.high)
    if correlation(values[rest], following[rest]) > NOISE:
        return found
    high = float(np.median(values[bright]))
    return ValueRange(
        found.low,
        high,
        f"all but {100 * n_bright / len(values):.2g} % of the pixels are noise: the range goes up "
        f"to these ({high:g}, the noise to {found.high:g})",
    )


def is_noise(image: NDArray[Any]) -> bool:
    """Whether an image shows nothing but noise: what lies side by side in it has nothing in common.

    Looked at where 2 x 2 and 4 x 4 pixels are put together, which leaves of noise little and of
    cells nearly all; in each square of `BLOCK_PX`, for a single cell, and in the whole image. None
    of the 997 annotated images in docs/results/fit.md is taken for noise.

    Args:
        image: (H, W) or (H, W, 3).
    """
    return are_noise([image], shape=(image.shape[0], image.shape[1]))


def are_noise(bands: Iterable[NDArray[Any]], *, shape: tuple[int, int]) -> bool:
    """The same of an image that is read in bands of rows, and no farther than to the first cell.

    Args:
        bands: from top to bottom, (h, W) or (h, W, 3); each but the last of a multiple of
            `BLOCK_PX` rows.
        shape: height and width of the image.
    """
    if min(shape) < LEAST_SIDE_PX:
        return False
    alike = {side: Likeness() for side in NOISE_BY_SIDE}
    for band in bands:
        grey = band if band.ndim == 2 else band.mean(axis=2)
        if any(block_likeness(block) >= MOST_IN_BLOCK for block in cut_blocks(grey)):
            return False
        alike = {side: seen.and_of(put_together(grey, side)) for side, seen in alike.items()}
    return all(alike[side].value < most for side, most in NOISE_BY_SIDE.items())


def cut_blocks(grey: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The squares of a band, those at its end that are large enough too."""
    for top in range(0, grey.shape[0], BLOCK_PX):
        for left in range(0, grey.shape[1], BLOCK_PX):
            block = grey[top : top + BLOCK_PX, left : left + BLOCK_PX]
            if min(block.shape) > LEAST_SIDE_PX:
                yield block


def put_together(image: NDArray[Any], side: int) -> Values:
    """The means of squares of so many pixels; what is left of them at the end is left out."""
    height, width = (length // side for length in image.shape)
    cut = image[: height * side, : width * side].astype(np.float64)
    means: Values = cut.reshape(height, side, width, side).mean(axis=(1, 3))
    return means


def block_likeness(block: NDArray[Any]) -> float:
    """How alike neighbouring squares of 4 x 4 pixels of a block are."""
    return Likeness().and_of(put_together(block, 4)).value


class Likeness(NamedTuple):
    """How alike neighbours of an image are, which is seen band by band from top to bottom.

    Attributes:
        across: sums over the pairs of neighbours in a row, of `pair_sums`.
        down: the same of those in a column.
        last: the last row of what was seen.
    """

    across: Values = np.zeros(6)
    down: Values = np.zeros(6)
    last: Values = np.zeros((0, 0))

    def and_of(self, squares: Values) -> Likeness:
        """What is known when another band was seen."""
        rows = np.concatenate([self.last, squares]) if self.last.size else squares
        across = self.across + pair_sums(squares[:, :-1], squares[:, 1:])
        return Likeness(across, self.down + pair_sums(rows[:-1], rows[1:]), rows[-1:])

    @property
    def value(self) -> float:
        """The correlation across or down, whichever is less."""
        return min(correlation_of(self.across), correlation_of(self.down))


def pair_sums(one: Values, other: Values) -> Values:
    """Of pairs (x, y): how many, and the sums of x, y, x², y² and x y."""
    x, y = one.ravel(), other.ravel()
    return np.array([x.size, x.sum(), y.sum(), x @ x, y @ y, x @ y], dtype=np.float64)


def correlation_of(sums: Values) -> float:
    """Pearson's, of what `pair_sums` gives; 0 where one of the two does not vary."""
    n, x, y, xx, yy, xy = sums.tolist()
    if n < FEW:
        return 0.0
    vary_x, vary_y = n * xx - x * x, n * yy - y * y
    if vary_x <= ROUNDING * n * xx or vary_y <= ROUNDING * n * yy:
        return 0.0
    return float((n * xy - x * y) / math.sqrt(vary_x * vary_y))

"""a picture with NaN and Inf → finite values, by the least and the greatest of its frame."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip.errors import FileError


@dataclass(frozen=True)
class Extremes:
    """What the finite values of a frame lie between, and how many others it has."""

    low: Any
    high: Any
    n_bad: int


def is_finite(picture: NDArray[Any]) -> bool:
    """Whether every value is finite, as those of integers are."""
    return picture.dtype.kind != "f" or bool(np.isfinite(picture).all())


def find_extremes(path: Path, pieces: Iterable[NDArray[Any]]) -> Extremes:
    """Look at a frame, piece by piece.

    Raises:
        FileError: It has no finite value.
    """
    lows, highs, n_bad = [], [], 0
    for piece in pieces:
        good = piece[np.isfinite(piece)]
        n_bad += piece.size - good.size
        if good.size:
            lows.append(good.min())
            highs.append(good.max())
    if not lows:
        raise FileError(f"{path}: holds nothing but NaN and Inf. Export the image again.")
    return Extremes(min(lows), max(highs), n_bad)


def replace_bad(picture: NDArray[Any], extremes: Extremes) -> NDArray[Any]:
    """NaN and -Inf become the least finite value of the frame, +Inf the greatest."""
    low, high = extremes.low, extremes.high
    return np.asarray(np.nan_to_num(picture, nan=low, posinf=high, neginf=low))


def say_bad(extremes: Extremes, tell: Callable[[str], None] | None) -> None:
    """Tell the user that values were replaced."""
    if tell is not None:
        tell(
            f"{extremes.n_bad} values that were NaN or Inf were replaced by {extremes.low:g} and "
            f"{extremes.high:g}"
        )

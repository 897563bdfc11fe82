"""image and maps → the same random square of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def random_crop(
    image: NDArray[np.float32],
    maps: NDArray[np.uint8],
    *,
    size: int,
    rng: np.random.Generator,
    tries: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The same random square of image (H, W[, 3]) and maps (K, H, W), reflected where too small.

    Of so many tries the first is taken whose mask, the first map, is not empty; else the last.
    """
    missing = [max(0, size - length) for length in maps.shape[1:]]
    if any(missing):
        widths = [(0, n) for n in missing]
        maps = np.pad(maps, [(0, 0), *widths], mode="reflect")
        image = np.pad(image, widths + [(0, 0)] * (image.ndim - 2), mode="reflect")
    for _ in range(tries):
        rows, columns = place_crop(maps.shape[1:], size=size, rng=rng)
        if maps[0, rows, columns].any():
            break
    return image[rows, columns], maps[:, rows, columns]


def place_crop(shape: Sequence[int], *, size: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """Rows and columns of a random square within (H, W)."""
    top, left = (int(rng.integers(0, length - size + 1)) for length in shape)
    return slice(top, top + size), slice(left, left + size)

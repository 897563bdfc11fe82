"""stored samples of a TIFF page → grey (H, W) or colour (H, W, 3)."""

from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

# Tag 262; TIFF 6.0 and its supplements.
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR = 0, 1, 2, 3, 5, 6
MASK = 4
ALPHA = (1, 2)  # tag 338: associated and unassociated alpha


def kind(page: tifffile.TiffPage, *, samples: int) -> str:
    """Tell what the samples of a page are.

    Args:
        page: The page.
        samples: Length of the file's dimension of samples, 0 where it has none.

    Returns:
        "grey", "inverted" (0 is white), "palette", "grey palette", "rgb", "cmyk", "grey+alpha",
        "channels" or, for what we do not understand, "unknown".
    """
    photometric = int(page.photometric)
    if samples == 0:
        if photometric == PALETTE and page.colormap is not None and not page.is_imagej:
            return "palette" if (page.colormap != page.colormap[0]).any() else "grey palette"
        known = {WHITE_IS_ZERO: "inverted", BLACK_IS_ZERO: "grey", MASK: "grey"}
        # RGB in a file whose metadata call its planes something else; ImageJ's display tables.
        return known.get(photometric, "grey" if photometric in (RGB, PALETTE) else "unknown")
    if photometric in (RGB, YCBCR) and samples >= 3:
        return "rgb"
    if photometric == SEPARATED and samples >= 4:
        return "cmyk"
    if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        return "grey+alpha" if samples == 2 and has_alpha(page) else "channels"
    return "unknown"


def has_alpha(page: tifffile.TiffPage) -> bool:
    """Whether the last sample of a page is its transparency."""
    return any(int(extra) in ALPHA for extra in page.extrasamples)


def show(plane: NDArray[Any], page: tifffile.TiffPage, *, how: str) -> NDArray[Any]:
    """Make grey or red, green and blue of the stored samples.

    Args:
        plane: (H, W) or (H, W, S) as stored.
        page: Where it comes from.
        how: Its `kind`.

    Returns:
        (H, W) or (H, W, 3).
    """
    if is_inverted(page, how=how):
        plane = invert(plane, bits=bits(page))
    if how.endswith("palette"):
        # (3, n) 16-bit colours; an entry beyond the table is shown as its last colour.
        colours = np.take(np.asarray(page.colormap), plane, axis=1, mode="clip")
        return colours[0] if how == "grey palette" else colours.transpose(1, 2, 0)
    if how == "rgb":
        return plane[..., :3]
    if how == "cmyk":
        top = float(np.iinfo(plane.dtype).max)
        ink = plane[..., :4] / top
        return np.rint((1 - ink[..., :3]) * (1 - ink[..., 3:]) * top).astype(plane.dtype)
    return plane[..., 0] if how == "grey+alpha" else plane


def is_inverted(page: tifffile.TiffPage, *, how: str) -> bool:
    """Whether 0 is white in a page of greys."""
    greys = ("inverted", "grey+alpha", "channels")
    return how in greys and int(page.photometric) == WHITE_IS_ZERO


def invert(plane: NDArray[Any], *, bits: int) -> NDArray[Any]:
    """Turn brightness round, whatever the type, so that any part of a picture fits the others.

    >>> invert(np.array([0, 255], np.uint8), bits=8).tolist()
    [255, 0]
    >>> invert(np.array([-128, 127], np.int8), bits=8).tolist()
    [127, -128]
    >>> invert(np.array([0.0, 2.5]), bits=64).tolist()
    [0.0, -2.5]
    """
    if plane.dtype.kind == "u":  # the largest value: 4095 for 12 bits stored in 16
        return np.asarray(plane.dtype.type(2**bits - 1) - plane)
    return np.asarray(~plane if plane.dtype.kind == "i" else plane.dtype.type(0) - plane)


def say_inverted(dtype: np.dtype[Any]) -> str:
    """What the user is told of it."""
    how = {"u": "it was inverted", "i": "each value v was made -1 - v"}
    done = how.get("u" if dtype.kind == "b" else dtype.kind, "each value v was made -v")
    return f"0 is white in this file; {done}, so that bright is large"


def bits(page: tifffile.TiffPage) -> int:
    """Bits per sample; the widest, where the samples differ."""
    depth = page.bitspersample
    return int(max(depth)) if isinstance(depth, tuple) else int(depth)

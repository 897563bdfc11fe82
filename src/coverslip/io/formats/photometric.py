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


def show(
    plane: NDArray[Any], page: tifffile.TiffPage, *, how: str, top: float | None = None
) -> NDArray[Any]:
    """Make grey or red, green and blue of the stored samples.

    Args:
        plane: (H, W) or (H, W, S) as stored.
        page: Where it comes from.
        how: Its `kind`.
        top: The greatest value of its image, for real numbers of which 0 is white.

    Returns:
        (H, W) or (H, W, 3).
    """
    if is_inverted(page, how=how):
        plane = invert(plane, bits=bits(page), top=top)
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


def invert(plane: NDArray[Any], *, bits: int, top: float | None = None) -> NDArray[Any]:
    """Turn brightness round so that no value is negative, and any part fits the others.

    Args:
        plane: Numbers of any type; integers with a sign become such without.
        bits: Of unsigned integers.
        top: What real numbers are taken from: the greatest of the image; None: 0.

    >>> invert(np.array([0, 255], np.uint8), bits=8).tolist()
    [255, 0]
    >>> invert(np.array([-128, 0, 127], np.int8), bits=8).tolist()
    [255, 127, 0]
    >>> invert(np.array([0.0, 2.5]), bits=64, top=4.0).tolist()
    [4.0, 1.5]
    """
    if plane.dtype.kind == "u":  # the largest value: 4095 for 12 bits stored in 16
        return np.asarray(plane.dtype.type(2**bits - 1) - plane)
    if plane.dtype.kind == "i":
        unsigned = np.dtype(f"u{plane.dtype.itemsize}")
        # Beyond the largest, the numbers begin again at 0, which is what is meant.
        return np.asarray(unsigned.type(np.iinfo(plane.dtype).max) - plane.astype(unsigned))
    return np.asarray(plane.dtype.type(top or 0.0) - plane)


def say_inverted(dtype: np.dtype[Any], *, top: float) -> str:
    """What the user is told of it.

    >>> say_inverted(np.dtype("i2"), top=0)
    '0 is white in this file; each value v was made 32767 - v, so that bright is large'
    """
    done = "it was inverted"
    if dtype.kind == "i":
        done = f"each value v was made {np.iinfo(dtype).max} - v"
    elif dtype.kind == "f":
        done = f"each value v was made {top:g} - v, from the greatest in the file"
    return f"0 is white in this file; {done}, so that bright is large"


def bits(page: tifffile.TiffPage) -> int:
    """Bits per sample; the widest, where the samples differ."""
    depth = page.bitspersample
    return int(max(depth)) if isinstance(depth, tuple) else int(depth)

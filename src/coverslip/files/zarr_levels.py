"""an image's size → the levels of its pyramid in OME-Zarr 0.5, and what is said of them.

Each level is half as wide as the one before it. Source: https://ngff.openmicroscopy.org/0.5
"""

from typing import Any

from numpy.typing import DTypeLike

OME_ZARR_VERSION = "0.5"
CHUNK_PX = 1024
# Viewers fetch the level that fits their window; below this there is no gain in another one.
SMALLEST_PX = 256
KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Height and width of every level, the largest first.

    >>> level_sizes(300, 1000)
    [(300, 1000), (150, 500), (75, 250)]
    """
    sizes = [(height, width)]
    while max(height, width) > SMALLEST_PX:
        height, width = (height + 1) // 2, (width + 1) // 2
        sizes.append((height, width))
    return sizes


def create_levels(group: Any, shape: tuple[int, ...], *, axes: str, dtype: DTypeLike) -> list[Any]:
    """Make empty arrays called 0, 1, …, each half as high and wide as the one before it.

    Args:
        group: zarr's own.
        shape: Of the largest level, H and W last.
        axes: A letter for each length.
        dtype: Of the values.
    """
    *outer, height, width = shape
    return [
        group.create_array(
            str(level),
            shape=(*outer, *size),
            chunks=(*(1 for _ in outer), *(min(CHUNK_PX, length) for length in size)),
            dtype=dtype,
            dimension_names=list(axes.lower()),
        )
        for level, size in enumerate(level_sizes(height, width))
    ]


def describe_levels(
    name: str,
    *,
    axes: str,
    n_levels: int,
    pixel_size_um: tuple[float, float] | None,
    frame_interval_s: float | None,
) -> dict[str, Any]:
    """The entry of "multiscales" for such levels."""
    units = {"T": "second"} if frame_interval_s is not None else {}
    if pixel_size_um is not None:
        units |= {"Y": "micrometer", "X": "micrometer"}
    height, width = pixel_size_um or (1.0, 1.0)
    one = {"T": frame_interval_s or 1.0, "Y": height, "X": width}
    return {
        "name": name,
        "axes": [
            {"name": axis.lower(), "type": KINDS[axis]}
            | ({"unit": units[axis]} if axis in units else {})
            for axis in axes
        ],
        "datasets": [
            {"path": str(level), "coordinateTransformations": _place(axes, level, one)}
            for level in range(n_levels)
        ],
    }


def _place(axes: str, level: int, one: dict[str, float]) -> list[dict[str, Any]]:
    """Size of a level's pixels, and where the centre of the first one is; level 0 begins at 0."""
    steps = [one.get(axis, 1.0) * (2**level if axis in "YX" else 1) for axis in axes]
    # A pixel of a level covers a block of pixels of level 0, and its centre is the block's.
    shifts = [one[axis] * (2**level - 1) / 2 if axis in "YX" else 0.0 for axis in axes]
    places = [{"type": "scale", "scale": steps}]
    return [*places, {"type": "translation", "translation": shifts}] if level else places

"""labels → an OME-TIFF of the smallest integers that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.io import write_labels

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.export.source import LabelImage


def write_ome_tiff(path: Path, source: LabelImage) -> None:
    """Write labels as an OME-TIFF with pixel size, axes and interval, whole or not at all.

    Up to 255 cells are uint8, up to 65,535 uint16: 32-bit labels would be real numbers in Fiji.

    Args:
        path: A ``.ome.tif``; many programs know the format by that name alone.
        source: The labels.

    Raises:
        FileError: The file cannot be written.

    Example:
        >>> import coverslip, numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.export import LabelImage, write_ome_tiff
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.ome.tif")
        ...     write_ome_tiff(path, LabelImage(np.array([[0, 5]]), pixel_size_um=(0.5, 0.5)))
        ...     print(coverslip.open_image(path).pixel_size_um, coverslip.read_labels(path))
        (0.5, 0.5) [[0 5]]
    """
    write_labels(
        path,
        source.frames,
        shape=source.labels.shape,
        axes=source.axes,
        pixel_size_um=source.pixel_size_um,
        frame_interval_s=source.frame_interval_s,
        dtype=source.smallest_dtype,
    )

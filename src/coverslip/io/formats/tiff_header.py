"""TIFF → Header: its axes, its calibration, and what the user should know of it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from coverslip.errors import FileError
from coverslip.io.axes import describe
from coverslip.io.formats import orientation, photometric
from coverslip.io.formats.metadata import Calibration, from_imagej, from_ome, from_tags
from coverslip.io.formats.tiff import OpenTiff, opened, plane
from coverslip.io.header import Header


def read_header(path: Path) -> Header:
    """Read what a TIFF says of itself.

    Raises:
        FileError: The file is damaged, or stores what we cannot read.
    """
    with opened(path) as file:
        if file.how == "unknown":
            raise FileError(
                f"{path}: its colours are stored as {file.page.photometric!r}, which is not "
                "read. Convert it to grey or RGB in Fiji (Image > Type)."
            )
        known = _calibration(file)
        page = file.page
        # tifffile reads bilevel pages as bool, and we hand them on as 0 and 1.
        dtype = np.dtype(np.uint8) if page.dtype == np.bool_ else np.dtype(page.dtype)
        bits = known.bit_depth or photometric.bits(page)
        if file.how.endswith("palette"):  # the colours of a table have 16 bits
            dtype, bits = np.dtype(np.uint16), 16
        return Header(
            axes=file.axes.replace("S", "C") if file.how == "channels" else file.axes,
            shape=file.shape_as_seen,
            dtype=dtype.newbyteorder("="),
            bit_depth=bits,
            samples=file.how,
            pixel_size_um=known.pixel_size_um
            and orientation.size_as_seen(known.pixel_size_um, file.orientation),
            channel_names=known.channel_names,
            frame_interval_s=known.frame_interval_s,
            notes=(*known.notes, *_notes(file)),
        )


def _calibration(file: OpenTiff) -> Calibration:
    tags = {tag.code: tag.value for tag in file.page.tags if tag.code in (282, 283, 296)}
    if file.tif.is_ome and file.tif.ome_metadata:
        return from_ome(file.tif.ome_metadata)
    if file.tif.is_imagej and file.tif.imagej_metadata:
        return from_imagej(file.tif.imagej_metadata, tags)
    return from_tags(tags)


def _notes(file: OpenTiff) -> Iterator[str]:
    yield from (f"the TIFF reader says: {message}" for message in file.messages)
    if len(file.tif.series) > 1:
        yield (
            f"it holds {len(file.tif.series)} series of pages; only the first "
            f"({describe(file.shape)}) is read"
        )
    if file.how == "channels":
        yield f"its {file.shape[file.axes.index('S')]} samples per pixel are read as channels"
    if file.how == "rgb" and file.page.planarconfig == 2:
        yield "its separate planes are read as red, green and blue; --axes overrides"
    yield from orientation.note(file.orientation)
    if photometric.is_inverted(file.page, how=file.how):
        yield photometric.say_inverted(np.dtype(file.page.dtype))
    if file.how.endswith("palette"):
        yield "the entries of its colour table were replaced by their colours"
    if file.how == "grey" and int(file.page.photometric) == photometric.PALETTE:
        yield "its colour table is for display (ImageJ) and was left aside"
    if file.how == "cmyk":
        yield "CMYK colours were turned into RGB without a colour profile"
    if file.how in ("rgb", "grey+alpha") and photometric.has_alpha(file.page):
        yield from _alpha_note(file)


def _alpha_note(file: OpenTiff) -> Iterator[str]:
    alpha = plane(file, axes=file.axes, index={})[..., -1]
    opaque = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1
    share = np.count_nonzero(alpha < opaque) / alpha.size
    if share:
        yield (
            f"the alpha channel was dropped, although {share:.1%} of the pixels "
            "(of the first frame) are (partly) transparent"
        )

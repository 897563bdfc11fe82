"""TIFF → Header: its axes, its calibration, and what the user should know of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from coverslip.errors import FileError
from coverslip.io.formats import orientation, photometric
from coverslip.io.formats.metadata import Calibration, from_imagej, from_ome, from_pixels, from_tags
from coverslip.io.formats.ome_set import OmeSet, find_set
from coverslip.io.formats.tiff import OpenTiff, greatest, opened, plane
from coverslip.io.formats.vendors import from_vendor
from coverslip.io.header import Header


def read_header(path: Path, series: int = 0) -> Header:
    """Read what a TIFF says of itself.

    Args:
        path: The file.
        series: Which of its images.

    Raises:
        FileError: The file is damaged, or stores what we cannot read.
    """
    with opened(path, series, look=True) as file:
        if file.how == "unknown":
            raise FileError(
                f"{path}: its colours are stored as {file.page.photometric!r}, which is not "
                "read. Convert it to grey or RGB in Fiji (Image > Type)."
            )
        known = _calibration(file)
        page, picture = file.page, file.picture
        # tifffile reads bilevel pages as bool, and we hand them on as 0 and 1.
        dtype = np.dtype(np.uint8) if page.dtype == np.bool_ else np.dtype(page.dtype)
        bits = known.bit_depth or photometric.bits(page)
        if file.is_inverted and dtype.kind == "i":
            dtype = np.dtype(f"u{dtype.itemsize}")
        if file.how.endswith("palette"):  # the colours of a table have 16 bits
            dtype, bits = np.dtype(np.uint16), 16
        outer = file.shape[: len(file.shape) - len(page.shape)]
        return Header(
            axes=file.axes.replace("S", "C") if file.how == "channels" else file.axes,
            shape=file.shape_as_seen,
            dtype=dtype.newbyteorder("="),
            bit_depth=bits,
            samples=file.how,
            slice_distance_um=known.slice_distance_um,
            pixel_size_um=known.pixel_size_um
            and orientation.size_as_seen(known.pixel_size_um, file.orientation),
            channel_names=known.channel_names,
            frame_interval_s=known.frame_interval_s,
            notes=(*known.notes, *picture.notes, *_notes(file)),
            is_free=True,
            names=file.names,
            gaps={
                tuple(int(at) for at in np.unravel_index(number, outer)): why
                for number, why in picture.gaps.items()
            },
        )


def _calibration(file: OpenTiff) -> Calibration:
    tags = {tag.code: tag.value for tag in file.page.tags if tag.code in (282, 283, 296)}
    vendor = from_vendor(file.tif, file.page)
    if file.tif.is_ome and file.tif.ome_metadata:
        found = find_set(file.path, file.tif.ome_metadata)
        own = _of_set(file, found) or from_ome(file.tif.ome_metadata, file.picture.number)
        return _completed(own, vendor)
    if vendor is not None:
        return vendor
    if file.tif.is_imagej and file.tif.imagej_metadata:
        return from_imagej(file.tif.imagej_metadata, tags)
    return from_tags(tags)


def _of_set(file: OpenTiff, found: OmeSet | None) -> Calibration | None:
    """What the XML of a set says, which may lie in another file."""
    if found is None or file.picture.number not in found.numbers:
        return None
    return from_pixels(found.images[found.numbers.index(file.picture.number)].pixels)


def _completed(own: Calibration, vendor: Calibration | None) -> Calibration:
    """What OME-XML leaves open, the microscope's own metadata may say."""
    if vendor is None:
        return own
    return replace(
        own,
        pixel_size_um=own.pixel_size_um or vendor.pixel_size_um,
        channel_names=own.channel_names or vendor.channel_names,
        frame_interval_s=own.frame_interval_s or vendor.frame_interval_s,
        slice_distance_um=own.slice_distance_um or vendor.slice_distance_um,
    )


def _notes(file: OpenTiff) -> Iterator[str]:
    yield from (f"the TIFF reader says: {message}" for message in file.messages)
    if file.how == "channels":
        n_samples = file.page.shape[file.page.axes.index("S")]
        yield f"its {n_samples} samples per pixel are read as channels"
    if file.how == "rgb" and file.page.planarconfig == 2:
        yield "its separate planes are read as red, green and blue; --axes overrides"
    yield from orientation.note(file.orientation)
    if file.is_inverted:
        dtype = np.dtype(file.page.dtype)
        yield photometric.say_inverted(dtype, top=greatest(file) if dtype.kind == "f" else 0)
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

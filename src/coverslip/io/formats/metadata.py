"""metadata of a file → pixel size in µm, channel names, seconds between frames."""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from coverslip.io.formats.units import (
    NO_UNITS,
    interval_of,
    normalise,
    scaled,
    square,
    to_s,
    to_um,
    um_per_unit,
)

# A camera pixel of 6.5 µm behind a 0.5× objective is 13 µm wide; 1200 dpi, the finest print, is 21.
COARSEST_UM = 20.0
FINEST_UM = 1e-4


@dataclass(frozen=True)
class Calibration:
    """What a file's metadata say about the world outside of the file."""

    pixel_size_um: tuple[float, float] | None = None
    channel_names: tuple[str, ...] = ()
    frame_interval_s: float | None = None
    bit_depth: int | None = None
    slice_distance_um: float | None = None
    notes: tuple[str, ...] = ()


def um_or_note(size_um: tuple[float, float]) -> tuple[tuple[float, float] | None, str | None]:
    """Tell a pixel size from a resolution for screen or print, such as 72, 96 or 300 dpi.

    Args:
        size_um: Height and width of a pixel in µm.

    Returns:
        The size or None, and a note that says what was taken or ignored.
    """
    height, width = size_um
    if FINEST_UM <= height <= COARSEST_UM and FINEST_UM <= width <= COARSEST_UM:
        return size_um, f"pixel size {height:.4g} × {width:.4g} µm from the resolution in the file"
    dpi = 25_400 / width if width > 0 else 0
    return None, f"the resolution in the file ({dpi:.4g} dpi) is no microscope's and was ignored"


def from_ome(xml: str, image: int = 0) -> Calibration:
    """Read an image of an OME-XML.

    Args:
        xml: The text.
        image: Which of its images, from 0.

    Source: https://docs.openmicroscopy.org/ome-model/latest/ome-tiff/specification.html
    """
    try:
        root = ElementTree.fromstring(xml.encode("utf-8"))
    except ElementTree.ParseError as error:
        return Calibration(notes=(f"its OME-XML is damaged ({error}) and was ignored",))
    found = root.findall(".//{*}Pixels")
    return from_pixels(found[image]) if image < len(found) else Calibration()


def from_pixels(pixels: ElementTree.Element) -> Calibration:
    """Read the element Pixels of an OME-XML."""
    names = [channel.get("Name") for channel in pixels.findall("{*}Channel")]
    depth = pixels.get("SignificantBits")
    size, size_notes = _ome_pixel_size(pixels)
    interval, interval_notes = _ome_interval(pixels)
    distance, _ = to_um(pixels.get("PhysicalSizeZ"), pixels.get("PhysicalSizeZUnit", "µm"))
    return Calibration(
        pixel_size_um=size,
        slice_distance_um=distance,
        channel_names=tuple(name for name in names if name) if all(names) else (),
        frame_interval_s=interval,
        bit_depth=int(depth) if depth and depth.isdigit() else None,
        notes=(*size_notes, *interval_notes),
    )


def _ome_pixel_size(
    pixels: ElementTree.Element,
) -> tuple[tuple[float, float] | None, list[str]]:
    (height, of_height), (width, of_width) = (
        to_um(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        for axis in "YX"
    )
    size, note = square(height, width)
    notes = [note for note in (of_width or of_height, note) if note]
    return size, notes


def _ome_interval(pixels: ElementTree.Element) -> tuple[float | None, list[str]]:
    """The time between frames, or else what the times of the planes come to."""
    interval, note = to_s(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"))
    if interval is None and note is None and pixels.get("SizeT") not in (None, "1"):
        interval, note = interval_of(_plane_times(pixels))
    return interval, [note] if note else []


def _plane_times(pixels: ElementTree.Element) -> list[float]:
    """When the first plane of each time was taken, in s; nothing where one is not known."""
    times: dict[int, float] = {}
    for plane in pixels.findall("{*}Plane"):
        if plane.get("TheZ") in (None, "0") and plane.get("TheC") in (None, "0"):
            taken, _ = to_s(plane.get("DeltaT"), plane.get("DeltaTUnit", "s"))
            is_zero = plane.get("DeltaT") is not None and not scaled(plane.get("DeltaT"), 1.0)
            number = plane.get("TheT", "")
            if number.isdecimal() and (taken is not None or is_zero):
                times[int(number)] = taken or 0.0
    ordered = [times[number] for number in sorted(times)]
    return ordered if sorted(times) == list(range(len(times))) and len(times) > 1 else []


def from_imagej(metadata: dict[str, Any], tags: dict[int, Any]) -> Calibration:
    """Read what Fiji and ImageJ write.

    The description holds the unit, the resolution tags how many pixels go into one.
    Source: https://imagej.net/ij/developer/source/ij/io/FileInfo.java.html

    Args:
        metadata: tifffile's reading of the description and of ImageJ's own tags.
        tags: Values of the first page's tags by their number.
    """
    unit = str(metadata.get("unit", ""))
    per_unit = _resolution(tags)
    if per_unit and int(tags.get(296, 1)) == 3 and um_per_unit(unit) == 1:
        per_unit = per_unit[0] / 1e4, per_unit[1] / 1e4  # ImageJ, too, takes the tags at their word
    size: tuple[float, float] | None = None
    notes: list[str] = []
    if per_unit:
        size, notes = _imagej_pixel_size(metadata, unit, per_unit)
    if size and normalise(unit) in ("inch", "inches", "in", "cm"):  # another program's dpi
        size, note = um_or_note(size)
        notes = [note] if note else []
    interval, note = to_s(metadata.get("finterval"), metadata.get("tunit") or "s")
    depth, _ = to_um(metadata.get("spacing"), str(metadata.get("zunit") or unit))
    return Calibration(
        pixel_size_um=size,
        slice_distance_um=depth,
        channel_names=_imagej_names(metadata),
        frame_interval_s=interval,
        notes=(*notes, *([note] if note else [])),
    )


def _imagej_pixel_size(
    metadata: dict[str, Any], unit: str, per_unit: tuple[float, float]
) -> tuple[tuple[float, float] | None, list[str]]:
    """The pixel size from the resolution; ImageJ's axes may have units of their own."""
    units = str(metadata.get("yunit") or unit), unit
    if normalise(unit) in NO_UNITS and per_unit == (1.0, 1.0):
        return None, []
    found = [to_um(1 / n, name) for n, name in zip(per_unit, units, strict=True)]
    notes = [note for _, note in found if note][-1:]
    size, note = square(found[0][0], found[1][0])
    return size, [*notes, *([note] if note else [])]


def _imagej_names(metadata: dict[str, Any]) -> tuple[str, ...]:
    """ImageJ labels slices, not channels: names only where there is one label for each channel."""
    labels = metadata.get("Labels") or []
    return tuple(labels) if len(labels) == metadata.get("channels", 1) > 1 else ()


def from_tags(tags: dict[int, Any]) -> Calibration:
    """Read the resolution tags of a plain TIFF, where they have a unit of length.

    Source: TIFF 6.0, tags 282, 283 (pixels per unit) and 296 (2 = inch, 3 = centimetre).
    """
    scale = {2: 25_400.0, 3: 10_000.0}.get(int(tags.get(296, 1)))
    per_unit = _resolution(tags)
    if not scale or not per_unit:
        return Calibration()
    size, note = um_or_note((scale / per_unit[0], scale / per_unit[1]))
    return Calibration(pixel_size_um=size, notes=(note,) if note else ())


def _resolution(tags: dict[int, Any]) -> tuple[float, float] | None:
    """Pixels per unit (y, x) from tags 283 and 282, which hold a fraction each."""
    try:
        vertical, horizontal = tags[283], tags[282]
        per_unit = vertical[0] / vertical[1], horizontal[0] / horizontal[1]
    except (KeyError, TypeError, IndexError, ZeroDivisionError):
        return None
    return per_unit if min(per_unit) > 0 else None

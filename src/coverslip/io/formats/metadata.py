"""metadata of a file → pixel size in µm, channel names, seconds between frames."""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

# A camera pixel of 6.5 µm behind a 0.5× objective is 13 µm wide; 1200 dpi, the finest print, is 21.
COARSEST_UM = 20.0
FINEST_UM = 1e-4

UM_PER_UNIT = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "meter": 1e6,
    "centimeter": 1e4,
    "millimeter": 1e3,
    "nanometer": 1e-3,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "å": 1e-4,
    "pm": 1e-6,
    "inch": 25_400.0,
    "in": 25_400.0,
}
S_PER_UNIT = {
    "d": 86_400.0,
    "day": 86_400.0,
    "h": 3600.0,
    "hour": 3600.0,
    "min": 60.0,
    "minute": 60.0,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "ms": 1e-3,
    "millisecond": 1e-3,
    "µs": 1e-6,
    "microsecond": 1e-6,
}


@dataclass(frozen=True)
class Calibration:
    """What a file's metadata say about the world outside of the file."""

    pixel_size_um: tuple[float, float] | None = None
    channel_names: tuple[str, ...] = ()
    frame_interval_s: float | None = None
    bit_depth: int | None = None
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


def from_ome(xml: str) -> Calibration:
    """Read the first image of an OME-XML.

    Source: https://docs.openmicroscopy.org/ome-model/latest/ome-tiff/specification.html
    """
    try:
        root = ElementTree.fromstring(xml.encode("utf-8"))
    except ElementTree.ParseError as error:
        return Calibration(notes=(f"its OME-XML is damaged ({error}) and was ignored",))
    pixels = root.find(".//{*}Pixels")
    if pixels is None:
        return Calibration()
    names = [channel.get("Name") for channel in pixels.findall("{*}Channel")]
    depth = pixels.get("SignificantBits")
    return Calibration(
        pixel_size_um=_ome_pixel_size(pixels),
        channel_names=tuple(name for name in names if name) if all(names) else (),
        frame_interval_s=scaled(
            pixels.get("TimeIncrement"), S_PER_UNIT.get(pixels.get("TimeIncrementUnit", "s"))
        ),
        bit_depth=int(depth) if depth and depth.isdigit() else None,
    )


def _ome_pixel_size(pixels: ElementTree.Element) -> tuple[float, float] | None:
    height, width = (
        scaled(
            pixels.get(f"PhysicalSize{axis}"),
            um_per_unit(pixels.get(f"PhysicalSize{axis}Unit", "µm")),
        )
        for axis in "YX"
    )
    return (height, width) if height and width else None


def from_imagej(metadata: dict[str, Any], tags: dict[int, Any]) -> Calibration:
    """Read what Fiji and ImageJ write.

    The description holds the unit, the resolution tags how many pixels go into one.
    Source: https://imagej.net/ij/developer/source/ij/io/FileInfo.java.html

    Args:
        metadata: tifffile's reading of the description and of ImageJ's own tags.
        tags: Values of the first page's tags by their number.
    """
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "µ")
    scale = um_per_unit(unit)
    per_unit = _resolution(tags)
    size, notes = None, []
    if scale and per_unit:
        size = scale / per_unit[0], scale / per_unit[1]
        if unit in ("inch", "in", "cm"):  # what ImageJ makes of another program's dpi
            size, note = um_or_note(size)
            notes = [note] if note else []
    interval = scaled(metadata.get("finterval"), S_PER_UNIT.get(metadata.get("tunit", "s")))
    return Calibration(
        pixel_size_um=size,
        channel_names=_imagej_names(metadata),
        frame_interval_s=interval,
        notes=tuple(notes),
    )


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


def um_per_unit(unit: str) -> float | None:
    """Length of a unit in µm; None for one that is no length."""
    # Two characters look like µ: the micro sign and the Greek letter.
    return UM_PER_UNIT.get(unit.strip().lower().replace("μ", "µ"))


def scaled(value: Any, scale: float | None) -> float | None:
    """A positive finite number times a scale; None for anything else."""
    try:
        number = float(value) * float(scale or 0)
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None

"""what microscopes write into TIFFs of their own → pixel size in µm, channel names, interval in s.

LSM (Zeiss), STK and others of MetaMorph, and the TIFFs of Micro-Manager, among them NDTiff.
"""

from typing import Any

import tifffile

from coverslip.io.formats.metadata import Calibration
from coverslip.io.formats.units import interval_of, scaled, square, to_um

MICRO_MANAGER = 51123  # the tag of a page's own metadata


def from_vendor(tif: tifffile.TiffFile, page: tifffile.TiffPage) -> Calibration | None:
    """What a file's own kind of metadata say; None where it has none that is known here."""
    if tif.is_lsm and tif.lsm_metadata:
        return from_lsm(tif.lsm_metadata)
    if tif.is_stk and tif.stk_metadata:
        return from_stk(tif.stk_metadata)
    if tif.is_metaseries and tif.metaseries_metadata:
        return from_metaseries(tif.metaseries_metadata)
    tag = page.tags.get(MICRO_MANAGER)
    if tag is not None and isinstance(tag.value, dict):
        return from_micro_manager(tag.value, _summary(tif))
    return None


def from_lsm(about: dict[str, Any]) -> Calibration:
    """Read a Zeiss LSM: its sizes are in metres, its times in seconds.

    Args:
        about: tifffile's `lsm_metadata`.
    """
    height, width = (scaled(about.get(f"VoxelSize{axis}"), 1e6) for axis in "YX")
    size, note = square(height, width)
    times = about.get("TimeStamps")
    interval, vary = None, None
    if times is not None and len(times) > 1:
        interval, vary = interval_of([float(time) for time in times])
    if interval is None:
        interval = scaled(about.get("TimeIntervall", about.get("TimeInterval")), 1.0)
    names = (about.get("ChannelColors") or {}).get("ColorNames") or ()
    return Calibration(
        pixel_size_um=size,
        channel_names=tuple(str(name).strip("\0 ") for name in names),
        frame_interval_s=interval,
        notes=tuple(one for one in (note, vary) if one),
    )


def from_stk(about: dict[str, Any]) -> Calibration:
    """Read a MetaMorph STK.

    Args:
        about: tifffile's `stk_metadata`; its times of creation are days and milliseconds.
    """
    unit = str(about.get("CalibrationUnits") or "")
    found = [to_um(about.get(f"{axis}Calibration"), unit) for axis in "YX"]
    if not about.get("SpatialCalibration", 1):  # the microscope was not calibrated: 1 pixel
        found = [(None, None), (None, None)]
    size, note = square(found[0][0], found[1][0])
    interval, vary = interval_of(_stk_times(about))
    notes = (found[1][1] or found[0][1], note, vary)
    return Calibration(
        pixel_size_um=size,
        frame_interval_s=interval,
        notes=tuple(one for one in notes if one),
    )


def _stk_times(about: dict[str, Any]) -> list[float]:
    """When each plane was made, in s; nothing for one plane or where that is not known."""
    times = about.get("DatetimeCreated")
    if times is None or len(times) < 2:
        return []
    return [float(time) / 1e6 for time in times.astype("datetime64[us]").astype("int64")]


def from_metaseries(about: dict[str, Any]) -> Calibration:
    """Read the XML of MetaMorph and MetaXpress in a TIFF of one plane."""
    plane = about.get("PlaneInfo") or {}
    if not plane.get("spatial-calibration-state", True):
        return Calibration()
    unit = str(plane.get("spatial-calibration-units") or "")
    found = [to_um(plane.get(f"spatial-calibration-{axis}"), unit) for axis in "yx"]
    size, note = square(found[0][0], found[1][0])
    notes = (found[1][1] or found[0][1], note)
    return Calibration(pixel_size_um=size, notes=tuple(one for one in notes if one))


def from_micro_manager(about: dict[str, Any], summary: dict[str, Any]) -> Calibration:
    """Read Micro-Manager's metadata of a page, and of the whole acquisition."""
    sizes = (about.get("PixelSizeUm"), summary.get("PixelSize_um"), summary.get("PixelSizeUm"))
    size = next((one for one in (scaled(value, 1.0) for value in sizes) if one), None)
    aspect = scaled(about.get("PixelAspect", summary.get("PixelAspect")), 1.0) or 1.0
    names = summary.get("ChNames") or ()
    return Calibration(
        pixel_size_um=(size / aspect, size) if size else None,
        channel_names=tuple(map(str, names)) if isinstance(names, list) else (),
        frame_interval_s=scaled(summary.get("Interval_ms"), 1e-3),
    )


def _summary(tif: tifffile.TiffFile) -> dict[str, Any]:
    about = tif.micromanager_metadata or {}
    found = about.get("Summary") or {}
    return found if isinstance(found, dict) else {}

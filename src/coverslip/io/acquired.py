"""image files → when each was acquired: TIFF's DateTime, OME's AcquisitionDate and DeltaT, EXIF."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import tifffile
from PIL import Image

from coverslip.io.formats.units import s_per_unit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

EXIF, TAKEN, CHANGED = 0x8769, 0x9003, 0x0132
STAMP = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d(?:\.\d{1,6})?)")
DATE = re.compile(r"<(?:\w+:)?AcquisitionDate>([^<]+)<")
PLANE = re.compile(r"<(?:\w+:)?Plane\s[^>]*>")


def acquired_at(path: Path) -> datetime | None:
    """When the first frame of a file was acquired, as the file says; None where it does not.

    Args:
        path: Of an image. What cannot be read says nothing.
    """
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as file:
                if file.ome_metadata:
                    return read_ome_time(file.ome_metadata)
                return read_stamp(str(file.pages[0].aspage().tags.valueof(CHANGED, "")))
        with Image.open(path) as image:
            exif = image.getexif()
            stamp = exif.get_ifd(EXIF).get(TAKEN) or exif.get(CHANGED, "")
        return read_stamp(str(stamp))
    except Exception:  # of any reader, of any file: it says no time
        return None


def read_ome_time(xml: str) -> datetime | None:
    """The date of the acquisition, and the first plane's time since then.

    Example:
        >>> plane = '<Plane TheT="0" DeltaT="90" DeltaTUnit="s"/>'
        >>> date = "<AcquisitionDate>2026-03-01T12:00:00</AcquisitionDate>"
        >>> str(read_ome_time(f"<Image>{date}{plane}</Image>"))
        '2026-03-01 12:01:30'
    """
    date, plane = DATE.search(xml), PLANE.search(xml)
    begin = read_stamp(date[1]) if date else None
    words = dict(re.findall(r'(\w+)="([^"]*)"', plane[0])) if plane else {}
    if "DeltaT" not in words:
        return begin
    unit = s_per_unit(words.get("DeltaTUnit", "s")) or 1.0
    start = begin or datetime(1970, 1, 1)
    return start + timedelta(seconds=float(words["DeltaT"]) * unit)


def read_stamp(text: str) -> datetime | None:
    """A date and time of TIFF, EXIF or ISO 8601, on the clock that it was written by.

    Example:
        >>> read_stamp("2026:03:01 12:00:05"), read_stamp("yesterday")
        (datetime.datetime(2026, 3, 1, 12, 0, 5), None)
    """
    found = STAMP.search(text)
    if not found:
        return None
    *whole, seconds = found.groups()
    try:
        day = datetime(*map(int, whole))  # type: ignore[arg-type]
    except ValueError:
        return None
    return day + timedelta(seconds=float(seconds))


def order_by_time(paths: Iterable[Path]) -> list[Path] | None:
    """Put files in the order in which they were acquired.

    Returns:
        None where one of them does not say when, or two say the same.
    """
    times = {}
    for path in paths:
        time = acquired_at(path)
        if time is None or time in times:
            return None
        times[time] = path
    return [times[time] for time in sorted(times)]

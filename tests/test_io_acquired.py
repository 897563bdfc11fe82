"""When images were acquired, by what their files say."""

from __future__ import annotations

import datetime as dt

import numpy as np
import tifffile
from PIL import Image

from coverslip.cli.segment_track import in_time
from coverslip.io import order_by_time
from coverslip.io.acquired import acquired_at

NOON = dt.datetime(2026, 3, 1, 12)
PIXELS = np.zeros((8, 9), np.uint8)


def test_the_time_of_a_tiff_an_ome_tiff_and_a_photograph(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, datetime=NOON)
    about = {"axes": "YX", "AcquisitionDate": "2026-03-01T12:00:00",
             "Plane": {"DeltaT": [1.5], "DeltaTUnit": ["min"]}}  # fmt: skip
    tifffile.imwrite(tmp_path / "b.ome.tif", PIXELS, metadata=about)
    exif = Image.Exif()
    exif[0x0132] = "2026:03:01 12:00:07"
    Image.fromarray(PIXELS).save(tmp_path / "c.jpg", exif=exif)
    tifffile.imwrite(tmp_path / "d.tif", PIXELS)
    (tmp_path / "e.tif").write_bytes(b"II*\0")
    times = [acquired_at(path) for path in sorted(tmp_path.iterdir())]
    seconds = [None if time is None else (time - NOON).total_seconds() for time in times]
    assert seconds == [0, 90, 7, None, None]


def save(folder, **minutes):
    folder.mkdir()
    for name, minute in minutes.items():
        time = None if minute is None else NOON + dt.timedelta(minutes=minute)
        tifffile.imwrite(folder / f"{name}.tif", PIXELS, datetime=time)
    return sorted(folder.iterdir())


def test_times_order_the_frames_where_all_have_one(tmp_path):
    paths = save(tmp_path / "all", blue=9, green=3, red=5)
    assert [path.stem for path in order_by_time(paths)] == ["green", "red", "blue"]
    ordered, said = in_time(paths)
    assert [path.stem for path in ordered] == ["green", "red", "blue"]
    assert "all: the frames are in the order of the times" in said[0]


def test_names_order_them_where_one_has_none_or_two_are_the_same(tmp_path):
    for folder, minutes in (("some", {"t2": 9, "t10": None}), ("twice", {"t2": 9, "t10": 9})):
        ordered, said = in_time(save(tmp_path / folder, **minutes))
        assert [path.stem for path in ordered] == ["t2", "t10"]
        assert said == []

"""Letters of dimensions, and the calibration that metadata hold."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from coverslip.errors import FileError
from coverslip.io import open_image
from coverslip.io.axes import in_order, settle

PAGE = np.zeros((4, 5), np.uint16)
PAGES = np.zeros((3, 4, 5), np.uint16)
PATH = Path("film.tif")


def save(path, values, **options):
    tifffile.imwrite(path, values, photometric="minisblack", **options)
    return open_image(path)


def test_in_order():
    assert in_order("YXSCZT", (1, 2, 3, 4, 5, 6)) == ("TZCYXS", (6, 5, 4, 1, 2, 3))


def test_known_axes_stay():
    assert settle(PATH, stored="ZCYX", shape=(2, 3, 4, 5), wanted=None) == ("ZCYX", None)


def test_unnamed_axis_is_time():
    axes, note = settle(PATH, stored="?YX", shape=(9, 4, 5), wanted=None)
    assert axes == "TYX"
    assert note == (
        "9 pages without axes in the metadata are read as 9 times (T; axes TYX); --axes overrides"
    )


@pytest.mark.parametrize("stored", ["??YX", "T?YX", "HTYX"])
def test_what_cannot_be_told_apart_must_be_named(stored):
    with pytest.raises(FileError, match=r"film\.tif.*--axes"):
        settle(PATH, stored=stored, shape=(2, 3, 4, 5), wanted=None)
    assert settle(PATH, stored=stored, shape=(2, 3, 4, 5), wanted="TCYX")[0] == "TCYX"


@pytest.mark.parametrize(
    ("stored", "wanted", "problem"),
    [
        ("?YX", "TCYX", "4 letters for 3 dimensions"),
        ("?YX", "YX", "2 letters for 3 dimensions"),
        ("?YX", "QYX", "Q is not a known axis"),
        ("?YX", "XYX", "a letter comes twice"),
        ("?YX", "YTX", "must stay where it is"),
        ("?YX", "TXY", "must stay where it is"),
        ("?YX", "SYX", "S is for the samples"),
    ],
)
def test_axes_that_do_not_fit(stored, wanted, problem):
    with pytest.raises(FileError, match=problem) as error:
        settle(PATH, stored=stored, shape=(3, 4, 5), wanted=wanted)
    assert "film.tif" in str(error.value)
    assert "3 × 4 × 5" in str(error.value)


def test_ome_calibration(tmp_path):
    metadata = {
        "axes": "TCYX",
        "PhysicalSizeX": 0.65,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 700,
        "PhysicalSizeYUnit": "nm",
        "TimeIncrement": 2.0,
        "TimeIncrementUnit": "min",
        "SignificantBits": 12,
        "Channel": {"Name": ["DAPI", "phase"]},
    }
    values = np.zeros((3, 2, 4, 5), np.uint16)
    file = save(tmp_path / "a.tif", values, ome=True, metadata=metadata)
    assert file.pixel_size_um == pytest.approx((0.7, 0.65))
    assert file.frame_interval_s == 120
    assert file.channel_names == ("DAPI", "phase")
    assert (file.dtype, file.bit_depth) == (np.uint16, 12)


@pytest.mark.parametrize("unit", ["pixel", "reference frame"])
def test_ome_size_without_a_length_is_no_size(tmp_path, unit):
    metadata = {"axes": "YX", "PhysicalSizeX": 1, "PhysicalSizeXUnit": unit}
    metadata |= {"PhysicalSizeY": 1, "PhysicalSizeYUnit": unit}
    assert save(tmp_path / "a.tif", PAGE, ome=True, metadata=metadata).pixel_size_um is None


def test_ome_size_of_zero_is_no_size(tmp_path):
    metadata = {"axes": "YX", "PhysicalSizeX": 0, "PhysicalSizeY": 0}
    assert save(tmp_path / "a.tif", PAGE, ome=True, metadata=metadata).pixel_size_um is None


@pytest.mark.parametrize("unit", ["micron", "um", "\\u00B5m", "nm"])
def test_imagej_calibration(tmp_path, unit):
    metadata = {"axes": "TYX", "unit": unit, "finterval": 30.0}
    file = save(
        tmp_path / "a.tif", PAGES, imagej=True, resolution=(2.0, 4.0), metadata=metadata
    )  # 2 pixels per unit across, 4 down
    um_per_unit = 1e-3 if unit == "nm" else 1
    assert file.pixel_size_um == pytest.approx((0.25 * um_per_unit, 0.5 * um_per_unit))
    assert file.frame_interval_s == 30
    assert file.notes == ()


def test_imagej_unit_pixel_is_no_size(tmp_path):
    metadata = {"unit": "pixel"}
    file = save(tmp_path / "a.tif", PAGE, imagej=True, resolution=(1, 1), metadata=metadata)
    assert (file.pixel_size_um, file.notes) == (None, ())


def test_imagej_inches_of_a_screen_are_ignored(tmp_path):
    metadata = {"unit": "inch"}
    file = save(tmp_path / "a.tif", PAGE, imagej=True, resolution=(72, 72), metadata=metadata)
    assert file.pixel_size_um is None
    assert "72 dpi" in file.notes[0]


def test_imagej_channel_labels(tmp_path):
    metadata = {"axes": "CYX", "Labels": ["a", "b", "c"]}
    file = save(tmp_path / "a.tif", PAGES, imagej=True, metadata=metadata)
    assert file.channel_names == ("a", "b", "c")
    metadata = {"axes": "ZYX", "Labels": ["a", "b", "c"]}
    assert save(tmp_path / "b.tif", PAGES, imagej=True, metadata=metadata).channel_names == ()


def test_tags_in_centimetres_are_taken_and_said(tmp_path):
    file = save(tmp_path / "a.tif", PAGE, resolution=(20_000, 10_000), resolutionunit="CENTIMETER")
    assert file.pixel_size_um == pytest.approx((1.0, 0.5))
    assert file.notes == ("pixel size 1 × 0.5 µm from the resolution in the file",)


@pytest.mark.parametrize("dpi", [72, 96, 300, 1200])
def test_tags_of_screen_and_print_are_ignored_and_said(tmp_path, dpi):
    file = save(tmp_path / "a.tif", PAGE, resolution=(dpi, dpi), resolutionunit="INCH")
    assert file.pixel_size_um is None
    assert f"{dpi} dpi" in file.notes[0]
    assert "ignored" in file.notes[0]


def test_tags_without_a_unit_say_nothing(tmp_path):
    file = save(tmp_path / "a.tif", PAGE, resolution=(20_000, 20_000), resolutionunit="NONE")
    assert (file.pixel_size_um, file.notes) == (None, ())


def test_damaged_ome_xml_is_ignored_and_said(tmp_path):
    xml = '<?xml version="1.0"?><OME xmlns="x"><Image></OME>'
    tifffile.imwrite(tmp_path / "a.ome.tif", PAGE, description=xml, metadata=None)
    file = open_image(tmp_path / "a.ome.tif")
    assert file.pixel_size_um is None
    assert any("OME-XML is damaged" in note for note in file.notes)

"""Pixel sizes, times and units as microscopes and programs write them into TIFFs."""

import subprocess
import sys

import numpy as np
import pytest
import tifffile

from coverslip.io import find_images, open_image, read_frame, read_frames
from coverslip.io.formats.units import interval_of, s_per_unit, um_per_unit
from handmade_tiff import lsm_bytes, stk_bytes, write_ndtiff

FILM = np.random.default_rng(0).integers(0, 4096, (4, 20, 30), dtype=np.uint16)


def save(path, data):
    path.write_bytes(data)
    return path


# --- units


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        *((name, 1) for name in ("µm", "μm", "um", "UM ", "um.", "micron", "Microns", "mic")),
        *((name, 1) for name in ("micrometer", "micrometers", "micrometre", "Micrometres")),
        *((name, 1) for name in ("Âµm", "Î¼m", "\ufffdm", "?m", "\\u00B5m", "µmeter", "&#181;m")),
        *((name, 1e-3) for name in ("nm", "nanometers", "nanometre", "nano-meter")),
        *((name, 1e3) for name in ("mm", "millimeters", "Millimetre")),
        *((name, 1e4) for name in ("cm", "centimetres")),
        *((name, 1e6) for name in ("m", "meter", "metres")),
        *((name, 25_400) for name in ("in", "inch", "inches")),
        *((name, 1e-4) for name in ("Å", "angstrom", "Angstroms")),
        *((name, None) for name in ("", "pixel", "pixels", "reference frame", "furlong", "sec")),
    ],
)
def test_units_of_length(unit, um):
    found = um_per_unit(unit)
    assert found == (None if um is None else pytest.approx(um))


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [
        *((name, 1) for name in ("s", "sec", "sec.", "secs", "Second", "seconds")),
        *((name, 60) for name in ("min", "min.", "mins", "minute", "minutes")),
        *((name, 3600) for name in ("h", "hr", "hrs", "hour", "hours")),
        *((name, 86400) for name in ("d", "day", "days")),
        *((name, 1e-3) for name in ("ms", "msec", "millisecond", "milliseconds")),
        *((name, 1e-6) for name in ("µs", "Âµs", "us", "usec", "microseconds")),
        *((name, None) for name in ("", "frame", "m", "um")),
    ],
)
def test_units_of_time(unit, seconds):
    found = s_per_unit(unit)
    assert found == (None if seconds is None else pytest.approx(seconds))


def ome(path, attributes, *, film=FILM[:1], planes=""):
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        f'<Pixels ID="P:0" DimensionOrder="XYCZT" Type="uint16" SizeX="30" SizeY="20" SizeC="1" '
        f'SizeZ="1" SizeT="{len(film)}" {attributes}><Channel ID="C:0" SamplesPerPixel="1"/>'
        f"<TiffData/>{planes}</Pixels></Image></OME>"
    )
    options = {"metadata": None, "photometric": "minisblack"}
    tifffile.imwrite(path, film, description=xml.encode(), **options)
    return open_image(path)


def test_a_size_in_a_unit_that_is_not_known_is_said(tmp_path):
    for unit in ("pixel", "reference frame", "furlong"):
        said = " ".join(f'PhysicalSize{a}="0.5" PhysicalSize{a}Unit="{unit}"' for a in "XY")
        file = ome(tmp_path / "a.ome.tif", said)
        assert file.pixel_size_um is None
        assert file.notes[0] == f"its pixel size, 0.5 in '{unit}', was ignored"
    tifffile.imwrite(
        tmp_path / "b.tif", FILM[0], imagej=True, metadata={"unit": "furlong"}, resolution=(2, 2)
    )
    assert "in 'furlong', was ignored" in open_image(tmp_path / "b.tif").notes[0]
    metadata = {"axes": "TYX", "finterval": 30.0, "tunit": "fortnight"}
    tifffile.imwrite(tmp_path / "c.tif", FILM, imagej=True, metadata=metadata)
    file = open_image(tmp_path / "c.tif")
    assert file.frame_interval_s is None
    assert "time between frames, 30 in 'fortnight', was ignored" in file.notes[0]


def test_micrometres_of_imagej_beside_a_resolution_in_centimetres(tmp_path):
    """ImageJ 1.53t opens such a file with 0.5 µm."""
    about = {"description": "ImageJ=1.53t\nunit=um\n", "metadata": None}
    for unit, per_unit in (("CENTIMETER", 2e4), ("NONE", 2.0)):
        resolution = {"resolution": (per_unit, per_unit), "resolutionunit": unit}
        tifffile.imwrite(tmp_path / "a.tif", FILM[0], **resolution, **about)
        assert open_image(tmp_path / "a.tif").pixel_size_um == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize(("axis", "what"), [("X", "width"), ("Y", "height")])
def test_a_size_along_one_axis_alone_is_taken_for_both_and_said(tmp_path, axis, what):
    file = ome(tmp_path / "a.ome.tif", f'PhysicalSize{axis}="0.5"')
    assert file.pixel_size_um == (0.5, 0.5)
    assert f"the {what} of a pixel alone" in file.notes[0]


def test_times_of_planes_where_there_is_no_interval(tmp_path):
    times = (0.0, 30.0, 60.0, 90.0)
    planes = "".join(
        f'<Plane TheT="{n}" TheZ="0" TheC="0" DeltaT="{t}"/>' for n, t in enumerate(times)
    )
    file = ome(tmp_path / "a.ome.tif", "", film=FILM, planes=planes)
    assert (file.frame_interval_s, file.notes) == (30, ())
    file = ome(tmp_path / "b.ome.tif", 'TimeIncrement="0"', film=FILM, planes=planes)
    assert file.frame_interval_s == 30
    uneven = planes.replace('"30.0"', '"50.0"')
    file = ome(tmp_path / "c.ome.tif", "", film=FILM, planes=uneven)
    assert file.frame_interval_s == 30 and "vary from 10 to 50 s" in file.notes[0]
    in_ms = planes.replace("DeltaT=", 'DeltaTUnit="ms" DeltaT=')
    assert ome(tmp_path / "d.ome.tif", "", film=FILM, planes=in_ms).frame_interval_s == 0.03


def test_interval_of():
    assert interval_of([0, 2, 4]) == (2, None)
    assert interval_of([5]) == interval_of([]) == interval_of([3, 3]) == (None, None)


# --- vendors


def test_lsm(tmp_path):
    path = save(tmp_path / "a.lsm", lsm_bytes(FILM, voxel_m=(5e-7, 2.5e-7, 1e-6), interval_s=12.5))
    assert find_images([tmp_path]) == [path]
    file = open_image(path)
    assert (file.axes, file.shape) == ("TYX", FILM.shape)
    assert file.pixel_size_um == pytest.approx((0.25, 0.5))
    assert file.frame_interval_s == 12.5
    assert not any("images" in note for note in file.notes)
    np.testing.assert_array_equal(list(read_frames(file)), FILM)


@pytest.mark.parametrize(("unit", "scale"), [("um", 1), ("microns", 1), ("mm", 1000)])
def test_stk(tmp_path, unit, scale):
    data = stk_bytes(FILM, size_um=0.645, unit=unit, times_ms=(0, 30_000, 60_000, 90_000))
    path = save(tmp_path / "a.stk", data)
    assert find_images([tmp_path]) == [path]
    file = open_image(path)
    assert (file.axes, file.shape, file.dtype) == ("TYX", FILM.shape, np.uint16)
    assert file.pixel_size_um == pytest.approx((0.645 * scale, 0.645 * scale))
    assert file.frame_interval_s == pytest.approx(30)
    np.testing.assert_array_equal(list(read_frames(file)), FILM)


@pytest.mark.parametrize(
    ("steps", "axis"),
    [
        ((0, 500, 500, 500), "Z"),  # each from the plane before it, and the first has none
        ((500, 500, 500, 500), "Z"),
        ((0, 490, 505, 500), "Z"),
        ((0, 0, 0, 0), "T"),
        ((0, 120, 0, 3), "T"),
        ((0, 120, 20, 300), "T"),  # a film whose focus was found anew each time
    ],
)
def test_planes_of_an_stk_at_even_steps_are_depths(tmp_path, steps, axis):
    """Distances and times as MetaMorph's own description and Bio-Formats understand them."""
    times = (0, 30_000, 60_000, 90_000)
    data = stk_bytes(FILM, size_um=0.5, unit="um", times_ms=times, steps_nm=steps)
    file = open_image(save(tmp_path / "a.stk", data))
    assert (file.axes, file.shape) == (f"{axis}YX", FILM.shape)
    np.testing.assert_array_equal(list(read_frames(file)), FILM)


def test_a_tiff_of_metamorph(tmp_path):
    """Not STK, but one plane each, with an XML of MetaXpress."""
    xml = (
        '<MetaData><PlaneInfo><prop id="spatial-calibration-state" type="bool" value="on"/>'
        '<prop id="spatial-calibration-x" type="float" value="1.3668"/>'
        '<prop id="spatial-calibration-y" type="float" value="1.5"/>'
        '<prop id="spatial-calibration-units" type="string" value="um"/></PlaneInfo></MetaData>'
    )
    options = {"metadata": None, "software": "MetaSeries"}
    tifffile.imwrite(tmp_path / "a.tif", FILM[0], description=xml, **options)
    assert open_image(tmp_path / "a.tif").pixel_size_um == pytest.approx((1.5, 1.3668))
    off = xml.replace('value="on"', 'value="off"')
    tifffile.imwrite(tmp_path / "b.tif", FILM[0], description=off, **options)
    assert open_image(tmp_path / "b.tif").pixel_size_um is None


@pytest.mark.parametrize("files", [1, 2])
def test_ndtiff(tmp_path, files):
    write_ndtiff(tmp_path, FILM, files=files)
    assert find_images([tmp_path]) == [tmp_path / "NDTiffStack.tif"]
    for path in sorted(tmp_path.glob("*.tif")):
        file = open_image(path)
        assert (file.axes, file.shape, file.pixel_size_um) == ("TYX", FILM.shape, (0.65, 0.65))
        assert file.frame_interval_s == 2
        np.testing.assert_array_equal(list(read_frames(file)), FILM)


# --- packages that are not there

WITHOUT = """
import sys
sys.modules["imagecodecs"] = None
from coverslip.errors import FileError
from coverslip.io import open_image, read_frame
try:
    read_frame(open_image(sys.argv[1]))
except FileError as error:
    print(error)
"""


@pytest.mark.parametrize("compression", ["zstd", "lzw"])
def test_a_compression_without_its_package_is_named(tmp_path, compression):
    pytest.importorskip("imagecodecs")
    tifffile.imwrite(tmp_path / "a.tif", FILM[0], compression=compression)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(tmp_path / "a.tif")], capture_output=True, text=True
    )
    if sys.version_info >= (3, 14) and compression == "zstd":  # Python has it
        assert done.stdout == ""
        return
    assert "its compression needs a package that is not installed" in done.stdout, done.stderr
    assert "pip install imagecodecs" in done.stdout
    np.testing.assert_array_equal(read_frame(open_image(tmp_path / "a.tif")), FILM[0])

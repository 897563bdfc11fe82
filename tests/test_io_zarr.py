"""OME-Zarr of both versions: what is an image, its axes, its calibration, and what it is told."""

import sys
import zipfile

import numpy as np
import pytest

from coverslip.errors import FileError, SettingsError
from coverslip.io import find_images, open_image, read_frame, read_frames, read_labels, stem

zarr = pytest.importorskip("zarr")

STACK = np.arange(2 * 3 * 2 * 4 * 5, dtype=np.uint16).reshape(2, 3, 2, 4, 5)  # T, Z, C
PLANE = STACK[0, 0, 0]
AXES = [
    {"name": "t", "type": "time", "unit": "minute"},
    {"name": "z", "type": "space", "unit": "micrometer"},
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space", "unit": "nanometer"},
    {"name": "x", "type": "space", "unit": "nanometer"},
]
CHANNELS = {"channels": [{"label": "DAPI"}, {"label": "phase"}]}


def ome_zarr(path, values=STACK, *, axes=AXES, scale=(2, 1, 1, 700, 650), version="0.5", **more):
    """A pyramid of two levels with the metadata of a version."""
    group = zarr.open_group(path, mode="w", zarr_format=3 if version == "0.5" else 2)
    scales = [{"type": "scale", "scale": list(scale)}]
    datasets = [{"path": f"s{n}", "coordinateTransformations": scales} for n in range(2)]
    multiscales = [{"version": version, "axes": axes, "datasets": datasets}]
    for n, level in enumerate((values, values[..., ::2, ::2])):
        array = group.create_array(f"s{n}", shape=level.shape, dtype=level.dtype)
        array[...] = level
    about = {"multiscales": multiscales, **more}
    group.attrs.update({"ome": {"version": "0.5", **about}} if version == "0.5" else about)
    return path


def plain(path, values, **options):
    array = zarr.create_array(path, shape=values.shape, dtype=values.dtype, **options)
    array[...] = values
    return path


# --- Images


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_axes_calibration_and_channels_of_both_versions(version, tmp_path):
    file = open_image(ome_zarr(tmp_path / "a.ome.zarr", version=version, omero=CHANNELS))
    assert (file.axes, file.shape, file.dtype) == ("TZCYX", STACK.shape, np.uint16)
    assert file.pixel_size_um == pytest.approx((0.7, 0.65))
    assert file.frame_interval_s == 120
    assert file.channel_names == ("DAPI", "phase")
    assert file.notes == ("it has 2 channels; the first is read unless another is named",)
    np.testing.assert_array_equal(read_frame(file, 4, channel=1), STACK[1, 1, 1])


def test_the_scale_of_all_levels_counts_too(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", PLANE, axes=AXES[3:], scale=(1, 1))
    group = zarr.open_group(path)
    about = dict(group.attrs["ome"])
    about["multiscales"][0]["coordinateTransformations"] = [{"type": "scale", "scale": [650, 500]}]
    group.attrs["ome"] = about
    assert open_image(path).pixel_size_um == pytest.approx((0.65, 0.5))


def test_a_size_without_a_unit_is_ignored_and_said(tmp_path):
    axes = [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    file = open_image(ome_zarr(tmp_path / "a.zarr", PLANE, axes=axes, scale=(0.5, 0.5)))
    assert file.pixel_size_um is None
    assert file.notes == ("its pixel size, 0.5 without a unit, was ignored",)
    assert open_image(ome_zarr(tmp_path / "b.zarr", PLANE, axes=axes, scale=(1, 1))).notes == ()


def test_axes_of_length_one_are_none(tmp_path):
    """OME-Zarr of the usual writers always has five."""
    file = open_image(ome_zarr(tmp_path / "a.zarr", STACK[:1, :1, :1]))
    assert (file.axes, file.shape, file.notes) == ("YX", (4, 5), ())
    np.testing.assert_array_equal(read_frame(file), PLANE)


def test_channels_called_red_green_blue_are_one_picture(tmp_path):
    values = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    channels = {"channels": [{"label": name} for name in ("Red", "Green", "Blue")]}
    path = ome_zarr(tmp_path / "a.zarr", values, axes=AXES[2:], scale=(1, 1, 1), omero=channels)
    file = open_image(path)
    assert (file.axes, file.shape, file.n_channels) == ("YXS", (4, 5, 3), 1)
    np.testing.assert_array_equal(read_frame(file), values.transpose(1, 2, 0))
    assert "red, green and blue" in file.notes[0]
    apart = open_image(path, axes="CYX")
    assert (apart.axes, apart.n_channels) == ("CYX", 3)
    np.testing.assert_array_equal(read_frame(apart, channel=2), values[2])


# --- Plain arrays


@pytest.mark.parametrize(
    ("options", "axes", "seen"),
    [
        ({"zarr_format": 2}, None, "TYX"),
        ({"zarr_format": 3}, None, "TYX"),
        ({"dimension_names": ["c", "y", "x"]}, None, "CYX"),
        ({"dimension_names": ["time", "row", "column"]}, None, "TYX"),
        ({"zarr_format": 2, "attributes": {"_ARRAY_DIMENSIONS": ["z", "y", "x"]}}, None, "ZYX"),
        ({"dimension_names": ["c", "y", "x"]}, "zyx", "ZYX"),
    ],
)
def test_plain_arrays(options, axes, seen, tmp_path):
    values = STACK[0, :, 0]
    file = open_image(plain(tmp_path / "a.zarr", values, **options), axes=axes)
    assert (file.axes, file.shape, file.pixel_size_um) == (seen, (3, 4, 5), None)
    frame = read_frame(file, 2) if file.n_frames == 3 else read_frame(file, channel=2)
    np.testing.assert_array_equal(frame, values[2])


def test_axes_without_names_are_told(tmp_path):
    file = open_image(plain(tmp_path / "a.zarr", STACK[0, :, 0]))
    assert file.notes[0].startswith("3 pictures without axes in the metadata are read as 3 times")
    with pytest.raises(FileError, match=r"a\.zarr.*--axes TZYX"):
        open_image(plain(tmp_path / "b" / "a.zarr", STACK[0]))


def test_rows_and_columns_may_be_anywhere(tmp_path):
    values = np.moveaxis(STACK[0, 0], 0, -1).swapaxes(0, 1)  # X, Y, C
    file = open_image(plain(tmp_path / "a.zarr", values), axes="XYC")
    assert (file.axes, file.shape) == ("CYX", (2, 4, 5))
    for channel in range(2):
        np.testing.assert_array_equal(read_frame(file, channel=channel), STACK[0, 0, channel])


@pytest.mark.parametrize(
    ("axes", "problem"),
    [("TZC", "Y .row. and X"), ("SYX", "S is for the 3 samples"), ("YX", "2 letters for 3")],
)
def test_axes_that_do_not_fit(axes, problem, tmp_path):
    path = plain(tmp_path / "a.zarr", STACK[0, 0])
    with pytest.raises(FileError, match=problem):
        open_image(path, axes=axes)


def test_colour_with_alpha_by_its_axes(tmp_path):
    values = np.arange(4 * 5 * 4, dtype=np.uint8).reshape(4, 5, 4)
    file = open_image(plain(tmp_path / "a.zarr", values), axes="YXS")
    assert file.shape == (4, 5, 3)
    np.testing.assert_array_equal(read_frame(file), values[..., :3])


@pytest.mark.parametrize("dtype", ["bool", "int8", ">u2", "float32"])
def test_number_types(dtype, tmp_path):
    values = (PLANE % 2).astype(dtype)
    file = open_image(plain(tmp_path / "a.zarr", values, zarr_format=2))
    frame = read_frame(file)
    expected = np.uint8 if dtype == "bool" else np.dtype(dtype).newbyteorder("=")
    assert file.dtype == frame.dtype == expected
    np.testing.assert_array_equal(frame, values)


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(FileError, match="its values are complex64"):
        open_image(plain(tmp_path / "a.zarr", PLANE.astype(np.complex64)))


# --- Groups


@pytest.fixture
def several(tmp_path):
    """As bioformats2raw writes a file of several images."""
    root = zarr.open_group(tmp_path / "x.zarr", mode="w", zarr_format=2)
    root.attrs["bioformats2raw.layout"] = 3
    root.create_group("OME")
    for name in "01":
        ome_zarr(tmp_path / "x.zarr" / name, PLANE + int(name), axes=AXES[3:], scale=(1, 1))
    return tmp_path / "x.zarr"


def test_several_images_are_named(several):
    with pytest.raises(FileError) as error:
        open_image(several)
    expected = f"{several}: it holds 2 images. Name one of them: {several / '0'}, {several / '1'}"
    assert str(error.value) == expected
    np.testing.assert_array_equal(read_frame(open_image(several / "1")), PLANE + 1)


def test_a_group_with_one_image_is_that_image_and_says_so(tmp_path):
    zarr.open_group(tmp_path / "x.zarr", mode="w", zarr_format=2)
    ome_zarr(tmp_path / "x.zarr" / "0", PLANE, axes=AXES[3:], scale=(700, 650))
    file = open_image(tmp_path / "x.zarr")
    assert file.notes == (f"its one image, {tmp_path / 'x.zarr' / '0'}, is read",)
    assert file.pixel_size_um == pytest.approx((0.7, 0.65))
    np.testing.assert_array_equal(read_frame(file), PLANE)


def test_a_level_knows_the_pyramid_that_it_is_in(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", omero=CHANNELS) / "s0"
    file = open_image(path)
    assert (file.axes, file.channel_names) == ("TZCYX", ("DAPI", "phase"))
    assert file.pixel_size_um == pytest.approx((0.7, 0.65))


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"plate": {"wells": [{"path": "A/1"}, {"path": "B/2"}]}}, r"a plate of 2 wells.*A/1/0"),
        ({"well": {"images": [{"path": "0"}, {"path": "1"}]}}, r"2 images.*a\.zarr/0"),
        ({"multiscales": [{"datasets": [{"path": "gone"}]}]}, "the array gone, which is not there"),
        ({}, "a Zarr group without an image"),
    ],
)
def test_groups_that_are_no_image(about, message, tmp_path):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.attrs["ome"] = about
    with pytest.raises(FileError, match=rf"a\.zarr: .*{message}"):
        open_image(tmp_path / "a.zarr")


def test_a_chunk_that_is_cut_off_is_told(tmp_path):
    path = plain(tmp_path / "a.zarr", PLANE, chunks=(2, 5))
    chunk = next((path / "c").rglob("1/0"))
    chunk.write_bytes(chunk.read_bytes()[:5])
    with pytest.raises(FileError, match=r"a\.zarr: cannot be read; it is probably cut off"):
        read_frame(open_image(path))


def test_metadata_that_are_cut_off_are_told(tmp_path):
    path = plain(tmp_path / "a.zarr", PLANE)
    (path / "zarr.json").write_text('{"shape": [4')
    with pytest.raises(FileError, match=r"a\.zarr: cannot be read"):
        open_image(path)


def test_a_folder_of_that_name_without_metadata_is_told(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    assert find_images([tmp_path / "a.zarr"]) == [tmp_path / "a.zarr"]
    with pytest.raises(FileError, match=r"called \.zarr without the metadata"):
        open_image(tmp_path / "a.zarr")


def test_without_the_package_it_says_how_to_get_it(tmp_path, monkeypatch):
    path = plain(tmp_path / "a.zarr", PLANE)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(SettingsError, match=r"a\.zarr: .*pip install '\.\[zarr\]'"):
        open_image(path)


# --- Names


def test_a_zarr_is_an_image_and_no_folder_of_images(several, tmp_path):
    plain(tmp_path / "b10.ome.zarr", PLANE)
    plain(tmp_path / "b2.zarr", PLANE)
    plain(tmp_path / "of_no_suffix", PLANE)
    (tmp_path / "a.tif").touch()
    names = [path.name for path in find_images([tmp_path])]
    assert names == ["a.tif", "b2.zarr", "b10.ome.zarr", "x.zarr"]
    assert find_images([tmp_path / "*.zarr"])[0].name == "b2.zarr"
    inside = [tmp_path / "of_no_suffix", several / "0"]
    assert find_images(inside) == inside


@pytest.mark.parametrize(
    ("path", "name"),
    [("a.ome.zarr", "a"), ("x.ome.zarr/0", "x_0"), ("x.zarr/labels/cells", "x_labels_cells")],
)
def test_names_of_images_inside_a_zarr(path, name, tmp_path):
    assert stem(tmp_path / path) == name


# --- Labels


def test_labels_are_read_as_they_are(tmp_path):
    labels = np.array([[0, 70_000], [1, 1]], np.uint32)
    np.testing.assert_array_equal(read_labels(plain(tmp_path / "a.zarr", labels)), labels)
    film = np.stack([labels, labels])
    np.testing.assert_array_equal(read_labels(plain(tmp_path / "b.zarr", film)), film)
    with pytest.raises(FileError, match="fractions"):
        read_labels(plain(tmp_path / "c.zarr", labels + 0.5))


def test_frames_come_one_after_the_other(tmp_path):
    file = open_image(ome_zarr(tmp_path / "a.zarr"))
    frames = list(read_frames(file, channel=1))
    np.testing.assert_array_equal(frames, STACK[:, :, 1].reshape(6, 4, 5))


@pytest.mark.parametrize("root", ["", "film.ome.zarr/"])
@pytest.mark.parametrize("kind", ["ome", "plain"])
def test_a_zarr_in_a_zip(tmp_path, root, kind):
    folder = tmp_path / "film.ome.zarr"
    if kind == "ome":
        ome_zarr(folder)
    else:
        plain(folder, STACK[0, :, 0])
    packed = tmp_path / "in" / "film.ome.zarr.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        for one in sorted(folder.rglob("*")):
            if one.is_file():
                archive.write(one, root + one.relative_to(folder).as_posix())
    assert find_images([packed.parent]) == [packed]
    assert stem(packed) == "film"
    file, expected = open_image(packed), open_image(folder)
    assert (file.axes, file.shape) == (expected.axes, expected.shape)
    assert (file.pixel_size_um, file.channel_names) == (
        expected.pixel_size_um,
        expected.channel_names,
    )
    np.testing.assert_array_equal(list(read_frames(file)), list(read_frames(expected)))


def test_a_zip_without_a_zarr_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zarr.zip", "w") as archive:
        archive.writestr("a.txt", "nothing")
    with pytest.raises(FileError, match="no Zarr in this file"):
        open_image(tmp_path / "a.zarr.zip")


def test_rows_columns_and_channels_without_names(tmp_path):
    values = np.random.default_rng(0).integers(0, 99, (20, 30, 2), dtype=np.uint16)
    file = open_image(plain(tmp_path / "a.zarr", values))
    assert (file.axes, file.shape) == ("CYX", (2, 20, 30))
    np.testing.assert_array_equal(read_frame(file, channel=1), values[..., 1])

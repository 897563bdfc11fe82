"""TIFF in its many kinds: axes, colours, compressions, calibration; one page at a time."""

import numpy as np
import pytest
import tifffile

from coverslip.errors import FileError
from coverslip.io import (
    find_gap,
    open_frame,
    open_image,
    read_frame,
    read_frames,
    read_labels,
)

STACK = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
GREY = STACK[1]
HYPER = np.arange(2 * 3 * 4 * 5 * 6, dtype=np.uint16).reshape(2, 3, 4, 5, 6)


def save(path, values, **options):
    tifffile.imwrite(path, values, **({"photometric": "minisblack"} | options))
    return open_image(path)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", ">u2"]
)
def test_number_types(tmp_path, dtype):
    values = GREY.astype(dtype)
    file = save(tmp_path / "a.tif", values, byteorder=">" if ">" in dtype else "<")
    frame = read_frame(file)
    assert file.dtype == frame.dtype == np.dtype(dtype).newbyteorder("=")
    assert file.bit_depth == 8 * frame.dtype.itemsize
    np.testing.assert_array_equal(frame, GREY)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "zstd"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_compressions_and_tiles(tmp_path, compression, tile):
    if compression not in (None, "zlib"):
        pytest.importorskip("imagecodecs")
    values = np.random.default_rng(0).integers(0, 65536, (40, 37), dtype=np.uint16)
    file = save(tmp_path / "a.tif", values, compression=compression, tile=tile)
    np.testing.assert_array_equal(read_frame(file), values)


def test_jpeg_compression(tmp_path):
    pytest.importorskip("imagecodecs")
    values = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    file = save(tmp_path / "a.tif", values, photometric="rgb", compression="jpeg")
    assert file.axes == "YXS"
    assert np.abs(read_frame(file).astype(int) - (200, 100, 50)).max() <= 3


def test_plain_pages_are_times_and_a_note_says_so(tmp_path):
    file = save(tmp_path / "a.tif", STACK, metadata=None)
    assert (file.axes, file.shape, file.n_frames, file.frame_axes) == ("TYX", (3, 4, 5), 3, "T")
    assert "3 pages" in file.notes[0]
    assert "--axes overrides" in file.notes[0]
    for number, frame in enumerate(read_frames(file)):
        np.testing.assert_array_equal(frame, STACK[number])


def test_single_page_needs_no_note(tmp_path):
    assert save(tmp_path / "a.tif", GREY).notes == ()


@pytest.mark.parametrize("kind", ["ome", "imagej", "tifffile"])
def test_five_dimensions_by_their_metadata(tmp_path, kind):
    options = {} if kind == "tifffile" else {kind: True}
    file = save(tmp_path / "a.tif", HYPER, metadata={"axes": "TZCYX"}, **options)
    assert (file.axes, file.shape, file.notes[:-1]) == ("TZCYX", HYPER.shape, ())
    assert "4 channels" in file.notes[-1]
    assert (file.n_frames, file.n_channels, file.frame_axes) == (6, 4, "TZ")
    np.testing.assert_array_equal(read_frame(file, 4, channel=3), HYPER[1, 1, 3])
    for number, frame in enumerate(read_frames(file, channel=1)):
        np.testing.assert_array_equal(frame, HYPER[number // 3, number % 3, 1])


def test_axes_come_out_in_one_order(tmp_path):
    file = save(tmp_path / "a.tif", HYPER, ome=True, metadata={"axes": "CTZYX"})
    assert (file.axes, file.stored_axes, file.shape) == ("TZCYX", "CTZYX", (3, 4, 2, 5, 6))
    # Frame 7 is time 1, depth 3.
    np.testing.assert_array_equal(read_frame(file, 7, channel=1), HYPER[1, 1, 3])


def test_axes_override(tmp_path):
    save(tmp_path / "a.tif", STACK, metadata=None)
    file = open_image(tmp_path / "a.tif", axes="zyx")
    assert (file.axes, file.frame_axes, file.n_frames) == ("ZYX", "Z", 3)
    assert file.notes == ("axes ZYX as asked for, where the file says ?YX",)
    channels = open_image(tmp_path / "a.tif", axes="CYX")
    assert (channels.n_frames, channels.n_channels) == (1, 3)
    np.testing.assert_array_equal(read_frame(channels, channel=2), STACK[2])


def test_colour_film(tmp_path):
    film = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    options = {"photometric": "rgb", "ome": True, "metadata": {"axes": "TYXS"}}
    file = save(tmp_path / "a.tif", film, **options)
    assert (file.axes, file.shape, file.frame_shape) == ("TYXS", (2, 4, 5, 3), (4, 5))
    np.testing.assert_array_equal(read_frame(file, 1), film[1])


def test_separate_planes_are_colours_and_can_be_overridden(tmp_path):
    planes = STACK.astype(np.uint8)
    options = {"photometric": "rgb", "planarconfig": "separate", "metadata": None}
    file = save(tmp_path / "a.tif", planes, **options)
    assert (file.axes, file.shape) == ("YXS", (4, 5, 3))
    assert "--axes overrides" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file), planes.transpose(1, 2, 0))
    film = open_image(tmp_path / "a.tif", axes="TYX")
    assert film.shape == (3, 4, 5)
    np.testing.assert_array_equal(read_frame(film, 2), planes[2])


def test_transparency_is_dropped_and_said(tmp_path):
    values = np.arange(4 * 5 * 4, dtype=np.uint8).reshape(4, 5, 4)
    options = {"photometric": "rgb", "extrasamples": ["unassalpha"]}
    file = save(tmp_path / "a.tif", values, **options)
    assert file.shape == (4, 5, 3)
    assert "alpha" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file), values[..., :3])
    values[..., 3] = 255
    assert save(tmp_path / "b.tif", values, **options).notes == ()


def test_grey_with_alpha(tmp_path):
    values = np.arange(4 * 5 * 2, dtype=np.uint8).reshape(4, 5, 2)
    options = {"planarconfig": "contig", "extrasamples": ["unassalpha"]}
    file = save(tmp_path / "a.tif", values, **options)
    assert file.axes == "YX"
    np.testing.assert_array_equal(read_frame(file), values[..., 0])


def test_samples_without_colour_are_channels(tmp_path):
    values = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    file = save(tmp_path / "a.tif", values, planarconfig="contig")
    assert (file.axes, file.shape) == ("CYX", (6, 4, 5))
    assert "6 samples per pixel are read as channels" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file, channel=4), values[..., 4])


def test_colour_table_of_16_bits(tmp_path):
    table = np.zeros((3, 65536), np.uint16)
    table[0, 300], table[1, 300], table[2, 40000] = 1000, 2000, 65535
    values = np.array([[300, 40000], [0, 300]], np.uint16)
    file = save(tmp_path / "a.tif", values, photometric="palette", colormap=table)
    assert (file.axes, file.shape, file.dtype) == ("YXS", (2, 2, 3), np.uint16)
    expected = [[[1000, 2000, 0], [0, 0, 65535]], [[0, 0, 0], [1000, 2000, 0]]]
    np.testing.assert_array_equal(read_frame(file), expected)


def test_grey_colour_table(tmp_path):
    table = np.tile(np.arange(256, dtype=np.uint16)[::-1] * 257, (3, 1))
    values = np.array([[0, 255]], np.uint8)
    file = save(tmp_path / "a.tif", values, photometric="palette", colormap=table)
    assert (file.axes, file.dtype) == ("YX", np.uint16)
    np.testing.assert_array_equal(read_frame(file), [[65535, 0]])


def test_display_table_of_imagej_is_left_aside(tmp_path):
    table = np.zeros((3, 256), np.uint16)
    table[1] = np.arange(256) * 257
    values = np.array([[3, 200]], np.uint8)
    description = "ImageJ=1.54f\nunit=pixel\n"
    options = {"photometric": "palette", "colormap": table, "metadata": None}
    file = save(tmp_path / "a.tif", values, description=description, **options)
    assert file.axes == "YX"
    assert "display" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file), values)


def test_zero_as_white_is_inverted(tmp_path):
    file = save(tmp_path / "a.tif", np.array([[0, 55]], np.uint8), photometric="miniswhite")
    assert "inverted" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file), [[255, 200]])


def test_cmyk(tmp_path):
    ink = np.array([[[0, 255, 0, 0], [0, 0, 0, 255], [255, 0, 0, 51]]], np.uint8)
    file = save(tmp_path / "a.tif", ink, photometric="separated")
    assert "CMYK" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file), [[[255, 0, 255], [0, 0, 0], [0, 204, 204]]])


def test_pages_that_have_nothing_in_common_are_images_of_their_own(tmp_path):
    other = np.full((9, 2), 7, np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(GREY, metadata=None)
        writer.write(other, metadata=None)
    file = open_image(tmp_path / "a.tif")
    assert "it holds 2 images" in file.notes[0] and "a.tif/1" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file), GREY)
    second = open_image(tmp_path / "a.tif" / "1")
    assert second.notes == ()
    np.testing.assert_array_equal(read_frame(second), other)
    with pytest.raises(FileError, match="no image 2; it has 2 images"):
        open_image(tmp_path / "a.tif" / "2")


@pytest.mark.parametrize("odd", [0, 2, 4])
@pytest.mark.parametrize("how", ["size", "type"])
def test_a_frame_of_another_kind_keeps_its_place(tmp_path, odd, how):
    film = np.arange(1, 6, dtype=np.uint16)[:, None, None] * np.ones((1, 20, 30), np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for number, page in enumerate(film):
            strange = page[:-1] if how == "size" else page.astype(np.uint8)
            writer.write(strange if number == odd else page, metadata=None, contiguous=False)
    file = open_image(tmp_path / "a.tif")
    assert (file.axes, file.shape, file.dtype) == ("TYX", (5, 20, 30), np.uint16)
    assert f"frame {odd} (counted from 0) of 5" in file.notes[0]
    assert f"page {odd + 1} is {19 if how == 'size' else 20} × 30" in file.notes[0]
    for number, frame in enumerate(read_frames(file)):
        assert (frame == (0 if number == odd else number + 1)).all()
        assert (find_gap(file, number) is None) == (number != odd)
    with open_frame(file, odd) as opened:
        assert (opened.read(slice(3, 5), slice(1, 9)) == np.zeros((2, 8))).all()


def test_an_array_with_another_after_it_is_one_film(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK[:2], photometric="minisblack")
    tifffile.imwrite(tmp_path / "a.tif", STACK[2], photometric="minisblack", append=True)
    np.testing.assert_array_equal(list(read_frames(open_image(tmp_path / "a.tif"))), STACK)


def test_arrays_of_channels_one_after_the_other_are_times(tmp_path):
    film = np.arange(3 * 2 * 20 * 30, dtype=np.uint16).reshape(3, 2, 20, 30)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for one in film:
            writer.write(one, metadata={"axes": "CYX"}, photometric="minisblack")
    file = open_image(tmp_path / "a.tif")
    assert (file.axes, file.shape) == ("TCYX", film.shape)
    np.testing.assert_array_equal(list(read_frames(file, channel=1)), film[:, 1])


@pytest.mark.parametrize("name", ["small copies", "marked as small"])
def test_small_copies_are_no_images(tmp_path, name):
    picture = np.arange(64 * 48, dtype=np.uint16).reshape(64, 48)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for step in (1, 2, 4):
            kind = 1 if step > 1 and name == "marked as small" else 0
            writer.write(picture[::step, ::step], subfiletype=kind, metadata=None)
    file = open_image(tmp_path / "a.tif")
    assert (file.axes, file.frame_shape, file.n_frames) == ("YX", (64, 48), 1)
    assert not any("images" in note for note in file.notes)
    np.testing.assert_array_equal(read_frame(file), picture)


@pytest.mark.parametrize("shape", [(20, 30, 1), (20, 30, 1, 1), (1, 20, 30, 1), (3, 20, 30, 1)])
def test_axes_of_one_behind_rows_and_columns_cost_nothing(tmp_path, shape):
    values = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    tifffile.imwrite(tmp_path / "a.tif", values)
    file = open_image(tmp_path / "a.tif")
    assert file.axes == ("TYX" if shape[0] == 3 else "YX")
    frames = np.array(list(read_frames(file)))
    np.testing.assert_array_equal(frames.reshape(-1, 20, 30), values.reshape(-1, 20, 30))
    labels = read_labels(tmp_path / "a.tif")
    np.testing.assert_array_equal(labels.ravel(), values.ravel())


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("count", [2, 5])
def test_rows_columns_and_channels_are_a_picture(tmp_path, count, compression):
    """tifffile writes such an array as a page for each row."""
    values = np.arange(20 * 30 * count, dtype=np.uint16).reshape(20, 30, count)
    tifffile.imwrite(tmp_path / "a.tif", values, compression=compression)
    file = open_image(tmp_path / "a.tif")
    assert (file.axes, file.shape) == ("CYX", (count, 20, 30))
    assert "20 pages" in file.notes[0] and "--axes overrides" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file, channel=1), values[..., 1])
    with open_frame(file, channel=1) as opened:
        part = opened.read(slice(3, 9), slice(5, 7))
    np.testing.assert_array_equal(part, values[3:9, 5:7, 1])
    as_times = open_image(tmp_path / "a.tif", axes="TYX")
    np.testing.assert_array_equal(read_frame(as_times, 4), values[4])


def test_axes_can_say_anything_of_any_dimension(tmp_path):
    values = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    save(tmp_path / "a.tif", values, metadata=None)
    for axes, expected in (
        ("YXT", values.transpose(2, 0, 1)),
        ("XTY", values.transpose(1, 2, 0)),
        ("ZYX", values),
    ):
        file = open_image(tmp_path / "a.tif", axes=axes)
        np.testing.assert_array_equal(list(read_frames(file)), expected)
    colour = open_image(tmp_path / "a.tif", axes="SYX")
    np.testing.assert_array_equal(read_frame(colour), values.transpose(1, 2, 0))
    positions = open_image(tmp_path / "a.tif" / "2", axes="PYX")
    np.testing.assert_array_equal(read_frame(positions), values[2])


@pytest.mark.parametrize(
    ("about", "n_pages", "axes", "shape"),
    [
        ({"images": 5, "frames": 5}, 3, "TYX", (3, 4, 5)),
        ({"images": 2, "frames": 2}, 6, "TYX", (6, 4, 5)),
        ({"images": 4, "channels": 2, "frames": 2}, 6, "TCYX", (3, 2, 4, 5)),
        ({"images": 4, "channels": 2, "slices": 2}, 3, "TYX", (3, 4, 5)),
    ],
)
def test_counts_of_imagej_that_are_not_those_of_the_pages_are_said(
    tmp_path, about, n_pages, axes, shape
):
    pages = np.arange(n_pages * 20, dtype=np.uint16).reshape(n_pages, 4, 5)
    text = "ImageJ=1.53t\n" + "".join(f"{name}={n}\n" for name, n in about.items())
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for number, page in enumerate(pages):
            description = text if number == 0 else None
            writer.write(page, description=description, metadata=None, compression="zlib")
    file = open_image(tmp_path / "a.tif")
    assert (file.axes, file.shape) == (axes, shape)
    assert f"{n_pages} pages" in file.notes[0] and "ImageJ counts" in file.notes[0]
    n_channels = file.n_channels
    for number, frame in enumerate(read_frames(file)):
        np.testing.assert_array_equal(frame, pages[number * n_channels])


def test_pages_written_in_a_loop_are_one_film(tmp_path):
    """tifffile gives each page metadata of its own, as if it had nothing to do with the others."""
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for page in STACK:
            writer.write(page, compression="zlib")
    file = open_image(tmp_path / "a.tif")
    assert (file.axes, file.shape) == ("TYX", (3, 4, 5))
    np.testing.assert_array_equal(list(read_frames(file)), STACK)


def test_imagej_film_with_a_single_header(tmp_path):
    """ImageJ does so beyond 4 GB."""
    film = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
    description = "ImageJ=1.54f\nimages=3\nframes=3\n"
    raw = film.astype(">u2")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, raw[0], byteorder=">", description=description, metadata=None)
    with path.open("ab") as stream:  # the pixels of the first page are the last thing in the file
        stream.write(raw[1:].tobytes())
    file = open_image(path)
    assert (file.axes, file.shape) == ("TYX", (3, 4, 5))
    np.testing.assert_array_equal(read_frame(file, 2), film[2])


def test_only_the_page_wanted_is_read(tmp_path, monkeypatch):
    file = save(tmp_path / "a.tif", STACK, metadata=None, compression="zlib")
    read = []
    original = tifffile.TiffPage.asarray

    def watched(self, *args, **kwargs):
        read.append(self.index)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(tifffile.TiffPage, "asarray", watched)
    monkeypatch.setattr(tifffile.TiffFile, "asarray", lambda *_: pytest.fail("read whole"))
    np.testing.assert_array_equal(read_frame(file, 2), STACK[2])
    assert read == [2]

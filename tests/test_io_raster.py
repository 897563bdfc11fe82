"""PNG, JPEG and BMP: what is read is what was drawn."""

import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from coverslip.errors import FileError
from coverslip.io import open_image, read_frame, read_frames
from handmade_png import png_bytes

GREY = np.array([[0, 10, 20], [30, 40, 255]], np.uint8)
RGB = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 14


def save(path, values, **options):
    Image.fromarray(values).save(path, **options)
    return open_image(path)


def test_grey_png(tmp_path):
    file = save(tmp_path / "a.png", GREY)
    assert (file.axes, file.shape, file.frame_shape) == ("YX", (2, 3), (2, 3))
    assert (file.dtype, file.bit_depth, file.n_frames, file.frame_axes) == (np.uint8, 8, 1, "")
    assert file.pixel_size_um is None
    assert file.notes == ()
    np.testing.assert_array_equal(read_frame(file), GREY)


@pytest.mark.parametrize("suffix", ["png", "bmp"])
def test_rgb(tmp_path, suffix):
    file = save(tmp_path / f"a.{suffix}", RGB)
    assert (file.axes, file.shape) == ("YXS", (2, 3, 3))
    np.testing.assert_array_equal(read_frame(file), RGB)


def test_rgba_that_is_opaque_says_nothing(tmp_path):
    alpha = np.full((2, 3, 1), 255, np.uint8)
    file = save(tmp_path / "a.png", np.concatenate([RGB, alpha], axis=2))
    assert (file.axes, file.shape, file.notes) == ("YXS", (2, 3, 3), ())
    np.testing.assert_array_equal(read_frame(file), RGB)


def test_rgba_with_transparency_says_so(tmp_path):
    alpha = np.array([[0, 255, 255], [255, 255, 128]], np.uint8)[..., None]
    file = save(tmp_path / "a.png", np.concatenate([RGB, alpha], axis=2))
    assert "33.3% of the pixels" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file), RGB)


def test_grey_with_alpha_is_grey(tmp_path):
    file = save(tmp_path / "a.png", np.stack([GREY, 255 - GREY], axis=2))
    assert file.axes == "YX"
    assert "alpha" in file.notes[0]
    np.testing.assert_array_equal(read_frame(file), GREY)


def test_grey_of_16_bits_keeps_them(tmp_path):
    values = np.array([[0, 1], [256, 65535]], np.uint16)
    file = save(tmp_path / "a.png", values)
    assert (file.dtype, file.bit_depth) == (np.uint16, 16)
    frame = read_frame(file)
    assert frame.dtype == np.uint16
    np.testing.assert_array_equal(frame, values)


@pytest.mark.parametrize(("colour_type", "samples"), [(2, 3), (6, 4), (4, 2)])
def test_colour_and_alpha_of_16_bits_keep_the_lower_byte(tmp_path, colour_type, samples):
    values = np.arange(5 * 4 * samples, dtype=np.uint16).reshape(5, 4, samples) * 777 + 3
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes(values, depth=16, colour_type=colour_type))
    file = open_image(path)
    expected = values[..., 0] if samples == 2 else values[..., :3]
    assert (file.dtype, file.shape) == (np.uint16, expected.shape)
    np.testing.assert_array_equal(read_frame(file), expected)


def test_colour_table_is_replaced_by_its_colours(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), mode=None)
    picture = picture.convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.save(tmp_path / "a.png")
    file = open_image(tmp_path / "a.png")
    assert file.shape == (2, 2, 3)
    assert "colour table" in file.notes[0]
    expected = [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]
    np.testing.assert_array_equal(read_frame(file), expected)


def test_grey_colour_table_is_grey(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("P")
    picture.putpalette([255, 255, 255, 7, 7, 7])
    picture.save(tmp_path / "a.png")
    file = open_image(tmp_path / "a.png")
    assert file.axes == "YX"
    np.testing.assert_array_equal(read_frame(file), [[255, 7], [7, 255]])


def test_one_bit(tmp_path):
    file = save(tmp_path / "a.png", np.array([[True, False]]))
    assert (file.bit_depth, file.dtype) == (1, np.uint8)
    np.testing.assert_array_equal(read_frame(file), [[1, 0]])


def test_jpeg(tmp_path):
    grey = np.full((16, 16), 90, np.uint8)
    file = save(tmp_path / "a.jpg", grey, quality=100)
    assert (file.axes, file.bit_depth) == ("YX", 8)
    assert np.abs(read_frame(file).astype(int) - 90).max() <= 1


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[..., 1] = 255  # magenta
    Image.fromarray(ink, mode=None).save(tmp_path / "x.png")
    Image.merge("CMYK", [Image.fromarray(ink[..., i]) for i in range(4)]).save(
        tmp_path / "a.jpg", quality=100
    )
    file = open_image(tmp_path / "a.jpg")
    assert file.axes == "YXS"
    assert "CMYK" in file.notes[0]
    assert np.abs(read_frame(file).astype(int) - [255, 0, 255]).max() <= 3


def test_pixel_size_of_png_is_taken_where_it_is_a_microscopes(tmp_path):
    # 0.5 µm = 2,000,000 pixels per metre = 50,800 dpi; Pillow rounds to whole pixels per metre.
    file = save(tmp_path / "a.png", GREY, dpi=(50_800, 25_400))
    assert file.pixel_size_um == pytest.approx((1.0, 0.5), rel=1e-5)
    assert "µm" in file.notes[0]


@pytest.mark.parametrize("dpi", [72, 96, 300])
def test_resolution_of_screen_and_print_is_ignored_and_said(tmp_path, dpi):
    file = save(tmp_path / "a.png", GREY, dpi=(dpi, dpi))
    assert file.pixel_size_um is None
    assert f"{dpi}" in file.notes[0]
    assert "ignored" in file.notes[0]


def test_physical_size_without_a_unit_is_no_size(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add(b"pHYs", struct.pack(">IIB", 2_000_000, 2_000_000, 0))
    assert save(tmp_path / "a.png", GREY, pnginfo=info).pixel_size_um is None


def test_the_content_counts_not_the_name(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.tif", format="PNG")
    np.testing.assert_array_equal(read_frame(open_image(tmp_path / "a.tif")), GREY)


def test_colours_as_channels_where_axes_say_so(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    file = open_image(tmp_path / "a.png", axes="YXC")
    assert (file.axes, file.shape, file.n_channels) == ("CYX", (3, 2, 3), 3)
    np.testing.assert_array_equal(read_frame(file, channel=2), RGB[..., 2])


def test_frames_of_a_single_picture(tmp_path):
    file = save(tmp_path / "a.png", GREY)
    assert len(list(read_frames(file))) == 1
    with pytest.raises(FileError, match="no frame 1; it has 1"):
        read_frame(file, 1)
    with pytest.raises(FileError, match="no channel 1; it has 1"):
        read_frame(file, channel=1)

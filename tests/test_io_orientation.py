"""A picture that says how it is to be turned is read as it is seen, image and mask alike."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps, PngImagePlugin

from coverslip.io import (
    Pair,
    check_pairs,
    open_frame,
    open_image,
    read_checked,
    read_frame,
    read_labels,
)

STORED = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)
ALL = range(1, 9)


def exif_of(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def seen(stored: np.ndarray, orientation: int) -> np.ndarray:
    """What Pillow, which others wrote, makes of it."""
    picture = Image.fromarray(stored)
    picture.getexif()[274] = orientation
    return np.asarray(ImageOps.exif_transpose(picture))


def save(path, stored: np.ndarray, orientation: int, **options):
    if path.suffix == ".tif":
        tags = [(274, "H", 1, orientation, True)]
        options = {"photometric": "minisblack", "metadata": None, **options}
        tifffile.imwrite(path, stored, extratags=tags, **options)
    else:
        Image.fromarray(stored).save(path, exif=exif_of(orientation), **options)
    return path


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_image_and_labels_are_turned_alike(tmp_path, name, orientation):
    path = save(tmp_path / name, STORED, orientation)
    file = open_image(path)
    expected = seen(STORED, orientation)
    assert file.frame_shape == expected.shape
    np.testing.assert_array_equal(read_frame(file), expected)
    np.testing.assert_array_equal(read_labels(path), expected)
    said = [note for note in file.notes if "orientation" in note]
    assert len(said) == (orientation > 1)
    assert f"({orientation})" in "".join(said) or orientation == 1


@pytest.mark.parametrize("orientation", ALL)
def test_a_jpeg_is_turned(tmp_path, orientation):
    stored = np.zeros((16, 32), np.uint8)
    stored[:8, :8] = 255
    file = open_image(save(tmp_path / "a.jpg", stored, orientation, quality=100))
    difference = np.abs(read_frame(file).astype(int) - seen(stored, orientation))
    assert difference.max() < 9


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize(
    "options", [{}, {"tile": (16, 16)}, {"compression": "zlib", "rowsperstrip": 3}], ids=str
)
def test_parts_of_a_turned_tiff_are_those_of_the_whole(tmp_path, orientation, options):
    stored = np.arange(50 * 70, dtype=np.uint16).reshape(50, 70)
    file = open_image(save(tmp_path / "a.tif", stored, orientation, **options))
    whole = read_frame(file)
    np.testing.assert_array_equal(whole, seen(stored, orientation))
    with open_frame(file) as frame:
        for rows, columns in ((slice(3, 20), slice(11, 40)), (slice(0, 50), slice(40, 50))):
            np.testing.assert_array_equal(frame.read(rows, columns), whole[rows, columns])


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colours_and_films_are_turned(tmp_path, planar):
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    stored = colours if planar == "contig" else colours.transpose(2, 0, 1)
    path = save(tmp_path / "a.tif", stored, 6, photometric="rgb", planarconfig=planar)
    np.testing.assert_array_equal(read_frame(open_image(path)), np.rot90(colours, -1))
    film = np.stack([STORED, STORED + 100])
    file = open_image(save(tmp_path / "b.tif", film, 8))
    assert file.shape == (2, 7, 5)
    np.testing.assert_array_equal(read_frame(file, 1), np.rot90(STORED + 100))


def test_height_and_width_of_a_pixel_are_exchanged(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(STORED).save(path, dpi=(50_800, 25_400), exif=exif_of(6))
    assert open_image(path).pixel_size_um == pytest.approx((0.5, 1.0), rel=1e-5)


@pytest.mark.parametrize("block", [b"", b"Exif\0\0", b"II*\0\xff\xff\xff\xff", b"MM", b"\0" * 99])
def test_damaged_exif_is_left_aside(tmp_path, block):
    Image.fromarray(STORED).save(tmp_path / "a.png", exif=block)
    np.testing.assert_array_equal(read_frame(open_image(tmp_path / "a.png")), STORED)


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_an_orientation_that_there_is_not_turns_nothing(tmp_path, orientation):
    file = open_image(save(tmp_path / "a.tif", STORED, orientation))
    np.testing.assert_array_equal(read_frame(file), STORED)


def test_a_mask_that_was_drawn_on_the_stored_picture_is_told_the_cause(tmp_path):
    image = save(tmp_path / "a.jpg", STORED, 6)
    mask = tmp_path / "a.png"
    Image.fromarray(STORED).save(mask)
    (problem,) = check_pairs([Pair("a", image, (mask,))])
    assert "turned by 90° clockwise" in problem and "turn the mask likewise" in problem


def test_a_turned_mask_is_said(tmp_path):
    mask = save(tmp_path / "a.png", (STORED > 20) * np.uint8(255), 3)
    assert "turned by 180°" in read_checked(mask).notes[0]


@pytest.mark.parametrize("dtype", ["u1", "u2", "i1", "i2", "i4", "f4", "f8"])
def test_where_0_is_white_bright_is_large_whatever_the_type(tmp_path, dtype):
    values = np.array([[0, 100], [30, 7]]).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    file = open_image(tmp_path / "a.tif")
    top = {"u1": 255, "u2": 65535, "i1": 127, "i2": 32767, "i4": 2147483647}.get(dtype, 100)
    frame = read_frame(file)
    assert frame.tolist() == [[top, top - 100], [top - 30, top - 7]]
    assert file.dtype == frame.dtype == np.dtype(dtype.replace("i", "u"))
    said = "inverted" if dtype[0] == "u" else f"made {top} - v"
    assert "0 is white" in file.notes[0] and said in file.notes[0]


def test_negative_values_where_0_is_white_stay_in_order(tmp_path):
    values = np.array([[-32768, -1], [0, 32767]], np.int16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    assert read_frame(open_image(tmp_path / "a.tif")).tolist() == [[65535, 32768], [32767, 0]]


@pytest.mark.parametrize(
    "options", [{}, {"tile": (16, 16)}, {"compression": "zlib", "rowsperstrip": 3}], ids=str
)
def test_real_numbers_of_a_film_where_0_is_white_have_one_greatest_value(
    tmp_path, options, monkeypatch
):
    monkeypatch.setattr("coverslip.io.formats.tiff.BAND_PX", 100)
    film = np.random.default_rng(0).random((3, 40, 30)).astype(np.float32)
    film[1, 33, 20], film[0, 2, 2], film[2, 5, 5] = 7.5, np.nan, np.inf
    tifffile.imwrite(tmp_path / "a.tif", film, photometric="miniswhite", metadata=None, **options)
    file = open_image(tmp_path / "a.tif")
    assert "made 7.5 - v" in "".join(file.notes)
    for number in range(3):
        frame, plain = read_frame(file, number), np.isfinite(film[number])
        np.testing.assert_array_equal(frame[plain], (np.float32(7.5) - film[number])[plain])
        assert frame.min() >= 0
        with open_frame(file, number) as reader:
            part = reader.read(slice(20, 40), slice(10, 30))
        np.testing.assert_array_equal(part, frame[20:40, 10:30])


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{}</rdf:RDF></x:xmpmeta>'
)
FORMS = (' tiff:Orientation="{}"/>', "><tiff:Orientation>{}</tiff:Orientation></rdf:Description>")


def save_xmp(path, xmp: str, exif: int | None = None) -> None:
    if path.suffix == ".tif":
        tags = [(700, "B", len(xmp), xmp.encode(), True)]
        tags += [(274, "H", 1, exif, True)] if exif else []
        tifffile.imwrite(path, STORED, photometric="minisblack", metadata=None, extratags=tags)
        return
    options = {"exif": exif_of(exif)} if exif else {}
    if path.suffix == ".png":
        about = PngImagePlugin.PngInfo()
        about.add_itxt("XML:com.adobe.xmp", xmp)
        options |= {"pnginfo": about}
    else:
        options |= {"xmp": xmp.encode(), "quality": 100}
    Image.fromarray(STORED).save(path, **options)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg"])
def test_an_orientation_that_stands_in_xmp_alone(tmp_path, name, form):
    for orientation in ALL:
        save_xmp(tmp_path / name, XMP.format(form.format(orientation)))
        file = open_image(tmp_path / name)
        difference = read_frame(file).astype(int) - seen(STORED, orientation)
        assert np.abs(difference).max() <= (4 if name == "a.jpg" else 0)
        assert f"({orientation})" in "".join(file.notes) or orientation == 1
    save_xmp(tmp_path / name, XMP.format(form.format(6)), exif=1)  # turned since, by EXIF
    assert open_image(tmp_path / name).frame_shape == STORED.shape


@pytest.mark.parametrize("value", ["9", "0", "12", "six", ""])
def test_an_orientation_that_is_none_is_left_aside(tmp_path, value):
    save_xmp(tmp_path / "a.png", XMP.format(FORMS[0].format(value)))
    np.testing.assert_array_equal(read_frame(open_image(tmp_path / "a.png")), STORED)


def test_exif_that_imagemagick_writes_as_text_of_a_png(tmp_path):
    raw = exif_of(6).tobytes()
    text = f"\nexif\n{len(raw):8d}\n{raw.hex()}\n"
    about = PngImagePlugin.PngInfo()
    about.add_text("Raw profile type exif", text, zip=True)
    Image.fromarray(STORED).save(tmp_path / "a.png", pnginfo=about)
    np.testing.assert_array_equal(read_frame(open_image(tmp_path / "a.png")), seen(STORED, 6))


def test_grey_with_transparency_and_0_as_white(tmp_path):
    values = np.array([[[0, 255], [100, 255]]], np.uint8)
    options = {"photometric": "miniswhite", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "a.tif", values, planarconfig="contig", **options)
    file = open_image(tmp_path / "a.tif")
    assert read_frame(file).tolist() == [[255, 155]]
    assert "0 is white" in file.notes[0]

"""Files as they come: cut off, empty, mislabelled, of absurd size. Each error names its file."""

import errno
import struct
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from coverslip.errors import FileError
from coverslip.io import open_image, read_frame, read_labels
from coverslip.io.formats import guard
from handmade_png import png_bytes

NOISE = np.random.default_rng(0).integers(0, 65536, (64, 64), dtype=np.uint16)


def read(path):
    return read_frame(open_image(path))


def refused(path, *words):
    """Reading fails with a FileError that names the file and says these words."""
    with pytest.raises(FileError) as error:
        read(path)
    for word in (path.name, *words):
        assert word in str(error.value)


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.99])
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
def test_picture_cut_off(tmp_path, suffix, share):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray((NOISE // 256).astype(np.uint8)).save(path)
    refused(cut(path, share))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_cut_off(tmp_path, compression, share):
    tifffile.imwrite(tmp_path / "a.tif", NOISE, compression=compression)
    refused(cut(tmp_path / "a.tif", share))


@pytest.mark.parametrize("options", [{"metadata": None}, {"ome": True}, {"imagej": True}])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_film_cut_off_is_no_shorter_film(tmp_path, share, options):
    film = np.stack([NOISE] * 4)
    options = {"metadata": {"axes": "TYX"}, "photometric": "minisblack"} | options
    with tifffile.TiffWriter(tmp_path / "a.tif", ome=options.pop("ome", None)) as writer:
        options.pop("imagej", None)
        writer.write(film, contiguous=False, compression="zlib", **options)
    path = cut(tmp_path / "a.tif", share)
    with pytest.raises(FileError, match=r"a\.tif"):
        [read_frame(open_image(path), frame) for frame in range(4)]


def test_separately_written_pages_cut_off(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for _ in range(4):
            writer.write(NOISE, metadata=None, contiguous=False)
    refused(cut(tmp_path / "a.tif", 0.6), "cut off")


def test_text_named_png(tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("hello, this is no picture")
    refused(path, "not an image", "hello")


def test_empty_file(tmp_path):
    path = tmp_path / "a.tif"
    path.touch()
    refused(path, "empty (0 bytes)")


def test_missing_file_and_folder(tmp_path):
    refused(tmp_path / "nowhere.png", "no such file")
    (tmp_path / "folder.png").mkdir()
    refused(tmp_path / "folder.png", "folder")


def test_file_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.touch()
    monkeypatch.setattr(type(path), "open", _raiser(PermissionError(errno.EACCES, "denied")))
    refused(path, "may not read")


def _raiser(error):
    def fail(*args, **kwargs):
        raise error

    return fail


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_png_without_pixels(tmp_path, shape):
    path = tmp_path / "a.png"
    path.write_bytes(png_bytes(np.zeros(shape, np.uint8), depth=8, colour_type=0))
    refused(path, "no pixel")


def test_tiff_without_pixels(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, NOISE, metadata=None)
    _patch_tag(path, 256, 0)
    refused(path)


def _patch_tag(path, code, value):
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages[0].tags[code].overwrite(value)


def test_png_header_of_absurd_size(tmp_path):
    path = tmp_path / "a.png"
    data = bytearray(png_bytes(np.zeros((1, 1), np.uint8), depth=8, colour_type=0))
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    path.write_bytes(bytes(data))
    refused(path, "100,000 × 100,000")


def test_tiff_header_of_absurd_size(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((70_000, 1), np.uint8), metadata=None)  # for tags of 32 bits
    _patch_tag(path, 256, 100_000)
    _patch_tag(path, 257, 100_000)
    refused(path, "10,000 MB of pixels, which its 70,208 bytes cannot hold")


def test_bmp_header_of_absurd_size(tmp_path):
    path = tmp_path / "a.bmp"
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(path)
    data = bytearray(path.read_bytes())
    data[18:26] = struct.pack("<ii", 100_000, 100_000)
    path.write_bytes(bytes(data))
    refused(path, "100,000 × 100,000")


def test_large_picture_below_the_limit_is_no_bomb(tmp_path):
    """Pillow by itself warns of 90 megapixels, and warnings are errors here."""
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((9_500, 9_500), np.bool_)).save(path)
    assert open_image(path).frame_shape == (9_500, 9_500)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
def test_smallest_pictures(tmp_path, suffix, shape):
    path = tmp_path / f"a.{suffix}"
    values = np.full(shape, 9, np.uint8)
    if suffix == "tif":
        tifffile.imwrite(path, values)
    else:
        Image.fromarray(values).save(path)
    np.testing.assert_array_equal(read(path), values)


def test_nan_and_inf_are_replaced_and_told(tmp_path):
    values = np.array([[1, np.nan], [np.inf, -np.inf], [5, 2]], np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values)
    told = []
    frame = read_frame(open_image(tmp_path / "a.tif"), tell=told.append)
    assert frame.dtype == np.float32
    np.testing.assert_array_equal(frame, [[1, 1], [5, 1], [5, 2]])
    assert told == ["3 values that were NaN or Inf were replaced by 1 and 5"]


def test_nothing_but_nan(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((3, 3), np.nan, np.float32))
    refused(tmp_path / "a.tif", "nothing but NaN and Inf")


def test_complex_numbers(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 3), np.complex64))
    refused(tmp_path / "a.tif", "complex64")


@pytest.mark.parametrize("value", [0, 77])
def test_black_and_constant_pictures_are_pictures(tmp_path, value):
    Image.fromarray(np.full((4, 4), value, np.uint8)).save(tmp_path / "a.png")
    assert (read(tmp_path / "a.png") == value).all()


@pytest.mark.parametrize("name", ["with two  spaces", "Zellkörper ÄÖÜß", "细胞 ①", "[a-b] (1)"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_unusual_names(tmp_path, name, suffix):
    folder = tmp_path / name
    folder.mkdir()
    path = folder / f"{name}.{suffix}"
    if suffix == "tif":
        tifffile.imwrite(path, NOISE)
    else:
        Image.fromarray(NOISE).save(path)
    np.testing.assert_array_equal(read(path), NOISE)


def test_codec_that_is_not_installed(tmp_path):
    """In an interpreter of its own, since tifffile looks for imagecodecs once, at import."""
    pytest.importorskip("imagecodecs")
    tifffile.imwrite(tmp_path / "a.tif", NOISE, compression="lzw")
    code = (
        "import sys; sys.modules['imagecodecs'] = None\n"
        "from pathlib import Path; from coverslip.io import open_image, read_frame\n"
        "file = open_image(Path(sys.argv[1]))\n"
        "try: read_frame(file)\n"
        "except Exception as error: sys.stdout.write(f'{type(error).__name__}: {error}')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.tif")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("FileError: ")
    for word in ("a.tif", "LZW", "pip install imagecodecs"):
        assert word in said


def test_no_memory(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", NOISE)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", _raiser(MemoryError()))
    refused(tmp_path / "a.tif", "memory")


def test_damaged_labels_name_their_file_too(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", NOISE, compression="zlib")
    with pytest.raises(FileError, match=r"a\.tif"):
        read_labels(cut(tmp_path / "a.tif", 0.5))


def test_limit_is_a_number_of_pixels(tmp_path):
    guard.check_size(tmp_path, height=1, width=guard.MAX_FRAME_PX)
    with pytest.raises(FileError):
        guard.check_size(tmp_path, height=1, width=guard.MAX_FRAME_PX + 1)

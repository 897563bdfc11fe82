"""Damaged files are read or refused: no crash, no hang, no other exception, no memory without end.

`make fuzz` reads 10,000 of them; here are some, and what it has found.
"""

from __future__ import annotations

import contextlib
import io
import signal
import struct
import sys
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from coverslip.errors import FileError
from coverslip.io import open_image, read_frame, read_labels
from coverslip.io.formats.guard import check_claim
from coverslip.io.formats.raster import Bounded
from fuzz.mutate import mend_png
from fuzz.read import read_as_all, read_image
from fuzz.run import Reader, fuzz
from fuzz.seeds import (
    FILM,
    GREY,
    annotations,
    label_files,
    photographs,
    pictured,
    pngs,
    tiff,
    tiffs,
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")


@linux
def test_some_damaged_files(tmp_path):
    found = fuzz(200, seed=0, out=tmp_path)
    assert found.kept == {} and sum(found.outcomes.values()) == 200
    assert min(found.outcomes["read"], found.outcomes["refused"]) > 20
    assert list(tmp_path.iterdir()) == []


SEEDS = pngs() | photographs() | tiffs() | label_files()


@pytest.mark.parametrize("name", SEEDS)
def test_every_seed_is_good(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SEEDS[name])
    read_image(path)
    assert read_as_all(path) in ("read", "refused")  # as labels, where it is a photograph


@pytest.mark.parametrize("name", annotations())
def test_every_annotation_is_good(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(annotations()[name])
    assert read_as_all(path) == "read"


def test_a_reader_that_breaks_is_a_finding(tmp_path, monkeypatch):
    def broken(path):
        raise IndexError("list index out of range")

    monkeypatch.setattr("fuzz.read.READERS", {".png": (broken,)})
    assert read_as_all(tmp_path / "a.png").startswith("IndexError at test_fuzz.py")


@linux
def test_a_process_that_ends_is_a_finding(tmp_path):
    reader = Reader()
    (tmp_path / "list.csv").write_text("name\na\n")
    assert reader.ask(tmp_path / "list.csv") == "read"
    reader.process.send_signal(signal.SIGSEGV)
    assert reader.ask(tmp_path / "list.csv") == "crash -11"
    assert reader.process is None  # the next file has a new one


# --- what was found


def refused(tmp_path, name, data):
    """The words of the refusal, which comes before the memory is taken."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FileError) as error:
        read_frame(open_image(path))
    assert name in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_png_that_claims_a_gigapixel(tmp_path, mode):
    data = bytearray(pictured(Image.fromarray(GREY).convert(mode), "png"))
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    assert "MB of pixels" in refused(tmp_path, "a.png", mend_png(bytes(data)))


def test_bmp_that_claims_a_gigapixel(tmp_path):
    data = bytearray(pictured(GREY, "bmp"))
    data[18:26] = struct.pack("<ii", 30_000, 30_000)
    assert "MB of pixels" in refused(tmp_path, "a.bmp", bytes(data))


def test_png_whose_part_claims_gigabytes(tmp_path):
    """Pillow asks for all of them, and Python would take memory for them first."""
    data = bytearray(pictured(GREY, "png"))
    at = data.index(b"IDAT") - 4
    data[at : at + 4] = struct.pack(">I", 2**31 - 1)
    path = tmp_path / "a.png"
    path.write_bytes(bytes(data))
    tracemalloc.start()
    with contextlib.suppress(FileError):
        read_frame(open_image(path))
    with Bounded(io.FileIO(path)) as stream:
        assert stream.read(2**31) == bytes(data) and stream.read(2**31) == b""
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def set_tag(data: bytes, code: int, *, value: int, kind: int = 4) -> bytes:
    """A small-endian TIFF with another value in a tag of its first page."""
    (first,) = struct.unpack_from("<I", data, 4)
    (n_tags,) = struct.unpack_from("<H", data, first)
    for at in range(first + 2, first + 2 + 12 * n_tags, 12):
        if struct.unpack_from("<H", data, at)[0] == code:
            return data[: at + 2] + struct.pack("<HII", kind, 1, value) + data[at + 12 :]
    raise KeyError(code)


WIDTH, LENGTH, STRIP_BYTES, TILE_WIDTH = 256, 257, 279, 322


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("tag", [WIDTH, LENGTH])
def test_tiff_that_claims_half_a_gigabyte(tmp_path, compression, tag):
    data = tiff(GREY, compression=compression, metadata=None)
    said = refused(tmp_path, "a.tif", set_tag(data, tag, value=20_000_000))
    assert "480 MB of pixels" in said


def test_tiff_whose_tiles_are_wider_than_any_picture(tmp_path):
    data = tiff(GREY, tile=(16, 16), compression="zlib", metadata=None)
    assert "2,147,483,648 × 16" in refused(
        tmp_path, "a.tif", set_tag(data, TILE_WIDTH, value=2**31)
    )


def test_tiff_whose_strip_is_longer_than_the_file(tmp_path):
    pytest.importorskip("imagecodecs")
    data = tiff(GREY, compression="packbits", metadata=None)
    said = refused(tmp_path, "a.tif", set_tag(data, STRIP_BYTES, value=2**31))
    assert "2,147,483,648 bytes" in said


def test_labels_are_refused_alike(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(set_tag(tiff(GREY, compression="zlib", metadata=None), LENGTH, value=2**24))
    with pytest.raises(FileError, match="MB of pixels"):
        read_labels(path)


# --- and what must go on being read


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_])
def test_an_empty_picture_that_packs_well(tmp_path, dtype):
    path = tmp_path / "a.tif"
    shape = (6000, 6000)
    empty = np.zeros(shape, dtype)
    tifffile.imwrite(path, empty, compression="zlib", tile=(512, 512), photometric="minisblack")
    assert path.stat().st_size < 60_000
    assert not read_frame(open_image(path)).any()


def test_a_film_of_many_small_pages(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.repeat(FILM, 50, axis=0), metadata={"axes": "TYX"})
    assert open_image(path).n_frames == 150


def test_the_limit_grows_with_the_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(bytes(1000))
    check_claim(path, 2**24)
    with pytest.raises(FileError, match="17 MB of pixels, which its 1,000 bytes cannot hold"):
        check_claim(path, 2**24 + 1)
    path.write_bytes(bytes(10_000))
    check_claim(path, 100_000_000)

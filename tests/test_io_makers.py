"""ND2 and CZI, the formats of Nikon and Zeiss, in small files written byte by byte."""

import sys

import numpy as np
import pytest

from coverslip.errors import FileError, SettingsError
from coverslip.io import find_images, list_series, open_image, read_frame, read_frames
from handmade_czi import czi_bytes
from handmade_lif import lif_bytes
from handmade_nd2 import nd2_bytes

PLANE = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
FRAMES = np.random.default_rng(0).integers(0, 4096, (6, 7, 9, 2), dtype=np.uint16)
LOOPS = (("T", 2, 1500.0), ("Z", 3, 0.0))
XML = """<ImageDocument><Metadata><Information><Image><ComponentBitCount>12</ComponentBitCount>
<Dimensions><Channels><Channel Name="GFP"/><Channel Name="phase"/></Channels><T><Positions>
<Interval><Increment>30</Increment></Interval></Positions></T></Dimensions></Image></Information>
<Scaling><Items><Distance Id="X"><Value>6.5e-07</Value></Distance><Distance Id="Y">
<Value>7e-07</Value></Distance></Items></Scaling></Metadata></ImageDocument>"""


def save(path, data):
    path.write_bytes(data)
    return path


# --- ND2


@pytest.mark.parametrize("is_compressed", [False, True])
def test_nd2(is_compressed, tmp_path):
    pytest.importorskip("nd2")
    options = {"pixel_size_um": 0.65, "is_compressed": is_compressed}
    data = nd2_bytes(FRAMES, names=("DAPI", "phase"), loops=LOOPS, **options)
    file = open_image(save(tmp_path / "a.nd2", data))
    assert (file.axes, file.shape, file.dtype) == ("TZCYX", (2, 3, 2, 7, 9), np.uint16)
    assert (file.bit_depth, file.channel_names) == (12, ("DAPI", "phase"))
    assert (file.pixel_size_um, file.frame_interval_s) == ((0.65, 0.65), 1.5)
    for channel in range(2):
        frames = list(read_frames(file, channel=channel))
        np.testing.assert_array_equal(frames, FRAMES[..., channel])


def test_nd2_of_one_picture_without_calibration(tmp_path):
    pytest.importorskip("nd2")
    file = open_image(save(tmp_path / "a.nd2", nd2_bytes(FRAMES[:1, :, :, :1], names=("",))))
    assert (file.axes, file.pixel_size_um, file.channel_names) == ("YX", None, ())
    np.testing.assert_array_equal(read_frame(file), FRAMES[0, ..., 0])


def test_nd2_whose_metadata_cannot_be_read_has_its_pixels(tmp_path):
    pytest.importorskip("nd2")
    data = nd2_bytes(FRAMES[:1, :, :, :1], names=("DAPI",), has_probe=False)
    file = open_image(save(tmp_path / "a.nd2", data))
    np.testing.assert_array_equal(read_frame(file), FRAMES[0, ..., 0])
    assert file.channel_names in ((), ("DAPI",))  # a later nd2 may read them


def test_each_position_of_an_nd2_is_an_image(tmp_path):
    pytest.importorskip("nd2")
    loops = (("P", 3, 0.0), ("T", 2, 1500.0))
    path = save(tmp_path / "a.nd2", nd2_bytes(FRAMES[..., :1], names=("DAPI",), loops=loops))
    assert list_series(path) == [path / "0", path / "1", path / "2"]
    assert "it holds 3 images" in " ".join(open_image(path).notes)
    for position in range(3):
        file = open_image(path / str(position))
        assert (file.axes, file.shape, file.frame_interval_s) == ("TYX", (2, 7, 9), 1.5)
        frames = list(read_frames(file))
        np.testing.assert_array_equal(frames, FRAMES[2 * position : 2 * position + 2, ..., 0])
    with pytest.raises(FileError, match="no image 3; it has 3 images"):
        open_image(path / "3")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_nd2_that_is_cut_off(share, tmp_path):
    pytest.importorskip("nd2")
    data = nd2_bytes(FRAMES, names=("a", "b"), loops=LOOPS)
    path = save(tmp_path / "a.nd2", data[: int(share * len(data))])
    with pytest.raises(FileError, match=r"a\.nd2: cannot be read"):
        open_image(path)


# --- CZI


def test_czi(tmp_path):
    pytest.importorskip("czifile")
    film = np.stack([PLANE + 600 * n for n in range(6)]).reshape(3, 2, 20, 30)
    blocks = [(film[t, c], {"X": 0, "Y": 0, "C": c, "T": t}, 1) for t in range(3) for c in range(2)]
    file = open_image(save(tmp_path / "a.czi", czi_bytes(blocks, xml=XML)))
    assert (file.axes, file.shape, file.dtype) == ("TCYX", film.shape, np.uint16)
    assert (file.bit_depth, file.channel_names) == (12, ("GFP", "phase"))
    assert file.pixel_size_um == pytest.approx((0.7, 0.65))
    assert file.frame_interval_s == 30
    for channel in range(2):
        np.testing.assert_array_equal(list(read_frames(file, channel=channel)), film[:, channel])


def test_the_later_field_of_a_mosaic_lies_on_top_and_gaps_are_zero(tmp_path):
    pytest.importorskip("czifile")
    one, two = np.full((2, 3), 1, np.uint16), np.full((2, 3), 2, np.uint16)
    blocks = [(two, {"X": 2, "Y": 1, "M": 1}, 1), (one, {"X": 0, "Y": 0, "M": 0}, 1)]
    picture = read_frame(open_image(save(tmp_path / "a.czi", czi_bytes(blocks))))
    assert picture.tolist() == [[1, 1, 1, 0, 0], [1, 1, 2, 2, 2], [0, 0, 2, 2, 2]]


def test_each_scene_of_a_czi_is_an_image(tmp_path):
    pytest.importorskip("czifile")
    blocks = [(PLANE + s, {"X": 40 * s, "Y": 0, "S": s}, 1) for s in range(2)]
    path = save(tmp_path / "a.czi", czi_bytes(blocks))
    assert list_series(path) == [path / "0", path / "1"]
    assert "it holds 2 images (scene 0, scene 1)" in open_image(path).notes[0]
    for scene in range(2):
        file = open_image(path / str(scene))
        assert file.frame_shape == PLANE.shape and not file.notes
        np.testing.assert_array_equal(read_frame(file), PLANE + scene)
    one = [(PLANE, {"X": 0, "Y": 0, "S": 4}, 1)]
    file = open_image(save(tmp_path / "b.czi", czi_bytes(one)))
    np.testing.assert_array_equal(read_frame(file), PLANE)


def test_an_axis_that_is_not_read_is_told(tmp_path):
    pytest.importorskip("czifile")
    blocks = [(PLANE, {"X": 0, "Y": 0, "H": h}, 1) for h in range(2)]
    path = save(tmp_path / "a.czi", czi_bytes(blocks))
    with pytest.raises(FileError, match=r"a\.czi.*--axes"):
        open_image(path)
    assert open_image(path, axes="TYX").n_frames == 2


def test_czi_that_is_cut_off(tmp_path):
    pytest.importorskip("czifile")
    data = czi_bytes([(PLANE, {"X": 0, "Y": 0}, 1)])
    with pytest.raises(FileError, match=r"a\.czi"):
        read_frame(open_image(save(tmp_path / "a.czi", data[:900])))


# --- Both


@pytest.mark.parametrize(
    ("package", "name", "extra", "data"),
    [
        ("nd2", "a.nd2", "nd2", b"\xda\xce\xbe\n" * 9),
        ("czifile", "a.czi", "czi", b"ZISRAWFILE" * 9),
    ],
)
def test_without_the_package_it_says_how_to_get_it(
    package, name, extra, data, tmp_path, monkeypatch
):
    path = save(tmp_path / name, data)
    assert find_images([tmp_path]) == [path]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError, match=rf"a\.{extra}: .*pip install '\.\[{extra}\]'"):
        open_image(path)


# --- LIF


def test_lif(tmp_path):
    pytest.importorskip("liffile")
    film = np.arange(3 * 2 * 2 * 8 * 11, dtype="<u2").reshape(3, 2, 2, 8, 11)  # T, Z, C
    lengths = {"X": 10 * 0.5e-6, "Y": 7 * 0.25e-6, "Z": 1e-6, "T": 2 * 30.0}
    images = [("film", film, "TZCYX", lengths), ("snap", PLANE + 1, "YX", {"X": 29e-6, "Y": 19e-6})]
    path = save(tmp_path / "a.lif", lif_bytes(images))
    assert list_series(path) == [path / "0", path / "1"]
    assert find_images([tmp_path]) == [path]
    assert find_images([path / "*"]) == [path / "0", path / "1"]
    first = open_image(path)
    assert "it holds 2 images (film, snap)" in " ".join(first.notes)
    assert (first.axes, first.shape) == ("TZCYX", film.shape)
    assert first.pixel_size_um == pytest.approx((0.25, 0.5))
    assert first.frame_interval_s == pytest.approx(30)
    assert first.channel_names == ("Green", "Red")
    for channel in range(2):
        frames = np.array(list(read_frames(first, channel=channel)))
        np.testing.assert_array_equal(frames, film[:, :, channel].reshape(6, 8, 11))
    second = open_image(path / "1")
    assert second.pixel_size_um == pytest.approx((1, 1))
    np.testing.assert_array_equal(read_frame(second), PLANE + 1)
    with pytest.raises(FileError, match="no image 2; it has 2 images"):
        open_image(path / "2")


def test_each_field_of_a_lif_s_mosaic_is_an_image(tmp_path):
    pytest.importorskip("liffile")
    fields = np.arange(3 * 2 * 8 * 11, dtype="<u2").reshape(3, 2, 8, 11)  # M, T
    images = [("snap", PLANE, "YX", {}), ("tiles", fields, "MTYX", {"T": 20.0})]
    path = save(tmp_path / "a.lif", lif_bytes([*images, ("last", PLANE + 1, "YX", {})]))
    assert list_series(path) == [path / str(n) for n in range(5)]
    assert "snap, tiles, field 0" in " ".join(open_image(path).notes)
    for n in range(3):
        film = open_image(path / str(1 + n))
        assert (film.axes, film.frame_interval_s) == ("TYX", 20)
        np.testing.assert_array_equal(list(read_frames(film)), fields[n])
    np.testing.assert_array_equal(read_frame(open_image(path / "4")), PLANE + 1)
    with pytest.raises(FileError, match="no image 5; it has 5 images"):
        open_image(path / "5")


def test_a_lif_s_scan_along_a_line_costs_itself_alone(tmp_path):
    pytest.importorskip("liffile")
    images = [("xz", PLANE, "ZX", {}), ("xt", PLANE, "TX", {}), ("snap", PLANE, "YX", {})]
    path = save(tmp_path / "a.lif", lif_bytes(images))
    scan, _, snap = list_series(path)
    with pytest.raises(FileError, match=r"a\.lif: xz has no rows and columns \(Z \d+ × X \d+\)"):
        open_image(scan)
    np.testing.assert_array_equal(read_frame(open_image(snap)), PLANE)


def test_a_lif_without_the_length_of_its_film_tells_when_each_frame_was_taken(tmp_path):
    pytest.importorskip("liffile")
    film = np.zeros((3, 2, 8, 11), "<u1")  # T, Z
    start = 130_000_000_000_000_000  # in steps of 100 ns
    stamps = [start + (300 * t + z) * 10_000_000 for t in range(3) for z in range(2)]
    path = save(tmp_path / "a.lif", lif_bytes([("film", film, "TZYX", {})], stamps=stamps))
    assert open_image(path).frame_interval_s == 300
    path = save(tmp_path / "b.lif", lif_bytes([("film", film, "TZYX", {})], stamps=stamps[:5]))
    assert open_image(path).frame_interval_s is None


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_lif_that_is_cut_off(tmp_path, share):
    pytest.importorskip("liffile")
    data = lif_bytes([("snap", PLANE, "YX", {})])
    path = save(tmp_path / "a.lif", data[: int(share * len(data))])
    with pytest.raises(FileError, match=r"a\.lif"):
        read_frame(open_image(path))

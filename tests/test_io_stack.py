"""Labels and maps, written frame by frame."""

import numpy as np
import pytest
import tifffile

from coverslip.errors import FileError
from coverslip.io import open_image, open_pages, read_frames, read_labels, write_labels

LABELS = np.array([[0, 1, 1], [70_000, 0, 2]])
FILM = np.stack([LABELS, LABELS + 1, LABELS * 2])


def test_labels_keep_axes_and_pixel_size(tmp_path):
    path = tmp_path / "out" / "a.tif"
    write_labels(path, FILM, shape=FILM.shape, axes="TYX", pixel_size_um=(0.5, 0.25))
    file = open_image(path)
    assert (file.axes, file.shape, file.dtype) == ("TYX", (3, 2, 3), np.uint32)
    assert file.pixel_size_um == (0.5, 0.25)
    assert file.notes == ()
    np.testing.assert_array_equal(read_labels(path), FILM)
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
        assert tif.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE


@pytest.mark.parametrize(
    ("axes", "shape"), [("YX", (1, 1)), ("ZYX", (2, 3, 4)), ("TZYX", (2, 3, 4, 5))]
)
def test_labels_of_other_axes(tmp_path, axes, shape):
    labels = np.arange(np.prod(shape)).reshape(shape)
    write_labels(tmp_path / "a.tif", labels.reshape(-1, *shape[-2:]), shape=shape, axes=axes)
    file = open_image(tmp_path / "a.tif")
    assert (file.axes, file.shape, file.pixel_size_um) == (axes, shape, None)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), labels)


@pytest.mark.parametrize(("axes", "seconds"), [("TYX", 90.5), ("ZYX", None)])
def test_labels_keep_the_time_between_frames(tmp_path, axes, seconds):
    path = tmp_path / "a.tif"
    write_labels(path, FILM, shape=FILM.shape, axes=axes, frame_interval_s=90.5)
    assert (open_image(path).axes, open_image(path).frame_interval_s) == (axes, seconds)


def test_same_labels_same_bytes(tmp_path):
    for folder in "ab":
        write_labels(tmp_path / folder / "x.tif", [LABELS], shape=LABELS.shape, axes="YX")
    assert (tmp_path / "a" / "x.tif").read_bytes() == (tmp_path / "b" / "x.tif").read_bytes()


@pytest.mark.parametrize("axes", ["TYX", "XY", "CYX"])
def test_axes_that_do_not_fit(tmp_path, axes):
    with pytest.raises(ValueError, match="labels of shape"):
        write_labels(tmp_path / "a.tif", [LABELS], shape=LABELS.shape, axes=axes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frame", [LABELS[:, :2], LABELS - 1], ids=["size", "negative"])
def test_frames_that_would_be_distorted(tmp_path, frame):
    with pytest.raises(ValueError, match=r"wanted \(2, 3\) from 0"):
        write_labels(tmp_path / "a.tif", [frame], shape=LABELS.shape, axes="YX")
    assert list(tmp_path.iterdir()) == []


def test_failure_between_two_frames_leaves_nothing_and_is_told(tmp_path):
    def frames():
        yield LABELS
        raise FileError("frame 1 is damaged")

    with pytest.raises(FileError, match="frame 1 is damaged"):
        write_labels(tmp_path / "a.tif", frames(), shape=FILM.shape, axes="TYX")
    assert list(tmp_path.iterdir()) == []


def test_maps_page_by_page(tmp_path):
    maps = np.random.default_rng(0).random((3, 4, 5), np.float32)
    with open_pages(tmp_path / "a.tif") as write_page:
        for page in maps:
            write_page(page)
        assert not (tmp_path / "a.tif").exists()
    file = open_image(tmp_path / "a.tif")
    assert file.dtype == np.float32
    np.testing.assert_array_equal(list(read_frames(file)), maps)


def test_maps_that_fail_leave_nothing(tmp_path):
    with pytest.raises(FileError, match="stop"), open_pages(tmp_path / "a.tif") as write_page:
        write_page(np.zeros((2, 2), np.float32))
        raise FileError("stop")
    assert list(tmp_path.iterdir()) == []

"""A stack of depths as one picture, and a channel by its name."""

import numpy as np
import pytest
import tifffile

from coverslip.errors import FileError, SettingsError
from coverslip.io import channel_number, open_image, project, read_frame, read_frames

# Two times, three depths, two pixels.
FILM = np.array([[[[1, 9]], [[5, 2]], [[3, 4]]], [[[7, 7]], [[8, 0]], [[0, 8]]]], np.uint8)


@pytest.fixture
def film(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", FILM, ome=True, metadata={"axes": "TZYX"})
    return open_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("max", [[[5, 9]], [[8, 8]]]),
        ("mean", [[[3, 5]], [[5, 5]]]),
        ("middle", [[[5, 2]], [[8, 0]]]),
        ("0", [[[1, 9]], [[7, 7]]]),
    ],
)
def test_projections(how, expected, film):
    file = project(film, how)
    assert (file.axes, file.shape, file.n_frames) == ("TYX", (2, 1, 2), 2)
    frames = list(read_frames(file))
    assert np.array(frames).tolist() == expected
    assert {frame.dtype for frame in frames} == {file.dtype}
    assert file.dtype == (np.float32 if how == "mean" else np.uint8)
    assert read_frame(film).tolist() == [[1, 9]]  # the file itself is as it was


def test_none_leaves_every_slice_a_picture(film):
    assert project(film, "none") is film
    assert film.n_frames == 6


def test_middle_of_an_even_number_is_the_later_one(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", FILM[0, :2], ome=True, metadata={"axes": "ZYX"})
    assert read_frame(project(open_image(tmp_path / "a.tif"), "middle")).tolist() == [[5, 2]]


def test_one_slice_reads_that_slice_alone(film, monkeypatch):
    read = []
    original = tifffile.TiffPage.asarray
    monkeypatch.setattr(
        tifffile.TiffPage, "asarray", lambda page, *_: read.append(page.index) or original(page)
    )
    read_frame(project(film, "2"), 1)
    assert read == [5]


def test_nan_is_replaced_in_each_slice_first(tmp_path):
    values = np.array([[[1, np.nan]], [[5, 8]]], np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values, ome=True, metadata={"axes": "ZYX"})
    file = open_image(tmp_path / "a.tif")
    assert read_frame(project(file, "mean")).tolist() == [[3, 4.5]]
    assert read_frame(project(file, "max")).tolist() == [[5, 8]]


def test_times_are_no_depths_and_a_note_says_so(tmp_path):
    options = {"photometric": "minisblack", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", FILM[0], **options)
    file = project(open_image(tmp_path / "a.tif"), "max")
    assert (file.n_frames, file.projection) == (3, None)
    assert "its 3 frames are times (T) and no slices (Z)" in file.notes[-1]
    tifffile.imwrite(tmp_path / "b.tif", FILM[0, 0])
    assert project(open_image(tmp_path / "b.tif"), "max").notes == ()


@pytest.mark.parametrize("how", ["sum", "-1", "1.5", ""])
def test_no_such_projection(how, film):
    with pytest.raises(SettingsError, match="wanted none, max, mean, middle or the number"):
        project(film, how)


def test_no_such_slice(film):
    with pytest.raises(SettingsError, match=r"a\.tif: --project 3: it has 3 slices"):
        project(film, "3")


# --- Channels


@pytest.fixture
def named(tmp_path):
    metadata = {"axes": "CYX", "Channel": {"Name": ["DAPI", "405", "Phase contrast"]}}
    tifffile.imwrite(tmp_path / "a.tif", FILM[0], ome=True, metadata=metadata)
    return open_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("channel", "number"),
    [(0, 0), ("2", 2), ("DAPI", 0), ("dapi", 0), (" phase CONTRAST ", 2), ("405", 1)],
)
def test_a_channel_by_its_number_or_name(channel, number, named):
    assert channel_number(named, channel) == number


@pytest.mark.parametrize("channel", ["GFP", "3", 3, "-1"])
def test_no_such_channel_lists_those_that_there_are(channel, named):
    message = rf"a\.tif: no channel {channel}; .*: 0 DAPI, 1 405, 2 Phase contrast"
    with pytest.raises(FileError, match=message):
        channel_number(named, channel)


def test_no_names_and_one_name_twice(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", FILM[0], ome=True, metadata={"axes": "CYX"})
    with pytest.raises(FileError, match=r"it has 3, counted from 0.* without names"):
        channel_number(open_image(tmp_path / "a.tif"), "DAPI")
    metadata = {"axes": "CYX", "Channel": {"Name": ["a", "b", "A"]}}
    tifffile.imwrite(tmp_path / "b.tif", FILM[0], ome=True, metadata=metadata)
    with pytest.raises(FileError, match=r"several channels are called a.*0, 2"):
        channel_number(open_image(tmp_path / "b.tif"), "a")

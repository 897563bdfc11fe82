"""Labels written region by region: the same numbers, never all of them at once."""

import errno
import re

import numpy as np
import pytest
import tifffile

from coverslip.errors import FileError
from coverslip.io import (
    open_frame,
    open_image,
    read_labels,
    remove_leftovers,
    write_label_regions,
    write_labels,
)
from coverslip.io.atomic import LEFTOVER

LABELS = np.random.default_rng(0).integers(0, 2**32, (1100, 1300), dtype=np.uint32)
FILM = np.stack([LABELS[:40, :50], LABELS[40:80, :50], LABELS[80:120, :50]])


@pytest.fixture(params=["a_labels.tif", "a_labels.ome.zarr"])
def path(request, tmp_path):
    if request.param.endswith("zarr"):
        pytest.importorskip("zarr")
    return tmp_path / request.param


def read_of(labels, asked=None):
    def read(rows, columns):
        if asked is not None:
            asked.append((rows, columns))
        return labels[rows, columns]

    return read


def test_labels_come_back_with_what_is_known_of_them(path):
    known = {"pixel_size_um": (0.5, 0.25), "channel_name": "phase"}
    write_label_regions(path, shape=LABELS.shape, read=read_of(LABELS), **known)
    file = open_image(path)
    assert (file.axes, file.shape, file.dtype) == ("YX", LABELS.shape, np.uint32)
    assert (file.pixel_size_um, file.channel_names) == ((0.5, 0.25), ("phase",))
    np.testing.assert_array_equal(read_labels(path), LABELS)


def test_every_region_is_asked_for_once_and_none_is_large(path):
    asked = []
    write_label_regions(path, shape=LABELS.shape, read=read_of(LABELS, asked))
    side = 512 if path.suffix == ".tif" else 1024
    seen = np.zeros(LABELS.shape, int)
    for rows, columns in asked:
        assert max(rows.stop - rows.start, columns.stop - columns.start) <= side
        seen[rows, columns] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("axes", ["TYX", "ZYX"])
def test_films_are_written_frame_by_frame(axes, path):
    begun = []

    def frames():
        for number, frame in enumerate(FILM):
            begun.append(number)
            yield read_of(frame)

    write_label_regions(
        path,
        shape=FILM.shape,
        read=frames(),
        axes=axes,
        frame_interval_s=90.0,
        pixel_size_um=(1, 1),
    )
    file = open_image(path)
    assert (file.axes, file.frame_interval_s) == (axes, 90 if axes == "TYX" else None)
    np.testing.assert_array_equal(read_labels(path), FILM)
    assert begun == [0, 1, 2]


def test_a_tiff_is_tiled_deflated_and_says_what_write_labels_says(tmp_path):
    known = {"shape": LABELS.shape, "axes": "YX", "pixel_size_um": (0.5, 0.25)}
    write_label_regions(tmp_path / "tiles" / "a.tif", read=read_of(LABELS), **known)
    write_labels(tmp_path / "a.tif", [LABELS], **known)
    with (
        tifffile.TiffFile(tmp_path / "tiles" / "a.tif") as tiles,
        tifffile.TiffFile(tmp_path / "a.tif") as strips,
    ):
        page = tiles.pages[0]
        assert (page.tile, page.compression) == ((512, 512), tifffile.COMPRESSION.ADOBE_DEFLATE)
        xml = [re.sub("[\n\r]", "", tif.ome_metadata) for tif in (tiles, strips)]
        assert xml[0] == xml[1]
        assert not tiles.is_bigtiff


def test_beyond_4_gb_it_is_a_bigtiff(tmp_path, monkeypatch):
    monkeypatch.setattr("coverslip.io.write_regions.needs_bigtiff", lambda shape: True)
    write_label_regions(tmp_path / "a.tif", shape=LABELS.shape, read=read_of(LABELS))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_bigtiff
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), LABELS)


def test_same_labels_same_bytes(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        write_label_regions(tmp_path / name / "x.tif", shape=LABELS.shape, read=read_of(LABELS))
    one, two = ((tmp_path / name / "x.tif").read_bytes() for name in "ab")
    assert one == two


def test_the_levels_of_a_zarr_keep_every_second_number(tmp_path):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "a.ome.zarr"
    write_label_regions(path, shape=LABELS.shape, read=read_of(LABELS), pixel_size_um=(0.5, 0.25))
    cells = zarr.open_group(path / "labels" / "cells", mode="r")
    shapes = [cells[str(level)].shape for level in range(4)]
    assert shapes == [(1100, 1300), (550, 650), (275, 325), (138, 163)] and len(list(cells)) == 4
    for level in range(4):
        step = 2**level
        np.testing.assert_array_equal(cells[str(level)][...], LABELS[::step, ::step])
    about = cells.attrs["ome"]
    assert about["version"] == "0.5" and "image-label" in about
    (multiscale,) = about["multiscales"]
    assert multiscale["datasets"][1]["coordinateTransformations"] == [
        {"type": "scale", "scale": [1.0, 0.5]},
        {"type": "translation", "translation": [0.25, 0.125]},
    ]
    assert cells["0"].chunks == (1024, 1024)


# --- Whole or not at all


def test_a_failure_leaves_the_older_one_and_nothing_else(path):
    write_label_regions(path, shape=(40, 50), read=read_of(FILM[0]))

    def fail(rows, columns):
        raise FileError("the image is damaged")

    with pytest.raises(FileError, match="the image is damaged"):
        write_label_regions(path, shape=(40, 50), read=fail)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    np.testing.assert_array_equal(read_labels(path), FILM[0])


def test_a_full_disk_is_told_with_its_cure(path):
    def fail(rows, columns):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FileError, match="The disk is full: free some space"):
        write_label_regions(path, shape=(40, 50), read=fail)
    assert list(path.parent.iterdir()) == []


def test_half_written_ones_never_have_the_name(path):
    names = []

    def read(rows, columns):
        names.extend(entry.name for entry in path.parent.iterdir())
        return FILM[0][rows, columns]

    write_label_regions(path, shape=(40, 50), read=read)
    assert names and path.name not in names
    assert all(name.startswith(".") for name in names)


def test_what_a_kill_leaves_is_removed_and_nothing_else(tmp_path):
    folder = tmp_path / f".coverslip-{'0a' * 16}.part"
    kept = tmp_path / ".mine.part"
    for one in (folder, kept):
        (one / "labels").mkdir(parents=True)
    assert LEFTOVER.fullmatch(folder.name)
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


def test_an_other_folder_of_the_name_stays(tmp_path):
    pytest.importorskip("zarr")
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "mine.txt").touch()
    with pytest.raises(FileError, match="something else is there"):
        write_label_regions(tmp_path / "a.zarr", shape=(40, 50), read=read_of(FILM[0]))
    assert (tmp_path / "a.zarr" / "mine.txt").exists()


# --- What does not fit


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (40, 50), "axes": "TYX"}, "labels of shape"),
        ({"shape": (41, 50)}, r"labels \(40, 50\) from .* wanted \(41, 50\)"),
        ({"shape": (2, 40, 50), "axes": "TYX"}, r"1 frames of labels for the shape \(2, 40, 50\)"),
        ({"shape": (40, 50), "read": [read_of(FILM[0])] * 2}, "2 frames of labels"),
        ({"shape": (40, 50), "read": read_of(np.full((40, 50), -1))}, "from -1 on: wanted"),
    ],
)
def test_what_does_not_fit_is_refused(options, message, path):
    with pytest.raises(ValueError, match=message):
        write_label_regions(path, **({"read": read_of(FILM[0])} | options))
    assert list(path.parent.iterdir()) == []


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"as \.tif, \.tiff or \.zarr"):
        write_label_regions(tmp_path / "a.png", shape=(40, 50), read=read_of(FILM[0]))


# --- From file to file


@pytest.mark.parametrize("suffix", [".tif", ".ome.zarr"])
def test_what_is_known_goes_from_the_image_to_its_labels(suffix, tmp_path):
    """TIFF in, TIFF out; Zarr in, Zarr out: pixel size, axes, times, the channel's name."""
    film = (FILM % 1000).astype(np.uint16).reshape(3, 1, 40, 50).repeat(2, axis=1)
    source = tmp_path / f"film{suffix}"
    if suffix == ".tif":
        metadata = {
            "axes": "TCYX",
            "PhysicalSizeX": 0.25,
            "PhysicalSizeY": 0.5,
            "TimeIncrement": 2.0,
            "TimeIncrementUnit": "min",
            "Channel": {"Name": ["DAPI", "phase"]},
        }
        tifffile.imwrite(source, film, ome=True, metadata=metadata, tile=(16, 16))
    else:
        _write_ome_zarr(source, film)
    file = open_image(source)

    def frames():
        for number in range(file.n_frames):
            with open_frame(file, number, channel=1) as reader:
                yield lambda rows, columns, read=reader.read: read(rows, columns).astype(np.uint32)

    target = tmp_path / f"labels{suffix}"
    write_label_regions(
        target,
        shape=tuple(file.length(axis) for axis in file.frame_axes + "YX"),
        axes=file.frame_axes + "YX",
        read=frames(),
        pixel_size_um=file.pixel_size_um,
        frame_interval_s=file.frame_interval_s,
        channel_name=file.channel_names[1],
    )
    labels = open_image(target)
    assert (labels.axes, labels.shape) == ("TYX", (3, 40, 50))
    assert labels.pixel_size_um == pytest.approx((0.5, 0.25))
    assert (labels.frame_interval_s, labels.channel_names) == (120, ("phase",))
    np.testing.assert_array_equal(read_labels(target), film[:, 1])


def _write_ome_zarr(path, film):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.create_array("0", shape=film.shape, dtype=film.dtype)[...] = film
    axes = [
        {"name": "t", "type": "time", "unit": "second"},
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    scale = [{"type": "scale", "scale": [120.0, 1.0, 0.5, 0.25]}]
    datasets = [{"path": "0", "coordinateTransformations": scale}]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": datasets}],
        "omero": {"channels": [{"label": "DAPI"}, {"label": "phase"}]},
    }

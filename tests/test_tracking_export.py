"""The result folder of track as files of other tools, and in napari."""

from __future__ import annotations

import json
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tifffile

from coverslip.cli.view import find_tracks
from coverslip.errors import FileError
from coverslip.io import write_labels
from coverslip.tracking.assemble import build_tracks
from coverslip.tracking.ctc import ctc_to_tracks, read_ctc
from coverslip.tracking.napari_layer import to_napari
from coverslip.tracking.newick import to_newick
from coverslip.tracking.tables import read_tracks
from coverslip.tracking.trackmate import read_trackmate
from films import draw, linked, renamed, same_tracks, save


@pytest.fixture
def film(tmp_path):
    frames, tracks, _ = renamed()
    return save(tmp_path / "film", frames, tracks), tracks


def test_tables_are_read_back(film, tmp_path):
    folder, tracks = film
    same_tracks(read_tracks(folder), tracks)
    frames, empty = linked([draw({1: 10}), draw({}), draw({})], {})
    assert read_tracks(save(tmp_path / "empty", frames, empty)).n_frames == 3
    (folder / "lineage.csv").write_text("track_id,begin_frame\n1,0\n")
    with pytest.raises(FileError, match=r"lineage.csv: no column end_frame, parent_track_id"):
        read_tracks(folder)
    (folder / "lineage.csv").unlink()
    with pytest.raises(FileError, match=r"no lineage.csv in it"):
        read_tracks(folder)


def test_a_folder_of_track_in_every_format(coverslip, film, tmp_path):
    for package in ("geff", "pyarrow", "roifile"):
        pytest.importorskip(package)
    from coverslip.tracking.geff import read_geff

    folder, tracks = film
    out = tmp_path / "out"
    said = coverslip(
        "export", folder, "-o", out, "--to", "ctc,geff,trackmate,napari,newick,parquet,roi"
    )
    assert (said.status, said.err) == (0, "")
    assert sorted(path.name for path in out.iterdir() if path.name != "records") == [
        "film.geff",
        "film.nwk",
        "film_RES",
        "film_lineage.parquet",
        "film_napari.csv",
        "film_napari_graph.json",
        "film_trackmate.xml",
        "film_tracks.parquet",
        "tracked_rois.zip",
    ]
    film_read = ctc_to_tracks(read_ctc(out / "film_RES"))
    assert len(film_read.cells) == 10
    assert film_read.lineage["parent_track_id"].tolist() == [0, 1, 1, 0, 0]
    same_tracks(read_geff(out / "film.geff"), tracks)
    read = read_trackmate(out / "film_trackmate.xml")
    same_tracks(read.tracks, tracks)
    assert (read.pixel_size_um, read.frame_interval_s) == ((0.5, 0.5), 1800)
    # 3 half-hours from the mother's end: the daughters' branches are an hour long
    assert (out / "film.nwk").read_text() == "(2:1,3:1)1:0.5;\n4:1.5;\n5:0;\n"
    pd.testing.assert_frame_equal(
        pd.read_parquet(out / "film_tracks.parquet"), read_tracks(folder).cells
    )
    assert json.loads((out / "film_napari_graph.json").read_text()) == {"2": [1], "3": [1]}
    assert pd.read_csv(out / "film_napari.csv").columns[:4].tolist() == ["id", "t", "y", "x"]


def test_a_roi_has_its_track_for_a_name_and_its_frame_for_a_position(coverslip, film, tmp_path):
    roifile = pytest.importorskip("roifile")
    folder, _ = film
    assert coverslip("export", folder, "-o", tmp_path / "out", "--to", "roi").status == 0
    with zipfile.ZipFile(tmp_path / "out" / "tracked_rois.zip") as archive:
        rois = [roifile.ImagejRoi.frombytes(archive.read(name)) for name in archive.namelist()]
    found = {roi.name: (roi.position, roi.t_position, roi.left) for roi in rois}
    assert found["2-2"] == (3, 0, 6)  # frame 2 from 0, track 2; the third slice
    assert found["3-3"] == (4, 0, 16)


def test_what_is_no_result_of_track_is_refused(coverslip, film, tmp_path):
    folder, _ = film
    (tmp_path / "labels").mkdir()
    tifffile.imwrite(tmp_path / "labels" / "a_labels.tif", draw({1: 10}).astype(np.uint16))
    said = coverslip("export", tmp_path / "labels", "-o", tmp_path / "out", "--to", "ctc")
    assert said.status == 2
    assert "no tracks.csv and lineage.csv in it" in said.err
    said = coverslip("export", folder, "-o", tmp_path / "out", "--to", "trackmat")
    assert said.status == 2
    assert "Did you mean trackmate?" in said.err
    write_labels(folder / "tracked_labels.tif", [draw({1: 10})] * 4, shape=(4, 24, 60), axes="TYX")
    said = coverslip("export", folder, "-o", tmp_path / "out", "--to", "ctc,newick")
    assert said.status == 1
    assert "Take the labels that were tracked" in said.err


def test_trees_have_a_branch_for_every_track():
    frames = [
        draw({1: 10}), draw({2: 6, 3: 14}), draw({2: 6, 3: 14}), draw({2: 6, 4: 13, 5: 20, 9: 40}),
        draw({2: 6, 4: 13, 5: 20, 9: 40}),
    ]  # fmt: skip
    _, tracks = linked(frames, {2: 1, 3: 1, 4: 3, 5: 3})
    assert to_newick(tracks) == ["(2:4,(4:2,5:2)3:2)1:0;", "9:1;"]
    assert to_newick(tracks, hours_per_frame=0.25)[0] == "(2:1,(4:0.5,5:0.5)3:0.5)1:0;"


def test_a_very_deep_tree_is_written():
    n = 3000
    cells = pd.DataFrame({"frame": range(n), "label": 1, "track_id": range(1, n + 1)})
    tree = to_newick(build_tracks(cells, {k: k - 1 for k in range(2, n + 1)}, n_frames=n))
    assert tree[0].count("(") == n - 1
    assert tree[0].endswith("2:1)1:0;")


def test_rows_for_napari_ascend_by_track_and_time():
    _, tracks, _ = renamed()
    data, graph, measured = to_napari(tracks)
    assert data[:, :2].tolist() == [
        [1, 0], [1, 1], [2, 2], [2, 3], [3, 2], [3, 3], [4, 0], [4, 2], [4, 3], [5, 0],
    ]  # fmt: skip
    assert data[2].tolist() == [2, 2, 6.5, 8.5]
    assert graph == {2: [1], 3: [1]}
    assert measured["area_px"].tolist() == [36] * 10


def test_view_shows_the_tracks_beside_the_labels(coverslip, film, tmp_path, monkeypatch):
    folder, tracks = film
    layers = {}

    def add(kind):
        return lambda data, **about: layers.setdefault(kind, (data, about))

    names = ("image", "labels", "tracks")
    viewer = SimpleNamespace(**{f"add_{name}": add(name) for name in names})
    module = SimpleNamespace(Viewer=lambda **_: viewer, run=lambda: None)
    monkeypatch.setitem(sys.modules, "napari", module)
    image = tmp_path / "film.tif"
    tifffile.imwrite(image, np.zeros((4, 24, 60), np.uint8), imagej=True, metadata={"axes": "TYX"})
    assert coverslip("view", image, folder / "tracked_labels.tif").status == 0
    data, about = layers["tracks"]
    np.testing.assert_array_equal(data, to_napari(tracks)[0])
    assert about["graph"] == {2: [1], 3: [1]}
    assert about["scale"] == (1.0, 0.5, 0.5) == layers["labels"][1]["scale"]
    (folder / "lineage.csv").unlink()
    assert find_tracks(folder / "tracked_labels.tif") is None

"""GEFF, out and in."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.errors import DataError, FileError
from coverslip.tracking.assemble import build_tracks
from coverslip.tracking.geff import read_geff, write_geff
from films import division, draw, linked, renamed, same_tracks, table_of

geff = pytest.importorskip("geff")


def test_a_graph_is_written_as_geff_wants_it(tmp_path):
    _, tracks, _ = renamed()
    tracks.cells["speed_um_per_h"] = [np.nan, 1.5, *[2.0] * 8]
    path = tmp_path / "film.geff"
    write_geff(
        path,
        tracks,
        pixel_size_um=(0.5, 0.25),
        frame_interval_s=300.0,
        labels="../film_labels.tif",
    )
    geff.validate_structure(path)
    about = geff.GeffMetadata.read(path)
    found = [(a.name, a.type, a.unit, a.scale, a.scaled_unit, a.min, a.max) for a in about.axes]
    assert found[0] == ("t", "time", "frame", 300.0, "second", 0, 3)
    assert found[1][:5] == ("y", "space", "pixel", 0.5, "micrometer")
    assert found[2][:5] == ("x", "space", "pixel", 0.25, "micrometer")
    assert about.directed
    assert about.track_node_props == {"lineage": "lineage_id", "tracklet": "track_id"}
    assert about.related_objects[0].node_prop == "label"
    assert about.node_props_metadata["area_px"].unit == "px²"
    graph, _ = geff.read(path, backend="networkx")
    assert graph.number_of_nodes() == 10
    assert graph.number_of_edges() == 7
    rows = tracks.cells.query("frame == 2 and track_id == 2")
    node = graph.nodes[int(rows.index[0])]
    assert (node["t"], node["y"], node["x"], node["label"], node["area_px"]) == (2, 6.5, 8.5, 2, 36)
    assert "speed_um_per_h" not in graph.nodes[0]
    assert graph.nodes[1]["speed_um_per_h"] == 1.5
    mother = tracks.cells.query("frame == 1").index[0]
    assert sorted(graph.nodes[node]["track_id"] for node in graph.successors(int(mother))) == [2, 3]


def test_out_and_in_again_is_the_same(tmp_path):
    _, tracks, _ = renamed()
    tracks.cells["speed_um_per_h"] = [np.nan, 1.5, *[2.0] * 8]
    write_geff(tmp_path / "film.geff", tracks)
    found = read_geff(tmp_path / "film.geff")
    same_tracks(found, tracks)
    np.testing.assert_array_equal(found.cells["speed_um_per_h"], tracks.cells["speed_um_per_h"])
    np.testing.assert_array_equal(found.cells["area_px"], tracks.cells["area_px"])


def test_fates_an_only_daughter_and_empty_frames_are_kept(tmp_path):
    frames = [draw({1: 10, 5: 40}), draw({2: 10, 5: 40}), draw({2: 10}), draw({})]
    cells = table_of(frames, lambda _, label: label)
    tracks = build_tracks(
        cells, {2: 1}, n_frames=4, fates={2: "leaves", 5: "merges"}, merges={5: 2}
    )
    write_geff(tmp_path / "film.geff", tracks)
    found = read_geff(tmp_path / "film.geff")
    same_tracks(found, tracks)
    assert found.lineage["fate"].tolist() == ["divides", "leaves", "merges"]
    assert found.lineage["merges_into_track_id"].tolist() == [0, 0, 2]
    assert found.n_frames == 4
    about = geff.GeffMetadata.read(tmp_path / "film.geff")
    assert not about.track_node_props  # two tracks end where they merge, by its word


def test_another_tools_graph_is_cut_into_tracks(tmp_path):
    """Nodes in any order, edges against time, no track numbers, labels named otherwise."""
    from geff.core_io import write_arrays
    from geff_spec import Axis, GeffMetadata

    axes = [
        Axis(name=name, type=kind)
        for name, kind in (("time", "time"), ("row", "space"), ("col", "space"))
    ]
    times = np.array([2.0, 0, 1, 2])
    values = {"time": times, "row": times * 2, "col": times * 3, "seg_id": np.array([8, 3, 5, 7])}
    write_arrays(
        tmp_path / "theirs.geff",
        np.array([10, 11, 12, 13], dtype=np.uint64),
        {name: {"values": it, "missing": None} for name, it in values.items()},
        np.array([[11, 12], [10, 12], [12, 13]], dtype=np.uint64),
        {},
        GeffMetadata(directed=True, axes=axes, node_props_metadata={}, edge_props_metadata={}),
    )
    tracks = read_geff(tmp_path / "theirs.geff")
    assert tracks.cells["frame"].tolist() == [0, 1, 2, 2]
    assert tracks.cells["label"].tolist() == [3, 5, 7, 8]
    assert tracks.cells["track_id"].tolist() == [1, 1, 2, 3]
    assert tracks.cells["centroid_x_px"].tolist() == [0, 3, 6, 6]
    assert tracks.lineage["parent_track_id"].tolist() == [0, 1, 1]
    assert tracks.lineage["fate"].tolist() == ["divides", "end", "end"]


def test_a_film_without_cells_is_written_and_read(tmp_path):
    _, tracks = linked([draw({}), draw({})], {})
    write_geff(tmp_path / "film.geff", tracks)
    found = read_geff(tmp_path / "film.geff")
    assert (len(found.cells), len(found.lineage), found.n_frames) == (0, 0, 2)


def test_an_older_one_is_replaced_and_nothing_else(tmp_path):
    _, tracks = division()
    path = tmp_path / "film.geff"
    write_geff(path, linked([draw({1: 10})], {})[1])
    write_geff(path, tracks)
    assert len(read_geff(path).cells) == 10
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileError, match="something else is there"):
        write_geff(tmp_path / "mine", tracks)


def test_what_is_no_geff_is_refused_in_words(tmp_path):
    from geff.core_io import write_arrays
    from geff_spec import GeffMetadata

    with pytest.raises(FileError, match="no such folder"):
        read_geff(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no GEFF that can be read"):
        read_geff(tmp_path / "empty")
    nodes = np.array([1], dtype=np.uint64)
    write_arrays(
        tmp_path / "bare.geff",
        nodes,
        {},
        np.zeros((0, 2), dtype=np.uint64),
        {},
        GeffMetadata(directed=True, node_props_metadata={}, edge_props_metadata={}),
    )
    with pytest.raises(DataError, match="its axes are none; wanted one in time and two in space"):
        read_geff(tmp_path / "bare.geff")


def test_an_edge_to_nowhere_is_named(tmp_path):
    from geff.core_io import write_arrays
    from geff_spec import Axis, GeffMetadata

    kinds = {"t": "time", "y": "space", "x": "space"}
    axes = [Axis(name=name, type=kind) for name, kind in kinds.items()]
    write_arrays(
        tmp_path / "a.geff",
        np.array([4], dtype=np.uint64),
        {name: {"values": np.zeros(1), "missing": None} for name in kinds},
        np.array([[4, 9]], dtype=np.uint64),
        {},
        GeffMetadata(directed=True, axes=axes, node_props_metadata={}, edge_props_metadata={}),
    )
    with pytest.raises(FileError, match="an edge leads to node 9, which is not there"):
        read_geff(tmp_path / "a.geff")

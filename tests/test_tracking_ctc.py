"""Folders of the Cell Tracking Challenge, out and in."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from coverslip.errors import DataError, FileError
from coverslip.tracking.assemble import build_tracks, find_links
from coverslip.tracking.ctc import ctc_problems, ctc_to_tracks, read_ctc
from coverslip.tracking.ctc_writer import renumber, write_ctc
from coverslip.tracking.graph import follow_edges
from films import division, draw, renamed, same_tracks, table_of


def problems(film):
    return ctc_problems(film, [np.unique(frame[frame > 0]) for frame in film.frames])


def test_lineages_follow_from_who_is_whose_daughter():
    _, tracks = division()
    assert tracks.lineage.to_dict("list") == {
        "track_id": [1, 2, 3, 4, 5],
        "begin_frame": [0, 2, 2, 0, 0],
        "end_frame": [1, 3, 3, 3, 0],
        "parent_track_id": [0, 1, 1, 0, 0],
        "lineage_id": [1, 1, 1, 4, 5],
        "generation": [0, 1, 1, 0, 0],
        "fate": ["divides", "end", "end", "end", "lost"],
        "merges_into_track_id": [0, 0, 0, 0, 0],
    }
    assert tracks.cells.query("frame == 3")["generation"].tolist() == [1, 1, 0]


def test_links_join_a_track_over_its_gap_and_a_mother_with_her_daughters():
    _, tracks = division()
    links, born = find_links(tracks)
    named = [
        [tuple(tracks.cells.loc[row, ["frame", "track_id"]]) for row in pair] for pair in links
    ]
    assert [(0, 4), (2, 4)] in named
    assert len(named) == 5  # 1: one, 2: one, 3: one, 4: two
    assert tracks.cells.loc[born[:, 0], "track_id"].tolist() == [1, 1]
    assert tracks.cells.loc[born[:, 1], "track_id"].tolist() == [2, 3]
    track, parents, merges = follow_edges(np.concatenate([links, born]), n_nodes=len(tracks.cells))
    assert track.tolist() == [1, 2, 3, 1, 4, 5, 2, 4, 5, 2]
    assert parents == {4: 1, 5: 1}
    assert merges == {}


def test_tracks_that_come_together_end_there():
    track, parents, merges = follow_edges(np.array([[0, 2], [1, 2], [2, 3]]), n_nodes=4)
    assert track.tolist() == [1, 2, 3, 3]
    assert parents == {}
    assert merges == {1: 3, 2: 3}


def test_a_daughter_before_her_mothers_end_is_refused():
    frames = [draw({1: 10}), draw({1: 10, 2: 30})]
    with pytest.raises(DataError, match="track 2 begins in frame 1, and its mother, track 1, ends"):
        build_tracks(table_of(frames, lambda _, label: label), {2: 1}, n_frames=2)


def test_two_cells_of_a_track_in_one_frame_are_refused():
    with pytest.raises(DataError, match="frame 0 holds track 7 twice"):
        build_tracks(table_of([draw({1: 10, 2: 30})], lambda *_: 7), {}, n_frames=1)


def test_a_result_is_written_as_the_challenge_wants_it(tmp_path):
    frames, tracks, _ = renamed()
    write_ctc(tmp_path / "01_RES", frames, tracks=tracks)
    names = sorted(path.name for path in (tmp_path / "01_RES").iterdir())
    assert names == [*(f"mask00{n}.tif" for n in range(4)), "res_track.txt"]
    # track 4 was missed in frame 1 and goes on as number 6, whose parent it is
    table = (tmp_path / "01_RES" / "res_track.txt").read_text()
    assert table == "1 0 1 0\n2 2 3 1\n3 2 3 1\n4 0 0 0\n5 0 0 0\n6 2 3 4\n"
    third = tifffile.imread(tmp_path / "01_RES" / "mask002.tif")
    assert third.dtype == np.uint16
    assert [third[5, x] for x in (7, 15, 41)] == [2, 3, 6]
    assert problems(read_ctc(tmp_path / "01_RES")) == []


def test_out_and_in_again_is_the_same(tmp_path):
    frames, tracks, numbered = renamed()
    write_ctc(tmp_path / "01_RES", frames, tracks=tracks)
    film = read_ctc(tmp_path / "01_RES")
    found = ctc_to_tracks(film)
    # a gap's second part has a number of its own in the masks, and is the same track
    assert found.cells.query("label == 6")["track_id"].tolist() == [4, 4]
    found.cells.loc[found.cells["label"] == 6, "label"] = 4
    same_tracks(found, numbered)
    write_ctc(tmp_path / "again", film.frames, tracks=ctc_to_tracks(film))
    for name in ("mask003.tif", "res_track.txt"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "01_RES" / name).read_bytes()


def test_frames_numbered_by_track_are_written_too(tmp_path):
    frames, tracks, _ = renamed()
    numbered = list(renumber(frames, tracks))
    np.testing.assert_array_equal(numbered[2], division()[0][2])
    write_ctc(tmp_path / "a", frames, tracks=tracks)
    write_ctc(tmp_path / "b", numbered, tracks=tracks, by="track_id")
    for frame in range(4):
        name = f"mask00{frame}.tif"
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_labels_of_another_film_are_refused(tmp_path):
    frames, tracks = division()
    with pytest.raises(DataError, match="frame 1 of the labels holds 3 cells, and the tracks 1"):
        write_ctc(tmp_path, [frames[0]] * 4, tracks=tracks)
    with pytest.raises(DataError, match="3 frames of labels, and 4 of the tracks"):
        write_ctc(tmp_path, frames[:3], tracks=tracks)


def test_more_tracks_than_16_bits_hold_are_refused(tmp_path):
    labels = np.arange(1, 65_537).reshape(256, 256)
    tracks = build_tracks(
        table_of([labels[:1, :1]], lambda *_: 1)
        .loc[np.zeros(65_536, int)]
        .assign(label=np.arange(1, 65_537), track_id=np.arange(1, 65_537)),
        {},
        n_frames=1,
    )
    with pytest.raises(DataError, match="65,536 tracks"):
        write_ctc(tmp_path, [labels], tracks=tracks)


def test_large_numbers_of_few_tracks_are_numbered_anew(tmp_path):
    frames = [draw({70_000: 10, 70_005: 30}), draw({70_000: 10, 70_005: 30})]
    tracks = build_tracks(table_of(frames, lambda _, label: label), {}, n_frames=2)
    write_ctc(tmp_path, frames, tracks=tracks)
    assert (tmp_path / "res_track.txt").read_text() == "1 0 1 0\n2 0 1 0\n"
    assert tifffile.imread(tmp_path / "mask001.tif")[5, 31] == 2


def test_no_cell_is_no_result(tmp_path):
    tracks = build_tracks(table_of([draw({})], lambda *_: 1), {}, n_frames=1)
    with pytest.raises(DataError, match="no cell in any frame"):
        write_ctc(tmp_path, [draw({})], tracks=tracks)


@pytest.mark.parametrize("digits", [2, 4])
def test_truth_as_png_with_any_digits_is_read(tmp_path, digits):
    """The table may lie above the masks, and frames may count from another number."""
    frames, tracks = division()
    for frame, labels in enumerate(frames, start=8):
        path = tmp_path / "TRA" / f"man_track{frame:0{digits}}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(labels.astype(np.uint8)).save(path)
    (tmp_path / "man_track.txt").write_text("1 8 9 0\n2\t10\t11\t1\n3 10 11 1\n4 8 11 0\n5 8 8 0\n")
    film = read_ctc(tmp_path)
    assert len(film.frames) == 4
    assert film.table[1].tolist() == [2, 2, 3, 1]
    same_tracks(ctc_to_tracks(film), tracks)


def test_an_only_daughter_without_a_gap_is_a_daughter(tmp_path):
    for frame, labels in enumerate([draw({1: 10}), draw({2: 12})]):
        tifffile.imwrite(tmp_path / f"mask{frame:03}.tif", labels.astype(np.uint16))
    (tmp_path / "res_track.txt").write_text("1 0 0 0\n2 1 1 1\n")
    assert ctc_to_tracks(read_ctc(tmp_path)).lineage["parent_track_id"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("1 0 1 0\n", "frame 1: number 2 is in the mask, and not in the table"),
        ("1 0 1 0\n2 1 1 1\n", "number 2 begins in frame 1, and its parent, 1, ends in frame 1"),
        ("1 0 1 0\n2 1 1 9\n", "its parent, 9, has no line"),
        ("2 1 1 0\n1 0 1 0\n1 0 1 0\n", "number 1 has two lines"),
        ("1 0 1 0\n2 1 1 0\n3 0 5 0\n", "the table goes to frame 5, and the film to 1"),
        ("1 0 1 0\n2 1 0 0\n", "number 2 ends in frame 0, before its begin, 1"),
    ],
)
def test_what_the_rules_forbid_is_named(tmp_path, table, words):
    for frame, labels in enumerate([draw({1: 10}), draw({1: 10, 2: 30})]):
        tifffile.imwrite(tmp_path / f"mask{frame:03}.tif", labels.astype(np.uint16))
    (tmp_path / "res_track.txt").write_text(table)
    film = read_ctc(tmp_path)
    assert any(words in text for text in problems(film))
    with pytest.raises(DataError, match=words):
        ctc_to_tracks(film)


def test_a_folder_that_is_none_is_refused_in_words(tmp_path):
    with pytest.raises(FileError, match="no such folder"):
        read_ctc(tmp_path / "nowhere")
    (tmp_path / "01_RES").mkdir()
    with pytest.raises(FileError, match=r"no label files.*holds the folders 01_RES"):
        read_ctc(tmp_path)
    for frame in (0, 2):
        tifffile.imwrite(tmp_path / f"mask00{frame}.tif", draw({1: 10}).astype(np.uint16))
    with pytest.raises(DataError, match=r"1 of 3 frames have no label file \(1\)"):
        read_ctc(tmp_path)
    tifffile.imwrite(tmp_path / "mask001.tif", draw({1: 10}).astype(np.uint16))
    with pytest.raises(FileError, match=r"no res_track.txt or man_track.txt"):
        read_ctc(tmp_path)
    (tmp_path / "res_track.txt").write_text("1 0 2 0\n2 0 x 0\n")
    with pytest.raises(FileError, match="line 2: '2 0 x 0'; wanted four whole numbers"):
        read_ctc(tmp_path)
    (tmp_path / "res_track.txt").write_text("1 0 99999999999999999999 0\n")
    with pytest.raises(FileError, match="line 1"):
        read_ctc(tmp_path)

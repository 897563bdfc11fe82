"""coverslip evaluate-tracks: from folders of the Cell Tracking Challenge to a table of scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tifffile

from coverslip.tracking.ctc_writer import write_ctc
from films import division, draw, linked, renamed, save


@pytest.fixture
def folders(tmp_path):
    """A truth, and a result that misses the division."""
    frames, tracks = division()
    write_ctc(tmp_path / "01_GT" / "TRA", frames, tracks=tracks)
    for path in (tmp_path / "01_GT" / "TRA").iterdir():
        path.rename(path.with_name(path.name.replace("mask", "man_track").replace("res_", "man_")))
    write_ctc(tmp_path / "01_RES", frames, tracks=linked(frames, {})[1])
    return tmp_path / "01_RES", tmp_path / "01_GT"


def test_scores_are_shown_and_written(coverslip, folders, tmp_path):
    result, truth = folders
    said = coverslip("evaluate-tracks", result, truth, "-o", tmp_path / "scores.csv")
    assert said.status == 0
    assert "10 of 10 true cells in 4 frames are found" in said.err
    assert "SEG needs masks of whole cells" in said.err
    assert "5 right, 0 wrong, 2 missed" in said.out
    (row,) = pd.read_csv(tmp_path / "scores.csv").to_dict("records")
    assert row["edges_f1"] == pytest.approx(10 / 12, rel=1e-5)
    assert (row["divisions_right"], row["divisions_wrong"], row["divisions_missed"]) == (0, 0, 1)
    assert (row["divisions_f1"], row["BC"], row["DET"]) == (0, 0, 1)
    # seven edges: five of tracks, and the two to the daughters, 1.5 each
    assert row["TRA"] == pytest.approx(1 - 3 / (10 * 10 + 1.5 * 7), rel=1e-5)
    assert np.isnan(row["SEG"])


def test_masks_beside_the_truth_or_named_score_seg(coverslip, folders, tmp_path):
    result, truth = folders
    masks = np.where(division()[0][2] == 2, 0, division()[0][2]).astype(np.uint16)
    masks[4:6] = np.where(masks[4:6] == 3, 0, masks[4:6])  # two thirds of what was found
    (truth / "SEG").mkdir()
    tifffile.imwrite(truth / "SEG" / "man_seg002.tif", masks)
    for at, options in ((truth, ()), (truth / "TRA", ()), (truth, ("--seg", truth / "SEG"))):
        out = tmp_path / "scores.csv"
        assert coverslip("evaluate-tracks", result, at, "-o", out, *options).status == 0
        assert pd.read_csv(out)["SEG"].tolist() == [pytest.approx((2 / 3 + 1) / 2, rel=1e-5)]


def test_tolerance_lets_a_late_division_pass(coverslip, tmp_path):
    begin, end = [draw({1: 10}), draw({1: 10})], draw({2: 4, 3: 16})
    for name, third in (("true", {2: 6, 3: 14}), ("late", {1: 6, 9: 14})):
        frames, tracks = linked([*begin, draw(third), end], {2: 1, 3: 1})
        write_ctc(tmp_path / name, frames, tracks=tracks)
    for tolerance, f1 in ((0, 0), (1, 1)):
        out = tmp_path / "scores.csv"
        options = ("-o", out, "--tolerance", tolerance)
        assert (
            coverslip("evaluate-tracks", tmp_path / "late", tmp_path / "true", *options).status == 0
        )
        row = pd.read_csv(out).iloc[0]
        assert row["divisions_f1"] == f1
        assert row["BC"] == pytest.approx(f1, abs=1e-4)


def test_what_track_wrote_is_scored_as_its_export_is(coverslip, folders, tmp_path):
    _, truth = folders
    frames, tracks, _ = renamed()
    save(tmp_path / "film", frames, tracks)
    rows = []
    for name in ("film", "film_RES"):
        out = tmp_path / "scores.csv"
        assert coverslip("evaluate-tracks", tmp_path / name, truth, "-o", out).status == 0
        rows.append(pd.read_csv(out).drop(columns="result"))
        if name == "film":
            words = ("export", tmp_path / "film", "-o", tmp_path, "--to", "ctc")
            assert coverslip(*words).status == 0
    pd.testing.assert_frame_equal(*rows)
    assert rows[0]["TRA"].tolist() == [1]


def test_what_is_wrong_is_said_in_a_line(coverslip, folders, tmp_path):
    result, truth = folders
    (tmp_path / "empty").mkdir()
    said = coverslip("evaluate-tracks", tmp_path / "empty", truth)
    assert (said.status, "no label files" in said.err) == (2, True)
    said = coverslip("evaluate-tracks", result, truth, "--seg", tmp_path / "empty")
    assert (said.status, "no masks such as man_seg000.tif" in said.err) == (2, True)
    (result / "res_track.txt").write_text("1 0 1 0\n")
    said = coverslip("evaluate-tracks", result, truth)
    assert said.status == 0
    assert "not valid by the challenge's rules" in said.err
    assert "number 4 is in the mask, and not in the table" in said.err

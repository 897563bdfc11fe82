"""Scores of cells in the tables of evaluate and score: whose cells have numbers, and whose not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bright import write_bright
from coverslip.evaluation import CELL_COLUMNS, evaluate, summarise
from coverslip.evaluation.score_table import find_kind, number_cells, pool_cells_of, settle
from coverslip.metrics import cell_scores, count_cells
from drawn import save_picture, squares
from labelled import random_pair

APART = np.array([[1, 0, 2], [1, 0, 2]])  # two cells
CLUMP = np.array([[1, 2, 2], [1, 2, 2]])  # two that touch
NONE = np.zeros((2, 3), int)


def kinds(*truths: np.ndarray) -> list[bool]:
    """Whether the cells of each image of one data set are scored."""
    table = evaluate([(str(n), truth, truth) for n, truth in enumerate(truths)])
    return table["n_true"].notna().tolist()


# --- numbers or a mask


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (APART, "numbers"),
        (CLUMP * 100, "numbers"),
        (APART * (APART == 2), "unclear"),  # cell 2 alone
        ((APART > 0) * 7, "mask"),
        ((APART > 0) * 65535, "mask"),
        ((APART > 0) * 1, "mask"),
        ((APART > 0) * 255, "mask"),
        (APART > 0, "mask"),
        (CLUMP > 0, "mask"),
        ((CLUMP > 0) * 1, "unclear"),
        ((CLUMP > 0) * 255, "unclear"),
        (np.eye(3, dtype=int), "unclear"),  # pixels that touch at a corner are one piece
        (NONE, "unclear"),
        (-APART, "unclear"),
        (NONE > 0, "mask"),
    ],
)
def test_numbered_cells_are_told_from_masks(labels, kind):
    assert find_kind(labels) == kind


def test_one_piece_is_what_the_others_are():
    assert settle(["unclear", "mask"]) == ["mask", "mask"]
    assert settle(["unclear", "mask", "numbers"]) == ["numbers", "mask", "numbers"]
    assert settle(["unclear", "unclear"]) == ["numbers", "numbers"]
    assert settle([]) == []


def test_cells_are_scored_where_the_truth_numbers_them():
    mask, piece = (APART > 0) * 255, (CLUMP > 0) * 255
    assert kinds(APART, CLUMP, NONE) == [True, True, True]
    assert kinds(mask, piece, NONE) == [False, False, False]
    assert kinds(APART, mask, piece, NONE) == [True, False, True, True]
    assert kinds(piece) == kinds(NONE) == [True]


def test_the_pieces_of_a_predicted_mask_are_its_cells():
    labels, by = number_cells((APART > 0) * 255)
    np.testing.assert_array_equal(labels, APART)
    assert by == "piece"
    labels, by = number_cells(CLUMP)
    np.testing.assert_array_equal(labels, CLUMP)
    assert by == "number"
    table = evaluate([("a", APART, APART > 0), ("b", CLUMP, CLUMP > 0), ("c", CLUMP, CLUMP)])
    assert table["cells_by"].tolist() == ["piece", "piece", "number"]
    assert table["n_pred"].tolist() == [2, 1, 2]
    assert table["ap50"].tolist() == [1, 1 / 2, 1]
    assert table["jaccard"].tolist() == [1, 1, 1]  # the mask is perfect


# --- rows


def test_a_row_has_what_was_counted():
    truth, pred = random_pair(1)
    counts = count_cells(truth, pred)
    (row,) = evaluate([("a", truth, pred)]).to_dict("records")
    assert {name: row[name] for name in cell_scores(counts)} == cell_scores(counts)
    assert (row["n_true"], row["n_pred"]) == (6, 4)
    assert tuple(row[f"tp{percent}"] for percent in range(50, 100, 5)) == counts.tp
    assert row["outline_true_near_px"] == counts.outlines.true_near_px
    assert row["aji_union_px"] == counts.aji_union_px


def test_a_table_gives_back_its_counts():
    pairs = [random_pair(seed) for seed in (1, 2, 5)]
    table = evaluate([(str(n), *pair) for n, pair in enumerate(pairs)])
    counts = [count_cells(*pair) for pair in pairs]
    assert pool_cells_of(table[1:2]) == counts[1]
    assert pool_cells_of(table) == counts[0] + counts[1] + counts[2]


def test_counts_are_whole_also_beside_an_image_without_cell_scores(tmp_path):
    table = evaluate([("a", APART, APART), ("b", APART > 0, APART)])
    table.to_csv(tmp_path / "scores.csv", index=False)
    first, second = (tmp_path / "scores.csv").read_text().splitlines()[1:]
    assert first.startswith("a,4,0,0,2,1.0,1.0,1.0,1.0,number,2,2,1.0")
    assert second.startswith("b,4,0,0,2,1.0,1.0,1.0,1.0,,,,,") and second.endswith(",,,,")
    again = pd.read_csv(tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(summarise(again), summarise(table))


def test_frames_of_a_film_have_rows_of_their_own():
    table = evaluate([("film", np.stack([APART, CLUMP]), np.stack([APART, CLUMP > 0]))])
    assert table["n_pred"].tolist() == [2, 1]
    assert table["cells_by"].tolist() == ["number", "number"]  # the second has one piece


# --- summary


def test_means_and_pools_of_cells_by_hand():
    # one of one cell found; then two merged into one, twice
    pairs = [("one", APART == 1, APART == 1), ("two", CLUMP, CLUMP > 0)]
    pairs = [(name, truth * 1, pred * 1) for name, truth, pred in pairs]
    wide = np.repeat(np.array([[1, 1, 2, 2, 2, 0]]), 2, axis=0)
    pairs[1] = ("two", wide, np.repeat([[3, 3, 3, 3, 3, 3]], 2, axis=0))
    summary = summarise(evaluate(pairs)).set_index("metric")
    assert list(summary.index)[4:7] == ["ap50", "ap75", "mean_ap"]
    # IoU of 6 / 12 with the larger: a match at 0.5, and one missed
    assert summary.loc["ap50", ["mean", "pooled", "n"]].tolist() == [(1 + 1 / 2) / 2, 2 / 3, 2]
    assert summary.loc["ap75", ["mean", "pooled", "n"]].tolist() == [1 / 2, 1 / 4, 2]
    assert summary.loc["pq", "pooled"] == pytest.approx(1.5 / (2 + 1 / 2))
    assert summary.loc["merges", ["mean", "median", "pooled"]].tolist() == [0.5, 0.5, 1]
    assert summary.loc["splits", ["mean", "median", "pooled"]].tolist() == [0, 0, 0]


def test_the_mean_is_over_the_images_whose_cells_are_scored():
    mask = APART > 0
    summary = summarise(evaluate([("a", APART, CLUMP), ("b", mask, mask)])).set_index("metric")
    assert summary.loc["jaccard", "n"] == 2
    assert summary.loc["ap50", "n"] == 1


def test_masks_alone_have_a_summary_of_pixels_alone():
    table = evaluate([("a", APART > 0, APART > 0)])
    assert table[list(CELL_COLUMNS)].isna().all(axis=None)
    assert list(summarise(table)["metric"]) == ["precision", "recall", "jaccard", "dice"]


def test_a_table_of_pixels_alone_can_be_summarised():
    table = evaluate([("a", APART, APART)]).drop(columns=list(CELL_COLUMNS))
    assert list(summarise(table)["metric"]) == ["precision", "recall", "jaccard", "dice"]


# --- the command line


@pytest.fixture
def run(coverslip):
    """Runs a command line that succeeds: what it printed, and what it said on the way."""

    def run(*arguments: object) -> tuple[str, str]:
        said = coverslip(*arguments)
        assert said.status == 0, said.err
        return said.out, said.err

    return run


def numbers_of(out: str, metric: str) -> list[str]:
    """The cells of a metric's row as it was printed."""
    (line,) = (line for line in out.splitlines() if line.startswith(f"│ {metric} "))
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def test_evaluate_prints_both_kinds(run, tmp_path):
    found, truth = squares(4)[1], squares(8)[1]
    save_picture(tmp_path / "pred" / "a.png", np.where(found == 4, 3, found))  # 3 and 4 are one
    save_picture(tmp_path / "truth" / "a.png", truth)
    save_picture(tmp_path / "pred" / "b.png", truth)
    save_picture(tmp_path / "truth" / "b.png", truth)
    out, err = run("evaluate", tmp_path / "pred", tmp_path / "truth")
    assert "all images: pixels, in percent" in out
    assert "all images: cells (16 true, 11 predicted), in percent" in out
    assert numbers_of(out, "recall") == ["75.0 ± 35.4", "75.0", "75.0", "2"]
    # 3 of 8 found: the IoU of the two that are one is 0.5 with each
    assert numbers_of(out, "ap50") == ["68.8 ± 44.2", "68.8", "68.8", "2"]
    assert numbers_of(out, "merges") == ["0.5 ± 0.7", "0.5", "1", "2"]
    assert max(map(len, out.splitlines())) <= 100
    assert "mask" not in err


def test_evaluate_says_what_it_took_for_masks(run, tmp_path):
    for name, truth in (("a", squares(3)[1]), ("b", (squares(3)[1] > 0) * 255)):
        save_picture(tmp_path / "truth" / f"{name}.png", truth)
        save_picture(tmp_path / "pred" / f"{name}.png", (squares(3)[1] > 0) * 255)
    _, err = run("evaluate", tmp_path / "pred", tmp_path / "truth")
    assert "whose truth is a mask without cell numbers: 1 of 2. Their pixels are scored" in err
    assert "whose prediction is a mask without cell numbers: 1 of 2. Its connected" in err


def test_evaluate_of_masks_prints_pixels_alone(run, tmp_path):
    for kind in ("pred", "truth"):
        save_picture(tmp_path / kind / "a.png", (squares(3)[1] > 0) * 255)
    out, err = run("evaluate", tmp_path / "pred", tmp_path / "truth")
    assert "pixels" in out and "cells" not in out
    assert "1 of 1" in err


@pytest.fixture
def model(tmp_path, monkeypatch):
    return write_bright(tmp_path / "models" / "bright.safetensors", monkeypatch)


def test_score_tells_touching_cells_from_one(run, model, tmp_path):
    image, truth = squares(2)
    truth[:, 5:8][truth[:, 5:8] == 1] = 3  # the first square is two cells that touch
    save_picture(tmp_path / "data" / "images" / "a.png", image)
    save_picture(tmp_path / "data" / "labels" / "a.png", truth)
    table = tmp_path / "scores.csv"
    out, _ = run("score", model, tmp_path / "data", "-o", table, "--device", "cpu")
    (row,) = pd.read_csv(table).to_dict("records")
    assert (row["jaccard"], row["n_true"], row["n_pred"]) == (1, 3, 2)
    assert "cells (3 true, 2 predicted)" in out


def test_score_reads_one_file_per_cell_as_labels(run, model, tmp_path):
    image, truth = squares(3)
    save_picture(tmp_path / "data" / "x" / "images" / "x.png", image)
    for number in (1, 2, 3):
        save_picture(tmp_path / "data" / "x" / "masks" / f"{number}.png", (truth == number) * 255)
    table = tmp_path / "scores.csv"
    run("score", model, tmp_path / "data", "-o", table, "--device", "cpu")
    (row,) = pd.read_csv(table).to_dict("records")
    assert (row["n_true"], row["n_pred"], row["ap50"], row["mean_ap"]) == (3, 3, 1, 1)


def test_score_at_another_size_is_of_labels_at_that_size(run, model, tmp_path):
    image, truth = squares(3)
    save_picture(tmp_path / "data" / "images" / "a.png", image)
    save_picture(tmp_path / "data" / "labels" / "a.png", truth)
    table = tmp_path / "scores.csv"
    run("score", model, tmp_path / "data", "-o", table, "--size", 64, "--device", "cpu")
    (row,) = pd.read_csv(table).to_dict("records")
    assert (row["n_true"], row["n_pred"]) == (3, 3)
    assert row["outline_true_px"] == 3 * (12 * 12 - 10 * 10)

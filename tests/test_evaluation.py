import numpy as np
import pandas as pd
import pytest
import tifffile

from coverslip.errors import DataError, FileError
from coverslip.evaluation import (
    COLUMNS,
    SUMMARY_COLUMNS,
    FilePair,
    evaluate,
    evaluate_files,
    evaluate_folders,
    match_files,
    summarise,
    summary_in_percent,
)
from drawn import save_picture, soft_mask

PERFECT = np.array([[1, 0], [0, 0]])
FOUR_CELLS = np.array([[1, 2], [3, 4]])
ONE_OF_FOUR = np.array([[0, 0], [9, 0]])


def names(pairs: tuple[FilePair, ...]) -> list[tuple[str, str, str]]:
    return [(pair.name, pair.pred.name, pair.truth.name) for pair in pairs]


def test_one_row_per_image_in_the_order_given():
    table = evaluate([("b", FOUR_CELLS, ONE_OF_FOUR), ("a", PERFECT, PERFECT)])
    assert list(table.columns) == list(COLUMNS)
    assert table.loc[:, :"dice"].to_numpy().tolist() == [
        ["b", 1, 0, 3, 0, 1.0, 0.25, 0.25, 0.4],
        ["a", 1, 0, 0, 3, 1.0, 1.0, 1.0, 1.0],
    ]


def test_mean_and_pool_differ_as_by_hand():
    summary = summarise(evaluate([("a", PERFECT, PERFECT), ("b", FOUR_CELLS, ONE_OF_FOUR)]))
    assert list(summary.columns) == list(SUMMARY_COLUMNS)
    assert list(summary["metric"])[:4] == ["precision", "recall", "jaccard", "dice"]
    jaccard = summary.set_index("metric").loc["jaccard"]
    assert jaccard["mean"] == jaccard["median"] == (1 + 0.25) / 2
    assert jaccard["sd"] == pytest.approx(0.75 / np.sqrt(2))
    assert jaccard["pooled"] == 2 / 5
    assert jaccard["n"] == 2


def test_one_image_has_no_spread():
    assert summarise(evaluate([("a", PERFECT, PERFECT)]))["sd"].isna().all()


def test_nothing_scored_cannot_be_summarised():
    with pytest.raises(DataError, match="one pair or more"):
        summarise(evaluate([]))


@pytest.mark.parametrize(
    "same", [PERFECT > 0, PERFECT * 255, PERFECT.astype(np.uint8), PERFECT.astype(np.uint32) * 7]
)
def test_masks_and_ids_of_any_kind_score_alike(same):
    assert evaluate([("a", PERFECT, same)])["jaccard"].item() == 1.0


def test_a_series_has_one_row_per_frame():
    truth = np.stack([PERFECT, FOUR_CELLS])
    table = evaluate([("movie", truth, np.stack([PERFECT, ONE_OF_FOUR]))])
    assert list(table["name"]) == ["movie frame 0", "movie frame 1"]
    assert list(table["jaccard"]) == [1.0, 0.25]


def test_times_and_depths_are_frames_one_after_the_other():
    stack = np.stack([PERFECT, FOUR_CELLS, PERFECT, PERFECT]).reshape(2, 2, 2, 2)
    assert list(evaluate([("m", stack, stack)])["tp"]) == [1, 4, 1, 1]


def test_a_series_of_one_frame_is_an_image():
    table = evaluate([("a", PERFECT, PERFECT[None, None])])
    assert list(table["name"]) == ["a"]


def test_all_mismatches_are_listed_at_once():
    good, wide = np.ones((2, 2), dtype=int), np.ones((2, 3), dtype=int)
    with pytest.raises(DataError) as caught:
        evaluate([("a", good, wide), ("b", good, good), ("c", wide[None].repeat(2, 0), wide)])
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["a", "c"]
    assert "(2, 2)" in lines[1]
    assert "(2, 3)" in lines[1]


def test_probabilities_are_refused():
    probs = np.array([[0.9, 0.2], [0.1, 0.0]])
    with pytest.raises(DataError, match=r"a, prediction: holds fractions.*Threshold"):
        evaluate([("a", PERFECT, probs)])


def test_a_mask_with_soft_edges_is_refused():
    with pytest.raises(DataError, match=r"a, truth: grey values between 0 and 255.*nearest"):
        evaluate([("a", soft_mask(), soft_mask())])


def test_255_cells_are_not_taken_for_a_soft_mask():
    ids = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert evaluate([("a", ids, ids)])["tp"].item() == 255


@pytest.mark.parametrize(
    "pred",
    ["x.tif", "x_labels.png", "x_cp_masks.png", "x_seg.png", "x_Mask.png", "x_labels.ome.tif"],
)
def test_names_match_without_type_and_suffix(tmp_path, pred):
    save_picture(tmp_path / "truth" / "x_mask.png", PERFECT)
    save_picture(tmp_path / "pred" / pred, PERFECT)
    matches = match_files(tmp_path / "pred", tmp_path / "truth")
    assert names(matches.pairs) == [("x", pred, "x_mask.png")]
    assert matches.without_truth == ()


def test_paths_may_be_strings(tmp_path):
    for folder in ("pred", "truth"):
        save_picture(tmp_path / folder / "x.png", PERFECT)
    pred, truth = str(tmp_path / "pred"), str(tmp_path / "truth")
    assert evaluate_folders(pred, truth)["dice"].tolist() == [1]
    assert evaluate_folders(f"{pred}/x.png", f"{truth}/x.png")["dice"].tolist() == [1]


def test_a_mask_beside_its_image_is_taken_and_by_products_are_left(tmp_path):
    save_picture(tmp_path / "truth" / "x.png", PERFECT)
    for name in ("x.png", "x_labels.png", "x_overlay.png", "x_probs.png", "x_uncertainty.png"):
        save_picture(tmp_path / "pred" / name, PERFECT)
    matches = match_files(tmp_path / "pred", tmp_path / "truth")
    assert names(matches.pairs) == [("x", "x_labels.png", "x.png")]
    assert matches.without_truth == ()


def test_predictions_without_truth_are_told_not_scored(tmp_path):
    save_picture(tmp_path / "truth" / "x.png", PERFECT)
    for name in ("x.png", "y.png"):
        save_picture(tmp_path / "pred" / name, PERFECT)
    matches = match_files(tmp_path / "pred", tmp_path / "truth")
    assert [path.name for path in matches.without_truth] == ["y.png"]
    assert len(evaluate_files(matches)) == 1


def test_a_subfolder_of_labels_is_taken(tmp_path):
    save_picture(tmp_path / "data" / "images" / "x.png", FOUR_CELLS)
    save_picture(tmp_path / "data" / "labels" / "x.png", PERFECT)
    save_picture(tmp_path / "pred" / "x.png", PERFECT)
    table = evaluate_folders(tmp_path / "pred", tmp_path / "data")
    assert table["jaccard"].item() == 1.0


def test_two_files_are_a_pair_whatever_their_names(tmp_path):
    truth = save_picture(tmp_path / "truth_of_x.png", FOUR_CELLS)
    pred = save_picture(tmp_path / "other.png", ONE_OF_FOUR)
    table = evaluate_folders(pred, truth)
    assert table[["name", "fn"]].to_dict("records") == [{"name": "truth_of_x", "fn": 3}]


def test_missing_and_ambiguous_files_are_listed_at_once(tmp_path):
    for name in ("a.png", "b.png", "c.png", "d.png"):
        save_picture(tmp_path / "truth" / name, PERFECT)
    for name in ("b.png", "c_mask.png", "c_labels.png"):
        save_picture(tmp_path / "pred" / name, PERFECT)
    with pytest.raises(DataError) as caught:
        match_files(tmp_path / "pred", tmp_path / "truth")
    message = str(caught.value)
    assert message.startswith("Give every truth one prediction of the same name")
    assert "a.png: no prediction" in message
    assert "d.png: no prediction" in message
    assert "c_labels.png: another prediction has the same name: c_mask.png" in message
    assert "b.png" not in message


def test_an_empty_folder_is_an_error(tmp_path):
    (tmp_path / "pred").mkdir()
    save_picture(tmp_path / "truth" / "x.png", PERFECT)
    with pytest.raises(FileError, match="pred"):
        match_files(tmp_path / "pred", tmp_path / "truth")


def test_unreadable_and_mismatched_files_are_listed_at_once(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        save_picture(tmp_path / "truth" / name, PERFECT)
    save_picture(tmp_path / "pred" / "a.png", PERFECT)
    save_picture(tmp_path / "pred" / "b.png", np.ones((5, 5)))
    (tmp_path / "pred" / "c.png").write_text("no picture")
    with pytest.raises(DataError) as caught:
        evaluate_folders(tmp_path / "pred", tmp_path / "truth")
    assert "b: " in str(caught.value)
    assert "c.png" in str(caught.value)


def test_folders_of_several_formats_score_as_arrays_do(tmp_path):
    save_picture(tmp_path / "truth" / "a.png", PERFECT)
    save_picture(tmp_path / "truth" / "b.png", FOUR_CELLS)
    save_picture(tmp_path / "pred" / "a_mask.png", PERFECT * 255)
    tifffile.imwrite(tmp_path / "pred" / "b_labels.tif", ONE_OF_FOUR.astype(np.uint32))
    by_file = evaluate_folders(tmp_path / "pred", tmp_path / "truth")
    by_array = evaluate([("a", PERFECT, PERFECT), ("b", FOUR_CELLS, ONE_OF_FOUR)])
    pd.testing.assert_frame_equal(by_file, by_array)


def test_scores_as_papers_print_them():
    summary = pd.DataFrame(
        {
            "metric": ["jaccard", "dice"],
            "mean": [0.8504, 0.9],
            "sd": [0.0449, np.nan],
            "median": [0.86, 0.9],
            "pooled": [0.87, 0.9],
            "n": [161, 1],
        }
    )
    assert summary_in_percent(summary).to_dict("records") == [
        {
            "metric": "jaccard",
            "mean ± sd": "85.0 ± 4.5",
            "median": "86.0",
            "pooled": "87.0",
            "images": 161,
        },
        {"metric": "dice", "mean ± sd": "90.0", "median": "90.0", "pooled": "90.0", "images": 1},
    ]

import math
import random

import numpy as np
import pandas as pd
import pytest

from coverslip.reproduction.tables import statistics
from coverslip.reproduction.tables.statistics import (
    COLUMNS,
    best_split,
    bootstrap_interval,
    by_image,
    by_split,
    paired_difference,
    pool_pixels,
    score_runs,
    spread,
)
from handmade_run import make_run


def table_of(*runs, tta="none"):
    return score_runs(runs, size="resized", tta=tta)


def two_seeds():
    """Image a scored 80 and 60, image b 40 and 50."""
    return table_of(
        make_run("unet", {"a": 80, "b": 40}, split="seed0"),
        make_run("unet", {"a": 60, "b": 50}, split="seed1"),
    )


def test_one_row_for_each_run_and_image():
    table = two_seeds()
    assert list(table.columns) == list(COLUMNS)
    assert table[["split", "image", "jaccard"]].values.tolist() == [
        ["seed0", "a", 0.8],
        ["seed0", "b", 0.4],
        ["seed1", "a", 0.6],
        ["seed1", "b", 0.5],
    ]
    assert table["run"].iloc[3] == "dsb2018.seed1.full.unet"


def test_sizes_and_augmentations_are_kept_apart():
    run = make_run("unet", {"a": 80})
    scores = {
        (size, tta): score_runs([run], size=size, tta=tta)["jaccard"].tolist()
        for size in ("resized", "native")
        for tta in ("none", "paper", "d4")
    }
    assert scores == {
        ("resized", "none"): [0.8],
        ("resized", "paper"): [0.82],
        ("resized", "d4"): [],
        ("native", "none"): [0.7],
        ("native", "paper"): [0.72],
        ("native", "d4"): [],
    }


def test_a_run_that_diverged_has_no_scores():
    attempts = [{"lr": 0.001, "outcome": "diverged", "reason": "nan"}]
    assert table_of(make_run("unet", {"a": 80}, attempts=attempts)).empty


def test_an_image_of_two_seeds_counts_once_with_its_mean():
    images = by_image(two_seeds())
    assert images["jaccard"].to_dict() == pytest.approx({"a": 0.7, "b": 0.45})
    found = spread(images["jaccard"])
    assert found.n == 2
    assert found.mean == pytest.approx(0.575)
    assert found.sd == pytest.approx(0.25 / math.sqrt(2))  # half the distance, times sqrt 2


def test_means_of_dice_are_means_and_not_formulas_of_the_mean():
    dice = by_image(two_seeds())["dice"]
    assert dice["a"] == pytest.approx((1.6 / 1.8 + 1.2 / 1.6) / 2)


def test_mean_of_each_split_and_the_best():
    table = two_seeds()
    assert by_split(table)["jaccard"].to_dict() == pytest.approx({"seed0": 0.6, "seed1": 0.55})
    assert best_split(table) == "seed0"
    assert spread(by_split(table)["jaccard"]).sd == pytest.approx(0.05 / math.sqrt(2))


def test_pooled_pixels_weigh_images_by_their_cells():
    scores = {"resized": {"none": {"large": [900, 100, 0, 0], "small": [1, 0, 9, 0]}}}
    table = table_of(make_run("unet", {}, scores=scores))
    assert spread(by_image(table)["jaccard"]).mean == pytest.approx((0.9 + 0.1) / 2)
    assert pool_pixels(table) == pytest.approx(
        {
            "jaccard": 901 / 1010,
            "dice": 1802 / 1911,
            "precision": 901 / 1001,
            "recall": 901 / 910,
        }
    )


def test_one_value_has_no_deviation():
    found = spread(pd.Series([0.5]))
    assert (found.mean, found.n) == (0.5, 1)
    assert math.isnan(found.sd)


def test_a_system_differs_from_itself_by_exactly_nothing():
    table = table_of(make_run("unet", {"a": 83, "b": 47, "c": 61}))
    found = paired_difference(table, table)
    assert (found.mean, found.low, found.high, found.n) == (0.0, 0.0, 0.0, 3)


def test_a_constant_shift_is_exactly_that():
    better, worse = (
        score_runs([make_run("unet", {}, scores=eighths(shift))], size="resized", tta="none")
        for shift in (1, 0)
    )
    found = paired_difference(better, worse)
    assert (found.mean, found.low, found.high) == (0.125, 0.125, 0.125)
    back = paired_difference(worse, better)
    assert (back.mean, back.low, back.high) == (-0.125, -0.125, -0.125)


def eighths(shift):
    """Four images of 8 pixels of cell, of which 2 to 5 are found, and some more."""
    images = {name: [n + shift, 0, 8 - n - shift, 0] for n, name in enumerate("abcd", start=2)}
    return {"resized": {"none": images}}


def test_only_images_and_splits_that_both_have_are_compared():
    ours = table_of(
        make_run("unet", {"a": 80, "b": 40, "x": 1}, split="seed0"),
        make_run("unet", {"a": 60, "b": 50}, split="seed1"),
        make_run("unet", {"a": 1, "b": 1}, split="seed2"),
    )
    other = table_of(
        make_run("egt", {"a": 70, "b": 30, "y": 1}, split="seed0"),
        make_run("egt", {"a": 40, "b": 50}, split="seed1"),
    )
    found = paired_difference(ours, other)
    assert found.mean == pytest.approx(((0.1 + 0.2) / 2 + (0.1 + 0.0) / 2) / 2)
    assert (found.n, found.splits) == (2, ("seed0", "seed1"))


def test_the_same_image_in_other_splits_is_no_pair():
    ours = table_of(make_run("unet", {"a": 80}, split="seed0"))
    assert paired_difference(ours, table_of(make_run("egt", {"a": 40}, split="seed1"))) is None
    assert paired_difference(ours, table_of(make_run("egt", {"b": 40}, split="seed0"))) is None
    assert paired_difference(ours, table_of()) is None


def test_one_image_has_no_interval():
    ours, other = (table_of(make_run("unet", {"a": score})) for score in (80, 40))
    found = paired_difference(ours, other)
    assert found.mean == pytest.approx(0.4)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_the_interval_agrees_with_a_loop():
    values = np.random.default_rng(1).normal(0.02, 0.05, 40)
    draw = random.Random(2)
    means = sorted(math.fsum(draw.choices(list(values), k=40)) / 40 for _ in range(10_000))
    low, high = bootstrap_interval(values)
    # the end of an interval of 10,000 draws is itself good to about a hundredth of its length
    slack = 0.03 * (high - low)
    assert low == pytest.approx(means[250], abs=slack)
    assert high == pytest.approx(means[9750], abs=slack)


def test_the_interval_of_two_images_by_hand():
    """Both the one: 0 (a quarter), both the other: 1 (a quarter), else 0.5."""
    values = np.array([0.0, 1.0])
    assert bootstrap_interval(values) == (0.0, 1.0)
    assert bootstrap_interval(values, level=0.4) == (0.5, 0.5)


def test_the_interval_is_the_same_each_time_and_another_with_another_seed():
    values = np.random.default_rng(1).normal(size=20)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


def test_all_draws_are_made_when_they_are_no_whole_number_of_portions(monkeypatch):
    monkeypatch.setattr(statistics, "DRAWS_AT_ONCE", 400)
    assert statistics._portions(1000) == [400, 400, 200]
    assert statistics._portions(800) == [400, 400]
    values = np.array([0.0, 1.0])
    assert bootstrap_interval(values, draws=1000) == (0.0, 1.0)

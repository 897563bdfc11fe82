"""What is answered of the paper's claims, and by which runs."""

import math

import pytest

from coverslip.reproduction.tables import claims_table, modality_table, origin_table
from coverslip.reproduction.tables.claims import OPEN, Claim, Way, answer_text
from coverslip.reproduction.tables.setup import again_note
from coverslip.reproduction.tables.statistics import Difference
from handmade_run import make_run

RP = "resnet18_unet_rp"
DSB = {"dsb2018": (3, 4)}
HEAD = "better, by the paper"


def answers(runs, datasets=DSB):
    """Row → answer, data set after data set."""
    frame = claims_table(runs, datasets, budget="full").frame
    return {(row[HEAD], row["data set"]): row for row in frame.to_dict("records")}


def test_a_claim_is_answered_image_by_image():
    images = {f"i{n}": 60 + n for n in range(8)}
    worse = {name: score - 3 for name, score in images.items()}
    found = answers([make_run(RP, images), make_run("resnet18_unet", worse)])
    paths = found["residual paths rather than plain skips", "dsb2018"]
    assert paths["in the paper"] == "+1.9"  # 85.0 and 83.1 in its Table 3
    assert paths["here [95 %]"] == "+3.0 [+3.0, +3.0]"
    assert (paths["images"], paths["trainings"], paths["answer"]) == (
        "8",
        "seed0",
        "yes, in one training",
    )
    # the made runs gain exactly two points by test-time augmentation
    tta = found["test-time augmentation, worth 1 to 3 points", "dsb2018"]
    assert tta["here [95 %]"] == "+2.0 [+2.0, +2.0]" and tta["answer"] == "yes, in one training"
    assert tta["in the paper"] == "+0.2"  # 85.0 in Table 3, 84.8 in Table 4
    assert found["BCE + Dice rather than BCE", "dsb2018"]["answer"] == OPEN


def test_runs_of_other_data_and_budgets_answer_nothing():
    runs = [
        make_run(RP, {"a": 80, "b": 70}),
        make_run("unet", {"a": 70, "b": 60}, budget="trial"),
        make_run("resnet18_unet", {"a": 70, "b": 60}, dataset="phase_contrast", split="fold0"),
        make_run("rp_from_scratch", {"c": 70, "d": 60}),
    ]
    found = answers(runs, DSB | {"phase_contrast": (1, 2)})
    assert {row["answer"] for (text, _), row in found.items() if "test-time" not in text} == {OPEN}
    assert found["ResNet18-UNet+RP rather than U-Net", "phase_contrast"]["in the paper"] == "+2.8"


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (0.012, 0.028, "yes"),
        (0.002, 0.008, "better, but by less than 1"),
        (0.035, 0.05, "better, by more than 3"),
        (0.005, 0.02, "better; whether by so much is undecided"),
        (-0.01, 0.02, "undecided: the interval holds zero"),
        (0.0, 0.02, "undecided: the interval holds zero"),
        (-0.02, -0.01, "no, the reverse"),
        (math.nan, math.nan, "undecided"),
    ],
)
def test_an_answer_says_what_the_interval_says(low, high, answer):
    claim = Claim("", Way(RP), Way("unet"), least=1, most=3)
    assert answer_text(claim, Difference(0.01, low, high, 10, ("seed0",))) == answer


def test_every_kind_of_image_has_a_column_the_most_frequent_first():
    runs = [
        make_run(RP, {"a": 80, "b": 60, "c": 40}, split="seed0"),
        make_run(RP, {"a": 90, "b": 60, "c": 40}, split="seed1"),
        make_run("egt", {"a": 30, "b": 20, "c": 10}),
    ]
    kinds = {"a": "dark", "b": "bright", "c": "bright"}
    table = modality_table(runs, "dsb2018", kinds, budget="full")
    assert list(table.frame.columns) == ["System", "all", "bright", "dark", "trainings"]
    egt, ours = table.frame.to_dict("records")
    assert egt == {
        "System": "EGT",
        "all": "20.0 ± 10.0",
        "bright": "15.0 ± 7.1",
        "dark": "30.0",
        "trainings": "seed0",
    }
    assert ours["bright"] == "52.0 ± 14.1"  # 62 and 42, with two points by augmentation
    assert ours["dark"].startswith("87.0") and ours["trainings"] == "seed0, seed1"
    assert "Images: 2 bright, 1 dark." in table.notes[0]


def test_runs_say_where_they_came_from():
    facts = {"commit": "abc", "python": "3.11.7", "packages": {"torch": "2.13"}, "machine": "Linux"}
    runs = [
        make_run("unet", {"a": 1}, provenance=facts, seconds={"train": 3600.0, "score": 1800.0}),
        make_run(RP, {"a": 1}, provenance=facts, seconds={"train": 0.0, "score": 0.0}),
        make_run("egt", {"a": 1}, provenance={}),
    ]
    table = origin_table(runs).frame.to_dict("records")
    assert [row["commit"] for row in table] == ["abc", "unknown"]
    assert table[0]["machine"] == "Linux, cpu" and table[0]["hours"] == "1.5"
    assert table[0]["systems"] == f"unet, {RP}" and table[0]["runs"] == "2"


def test_a_row_can_be_run_again_by_the_command_beside_it():
    run = make_run("unet", {"a": 1}, budget="full-1000")
    assert (
        "`coverslip reproduce table3 dsb2018 -o OUT --budget full --steps 1000 --weights imagenet "
        "--systems KEY`"
    ) in again_note("table3", "dsb2018", [run])
    assert "--weights" not in again_note("table3", "dsb2018", [make_run("egt", {"a": 1})])

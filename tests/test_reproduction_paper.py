import re

import pytest

from coverslip.reproduction import SYSTEMS
from coverslip.reproduction.tables.paper import FOOTNOTES, TABLES

ROWS = [(number, key) for number, rows in TABLES.items() for key in rows]
# What rounding to one decimal, and means over images, may move; the paper's Table 1 has 0.25.
SLACK = 0.3


def f_of(jaccard):
    """Dice of a Jaccard score, both in percent."""
    return 200 * jaccard / (100 + jaccard)


def j_of(dice):
    """Jaccard of a Dice score, both in percent."""
    return 100 * dice / (200 - dice)


def implied(number, key):
    """Dice from JS; Dice and JS from P and R."""
    row = TABLES[number][key]
    precision, recall = row.precision[0], row.recall[0]
    dice = 2 * precision * recall / (precision + recall)
    return f_of(row.jaccard[0]), dice, j_of(dice)


def test_the_tables_have_the_papers_rows():
    assert {number: len(rows) for number, rows in TABLES.items()} == {1: 10, 2: 8, 3: 9, 4: 9}
    assert {key for _, key in ROWS} <= set(SYSTEMS)


def test_exactly_the_rows_with_a_footnote_contradict_themselves():
    wrong = set()
    for number, key in ROWS:
        row = TABLES[number][key]
        f, dice, jaccard = implied(number, key)
        printed = row.dice[0], row.dice[0], row.jaccard[0]
        if any(abs(a - b) > SLACK for a, b in zip((f, dice, jaccard), printed, strict=True)):
            wrong.add((number, key))
    assert wrong == {(number, key) for number, rows in FOOTNOTES.items() for key in rows}
    assert len(wrong) == 12


@pytest.mark.parametrize(
    ("number", "key"), [(number, key) for number, rows in FOOTNOTES.items() for key in rows]
)
def test_the_numbers_in_a_footnote_are_right(number, key):
    row = TABLES[number][key]
    numbers = {*implied(number, key), row.dice[0], row.jaccard[0]}
    numbers.add(row.jaccard[0] - implied(number, key)[2])  # by how much it is too high
    known = {f"{value:.1f}" for value in numbers}
    assert set(re.findall(r"\d+\.\d", FOOTNOTES[number][key])) <= known


@pytest.mark.parametrize(
    ("number", "key"),
    [
        *[(number, "double_unet") for number in (1, 2, 3, 4)],
        *[(number, "ddanet") for number in (1, 2, 3)],
    ],
)
def test_what_cannot_be_cannot_be(number, key):
    f, dice, _ = implied(number, key)
    assert FOOTNOTES[number][key].startswith("cannot be")
    assert TABLES[number][key].dice[0] > min(f, dice) + 0.1  # what rounding may move


def test_rows_that_may_be_means_are_not_called_impossible():
    for number, rows in FOOTNOTES.items():
        for key, text in rows.items():
            f, dice, _ = implied(number, key)
            if TABLES[number][key].dice[0] <= min(f, dice) + 0.1:
                assert not text.startswith("cannot be")


def test_deviations_were_copied_well():
    """The rows whose DC spreads more than their JS, as another reader found them in print."""
    found = {(n, key) for n, key in ROWS if TABLES[n][key].dice[1] > TABLES[n][key].jaccard[1]}
    assert found == {
        (1, "double_unet"),
        *((3, key) for key in "segnet bcdu_net double_unet resnet18_unet resnet18_fpn".split()),
        *((4, key) for key in "segnet bcdu_net double_unet resnet18_unet".split()),
        (4, "resnet18_unet_rp"),
    }


def test_the_abstracts_numbers_are_in_the_tables():
    assert TABLES[3]["resnet18_unet_rp"].jaccard[0] == 85.0
    assert TABLES[1]["resnet18_unet_rp"].jaccard[0] == 89.2

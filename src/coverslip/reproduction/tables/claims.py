"""runs → what the paper claims, and what the same comparison says here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from coverslip.reproduction.systems import FROM_SCRATCH, RP
from coverslip.reproduction.tables.layout import (
    Entry,
    PaperTable,
    difference_entry,
    entries_to_frame,
    entries_to_sources,
    join_ids,
    signed,
)
from coverslip.reproduction.tables.paper import TABLES
from coverslip.reproduction.tables.statistics import paired_difference, score_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coverslip.reproduction.result_file import Run
    from coverslip.reproduction.tables.statistics import Difference

OURS, PAPER, ANSWER = "here [95 %]", "in the paper", "answer"
COLUMNS = ("data set", PAPER, OURS, "images", "trainings", ANSWER)
OPEN = "open: not run"


class Way(NamedTuple):
    """A system, and the test-time augmentation it is scored with."""

    system: str
    tta: str = "paper"


class Claim(NamedTuple):
    """A statement that one way is better than another.

    Attributes:
        text: what is said to be better, and than what.
        better: than `other`, says the paper.
        other: what it is compared with.
        least: points of Jaccard that the claim promises.
        most: likewise.
    """

    text: str
    better: Way
    other: Way
    least: float = 0.0
    most: float = math.inf


CLAIMS: dict[str, Claim] = {
    "paths": Claim("residual paths rather than plain skips", Way(RP), Way("resnet18_unet")),
    "unet": Claim("ResNet18-UNet+RP rather than U-Net", Way(RP), Way("unet")),
    "loss_bce": Claim("BCE + Dice rather than BCE", Way(RP), Way("rp_loss_bce")),
    "loss_dice": Claim("BCE + Dice rather than Dice", Way(RP), Way("rp_loss_dice")),
    "loss_jaccard": Claim(
        "BCE + Dice rather than BCE + Jaccard", Way(RP), Way("rp_loss_jaccard_bce")
    ),
    "tta": Claim(
        "test-time augmentation, worth 1 to 3 points", Way(RP), Way(RP, "none"), least=1.0, most=3.0
    ),
    "pretraining": Claim("ImageNet weights rather than none", Way(RP), Way(FROM_SCRATCH)),
}


def claims_table(
    runs: Sequence[Run], datasets: Mapping[str, tuple[int, int]], *, budget: str
) -> PaperTable:
    """Put every claim beside what its comparison gives here.

    Args:
        runs: any; those of other data sets and budgets are passed over.
        datasets: name → the numbers of the paper's tables of such data, with and without test-time
            augmentation.
        budget: name of the budget.

    Returns:
        A row for each claim and data set, also for those that nothing was run for.
    """
    rows: dict[str, str] = {}
    entries: list[Entry] = []
    for key, claim in CLAIMS.items():
        for name, numbers in datasets.items():
            row = f"{key} {name}"
            rows[row] = claim.text
            own = [r for r in runs if r.dataset == name and r.budget["name"] == budget]
            entries.append(Entry(row, "data set", name))
            entries += printed_entries(row, claim, numbers)
            entries += answer_entries(row, claim, own)
    return PaperTable(
        title=f"What the paper claims, and what comes out here: budget {budget}",
        frame=entries_to_frame(entries, rows=rows, columns=COLUMNS, head="better, by the paper"),
        notes=list(NOTES),
        sources=entries_to_sources(entries),
    )


def printed_entries(row: str, claim: Claim, numbers: tuple[int, int]) -> list[Entry]:
    """The difference of Jaccard that the paper's tables print; none where they lack one side."""
    values, sources = [], []
    for way in (claim.better, claim.other):
        number = numbers[0 if way.tta == "paper" else 1]
        printed = TABLES[number].get(way.system) if way.tta in ("paper", "none") else None
        if printed is None:
            return []
        values.append(printed.jaccard[0])
        sources.append(f"Table {number}")
    points = round(values[0] - values[1], 6)
    source = f"Ayanzadeh et al. 2021, {' and '.join(dict.fromkeys(sources))}"
    return [Entry(row, PAPER, signed(points), value=points, source=source)]


def answer_entries(row: str, claim: Claim, runs: Sequence[Run]) -> list[Entry]:
    """The paired difference with its interval, what it rests on, and what it answers."""
    better, other = (
        score_runs([run for run in runs if run.system == way.system], size="resized", tta=way.tta)
        for way in (claim.better, claim.other)
    )
    difference = paired_difference(better, other)
    if difference is None:
        return [Entry(row, ANSWER, OPEN)]
    both = pd.concat([better, other])
    source = join_ids(both[both["split"].isin(difference.splits)]["run"])
    return [
        difference_entry(row, OURS, difference, source=source),
        Entry(row, "images", str(difference.n), value=difference.n, source=source),
        Entry(row, "trainings", ", ".join(difference.splits), source=source),
        Entry(row, ANSWER, answer_text(claim, difference) + once(difference), source=source),
    ]


def once(difference: Difference) -> str:
    """A reminder where an answer is that of one training a side."""
    return ", in one training" if len(difference.splits) == 1 else ""


def answer_text(claim: Claim, difference: Difference) -> str:
    """What the interval says of the claim, and no more."""
    low, high = 100 * difference.low, 100 * difference.high
    if math.isnan(low):
        return "undecided"
    if high < 0:
        return "no, the reverse"
    if low <= 0:
        return "undecided: the interval holds zero"
    if high < claim.least:
        return f"better, but by less than {claim.least:g}"
    if low > claim.most:
        return f"better, by more than {claim.most:g}"
    if claim.least <= low and high <= claim.most:
        return "yes"
    return "better; whether by so much is undecided"


NOTES = (
    "In the paper, and here: points of mean Jaccard index by which the one is better than the "
    "other; here paired image by image, with the 95 % bootstrap interval over images.",
    "The interval knows the choice of images and not the chance of a training: with one training "
    "each, a difference of a point may come of another seed. trainings: the folds or seeds that "
    "both were run on.",
)

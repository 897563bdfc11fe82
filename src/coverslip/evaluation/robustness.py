"""model + annotated images → its score at every strength of degradation.

How much blur, noise, uneven light or JPEG a segmentation model bears.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip._text import as_it_was
from coverslip.errors import DataError, SettingsError, costs_itself, list_problems, one_of
from coverslip.evaluation.degradations import DEGRADATIONS, UNDISTURBED, degrade
from coverslip.evaluation.label_files import collect_scores, score_arrays
from coverslip.evaluation.score_table import COLUMNS
from coverslip.io import Ledger, check_ours, write_text, writing
from coverslip.pipeline import (
    least_area,
    predict_prepared,
    prepare_image,
    probs_to_labels,
    resize_maps,
    resolve_settings,
    result_settings,
    scale_of,
)
from coverslip.preprocessing import resize_image
from coverslip.provenance import code_version
from coverslip.tables import without_formulas
from coverslip.training import hash_pairs, prepare_labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.evaluation.score_table import Scored
    from coverslip.io import Pair
    from coverslip.pipeline import Job

    Labels = NDArray[np.integer[Any]]

TABLE, REQUEST = "robustness.csv", "request.json"
# What of a request may be other than it was, in words.
OTHERS = {
    "version": "another version of coverslip",
    "model": "another model",
    "settings": "other settings",
    "data": "other images or masks",
}


def measure_robustness(
    job: Job,
    pairs: Sequence[Pair],
    out: Path,
    *,
    degradations: Sequence[str] = tuple(DEGRADATIONS),
    on_scored: Callable[[str, int, int], None] = lambda what, done, n: None,
    on_note: Callable[[Path, str], None] = lambda path, text: None,
    on_failed: Callable[[Path, str], None] | None = None,
) -> pd.DataFrame:
    """Segment annotated images as they are and made worse, and score the cells.

    An image is made worse in the range [0, 1] that the model's preparation brings it to, and then
    prepared as any image: so a strength means the same for all images, and what the preparation
    mends is mended. Where the size of the cells is changed, the image is resized before anything
    looks at it, and the cells are scored at the image's own size.

    Args:
        job: the model and its settings.
        pairs: images and their truth.
        out: a folder, with the table in it; what an earlier call measured there is kept.
        degradations: names from `DEGRADATIONS`.
        on_scored: called after each image with what was done to it, how many images are done, and
            of how many in all.
        on_note: called with a file and what was decided of it.
        on_failed: called with each image that cannot be scored, and why, while the others are;
            None: all such are raised, before the first step.

    Returns:
        One row per image and step, with `ROBUSTNESS_COLUMNS`, undisturbed first; what other calls
        measured in this folder included.

    Raises:
        SettingsError: an unknown degradation, or the folder holds the answer to another question.
        FileError: the folder has a table or request that coverslip did not write.
        DataError: images or masks that cannot be read or do not fit together.
    """
    for name in degradations:
        one_of("degradation", name, tuple(DEGRADATIONS))
    with writing(Ledger(out)):
        claim(out, job, pairs)
        table = read_table(out / TABLE)
        missing = {
            step: those
            for step in list_steps(degradations)
            if (those := [pair for pair in pairs if not has_row(table, *step, pair=pair)])
        }
        good = check_readable(
            [pair for pair in pairs if any(pair in those for those in missing.values())],
            n_all=len(pairs),
            on_note=on_note,
            on_failed=on_failed,
        )
        plan = {step: [pair for pair in those if pair in good] for step, those in missing.items()}
        return _measure_missing(job, plan, out, on_scored=on_scored, on_failed=on_failed)


def check_readable(
    pairs: Sequence[Pair],
    *,
    n_all: int,
    on_note: Callable[[Path, str], None],
    on_failed: Callable[[Path, str], None] | None,
) -> list[Pair]:
    """Read each pair once before the long work, and say what was decided; those that can be read.

    Raises:
        DataError: of all that cannot, where nobody is called with them or they are all there are.
    """
    failed: dict[Path, str] = {}
    for pair in pairs:
        with costs_itself(pair.image, failed.__setitem__):
            prepare_labelled(pair, np.asarray, size_px=None, on_note=on_note)
    if failed and (on_failed is None or len(failed) == n_all):
        cure = "Nothing was scored: mend these, or leave them out"
        raise DataError(list_problems(list(failed.values()), cure=cure))
    for path, why in failed.items():
        if on_failed is not None:
            on_failed(path, why)
    return [pair for pair in pairs if pair.image not in failed]


def _measure_missing(
    job: Job,
    plan: dict[tuple[str, float], list[Pair]],
    out: Path,
    *,
    on_scored: Callable[[str, int, int], None],
    on_failed: Callable[[Path, str], None] | None,
) -> pd.DataFrame:
    """Measure what is not in the folder's table, and add each step to it."""
    table = read_table(out / TABLE)
    n_all, done = sum(map(len, plan.values())), 0
    for (name, strength), pairs in plan.items():

        def tell(i: int, what: str = f"{name} {strength:g}", done: int = done) -> None:
            on_scored(what, done + i, n_all)

        if pairs:
            rows = score_step(job, pairs, name, strength, on_image=tell, on_failed=on_failed)
            table = rows if table.empty else pd.concat([table, rows], ignore_index=True)
            table = in_order(table)
            write_table(out / TABLE, table)
        done += len(pairs)
    return table


def list_steps(degradations: Sequence[str]) -> list[tuple[str, float]]:
    """(name, strength) of all that is to be measured, undisturbed first."""
    steps = [(UNDISTURBED, float("nan"))]
    return steps + [
        (name, float(strength))
        for name in degradations
        for strength in DEGRADATIONS[name].strengths
    ]


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The rows as if all had been measured in one call."""
    steps = [(name, repr(s)) for name, s in list_steps(tuple(DEGRADATIONS))]
    place = {step: number for number, step in enumerate(steps)}
    keys = zip(table["degradation"], table["strength"], strict=True)
    order = [place.get((name, repr(float(s))), len(place)) for name, s in keys]
    return table.iloc[pd.Series(order).argsort(kind="stable")].reset_index(drop=True)


def score_step(
    job: Job,
    pairs: Sequence[Pair],
    name: str,
    strength: float,
    *,
    on_image: Callable[[int], None],
    on_failed: Callable[[Path, str], None] | None = None,
) -> pd.DataFrame:
    """The rows of all images at one strength."""
    numbers = {pair.name: number for number, pair in enumerate(pairs, start=1)}

    def score(pair: Pair) -> list[Scored]:
        truth, pred = predict_degraded(job, pair, name, strength)
        on_image(numbers[pair.name])
        return score_arrays(pair.name, truth, pred)

    rows = collect_scores(pairs, name=lambda pair: pair.image, score=score, on_failed=on_failed)
    rows.insert(0, "degradation", name)
    rows.insert(1, "strength", strength)
    rows.insert(2, "unit", "" if name == UNDISTURBED else DEGRADATIONS[name].unit)
    return rows


def predict_degraded(job: Job, pair: Pair, name: str, strength: float) -> tuple[Labels, Labels]:
    """True and predicted labels (H, W) of an image that was made worse."""
    prepare = partial(prepare_image, model=job.model)
    image, truth = prepare_labelled(pair, prepare, size_px=None)
    change = None if name == UNDISTURBED else DEGRADATIONS[name].change
    if change is not None:
        image = prepare(degrade(image, change, strength, name=pair.name))
    elif name != UNDISTURBED:
        height, width = (max(1, round(strength * length)) for length in truth.shape)
        image = resize_image(image, (height, width))
    settings = resolve_settings(job.settings, image, job.model)
    probs = predict_prepared(image, job.model, settings=settings).probs
    if probs.shape[1:] != truth.shape:
        probs = resize_maps(probs, (truth.shape[0], truth.shape[1]))
        settings = replace(job.settings, scale=strength * scale_of(settings))
        settings = replace(settings, min_area_px=least_area(settings, job.model))
    return truth, probs_to_labels(probs, job.model.maps, settings=settings)


def claim(out: Path, job: Job, pairs: Sequence[Pair]) -> None:
    """Write down what is asked for in a folder, or see that it is what was asked for there.

    Raises:
        SettingsError: something else was.
        FileError: coverslip did not write what is there, or it was changed since.
    """
    asked: dict[str, Any] = {
        "version": code_version(),
        "model": job.model_hash,
        "settings": result_settings(job),
        "data": hash_pairs(pairs),
    }
    path = out / REQUEST
    for own in (path, out / TABLE):
        check_ours(own)
    if not path.is_file():
        write_text(path, json.dumps(asked, indent=1))
        return
    try:
        answered = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        answered = None
    answered = answered if isinstance(answered, dict) else {}
    other = [key for key in asked if answered.get(key) != json.loads(json.dumps(asked[key]))]
    if other:
        raise SettingsError(
            f"{out}: holds what came of {' and '.join(OTHERS[key] for key in other)}: delete it, "
            "or choose another -o."
        )


ROBUSTNESS_COLUMNS: dict[str, str] = {
    "degradation": "what was done to the image; none: nothing",
    "strength": "how much of it, in its unit; missing for none",
    "unit": "what the strength counts",
    **COLUMNS,
}

ROBUSTNESS_SUMMARY_COLUMNS: dict[str, str] = {
    "degradation": "what was done to the images",
    "unit": "what the strengths count",
    "mildest": "least strength at which the median over images is lower than undisturbed by 0.1",
    "worst": "strength at which the median over images is lowest",
    "median": "the median there, 0 to 1",
}
LOSS = 0.1  # of the Jaccard index: what one sees in the masks at once


def read_table(path: Path) -> pd.DataFrame:
    """What an earlier call has measured; no row where there was none.

    Raises:
        DataError: it is no such table.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(ROBUSTNESS_COLUMNS))
    try:
        table = pd.read_csv(
            path,
            dtype={"name": str, "degradation": str},
            keep_default_na=False,
            na_values=[""],
        )
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as a table ({error}). Delete it.") from error
    missing = [column for column in ROBUSTNESS_COLUMNS if column not in table]
    if missing:
        raise DataError(f"{path}: no column {', '.join(missing)}. Delete it, or choose another -o.")
    names = [as_it_was(str(name)) for name in table["name"]]
    return table.assign(unit=table["unit"].fillna(""), name=names)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write all that is measured so far, whole or not at all."""
    write_text(path, without_formulas(table).to_csv(index=False, lineterminator="\n"))


def has_row(table: pd.DataFrame, degradation: str, strength: float, *, pair: Pair) -> bool:
    """Whether an image is scored under a degradation at a strength."""
    rows = table[(table["degradation"] == degradation) & (table["name"] == pair.name)]
    return len(rows) > 0 and (
        degradation == UNDISTURBED or bool((rows["strength"] == strength).any())
    )


def summarise_robustness(table: pd.DataFrame, *, score: str = "jaccard") -> pd.DataFrame:
    """When each degradation begins to tell, and how far down it leads.

    Args:
        table: of `measure_robustness`, with the undisturbed scores.
        score: one of its columns.

    Returns:
        One row per degradation, with `SUMMARY_COLUMNS`; `mildest` is missing where no strength
        costs so much. Of strengths on either side of what is usual, the mildest is the nearest to
        the middle of the list.
    """
    usual = table.loc[table["degradation"] == UNDISTURBED, score].median()
    rows = []
    for name, degradation in DEGRADATIONS.items():
        own = table[table["degradation"] == name]
        if own.empty:
            continue
        medians = own.groupby("strength")[score].median()
        known = [strength for strength in degradation.by_severity if strength in medians.index]
        mildest = next((s for s in known if medians[s] < usual - LOSS), float("nan"))
        rows.append(
            {
                "degradation": name,
                "unit": degradation.unit,
                "mildest": mildest,
                "worst": medians.idxmin(),
                "median": medians.min(),
            }
        )
    return pd.DataFrame(rows, columns=list(ROBUSTNESS_SUMMARY_COLUMNS))

"""runs of one system → how it was trained, in the words of a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from coverslip.reproduction.systems import ABLATIONS, SYSTEMS
from coverslip.reproduction.tables.layout import Entry, join_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.reproduction.result_file import Run

PRETRAINED = "start"
NOT_HAD = "none (ImageNet intended)"
PARAMETERS = "parameters (M)"
RATE = "learning rate"
BUDGET = "steps × batch at size"
KEY = "key"
SETUP = (PRETRAINED, PARAMETERS, RATE, BUDGET, KEY)


def setup_entries(row: str, runs: Sequence[Run]) -> list[Entry]:
    """What a system started from, its size, learning rate and budget, and how to name it.

    Of the runs that did not diverge; none without them.
    """
    runs = [run for run in runs if not run.diverged]
    if not runs:
        return []
    source = join_ids(run.id for run in runs)
    texts = {
        PRETRAINED: _join(start_text(run) for run in runs),
        RATE: rate_text(runs),
        BUDGET: _join(budget_text(run.budget) for run in runs if run.attempts),
        KEY: runs[0].system,
    }
    entries = [Entry(row, name, text, source=source) for name, text in texts.items() if text]
    return [*entries, *parameter_entries(row, runs)]


def again_note(part: str, dataset: str, runs: Sequence[Run]) -> str:
    """How to make the numbers of a row again, as a command.

    Args:
        part: of the paper, as ``"table1"``.
        dataset: name of the data set.
        runs: of the table, all of one budget; one at least.
    """
    name, _, steps = runs[0].budget["name"].partition("-")
    options = [f"--budget {name}", *([f"--steps {steps}"] if steps else [])]
    if any("ImageNet" in run.pretrained for run in runs):
        options.append("--weights imagenet")
    return (
        "To run a row again, remove its JSON files from `runs/`, and: "
        f"`coverslip reproduce {part} {dataset} -o OUT {' '.join(options)} --systems KEY`, with "
        f"`--splits {runs[0].split}` for that one alone."
    )


def start_text(run: Run) -> str:
    """What a network began from; where ImageNet weights belong to it and were not had, so."""
    intended = (SYSTEMS | ABLATIONS)[run.system].encoder
    return NOT_HAD if intended and run.pretrained == "none" else run.pretrained


def parameter_entries(row: str, runs: Sequence[Run]) -> list[Entry]:
    """Millions of parameters; none for a method without learning."""
    known = [run for run in runs if run.parameters is not None]
    if not known:
        return []
    millions = sorted({(run.parameters or 0) / 1e6 for run in known})
    text = "; ".join(f"{number:.2f}" for number in millions)
    value = millions[0] if len(millions) == 1 else math.nan
    return [Entry(row, PARAMETERS, text, value=value, source=join_ids(run.id for run in known))]


def budget_text(budget: dict[str, Any]) -> str:
    """What every network was given: ``4000 × 8 at 256 px``, with the crops where there were any."""
    steps = budget["epochs"] * budget["steps_per_epoch"]
    crop = budget.get("crop_px")
    crops = f", crops of {crop}" if crop and crop != budget["size_px"] else ""
    return f"{steps} × {budget['batch']} at {budget['size_px']} px{crops}"


def rate_text(runs: Sequence[Run]) -> str:
    """The learning rate; for splits on which it had to be lowered, theirs beside it."""
    splits: dict[str, list[str]] = {}
    for run in runs:
        if run.attempts:
            splits.setdefault(_rate(run), []).append(run.split)
    if len(splits) < 2:
        return "".join(splits)
    return "; ".join(f"{rate} on {', '.join(names)}" for rate, names in splits.items())


def _rate(run: Run) -> str:
    """The rate that counts, and the one it was lowered from."""
    first, last = run.attempts[0]["lr"], run.attempts[-1]["lr"]
    return f"{last:g}" if first == last else f"{last:g}, lowered from {first:g}"


def _join(texts: Any) -> str:
    return "; ".join(dict.fromkeys(texts))

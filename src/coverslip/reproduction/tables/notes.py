"""what a table is of, and what its reader must know → title and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.reproduction.datasets import DSB2018, STAND_IN
from coverslip.reproduction.systems import RP, SYSTEMS
from coverslip.reproduction.tables.paper import FOOTNOTES
from coverslip.reproduction.tables.setup import NOT_HAD, again_note, start_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.reproduction.result_file import Run
    from coverslip.reproduction.tables.scope import Scope

MARKS = "ᵃᵇᶜᵈᵉᶠᵍ"
TTA_WORDS = {"paper": "with test-time augmentation", "none": "without test-time augmentation"}

DATA_NOTES = {
    DSB2018: "The paper's test images are 161 of 670, and it does not name them; ours are another "
    "draw, of the corrected copy of 664.",
    STAND_IN: "Ours are the phase-contrast images of Usiigaci (Tsai et al. 2019), in place of the "
    "paper's 45 MDA-MB-231 frames, which were never published: other images, so that the "
    "difference from the paper is one of data too.",
}
OWN_NOTE = (
    "Ours are the images of {dataset}; the paper's are {theirs}. Unless these are the same, the "
    "difference from the paper is one of data too."
)
THEIRS = {1: "its 45 MDA-MB-231 frames", 3: "DSB2018"}


def paper_title(scope: Scope) -> str:
    """What the table is of."""
    names = {
        DSB2018: f"The paper's Table {scope.number}: DSB2018",
        STAND_IN: f"The paper's Table {scope.number}, with phase_contrast in place of the "
        "unpublished MDA-MB-231 frames",
    }
    title = names.get(scope.dataset, f"The paper's Table {scope.number}, on {scope.dataset}")
    if not scope.runs:
        return f"{title}, {TTA_WORDS[scope.tta]}"
    sizes = sorted({run.budget["size_px"] for run in scope.runs})
    size = " and ".join(f"{size} × {size}" for size in sizes)
    return f"{title}, {TTA_WORDS[scope.tta]}, at {size} px, budget {scope.budget}"


def mark_rows(scope: Scope) -> dict[str, str]:
    """Key → label of every row, with the letter of its footnote where the paper's row has one."""
    marks = footnote_marks(scope)
    return {key: f"{SYSTEMS[key].label} {marks.get(key, '')}".rstrip() for key in scope.systems}


def footnote_marks(scope: Scope) -> dict[str, str]:
    """Key → letter of the rows that have a footnote, from the top down."""
    marked = [key for key in scope.systems if key in FOOTNOTES[scope.number]]
    return dict(zip(marked, MARKS, strict=False))


def paper_notes(scope: Scope) -> list[str]:
    """What stands below the table: footnotes to the paper's rows, then how ours came about."""
    notes = [
        f"{mark} {SYSTEMS[key].label}, the paper's row: {FOOTNOTES[scope.number][key]}."
        for key, mark in footnote_marks(scope).items()
    ]
    if not scope.runs:
        return [*notes, "Nothing was run yet: the numbers are the paper's."]
    return [
        *notes,
        data_note(scope),
        *reading_notes(scope),
        *[f"{SYSTEMS[key].label}: {SYSTEMS[key].note}." for key in noted(scope)],
        *search_notes(scope),
        *missing_notes(scope),
        again_note(f"table{scope.number}", scope.dataset, scope.runs),
    ]


def data_note(scope: Scope) -> str:
    """Whose images ours are."""
    theirs = THEIRS[1 if scope.number < 3 else 3]
    own = OWN_NOTE.format(dataset=scope.dataset, theirs=theirs)
    return DATA_NOTES.get(scope.dataset, own)


def reading_notes(scope: Scope) -> list[str]:
    """What the columns mean."""
    unit = scope.unit
    rivals = [
        "RP − this: mean JS of ResNet18-UNet+RP minus that of the row, paired over the images that "
        f"both scored on the same {unit}s, with the 95 % bootstrap interval over images (10,000 "
        "draws). It takes images for independent and says nothing of another training.",
    ]
    return [
        "JS Jaccard, DC Dice, P precision, R recall, in percent; ours − paper: of JS. Ours: mean ± "
        f"standard deviation over images, an image that several {unit}s scored counting once, "
        "with its mean. The paper reports the best of its folds, and calls its ± that of the "
        "test images.",
        f"over pixels: all pixels of all images together. best {unit}: the one with the highest "
        f"mean JS on its own test images, as the paper reports it; it promises too much. "
        "at native size: scored at the size of the image files.",
        *(rivals if scope.systems.get(RP) else []),
        "start: what the encoder began from, ImageNet weights or none (He initialisation), by "
        f"design or, “{NOT_HAD}”, because they were not given or could not be had; no learning: "
        "classical, no test-time augmentation.",
    ]


def noted(scope: Scope) -> list[str]:
    """The rows whose system has a note."""
    return [key for key in scope.systems if SYSTEMS[key].note]


def missing_notes(scope: Scope) -> list[str]:
    """What was not done, or went wrong."""
    notes = []
    bare = [key for key, runs in scope.systems.items() if any(map(lacks_weights, runs))]
    if bare:
        notes.append(
            f"{', '.join(SYSTEMS[key].label for key in bare)}: without the ImageNet weights that "
            "belong to the system; compare with care."
        )
    absent = [SYSTEMS[key].label for key, runs in scope.systems.items() if not runs]
    if absent:
        notes.append(f"{', '.join(absent)}: not run, the paper's numbers alone.")
    failed = [run for run in scope.runs if run.diverged]
    if failed:
        names = ", ".join(f"{SYSTEMS[run.system].label} on {run.split}" for run in failed)
        notes.append(f"Diverged at every learning rate tried, and left out: {names}.")
    if any(0 < count_splits(runs) < len(scope.splits) for runs in scope.systems.values()):
        notes.append(
            f"Rows with fewer {scope.unit}s than others are means of other "
            f"{'images' if scope.unit == 'fold' else 'trainings'}: their scores cannot be compared "
            "with the others', but for what is paired."
        )
    return notes


def lacks_weights(run: Run) -> bool:
    """Whether a run began without the ImageNet weights that its system has."""
    return start_text(run) == NOT_HAD


def search_notes(scope: Scope) -> list[str]:
    """What a search on the training images chose, split by split."""
    notes = []
    for key, runs in scope.systems.items():
        if SYSTEMS[key].tuned and runs:
            chosen = "; ".join(
                f"{run.split} σ {run.settings['sigma']:g}, ε {run.settings['epsilon']:g}"
                for run in runs
            )
            notes.append(f"{SYSTEMS[key].label} chose {chosen}.")
    return notes


def count_splits(runs: Sequence[Run]) -> int:
    """On how many splits a system was run and did not diverge."""
    return len({run.split for run in runs if not run.diverged})

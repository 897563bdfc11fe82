"""coverslip evaluate: label files × truth → a table of scores; no network, so no PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.commands.console import note, show_table
from coverslip.errors import DataError, FileError, SettingsError
from coverslip.evaluate import evaluate_files, match_files, summarise
from coverslip.figures import error_map
from coverslip.files import (
    find_images,
    open_image,
    read_frame,
    read_labels,
    stem,
    write_image,
    write_text,
)
from coverslip.report import summary_in_percent

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from coverslip.evaluate import Matches


def run_evaluate(
    pred: Path, truth: Path, *, out: Path | None, images: Path | None, errors: Path | None
) -> None:
    """Score files against files, show the summary, and draw the errors if wanted."""
    if errors is not None and images is None:
        raise SettingsError("--errors FOLDER: wanted --images FOLDER too, to draw them on.")
    matches = match_files(pred, truth)
    if matches.without_truth:
        note(f"{len(matches.without_truth)} predictions have no truth and are left out")
    scores = evaluate_files(matches)
    if errors is not None and images is not None:
        draw_errors(matches, images, errors)
    show_scores(scores, out=out)


def draw_errors(matches: Matches, images: Path, out: Path) -> None:
    """Draw the errors of every pair of files on its image.

    Raises:
        FileError: an image is missing or not readable.
        DataError: an image of another size than its truth, or of several frames.
    """
    by_name = {stem(path): path for path in find_images([images])}
    missing = [pair.name for pair in matches.pairs if pair.name not in by_name]
    if missing:
        raise FileError(
            f"{images}: no image named {', '.join(missing)}: add it, or leave --errors out."
        )
    for pair in matches.pairs:
        image = read_frame(open_image(by_name[pair.name]))
        truth, pred = read_labels(pair.truth), read_labels(pair.pred)
        if not image.shape[:2] == truth.shape == pred.shape:
            sizes = [" × ".join(map(str, array.shape)) for array in (image, truth, pred)]
            raise DataError(
                f"{by_name[pair.name]}: the image is {sizes[0]}, its truth {sizes[1]} and its "
                f"prediction {sizes[2]}: errors are drawn where all are one frame of one size."
            )
        write_image(out / f"{pair.name}_errors.png", error_map(image, truth, pred))
    note(f"errors, missed in magenta and invented in green: {out}")


def show_scores(scores: pd.DataFrame, *, out: Path | None, by: str | None = None) -> None:
    """Print the summary of per-image scores, of all and of every group; write them as CSV."""
    groups = {"all images": scores}
    if by:
        groups |= {f"{by}: {value}": rows for value, rows in scores.groupby(by)}
    for title, rows in groups.items():
        show_table(summary_in_percent(summarise(rows)), title=title)
    if out is not None:
        write_text(out, scores.to_csv(index=False))
        note(f"every image's scores: {out}")

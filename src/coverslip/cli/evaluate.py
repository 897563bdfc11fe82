"""coverslip evaluate: label files × truth → a table of scores; no network, so no PyTorch.

It compares predictions with ground truth: IoU, Dice, average precision, splits and merges.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.messages import count_of, note, show_table, tell_failed, tell_unscored
from coverslip.cli.options import Axes, Channel, Errors, Project
from coverslip.errors import DataError, SettingsError, costs_itself

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from coverslip.evaluation import FilePair, Matches
    from coverslip.io import Reading


def evaluate(
    pred: Annotated[Path, typer.Argument(help="Predicted labels or masks, of any tool.")],
    truth: Annotated[Path, typer.Argument(help="Ground truth: true labels or masks.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV for the scores of every image.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, to draw the errors on.")
    ] = None,
    errors: Errors = None,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Leave truths without a prediction out.")
    ] = False,
) -> None:
    """Score label or mask files against the ground truth."""
    from coverslip.io import Reading

    reading = Reading(channel, axes, project)
    failed = run_evaluate(
        pred,
        truth,
        out=out,
        images=images,
        errors=errors,
        reading=reading,
        allow_missing=allow_missing,
    )
    raise typer.Exit(1 if failed else 0)


def run_evaluate(
    pred: Path,
    truth: Path,
    *,
    out: Path | None,
    images: Path | None,
    errors: Path | None,
    reading: Reading,
    allow_missing: bool = False,
) -> dict[Path, str]:
    """Score files against files, show the summary, and draw the errors if wanted.

    Returns:
        The predictions that could not be scored, or their errors not be drawn, and why.

    Raises:
        CoverslipError: Files that have no partners, or nothing that can be scored.
    """
    from coverslip.evaluation import evaluate_files, match_files
    from coverslip.io import check_writable

    if errors is not None and images is None:
        raise SettingsError("--errors FOLDER: wanted --images FOLDER too, to draw them on.")
    if out is not None:
        check_writable(out, is_file=True)
    matches = match_files(pred, truth, allow_missing=allow_missing)
    note_left_out(matches.without_truth, what="prediction", lacking="truth")
    note_left_out(matches.without_pred, what="truth", lacking="prediction")
    failed: dict[Path, str] = {}
    scores = evaluate_files(matches, on_note=note, on_failed=failed.__setitem__)
    undrawn: dict[Path, str] = {}
    if errors is not None and images is not None:
        good = tuple(pair for pair in matches.pairs if pair.pred not in failed)
        draw_errors(
            replace(matches, pairs=good),
            images,
            errors,
            reading=reading,
            on_failed=undrawn.__setitem__,
        )
    show_scores(scores, out=out)
    tell_failed(undrawn)
    tell_unscored(failed)
    return failed | undrawn


def note_left_out(files: Sequence[Path], *, what: str, lacking: str) -> None:
    """Say which files are not scored, for want of their partners."""
    if files:
        n = len(files)
        verbs = f"has no {lacking} and is" if n == 1 else f"have no {lacking} and are"
        named = ", ".join(path.name for path in files[:3]) + ", …" * (n > 3)
        note(f"{count_of(n, what)} {verbs} left out: {named}")


def draw_errors(
    matches: Matches,
    images: Path,
    out: Path,
    *,
    reading: Reading,
    on_failed: Callable[[Path, str], None],
) -> None:
    """Draw the errors of every pair of files on its image.

    Raises:
        DataError: an image is missing.
    """
    from coverslip.io import Ledger, find_images, pair_images, writing

    truths = {pair.name: pair.truth for pair in matches.pairs}
    by_name = pair_images(truths, find_images([images]), where=images, option="--errors")
    for pair in matches.pairs:
        with costs_itself(by_name[pair.name], on_failed), writing(Ledger(out)):
            draw_pair(pair, by_name[pair.name], out, reading=reading)
    note(f"errors, missed in magenta and invented in green: {out}")


def draw_pair(pair: FilePair, path: Path, out: Path, *, reading: Reading) -> None:
    """Draw the errors of a pair of files on its image.

    Raises:
        FileError: the image is not readable.
        DataError: it is of another size than its truth, or of several frames.
    """
    from coverslip.figures import error_map
    from coverslip.io import find_channel, open_reading, read_checked, read_frame, write_image

    file = open_reading(path, reading)
    for text in file.notes:
        note(f"{file.path}: {text}")
    image = read_frame(file, channel=find_channel(file, reading))
    truth, pred = (read_checked(one, image=file.path).labels for one in (pair.truth, pair.pred))
    if not image.shape[:2] == truth.shape == pred.shape:
        sizes = [" × ".join(map(str, array.shape)) for array in (image, truth, pred)]
        raise DataError(
            f"{path}: the image is {sizes[0]}, its truth {sizes[1]} and its "
            f"prediction {sizes[2]}: errors are drawn where all are one frame of one size."
        )
    write_image(out / f"{pair.name}_errors.png", error_map(image, truth, pred))


def show_scores(scores: pd.DataFrame, *, out: Path | None, by: str | None = None) -> None:
    """Print the summary of per-image scores, of all and of every group; write them as CSV."""
    from coverslip.io import Ledger, write_text, writing
    from coverslip.tables import without_formulas

    note_masks(scores)
    groups = {"all images": scores}
    if by:
        groups |= {f"{by}: {value}": rows for value, rows in scores.groupby(by)}
    for title, rows in groups.items():
        show_summary(rows, title=title)
    if out is not None:
        with writing(Ledger(out.parent)):
            write_text(out, without_formulas(scores).to_csv(index=False))
        note(f"every image's scores: {out}")


def note_masks(scores: pd.DataFrame) -> None:
    """Say of how many images the cells are not scored, or are the pieces of a mask."""
    unscored = int(scores["n_true"].isna().sum())
    pieces = int((scores["cells_by"] == "piece").sum())
    if unscored:
        note(
            f"images whose truth is a mask without cell numbers: {unscored} of {len(scores)}. "
            "Their pixels are scored, their cells are not."
        )
    if pieces:
        note(
            f"images whose prediction is a mask without cell numbers: {pieces} of {len(scores)}. "
            "Its connected pieces are taken for cells."
        )


def show_summary(scores: pd.DataFrame, *, title: str) -> None:
    """Print one table for the pixels and, where cells were scored, one for the cells."""
    import pandas as pd

    from coverslip.evaluation import CELL_COLUMNS, summarise, summary_in_percent

    summary = summarise(scores)
    of_cells = summary["metric"].isin(CELL_COLUMNS)
    show_table(summary_in_percent(summary[~of_cells]), title=f"{title}: pixels, in percent")
    if not of_cells.any():
        return
    n_true, n_pred = (int(scores[column].sum()) for column in ("n_true", "n_pred"))
    in_number = summary["metric"].isin(["splits", "merges"])
    shown = [
        summary_in_percent(summary[of_cells & ~in_number]),
        summary_in_number(summary[in_number]),
    ]
    show_table(
        pd.concat(shown),
        title=f"{title}: cells ({n_true} true, {n_pred} predicted), in percent",
    )


def summary_in_number(summary: pd.DataFrame) -> pd.DataFrame:
    """Turn a summary of numbers of cells into text, with the columns of `summary_in_percent`."""
    import pandas as pd

    means = [
        f"{mean:.1f}" if math.isnan(sd) else f"{mean:.1f} ± {sd:.1f}"
        for mean, sd in zip(summary["mean"], summary["sd"], strict=True)
    ]
    return pd.DataFrame(
        {
            "metric": summary["metric"] + " (cells)",
            "mean ± sd": means,
            "median": summary["median"].map("{:g}".format),
            "pooled": summary["pooled"].map("{:.0f}".format),
            "images": summary["n"],
        }
    )

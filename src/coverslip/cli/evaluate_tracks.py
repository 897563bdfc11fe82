"""coverslip evaluate-tracks: a tracked film × its truth → scores of its links and divisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coverslip.cli.messages import note, show_table
from coverslip.errors import named_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from coverslip.tracking.ctc import CtcFilm
    from coverslip.tracking.scores import FilmScores

MEANINGS = {
    "edges_f1": "links from frame to frame, over gaps and to daughters",
    "divisions_f1": "mother and daughters",
    "DET": "detection",
    "SEG": "segmentation: intersection over union",
    "TRA": "detection and linking",
    "LNK": "linking",
    "OP_CTB": "mean of SEG and TRA",
    "BIO": "mean of CT, TF, BC and CCA",
    "CT": "tracks that are complete",
    "TF": "longest part of a track that is followed",
    "BC": "divisions, as the challenge counts them",
    "CCA": "lengths of the cell cycle",
}


def evaluate_tracks(
    result: Annotated[
        Path,
        typer.Argument(help="Tracks: a result folder of track, or 01_RES of any tool."),
    ],
    truth: Annotated[Path, typer.Argument(help="The truth: 01_GT, or its TRA.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV for the scores, one row.")
    ] = None,
    seg: Annotated[
        Path | None,
        typer.Option(help="Folder of masks to score SEG by, where the truth has no SEG."),
    ] = None,
    tolerance: Annotated[
        int, typer.Option(min=0, max=100, help="Frames by which a division may be early or late.")
    ] = 0,
) -> None:
    """Score the tracks of any tool against the truth."""
    run_evaluate_tracks(result, truth, out=out, seg=seg, tolerance=tolerance)


def run_evaluate_tracks(
    result: Path, truth: Path, *, out: Path | None, seg: Path | None, tolerance: int
) -> None:
    """Score a film, say what was matched, show the scores, and write them if wanted.

    Raises:
        FileError: A folder without label files or table, or a file that cannot be read.
        DataError: Films that do not fit together, or a truth that is not valid.
    """
    from coverslip.io import Ledger, check_writable, write_text, writing
    from coverslip.tracking.ctc import read_ctc
    from coverslip.tracking.scores import score_film

    if out is not None:
        check_writable(out, is_file=True)
    with named_failure(result):
        film = open_result(result)
    with named_failure(truth):
        true = read_ctc(truth)
        masks = find_seg(true, truth, seg)
    with named_failure(result):
        scores = score_film(film, true, seg_truth=masks, tolerance=tolerance)
    show_scores(scores, film=film, tolerance=tolerance)
    if out is not None:
        with writing(Ledger(out.parent)):
            row = score_row(scores, film=film, truth=true, tolerance=tolerance)
            write_text(out, row.to_csv(index=False, float_format="%.6g"))
        note(f"the scores: {out}")


def open_result(folder: Path) -> CtcFilm:
    """Open a folder of the challenge, or what `track` wrote, in the challenge's form.

    Raises:
        FileError: It is neither, or a file in it cannot be read.
    """
    from coverslip.cli.export_tracks import open_tracked
    from coverslip.tracking.ctc import CtcFilm, read_ctc
    from coverslip.tracking.ctc_writer import RenumberedFrames, tracks_to_ctc
    from coverslip.tracking.tables import has_tracks

    if not has_tracks(folder):
        return read_ctc(folder)
    film = open_tracked(str(folder))
    frames = RenumberedFrames(film.frames, film.tracks, by="track_id")
    return CtcFilm(str(folder), frames, tracks_to_ctc(film.tracks)[1])


def find_seg(truth: CtcFilm, folder: Path, seg: Path | None) -> Mapping[int, Any]:
    """Find the masks of whole cells by their frames: given, or in SEG beside the truth's TRA."""
    from coverslip.errors import FileError
    from coverslip.tracking.ctc import LabelsByFrame, find_frames

    place = seg or next((it for it in (folder / "SEG", folder.parent / "SEG") if it.is_dir()), None)
    if place is None:
        return {}
    files = find_frames(place, gaps=True) if place.is_dir() else {}
    if not files:
        raise FileError(f"{place}: no masks such as man_seg000.tif in it. Name their folder.")
    return LabelsByFrame({number - truth.first: path for number, path in files.items()})


def show_scores(scores: FilmScores, *, film: CtcFilm, tolerance: int) -> None:
    """Print what was matched, and a row for each score."""
    import pandas as pd

    links = scores.links
    note(
        f"{links.n_found} of {links.n_cells} true cells in {len(film.frames)} frames are found, "
        "each by a cell that covers more than half of it"
    )
    for text in scores.notes:
        note(text)
    rows = []
    for name, meaning in MEANINGS.items():
        value = score_values(scores)[name]
        counts = {"edges_f1": links.edges, "divisions_f1": links.divisions}.get(name)
        detail = "" if counts is None else "{} right, {} wrong, {} missed".format(*counts)
        shown = "-" if value is None or value != value else f"{value:.3f}"
        rows.append((name.replace("_f1", ", F1"), shown, detail or meaning))
    table = pd.DataFrame(rows, columns=["score", "value", "meaning"])
    late = f", divisions up to {tolerance} frames early or late" if tolerance else ""
    show_table(table, title=f"{film.name}{late}")


def score_values(scores: FilmScores) -> dict[str, float | None]:
    """All scores by their names."""
    links = scores.links
    return {
        "edges_f1": links.edges_f1,
        "divisions_f1": links.divisions_f1,
        **scores.ctc,
    }


def score_row(scores: FilmScores, *, film: CtcFilm, truth: CtcFilm, tolerance: int) -> pd.DataFrame:
    """A table of one row: the films, what was counted, and all scores."""
    import pandas as pd

    links = scores.links
    kinds = ("right", "wrong", "missed")
    counts = {
        f"{name}_{kind}": value
        for name, values in (("edges", links.edges), ("divisions", links.divisions))
        for kind, value in zip(kinds, values, strict=True)
    }
    row = {"result": film.name, "truth": truth.name, "n_frames": len(film.frames)}
    row |= {"n_true": links.n_cells, "n_found": links.n_found, "tolerance": tolerance}
    return pd.DataFrame([row | counts | score_values(scores)])

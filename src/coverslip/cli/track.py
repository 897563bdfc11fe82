"""coverslip track: label files of a time-lapse → tracks, divisions and family trees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.listeners import listeners
from coverslip.cli.messages import count_of, new_progress, note, tell, tell_failed
from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.tracking import Film, ShowSettings, TrackedFilm, TrackSettings


def track(
    labels: Annotated[
        list[Path],
        typer.Argument(
            help="Labels of a time-lapse: a file of many frames, or a folder of frames."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")],
    images: Annotated[
        Path | None,
        typer.Option(
            help="Their images, file or folder of frames: for divisions, intensities, the page."
        ),
    ] = None,
    max_distance: Annotated[
        float | None,
        typer.Option(help="No cell moves farther in a frame, in pixels; else the film says it."),
    ] = None,
    max_gap: Annotated[
        int, typer.Option(help="In how many frames running a cell may be missed.")
    ] = 2,
    no_divisions: Annotated[
        bool, typer.Option("--no-divisions", help="No cell of this film divides.")
    ] = False,
    merges: Annotated[
        bool, typer.Option("--merges", help="Cells may fuse: say which merged into which.")
    ] = False,
    keep_labels: Annotated[
        bool,
        typer.Option(
            "--keep-labels", help="Do not mend masks that are wrong for a few frames only."
        ),
    ] = False,
    pixel_size: Annotated[
        float | None, typer.Option(help="Side of a pixel in µm, where the files do not say it.")
    ] = None,
    frame_interval: Annotated[
        float | None,
        typer.Option(help="Seconds between frames, where the files do not say them."),
    ] = None,
    figures: Annotated[
        bool,
        typer.Option("--figures", help="Write lineage tree and trajectories as SVG and PDF, too."),
    ] = False,
    video: Annotated[
        bool, typer.Option("--video", help="Write the film with its tracks as MP4 and GIF, too.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do again what is done already.")
    ] = False,
) -> None:
    """Follow the cells of a time-lapse: tracks, divisions and family trees."""
    from coverslip.tracking import ShowSettings, TrackSettings

    for name, value in (("--pixel-size", pixel_size), ("--frame-interval", frame_interval)):
        if value is not None and not value > 0:
            raise SettingsError(f"{name} {value}: wanted more than 0.")
    settings = TrackSettings(
        max_distance_px=max_distance,
        max_gap=max_gap,
        divisions=not no_divisions,
        merges=merges,
        keep_labels=keep_labels,
    )
    heard = listeners()
    failed = run_track(
        labels,
        out,
        settings=settings,
        pixel_size_um=None if pixel_size is None else (pixel_size, pixel_size),
        frame_interval_s=frame_interval,
        show=ShowSettings(images, figures, video, command=heard.command, config=heard.config),
        overwrite=overwrite,
    )
    raise typer.Exit(1 if failed else 0)


def run_track(
    labels: list[Path],
    out: Path,
    *,
    settings: TrackSettings,
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    show: ShowSettings | None = None,
    overwrite: bool = False,
) -> dict[Path, str]:
    """Track films and say what was found; the films that failed, with the reason."""
    from coverslip.io import check_writable
    from coverslip.tracking import open_films

    check_writable(out)
    films = open_films(labels)
    if show is not None and show.images is not None and len(films) > 1:
        raise SettingsError(
            f"--images {show.images}: these labels are {len(films)} films, and whose images they "
            "are cannot be told. Track each film on its own."
        )
    return track_films(
        films,
        out,
        settings=settings,
        pixel_size_um=pixel_size_um,
        frame_interval_s=frame_interval_s,
        shows=[show] * len(films),
        overwrite=overwrite,
    )


def track_films(
    films: list[Film],
    out: Path,
    *,
    settings: TrackSettings,
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    shows: Sequence[ShowSettings | None],
    overwrite: bool = False,
) -> dict[Path, str]:
    """Track opened films, each with its own images to show; those that failed, with the reason."""
    from coverslip.cli.arguments import name_folders
    from coverslip.errors import CoverslipError
    from coverslip.io import only_here
    from coverslip.tracking import track_film

    folders = name_folders([one.name for one in films], out, what="films")
    failed: dict[Path, str] = {}
    out.mkdir(parents=True, exist_ok=True)
    with only_here(out), new_progress() as progress:
        task = progress.add_task("tracking", total=sum(2 * len(film) for film in films), info="")
        for film, folder, show in zip(films, folders, shows, strict=True):

            def say(text: str, name: str = film.name) -> None:
                note(f"{name}: {text}")

            try:
                with film:
                    done = track_film(
                        film,
                        folder,
                        settings=settings,
                        pixel_size_um=pixel_size_um,
                        frame_interval_s=frame_interval_s,
                        show=show,
                        overwrite=overwrite,
                        on_frame=lambda n, total: progress.update(task, advance=1),
                        on_note=say,
                    )
            except CoverslipError as error:
                failed[Path(film.name)] = str(error)
                continue
            say_tracked(done)
    tell_failed(failed)
    return failed


def say_tracked(done: TrackedFilm) -> None:
    """Say what was found in a film."""
    if done.tracks is None:
        note(f"{done.film.name} was done before with the same settings (--overwrite)")
        return
    lineage = done.tracks.lineage
    divisions = int((lineage["fate"] == "divides").sum())
    tell(
        f"{count_of(len(lineage), 'track')}, {count_of(divisions, 'division')}, "
        f"{count_of(len(done.tracks.cells), 'cell')} in {count_of(done.tracks.n_frames, 'frame')}: "
        f"{done.folder / 'tracks.csv'}",
        film=done.film.name,
        n_tracks=len(lineage),
        n_divisions=divisions,
        n_frames=done.tracks.n_frames,
        report=str(done.folder / "report.html"),
    )
    note(f"to look at: {done.folder / 'report.html'}")

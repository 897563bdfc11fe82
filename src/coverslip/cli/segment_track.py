"""coverslip segment --track: labels just written → tracks of each time-lapse among them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.cli.listeners import listeners
from coverslip.cli.track import track_films
from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coverslip.pipeline import Record
    from coverslip.tracking import Film

TRACKS = "tracks"  # the folder of them, in that of the results


def track_segmented(
    done: Mapping[Path, Record], out: Path, *, time_lapse: bool, frame_interval_s: float | None
) -> dict[Path, str]:
    """Track the films among segmented images, and the images that are frames of one.

    Args:
        done: What was segmented, in the order of time, with its records.
        out: The folder of the results; tracks lie in a folder in it.
        time_lapse: Whether the images of a folder are frames of one film.
        frame_interval_s: Between frames in files of their own.

    Returns:
        The films that failed, with the reason.

    Raises:
        SettingsError: There is no film among the images.
    """
    from coverslip.tracking import ShowSettings, TrackSettings

    films, images = find_films(done, out, time_lapse=time_lapse)
    if not films:
        raise SettingsError(
            "--track: none of these images is a film. If they are the frames of one, add "
            "--time-lapse."
        )
    return track_films(
        films,
        out / TRACKS,
        settings=TrackSettings(),
        frame_interval_s=frame_interval_s,
        shows=[ShowSettings(images=source, command=listeners().command) for source in images],
    )


def find_films(
    done: Mapping[Path, Record], out: Path, *, time_lapse: bool
) -> tuple[list[Film], list[tuple[Path, ...]]]:
    """The label films among results, and the images of each."""
    from coverslip.tracking import open_films, open_frames

    films: list[Film] = []
    images: list[tuple[Path, ...]] = []
    frames: dict[Path, list[tuple[Path, Path]]] = {}
    for path, record in done.items():
        labels = [out / name for name in record.labels]
        if len(record.images) > 1:
            films += open_films(labels)
            images.append((path,))
        elif time_lapse:
            frames.setdefault(path.absolute().parent, []).append((path, labels[0]))
    for folder, pairs in frames.items():
        films.append(open_frames(folder.name, [labels for _, labels in pairs]))
        images.append(tuple(path for path, _ in pairs))
    return films, images


def in_time(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Images in the order of time, folder by folder.

    Where all images of a folder say when they were acquired, each at another time, that is their
    order; else it is the natural one of their names.

    Returns:
        The images, and what the user should be told.
    """
    from coverslip.io import natural, order_by_time

    folders: dict[Path, list[Path]] = {}
    for path in sorted(paths, key=lambda path: (str(path.absolute().parent), natural(path))):
        folders.setdefault(path.absolute().parent, []).append(path)
    ordered: list[Path] = []
    notes = []
    for folder, images in folders.items():
        by_time = order_by_time(images) if len(images) > 1 else None
        if by_time is not None and by_time != images:
            notes.append(
                f"{folder.name}: the frames are in the order of the times at which they were "
                "acquired, as their files say, which is not that of their names"
            )
        elif by_time is not None:
            notes.append(f"{folder.name}: the files' times of acquisition agree with their names")
        ordered += by_time or images
    return ordered, notes

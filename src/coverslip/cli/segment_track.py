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


def in_time(paths: Sequence[Path]) -> list[Path]:
    """Images in the natural order of their names, folder by folder."""
    from coverslip.io import natural

    return sorted(paths, key=lambda path: (str(path.absolute().parent), natural(path)))

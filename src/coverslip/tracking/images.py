"""image files of a time-lapse → the frames behind its labels, and how bright cells are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from coverslip.errors import DataError
from coverslip.io import ImageFile, find_images, open_image, read_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from coverslip.tracking.films import Film
    from coverslip.tracking.lineage import Tracks

# So many frames of a film say how dark and how bright it is.
SAMPLES = 8
CLIP_PERCENT = (0.2, 99.8)


@dataclass(frozen=True, eq=False)
class FilmImages:
    """The images of a time-lapse: one file of many frames, or a file for each.

    Attributes:
        source: What the user named.
        files: Of each frame, its file and its number in there; None where its image is missing.
    """

    source: Path
    files: tuple[tuple[ImageFile, int] | None, ...] = field(repr=False)

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.files)

    def __getitem__(self, frame: int) -> NDArray[Any] | None:
        """Read a frame, (H, W); of a colour image the mean of its colours; None: it is missing."""
        place = self.files[frame]
        if place is None:
            return None
        image = read_frame(*place)
        return image.mean(axis=2) if image.ndim == 3 else image

    @cached_property
    def limits(self) -> tuple[float, float]:
        """How dark and how bright the film is, by some of its frames."""
        there = [t for t, place in enumerate(self.files) if place is not None]
        chosen = np.unique(np.linspace(0, len(there) - 1, SAMPLES).round().astype(int))
        images = [self[there[n]] for n in chosen.tolist()]
        pixels = np.concatenate([image.ravel()[::7] for image in images if image is not None])
        low, high = (float(value) for value in np.percentile(pixels, CLIP_PERCENT))
        return low, high

    def picture(self, frame: int) -> NDArray[np.uint8] | None:
        """A frame for the eye, (H, W) uint8; all have one stretch, so that none flickers.

        None where the frame's image is missing.
        """
        image = self[frame]
        if image is None:
            return None
        low, high = self.limits
        level = (image.astype(np.float32) - low) / max(high - low, 1e-12)
        picture: NDArray[np.uint8] = np.rint(255 * np.clip(level, 0, 1)).astype(np.uint8)
        return picture


def open_film_images(source: Path | tuple[Path, ...], film: Film) -> FilmImages:
    """Open the images that belong to a film of labels.

    Args:
        source: A file of all frames, or a folder with a file for each, in natural order of names;
            or the files in the order of time.
        film: Of labels.

    Raises:
        FileError: It is not there, or no image.
        DataError: Its frames do not fit those of the labels.
    """
    sources = [source] if isinstance(source, Path) else list(source)
    opened = [open_image(path) for path in find_images(sources)]
    files: tuple[tuple[ImageFile, int] | None, ...]
    files = tuple((file, number) for file in opened for number in range(file.n_frames))
    known = sum(path is not None for path in film.files)
    if len(film.files) > 1 and len(files) == known < film.n_frames:
        files = _fill(files, film)
    if len(files) != film.n_frames:
        raise DataError(
            f"{sources[0]}: {len(files)} frames, where the labels of {film.name} have "
            f"{film.n_frames}: "
            "wanted an image for each frame of labels. Name the images of this film alone."
        )
    for file in opened:
        if tuple(file.frame_shape) != tuple(film.size):
            came, wanted = ("{} × {}".format(*one) for one in (file.frame_shape, film.size))
            raise DataError(
                f"{file.path}: {came} pixels, where the labels of {film.name} have {wanted}: "
                "wanted images of the size of the labels. Name those that were segmented."
            )
    return FilmImages(sources[0], files)


def _fill(files: tuple[Any, ...], film: Film) -> tuple[Any, ...]:
    """Where a frame of labels is missing, so is its image."""
    left = iter(files)
    return tuple(None if path is None else next(left) for path in film.files)


def add_intensity(
    tracks: Tracks,
    images: FilmImages,
    *,
    labels_of: Callable[[int], NDArray[Any]],
) -> Tracks:
    """Add the mean intensity of every cell to the table of cells and frames: `intensity_mean`.

    Args:
        tracks: Of the film.
        images: Its frames.
        labels_of: Gives a frame's (H, W) labels, whose numbers are those of the tracks.
    """
    means = [np.zeros(0)]
    for frame in range(tracks.n_frames):
        ids = tracks.rows_of(frame)["track_id"].to_numpy()
        image = images[frame] if len(ids) else None
        if image is None:
            means.append(np.full(len(ids), np.nan))
        else:
            means.append(np.asarray(ndimage.mean(image, labels_of(frame), ids)))
    cells = tracks.cells.assign(intensity_mean=np.concatenate(means))
    return replace(tracks, cells=cells)

"""a time-lapse of labels → tracks: which cell is which over time, and who is whose daughter."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError
from coverslip.tracking.believe import drop_false_divisions, play_backwards
from coverslip.tracking.cells import find_cells
from coverslip.tracking.chains import chain
from coverslip.tracking.lineage import Tracks, build_lineage, note_merges
from coverslip.tracking.link import close_gaps, link_cells, link_neighbours
from coverslip.tracking.mend import Join, find_mends, mend_labels, mended_cells
from coverslip.tracking.pieces import find_pieces
from coverslip.tracking.settings import TrackSettings
from coverslip.tracking.table import build_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.believe import Backwards
    from coverslip.tracking.cells import Cells
    from coverslip.tracking.cost import Scales
    from coverslip.tracking.kept import KeptWork
    from coverslip.tracking.link import Linked
    from coverslip.tracking.mend import Mend


def track(
    labels: Sequence[NDArray[Any]] | NDArray[Any],
    *,
    images: Sequence[NDArray[Any]] | NDArray[Any] | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    settings: TrackSettings | None = None,
) -> Tracks:
    """Follow cells through a time-lapse, and find their divisions.

    Nothing need be set: how far cells move, how much they change and when they divide follows from
    the film. The drift of the stage is taken out, missed cells are bridged, and a mask that was
    parted for a few frames or joined for one is mended.

    Args:
        labels: (T, H, W) integers, or a sequence of (H, W) that is read when a frame is asked for;
            0 is background, and a number means nothing beyond its frame.
        images: Their images, (H, W) each: a cell that divides is bright in many of them.
        pixel_size_um: Height and width of a pixel, for columns in micrometres.
        frame_interval_s: From a frame to the next, for columns in hours.
        settings: None: the defaults.

    Returns:
        The tracks: a table of cells and frames, and a table of tracks.

    Raises:
        DataError: Frames of different sizes, labels that are no integers, images that do not fit.

    Example:
        A cell that moves, and one that divides.

        >>> import numpy as np
        >>> import coverslip
        >>> film = np.zeros((3, 40, 40), int)
        >>> for t in range(3):
        ...     film[t, 3:9, 2 + t : 8 + t] = 1
        >>> film[:2, 22:34, 18:26] = 2
        >>> film[2, 22:27, 18:26], film[2, 29:34, 18:26] = 3, 4
        >>> coverslip.track(film).lineage[["track_id", "end_frame", "parent_track_id", "fate"]]
           track_id  end_frame  parent_track_id     fate
        0         1          2                0      end
        1         2          1                0  divides
        2         3          2                2      end
        3         4          2                2      end
    """
    settings = settings or TrackSettings()
    image_of = None if images is None else _images_of(images, len(labels))
    frames = []
    for number, frame in enumerate(labels):
        checked = check_labels(frame, number)
        image = None if image_of is None else check_image(image_of(number), checked, number)
        frames.append(find_cells(checked, image=image))
    return track_cells(
        frames,
        Pixels(lambda frame: np.asarray(labels[frame]), image_of),
        pixel_size_um=pixel_size_um,
        frame_interval_s=frame_interval_s,
        settings=settings,
    )


@dataclass(frozen=True)
class Pixels:
    """How the frames of a film are read.

    Attributes:
        labels_of: Gives the labels of a frame, for mending.
        image_of: Gives its image, for the brightness of mended cells; None: there are none.
    """

    labels_of: Callable[[int], NDArray[Any]]
    image_of: Callable[[int], NDArray[Any] | None] | None = None


def track_cells(
    frames: Sequence[Cells],
    pixels: Pixels,
    *,
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    settings: TrackSettings,
    work: KeptWork | None = None,
) -> Tracks:
    """Follow cells that were found frame by frame.

    Args:
        frames: The cells of each frame, in the order of time.
        pixels: The frames that they were found in.
        pixel_size_um: As for `track`.
        frame_interval_s: As for `track`.
        settings: Of the user.
        work: Where links are kept, and taken from; None: nowhere.

    Raises:
        DataError: Frames of different sizes.
    """
    _check_sizes(frames)
    linked, scales = link_cells(frames, settings=settings, work=work)
    mends: list[Mend] = []
    if settings.keep_labels:
        backwards = play_backwards(frames, scales=scales, settings=settings)
    else:
        mended = _mend(frames, linked, pixels, scales=scales, settings=settings)
        frames, linked, mends, backwards = mended
    linked, n_false = drop_false_divisions(frames, linked, scales=scales, backwards=backwards)
    drifts = np.array([one.drift for one in linked if one.end == one.begin + 1]).reshape(-1, 2)
    chains = chain(frames, linked)
    lineage = build_lineage(frames, chains, scales=scales, drifts=drifts)
    if settings.merges:
        lineage = note_merges(lineage, frames, chains, scales=scales, drifts=drifts)
    table = build_table(
        frames,
        chains,
        lineage,
        drifts=drifts,
        radius=scales.radius,
        pixel_size_um=pixel_size_um,
        frame_interval_s=frame_interval_s,
    )
    return Tracks(
        cells=table,
        lineage=lineage,
        n_frames=len(frames),
        mends=tuple(mends),
        decisions=_decisions(scales, drifts, settings),
        notes=(*_notes(frames, mends, drifts, scales), *_say_false(n_false)),
    )


def track_labels(tracks: Tracks, labels: NDArray[Any], frame: int) -> NDArray[np.uint32]:
    """Give a frame's labels anew: each cell has the number of its track.

    Args:
        tracks: Of the film.
        labels: (H, W), the frame's labels as they were tracked.
        frame: Its number, from 0.

    Returns:
        (H, W).

    Example:
        >>> import numpy as np
        >>> import coverslip
        >>> film = np.array([[[0, 7, 7]], [[5, 5, 0]]])
        >>> tracks = coverslip.track(film)
        >>> coverslip.track_labels(tracks, film[1], 1)
        array([[1, 1, 0]], dtype=uint32)
    """
    mended = mend_labels(np.asarray(labels), [one for one in tracks.mends if one.frame == frame])
    here = tracks.rows_of(frame)
    numbers = np.zeros(int(mended.max(initial=0)) + 1, dtype=np.uint32)
    numbers[here["label"].to_numpy()] = here["track_id"].to_numpy()
    tracked: NDArray[np.uint32] = numbers[mended]
    return tracked


def check_labels(frame: NDArray[Any], number: int) -> NDArray[Any]:
    """See that a frame's labels are such.

    Raises:
        DataError: They are not (H, W) integers from 0 on.
    """
    frame = np.asarray(frame)
    if frame.ndim != 2 or frame.dtype.kind not in "iu":
        raise DataError(
            f"frame {number}: {frame.dtype} of shape {frame.shape}; wanted labels, integers of "
            "shape (height, width), 0 for background."
        )
    if frame.size and frame.min() < 0:
        raise DataError(f"frame {number}: a label below 0; wanted 0 for background, cells from 1.")
    return frame


def _images_of(images: Any, n_frames: int) -> Callable[[int], NDArray[Any]]:
    if len(images) != n_frames:
        raise DataError(
            f"{len(images)} images for {n_frames} frames of labels: wanted one for each."
        )
    return lambda frame: np.asarray(images[frame])


def check_image(image: NDArray[Any], labels: NDArray[Any], number: int) -> NDArray[Any]:
    """See that the image of a frame fits its labels.

    Raises:
        DataError: It does not.
    """
    if image.shape != labels.shape:
        raise DataError(
            f"frame {number}: an image of shape {image.shape} for labels of shape {labels.shape}: "
            "wanted the image that was segmented, of one channel."
        )
    return image


def _check_sizes(frames: Sequence[Cells]) -> None:
    for number, cells in enumerate(frames):
        if cells.size != frames[0].size:
            here, first = ("{} × {}".format(*one.size) for one in (cells, frames[0]))
            raise DataError(
                f"frame {number}: {here} pixels, where frame 0 has {first}: wanted one size for "
                "all frames. Track frames of another size on their own."
            )


def _mend(
    frames: Sequence[Cells],
    linked: list[Linked],
    pixels: Pixels,
    *,
    scales: Scales,
    settings: TrackSettings,
) -> tuple[Sequence[Cells], list[Linked], list[Mend], Backwards]:
    """Put right the masks of single frames, then the pieces that stayed apart for longer.

    The film is played backwards before pieces are put back: how often its masks break is asked.
    """

    def redo(found: Sequence[Mend]) -> tuple[list[Cells], list[Linked]]:
        mended = mended_cells(frames, [*mends, *found], pixels.labels_of, image_of=pixels.image_of)
        again = _link_mended(mended, linked, found, scales=scales, settings=settings)
        return mended, again

    def labels_of(frame: int) -> NDArray[Any]:
        here = [one for one in mends if one.frame == frame]
        return mend_labels(pixels.labels_of(frame), here)

    mends: list[Mend] = []
    found = find_mends(frames, linked, scales=scales, labels_of=labels_of)
    frames, linked = redo(found)
    mends += found
    backwards = play_backwards(frames, scales=scales, settings=settings)
    sure, _ = drop_false_divisions(frames, linked, scales=scales, backwards=backwards)
    pieces = find_pieces(frames, sure, scales=scales, labels_of=labels_of)
    frames, linked = redo(pieces)
    return frames, linked, mends + pieces, backwards


def _link_mended(
    frames: Sequence[Cells],
    linked: list[Linked],
    mends: Sequence[Mend],
    *,
    scales: Scales,
    settings: TrackSettings,
) -> list[Linked]:
    """Link again around the frames that were mended."""
    if not mends:
        return linked
    which = sorted({t for one in mends for t in (one.frame - 1, one.frame)})
    again = link_neighbours(frames, which, scales=scales, settings=settings)
    pairs = [one for one in linked if one.end == one.begin + 1]
    pairs = [again.get(one.begin, one) for one in pairs]
    return pairs + close_gaps(frames, pairs, scales=scales, settings=settings)


def _say_false(n: int) -> list[str]:
    if not n:
        return []
    were = "1 division was" if n == 1 else f"{n} divisions were"
    return [
        f"{were} not believed, since masks of this film break as often and in the same way without "
        "one: the mother goes on as the daughter that she is more like"
    ]


def _decisions(scales: Scales, drifts: NDArray[Any], settings: TrackSettings) -> dict[str, Any]:
    found = {name: round(float(value), 4) for name, value in asdict(scales).items()}
    return {"scales": found, "drift_px": np.round(drifts, 2).tolist(), "settings": asdict(settings)}


def _notes(
    frames: Sequence[Cells], mends: Sequence[Mend], drifts: NDArray[Any], scales: Scales
) -> tuple[str, ...]:
    notes = []
    empty = [t for t, cells in enumerate(frames) if not len(cells)]
    if len(frames) == 1:
        notes.append("one frame alone: there is nothing to link")
    if empty:
        shown = ", ".join(map(str, empty[:10])) + (" …" if len(empty) > 10 else "")
        notes.append(f"no cell in {len(empty)} of {len(frames)} frames: {shown}")
    largest = float(np.hypot(*drifts.T).max()) if len(drifts) else 0.0
    if largest > scales.radius:
        notes.append(f"the view drifts by up to {largest:.0f} px a frame; it was taken out")
    joins = sum(isinstance(one, Join) for one in mends)
    if mends:
        notes.append(
            f"{joins} masks that were parted and {len(mends) - joins} that were joined for a few "
            "frames only were mended (--keep-labels leaves them)"
        )
    return tuple(notes)

"""a tracked film → MP4 and GIF, with coloured outlines and tails: video of cell tracks."""

from __future__ import annotations

import io
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from coverslip._optional import need
from coverslip.errors import FileError
from coverslip.tracking.statistics import still_places, sum_drifts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from coverslip.tracking.show import TrackedView

FRAMES_A_SECOND = 8
TAIL = 12
MP4_SIDE_PX, GIF_SIDE_PX = 1600, 640
MOST_GIF_FRAMES = 300
GROUND = 18
MP4 = "film.mp4"
QUIET = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")
# H.264 in the one form of colours that every player knows, with its index at the front.
CODER = ("-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", "-movflags", "+faststart")


def make_mp4(view: TrackedView) -> bytes:
    """Make the film an MP4 (H.264), which every player and slide show opens.

    Raises:
        FileError: ffmpeg failed.
        SettingsError: The extra `video` is not installed.
    """
    program = need("imageio_ffmpeg", extra="video", what="--video").get_ffmpeg_exe()
    step = _step(view.film.size, MP4_SIDE_PX)
    first = draw_frame(view, 0, step=step)
    # The coder wants even sides.
    height, width = (side - side % 2 for side in first.shape[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, MP4)
        command = [program, *QUIET, "-f", "rawvideo", "-pix_fmt", "rgb24", "-s"]
        command += [f"{width}x{height}", "-r", str(FRAMES_A_SECOND), "-i", "-", *CODER, str(path)]
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said) as coder,
        ):
            assert coder.stdin is not None
            for frame in range(view.film.n_frames):
                picture = draw_frame(view, frame, step=step)[:height, :width]
                coder.stdin.write(picture.tobytes())
            coder.stdin.close()
            if coder.wait():
                said.seek(0)
                reason = said.read().decode(errors="replace").strip()
                raise FileError(f"{MP4}: ffmpeg could not write it ({reason}).")
        return path.read_bytes()


def make_gif(view: TrackedView) -> bytes:
    """Make the film a GIF, smaller than the MP4; of a long film, not every frame is in it."""
    step = _step(view.film.size, GIF_SIDE_PX)
    stride = -(-view.film.n_frames // MOST_GIF_FRAMES)

    def frames() -> Iterator[Image.Image]:
        for frame in range(0, view.film.n_frames, stride):
            yield Image.fromarray(draw_frame(view, frame, step=step)).quantize(128)

    pictures = frames()
    file = io.BytesIO()
    next(pictures).save(
        file,
        format="GIF",
        save_all=True,
        append_images=pictures,
        duration=1000 // FRAMES_A_SECOND,
        loop=0,
    )
    return file.getvalue()


def _step(size: tuple[int, int], side_px: int) -> int:
    """Every how many pixels one is kept, so that the longer side has at most `side_px`."""
    return max(1, -(-max(size) // side_px))


def draw_frame(view: TrackedView, frame: int, *, step: int = 1) -> NDArray[np.uint8]:
    """Draw a frame: its image, the outlines of its cells in their colours, and their tails.

    Args:
        view: The tracked film.
        frame: From 0.
        step: Every how many pixels one is kept.

    Returns:
        (H, W, 3).
    """
    labels = view.labels_of(frame)[::step, ::step].astype(np.int64)
    image = None if view.images is None else view.images.picture(frame)
    ground = (
        np.full(labels.shape, GROUND, dtype=np.uint8) if image is None else image[::step, ::step]
    )
    picture = np.repeat(ground[..., None], 3, axis=2)
    rim = labels != ndimage.minimum_filter(labels, size=3)
    rim |= labels != ndimage.maximum_filter(labels, size=3)
    rim &= labels > 0
    picture[rim] = view.colours[labels[rim] - 1]
    drawn = Image.fromarray(picture)
    _draw_tails(ImageDraw.Draw(drawn), view, frame, step=step)
    return np.asarray(drawn)


def _draw_tails(pen: ImageDraw.ImageDraw, view: TrackedView, frame: int, *, step: int) -> None:
    cells = view.tracks.cells
    frames = cells["frame"].to_numpy()
    first, last = np.searchsorted(frames, [max(0, frame - TAIL), frame + 1])
    part = cells.iloc[first:last]
    drift = sum_drifts(view.drifts, view.film.n_frames)[frame]
    # Where the cells were, seen from where the view is now.
    places = (still_places(part, view.drifts) + drift) / step
    now = set(view.tracks.rows_of(frame)["track_id"].tolist())
    ways: dict[int, list[tuple[float, float]]] = {}
    for track, (y, x) in zip(part["track_id"].tolist(), places.tolist(), strict=True):
        if track in now:
            ways.setdefault(track, []).append((x, y))
    for track, way in ways.items():
        if len(way) > 1:
            pen.line(way, fill=tuple(view.colours[track - 1].tolist()), width=1)

"""one frame of a file → what is read of it, some rows and columns at a time."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.files import open_frame
from coverslip.images import normalise, resize_window, stretch_between
from coverslip.measure import COLOURS
from coverslip.pipeline.large.survey import survey, survey_path
from coverslip.predict import Prediction, Source, predict_window
from coverslip.tables import channel_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.checkpoint import Checkpoint
    from coverslip.files import FrameReader, ImageFile
    from coverslip.images import Preprocess
    from coverslip.pipeline.large.survey import Survey
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.predict import Kept
    from coverslip.regions import Window


@dataclass(frozen=True)
class Frame:
    """An open frame: all its channels, and what was found by looking at the whole of each.

    Attributes:
        shape: height and width.
        wanted: the name of the channel to be segmented, among those of `readers`.
        readers: the channels by name; "" where there is one alone.
        surveys: what each of them holds.
    """

    shape: tuple[int, int]
    wanted: str
    readers: dict[str, FrameReader]
    surveys: dict[str, Survey]

    def image(self, window: Window) -> NDArray[Any]:
        """What is segmented, (h, w) or (h, w, 3)."""
        return self.readers[self.wanted].read(*window)

    def stretched(self, window: Window) -> NDArray[np.float32]:
        """The same in [0, 1], as `prepare_image` brings the whole there."""
        found = self.surveys[self.wanted]
        return stretch_between(self.image(window), found.low, found.high)

    def channels(self, window: Window) -> dict[str, NDArray[Any]]:
        """What is measured, (h, w) each; whether a picture has colours, the whole of it says."""
        found = {}
        for name, reader in self.readers.items():
            values = reader.read(*window)
            if self.surveys[name].is_grey:
                found[name] = values if values.ndim == 2 else values[..., 0]
                continue
            for number, colour in enumerate(COLOURS):
                found["_".join(filter(None, (name, colour)))] = values[..., number]
        return found


@contextmanager
def open_large(
    file: ImageFile,
    index: int,
    *,
    channel: int,
    how: Preprocess,
    folder: Path,
) -> Iterator[Frame]:
    """Open a frame with all its channels.

    Args:
        file: an opened image file.
        index: of the frame.
        channel: the one to be segmented.
        how: the model's stretch.
        folder: where it is kept what was found by reading all of it.

    Raises:
        FileError: a channel cannot be read, or is not there.
    """
    names = channel_names(file) if file.n_channels > 1 else [""]
    readers, surveys = {}, {}
    with ExitStack() as stack:
        for number, name in enumerate(names):
            notes: list[str] = []
            opened = open_frame(file, index, channel=number, tell=notes.append)
            readers[name] = stack.enter_context(opened)
            path = survey_path(folder, number)
            surveys[name] = survey(readers[name], how=how, path=path, notes=notes)
        yield Frame(file.frame_shape, names[channel], readers, surveys)


def predict_frame(
    frame: Frame,
    model: Checkpoint,
    *,
    window: Window,
    settings: SegmentSettings,
    kept: Kept | None = None,
) -> Prediction:
    """Predict a window of a frame, with the numbers that the whole frame would have there.

    Raises:
        SettingsError: settings that the model cannot follow.
    """
    shape = frame.shape
    height, width = scaled_shape(shape, settings.scale or 1.0)

    def read_stretched(rows: slice, columns: slice) -> NDArray[np.float32]:
        return frame.stretched((rows, columns))

    def read(rows: slice, columns: slice) -> NDArray[np.float32]:
        scaled = resize_window(
            read_stretched, (rows, columns), source=shape, target=(height, width)
        )
        return normalise(scaled, model.preprocess)

    def predict_scaled(rows: slice, columns: slice) -> Prediction:
        return predict_window(
            model.network,
            Source((height, width), 3, read),
            window=(rows, columns),
            settings=settings.predict,
            kept=kept,
        )

    if shape == (height, width):
        return predict_scaled(*window)

    def maps(rows: slice, columns: slice) -> NDArray[np.float32]:
        """(h, w, K), or (h, w, 2 K) with the spread behind."""
        part = predict_scaled(rows, columns)
        both = [part.probs] if part.spread is None else [part.probs, part.spread]
        return np.concatenate(both).transpose(1, 2, 0)

    resized = resize_window(maps, window, source=(height, width), target=shape)
    planes = np.ascontiguousarray(resized.transpose(2, 0, 1))
    has_spread = settings.predict.tta != "none"
    n_maps = len(planes) // 2 if has_spread else len(planes)
    return Prediction(planes[:n_maps], planes[n_maps:] if has_spread else None)


def scaled_shape(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    """The height and width at which a frame is predicted."""
    height, width = (max(1, round(scale * length)) for length in shape)
    return height, width

"""one frame of a file → its pixels, held whole or read some rows and columns at a time.

A frame that fits into memory is held: decoded and stretched once. One that does not is read through
windows, with the numbers that the whole of it would give.
"""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.checkpoints import Checkpoint
from coverslip.file_measurements import channel_names, read_channels
from coverslip.inference import Prediction, Source
from coverslip.io import find_gap, open_frame, read_frames
from coverslip.measurements import COLOURS
from coverslip.pipeline.drawn import find_bars
from coverslip.pipeline.frame_statistics import keep_statistics, statistics_path
from coverslip.pipeline.infer import network_of, predict_prepared, prepare_in_range, scaled_shape
from coverslip.pipeline.settings import scale_of
from coverslip.preprocessing import normalise, resize_window, stretch_between
from coverslip.value_range import is_noise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.inference import TileStore
    from coverslip.io import FrameReader, ImageFile
    from coverslip.pipeline.frame_statistics import FrameStatistics
    from coverslip.pipeline.infer import Model
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.preprocessing import Preprocess
    from coverslip.tiling import Window
    from coverslip.value_range import ValueRange

    Channels = NDArray[Any] | Mapping[str, NDArray[Any]]


NOISE = "shows nothing but noise, or nothing at all: no cells were looked for in it"
# Of a film or stack, once for all of them.
NOISY_FRAMES = (
    "some frames show nothing but noise, or nothing at all: no cells were looked for in them, and "
    "images.csv says 0 for each"
)


@dataclass(frozen=True)
class HeldFrame:
    """A frame in memory.

    Attributes:
        pixels: (H, W) or (H, W, 3), what is segmented.
        stretched: the same as `prepare_image` makes it.
        measured: the channels that are measured.
        number: of the frame in its file.
        notes: what the reader has to say of the pixels.
        shows_noise: whether there is nothing but noise in it, in which no cells are looked for.
        values: the range that became 0 to 1; None: that of the type.
    """

    pixels: NDArray[Any]
    stretched: NDArray[np.float32]
    measured: Channels
    number: int = 0
    notes: tuple[str, ...] = ()
    shows_noise: bool = False
    values: ValueRange | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.pixels.shape[:2]
        return height, width

    def image(self, window: Window) -> NDArray[Any]:
        """What is segmented, (h, w) or (h, w, 3), in the image's own values."""
        return self.pixels[window]

    def prepared(self, window: Window) -> NDArray[np.float32]:
        """The same in [0, 1], as `prepare_image` brings the whole there."""
        return self.stretched[window]

    def bars(self, window: Window) -> NDArray[np.bool_] | None:
        """Pixels of burnt-in bars."""
        if self.values is None:
            return None
        return find_bars(self.image(window), below=self.values.below, above=self.values.above)

    def channels(self, window: Window) -> Channels:
        """What is measured, as `measure` takes it; a held frame is one region: all of it."""
        del window
        return self.measured

    def predict(
        self,
        model: Model,
        window: Window,
        *,
        settings: SegmentSettings,
        tiles: TileStore | None = None,
        on_message: Callable[[str], None] = lambda text: None,
    ) -> Prediction:
        """Predict the whole frame; where memory is short, in smaller tiles, which is said."""
        del window, tiles
        if self.shows_noise:
            return predict_nothing(model, settings, self.shape)
        return predict_prepared(self.stretched, model, settings=settings, on_message=on_message)


def predict_nothing(model: Model, settings: SegmentSettings, shape: tuple[int, ...]) -> Prediction:
    """What is predicted of a frame that shows nothing but noise: no cell anywhere."""
    nothing = np.zeros((len(model.maps), *shape), np.float32)
    return Prediction(nothing, None if settings.predict.tta == "none" else nothing.copy())


def hold_array(
    image: NDArray[Any],
    model: Model,
    *,
    channels: Channels | None = None,
    number: int = 0,
    notes: Sequence[str] = (),
    say_noise: str = NOISE,
) -> HeldFrame:
    """Hold an image (H, W) or (H, W, 3) that is in memory, prepared for a model.

    Raises:
        ValueError: an image of another shape, or without a finite pixel.
    """
    measured = image if channels is None else channels
    prepared, values = prepare_in_range(image, model)
    shows_noise = isinstance(model, Checkpoint) and is_noise(prepared)
    said = [values.note if values else "", say_noise * shows_noise]
    notes = [*notes, *filter(None, said)]
    return HeldFrame(image, prepared, measured, number, tuple(notes), shows_noise, values)


def hold_frames(
    file: ImageFile, frames: Sequence[int], model: Model, *, channel: int
) -> Iterator[HeldFrame]:
    """Read frames one after the other, with all their channels if the file has several.

    Raises:
        FileError: a frame or a channel cannot be read.
    """
    notes: list[str] = []
    wanted = read_frames(file, frames, channel=channel, tell=notes.append)
    channels: Iterable[Any] = repeat(None)
    apart = file.apart or file
    if apart.n_channels > 1:
        channels = read_channels(apart, frames, tell=notes.append)
    for number, image, others in zip(frames, wanted, channels, strict=False):
        is_left_out = find_gap(file, number, channel=channel) is not None
        noise = NOISE if file.n_frames == 1 else NOISY_FRAMES
        yield hold_array(
            image,
            model,
            channels=others,
            number=number,
            notes=notes,
            say_noise="" if is_left_out else noise,
        )
        notes.clear()


@dataclass(frozen=True)
class WindowedFrame:
    """An open frame that is read through windows, and what was found by looking at the whole of it.

    Attributes:
        shape: height and width.
        wanted: the name of the channel to be segmented, among those of `readers`.
        readers: the channels by name; "" where there is one alone.
        statistics: what each of them holds.
        unmeasured: the name of a picture that was put together of channels, which are measured.
    """

    shape: tuple[int, int]
    wanted: str
    readers: dict[str, FrameReader]
    statistics: dict[str, FrameStatistics]
    unmeasured: str | None = None

    @property
    def shows_noise(self) -> bool:
        """Whether there is nothing but noise in it, in which no cells are looked for."""
        return self.statistics[self.wanted].shows_noise

    def image(self, window: Window) -> NDArray[Any]:
        """What is segmented, (h, w) or (h, w, 3), in the image's own values."""
        return self.readers[self.wanted].read(*window)

    def prepared(self, window: Window) -> NDArray[np.float32]:
        """The same in [0, 1], as `prepare_image` brings the whole there."""
        found = self.statistics[self.wanted]
        return stretch_between(self.image(window), found.low, found.high)

    def bars(self, window: Window) -> NDArray[np.bool_] | None:
        """Pixels of burnt-in bars; it is read again only where something was set apart."""
        found = self.statistics[self.wanted]
        if math.isinf(found.below) and math.isinf(found.above):
            return None
        return find_bars(self.image(window), below=found.below, above=found.above)

    def channels(self, window: Window) -> dict[str, NDArray[Any]]:
        """What is measured, (h, w) each; whether a picture has colours, the whole of it says."""
        found = {}
        for name, reader in self.readers.items():
            if name == self.unmeasured:
                continue
            values = reader.read(*window)
            if self.statistics[name].is_grey:
                found[name] = values if values.ndim == 2 else values[..., 0]
                continue
            for number, colour in enumerate(COLOURS):
                found["_".join(filter(None, (name, colour)))] = values[..., number]
        return found

    def predict(
        self,
        model: Model,
        window: Window,
        *,
        settings: SegmentSettings,
        tiles: TileStore | None = None,
        on_message: Callable[[str], None] = lambda text: None,
    ) -> Prediction:
        """Predict a window, with the numbers that the whole frame would have there.

        Raises:
            ShortMemoryError: memory is too short for a tile; the caller chooses smaller ones.
        """
        del on_message
        if self.shows_noise:
            return predict_nothing(model, settings, tuple(p.stop - p.start for p in window))
        scaled = scaled_shape(self.shape, scale_of(settings))
        network = network_of(model)
        predictor, how = network.predictor(settings.predict), network.preprocess
        source = Source(scaled, lambda rows, columns: self._input((rows, columns), scaled, how))
        if scaled == self.shape:
            return predictor.predict_window(source, window, tiles=tiles)

        def maps(rows: slice, columns: slice) -> NDArray[np.float32]:
            """(h, w, K), or (h, w, 2 K) with the spread behind."""
            part = predictor.predict_window(source, (rows, columns), tiles=tiles)
            both = [part.probs] if part.spread is None else [part.probs, part.spread]
            return np.concatenate(both).transpose(1, 2, 0)

        resized = resize_window(maps, window, source=scaled, target=self.shape)
        planes = np.ascontiguousarray(resized.transpose(2, 0, 1))
        if settings.predict.tta == "none":
            return Prediction(planes, None)
        n_maps = len(planes) // 2
        return Prediction(planes[:n_maps], planes[n_maps:])

    def _input(
        self, window: Window, scaled: tuple[int, int], how: Preprocess
    ) -> NDArray[np.float32]:
        """What the network is given of a window of the scaled frame, (3, h, w)."""
        part = resize_window(
            lambda rows, columns: self.prepared((rows, columns)),
            window,
            source=self.shape,
            target=scaled,
        )
        return normalise(part, how)


Frame = HeldFrame | WindowedFrame  # whoever holds its pixels


@contextmanager
def open_windows(
    file: ImageFile, index: int, *, channel: int, how: Preprocess, folder: Path
) -> Iterator[WindowedFrame]:
    """Open a frame that is too large to be held, with all its channels.

    Args:
        file: an opened image file.
        index: of the frame.
        channel: the one to be segmented.
        how: the model's stretch.
        folder: where it is kept what was found by reading all of it.

    Raises:
        FileError: a channel cannot be read, or is not there.
    """
    apart = file.apart or file
    names = channel_names(apart) if apart.n_channels > 1 else [""]
    readers, statistics = {}, {}
    with ExitStack() as stack:
        for number, name in enumerate(names):
            is_wanted = number == channel and file.apart is None
            if find_gap(apart, index, channel=number) is not None and not is_wanted:
                continue
            notes: list[str] = []
            opened = open_frame(apart, index, channel=number, tell=notes.append)
            readers[name] = stack.enter_context(opened)
            path = statistics_path(folder, number)
            statistics[name] = keep_statistics(readers[name], how=how, path=path, notes=notes)
        if file.apart is None:
            yield WindowedFrame(file.frame_shape, names[channel], readers, statistics)
            return
        both = file.channel_names[0]
        readers[both] = stack.enter_context(open_frame(file, index))
        path = statistics_path(folder, len(names))
        statistics[both] = keep_statistics(readers[both], how=how, path=path)
        yield WindowedFrame(file.frame_shape, both, readers, statistics, both)

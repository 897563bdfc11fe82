"""network + settings → a predictor, opened once → the probabilities of any image, tile by tile.

What a prediction needs and does not depend on the image is settled when the predictor is opened:
the device, the runtime (PyTorch, ONNX Runtime, OpenVINO), the network moved, folded or converted.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from coverslip.device import ShortMemoryError, device_name, pick_device, telling_short_memory
from coverslip.errors import ModelError
from coverslip.inference.plan import halve_tiles, lay_grid, tile_and_overlap
from coverslip.inference.runtime.arrays import NumpyArrays, TorchArrays
from coverslip.inference.runtime.backends import (
    IN_TORCH,
    OnnxNetwork,
    choose_backend,
    choose_precision,
    make_forward,
)
from coverslip.inference.settings import Prediction
from coverslip.inference.tta import predict_tiles
from coverslip.tiling import blend, tiles_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from coverslip.inference.runtime.arrays import Arrays
    from coverslip.inference.runtime.backends import Network
    from coverslip.inference.runtime.onnx import Forward
    from coverslip.inference.settings import PredictSettings
    from coverslip.tiling import Grid

    Index = tuple[int, int]
    Tile = NDArray[np.float32]  # (1 or 2, K, h, w): the mean, and the spread if there is any
    Window = tuple[slice, slice]


@dataclass(frozen=True)
class Source:
    """An image that is read piece by piece.

    Attributes:
        shape: height and width of the whole of it.
        read: gives (C, h, w) float32 of some rows and columns, preprocessed as in training.

    Example:
        >>> import numpy as np
        >>> from coverslip.inference import Source
        >>> image = np.zeros((3, 40, 50), np.float32)
        >>> source = Source((40, 50), lambda rows, columns: image[:, rows, columns])
        >>> source.read(slice(0, 8), slice(0, 16)).shape
        (3, 8, 16)
    """

    shape: tuple[int, int]
    read: Callable[[slice, slice], NDArray[np.float32]]


class TileStore(Protocol):
    """Predicted tiles, kept by their row and column in the grid."""

    def has(self, index: Index) -> bool:
        """Whether a tile is there."""

    def get(self, index: Index) -> Tile | None:
        """A tile (1 or 2, K, h, w), or None where it is gone."""

    def put(self, index: Index, part: Tile) -> None:
        """Keep a tile."""


@dataclass(frozen=True)
class Predictor:
    """A network that is ready to predict; of `open_predictor`.

    Several threads may share it: the network runs for one of them at a time.

    Attributes:
        forward: a batch of tiles → logits.
        arrays: what `forward` takes.
        stride: of the network.
        settings: those that it was opened with; backend and precision are those that run.
    """

    forward: Forward
    arrays: Arrays
    stride: int
    settings: PredictSettings

    def grid(self, shape: tuple[int, int]) -> Grid:
        """Lay the tiles over an image (H, W)."""
        return lay_grid(shape, stride=self.stride, settings=self.settings)

    def with_settings(self, settings: PredictSettings) -> Predictor:
        """The same network on the same device with other tiles or test-time augmentation.

        Raises:
            SettingsError: tiles too small for the network's stride.
        """
        tile_and_overlap(self.stride, settings)
        own = self.settings
        how = replace(settings, backend=own.backend, precision=own.precision)
        return replace(self, settings=how)

    def with_smaller_tiles(self, shape: tuple[int, int]) -> Predictor | None:
        """The same predictor with tiles of half the side; None where these would be too small."""
        smaller = halve_tiles(shape, stride=self.stride, settings=self.settings)
        return None if smaller is None else replace(self, settings=smaller)

    def predict(
        self,
        image: NDArray[np.float32],
        *,
        on_message: Callable[[str], None] = lambda text: None,
    ) -> Prediction:
        """Predict an image of any size, whole if it fits into a tile, else in blended tiles.

        Held at any time: the image, the result and one batch of tiles. Where memory is too short
        for one tile, all is done anew with tiles of half the side.

        Args:
            image: (C, H, W) float32, preprocessed as in training.
            on_message: called where memory was short and the tiles became smaller.

        Returns:
            The probabilities and, with test-time augmentation, their spread.

        Raises:
            SettingsError: memory too small for a tile of LEAST_TILE_PX or the result.
            ModelError: what the network answers is no number.
            ValueError: the image has no pixels or the wrong number of axes, or the network returns
                another size than it was given.
        """
        if image.ndim != 3 or 0 in image.shape:
            raise ValueError(f"the image is {image.shape}; wanted (C, H, W) with no length 0")
        height, width = image.shape[-2:]
        source = Source((height, width), lambda rows, columns: image[:, rows, columns])
        whole = slice(0, height), slice(0, width)
        predictor = self
        while True:
            smaller = predictor.with_smaller_tiles(source.shape)
            try:
                return predictor.predict_window(source, whole)
            except ShortMemoryError:
                if smaller is None:
                    raise
            # Outside of the except clause, whose traceback keeps the memory of what failed.
            on_message(smaller_tiles_message(smaller.settings))
            predictor = smaller

    def predict_window(
        self, source: Source, window: Window, *, tiles: TileStore | None = None
    ) -> Prediction:
        """Predict some rows and columns of an image, with the numbers that the whole has there.

        The tiles are those of the whole image; those that have a say in the window are predicted.

        Args:
            source: the image.
            window: the rows and columns wanted.
            tiles: where predicted tiles are kept for neighbouring windows, which share many.

        Returns:
            Maps of the window's size.

        Raises:
            ShortMemoryError: memory is too short for a tile, or for the result.
            ModelError, ValueError: as `predict`.
        """
        grid = self.grid(source.shape)
        origin = window[0].start, window[1].start
        size = tuple(part.stop - part.start for part in window)
        wanted = tiles_in(grid, *window)
        if not wanted:
            raise ValueError(f"the window {window} has no pixels")

        def make(indices: Sequence[Index]) -> Iterator[tuple[Index, Tile]]:
            return predict_tiles(self, source, indices, grid=grid)

        with telling_short_memory(grid.tile), self.arrays.running():
            parts = kept_or_new(make, wanted, tiles=tiles)
            index, part = next(parts)
            canvas = np.zeros((*part.shape[:-2], *size), dtype=np.float32)
            blend(canvas, part, grid=grid, index=index, origin=origin)
            for index, part in parts:
                blend(canvas, part, grid=grid, index=index, origin=origin)
        if not np.isfinite(canvas).all():
            raise ModelError(
                "the network's answer is no number for some pixels: its weights are damaged, or "
                "too large for a GPU's half precision: try --device cpu, or another checkpoint."
            )
        np.clip(canvas, 0.0, 1.0, out=canvas)  # weighted sums round to a little over 1
        return Prediction(probs=canvas[0], spread=canvas[1] if len(canvas) == 2 else None)


@contextmanager
def open_predictor(
    network: Network, settings: PredictSettings, *, channels: int = 3
) -> Iterator[Predictor]:
    """Open a network for prediction: on its device, in evaluation mode, by its runtime.

    While it is open, the network's weights must stay as they are; afterwards its modules are in the
    modes that they had.

    Args:
        network: (N, C, H, W) → (N, K, H, W) logits, with its `stride`; it is moved to the device.
        settings: tiles, test-time augmentation, device and backend.
        channels: of the images.

    Raises:
        SettingsError: a device or backend that is not there, or tiles too small for the network's
            stride.
        ModelError: what a runtime makes of the network differs from the network.

    Example:
        >>> import numpy as np
        >>> from coverslip.models import MODELS
        >>> from coverslip.inference import PredictSettings, open_predictor
        >>> with open_predictor(MODELS["swift"](), PredictSettings(device="cpu")) as predictor:
        ...     prediction = predictor.predict(np.zeros((3, 40, 50), np.float32))
        >>> prediction.probs.shape
        (1, 40, 50)
    """
    modules = network.modules() if hasattr(network, "modules") else ()  # of PyTorch
    modes = [(module, module.training) for module in modules]
    try:
        yield make_predictor(network, settings, channels=channels)
    finally:
        for module, training in modes:
            module.training = training


def make_predictor(network: Network, settings: PredictSettings, *, channels: int = 3) -> Predictor:
    """Make the predictor of a network that is not trained any more: it stays in evaluation mode.

    Arguments and errors are those of `open_predictor`.

    Example:
        >>> import coverslip
        >>> from coverslip.inference import make_predictor
        >>> from coverslip.models import UNet
        >>> make_predictor(UNet(), coverslip.PredictSettings(device="cpu", backend="torch")).stride
        16
    """
    check_predict(network, settings)
    settings = settle(network, settings)
    arrays: Arrays = NumpyArrays()
    if settings.backend in IN_TORCH:
        full = settings.precision == "float32"
        arrays = TorchArrays(pick_device(device_of(network, settings)), full=full)
    stride = cast("int", network.stride)
    tile, _ = tile_and_overlap(stride, settings)
    with telling_short_memory((tile, tile)), arrays.running():
        forward = make_forward(network, settings, arrays=arrays, channels=channels)
    return Predictor(one_at_a_time(forward), arrays, stride, settings)


def predict(
    network: Network,
    image: NDArray[np.float32],
    *,
    settings: PredictSettings,
    on_message: Callable[[str], None] = lambda text: None,
) -> Prediction:
    """Predict one image (C, H, W): `open_predictor` and `Predictor.predict` in one call.

    Example:
        >>> import coverslip, numpy as np
        >>> from coverslip.inference import predict
        >>> from coverslip.models import UNet
        >>> image = np.zeros((3, 50, 70), np.float32)
        >>> settings = coverslip.PredictSettings(device="cpu", backend="torch")
        >>> found = predict(UNet(), image, settings=settings)
        >>> found.probs.shape, found.spread is None
        ((1, 50, 70), True)
    """
    with open_predictor(network, settings, channels=len(image)) as predictor:
        return predictor.predict(image, on_message=on_message)


def check_predict(network: Network, settings: PredictSettings) -> None:
    """Find what would stop every prediction, which a caller may want before a long work.

    Raises:
        SettingsError: a device or backend that is not there, or tiles too small for the network's
            stride.

    Example:
        >>> import coverslip
        >>> from coverslip.inference import check_predict
        >>> from coverslip.models import UNet
        >>> check_predict(UNet(), coverslip.PredictSettings(device="cpu", backend="torch"))
    """
    settle(network, settings)
    tile_and_overlap(cast("int", network.stride), settings)


def pick_backend(network: Network, settings: PredictSettings) -> str:
    """What will run the network: a name of BACKENDS but "auto".

    Raises:
        SettingsError: a backend that is not installed, or not for this device or network.

    Example:
        >>> import coverslip
        >>> from coverslip.inference import pick_backend
        >>> from coverslip.models import UNet
        >>> pick_backend(UNet(), coverslip.PredictSettings(device="cpu", backend="torch"))
        'torch'
    """
    return choose_backend(settings.backend, network, device=device_of(network, settings))


def settle(network: Network, settings: PredictSettings) -> PredictSettings:
    """The settings with what "auto" comes to here as their backend and precision.

    Raises:
        SettingsError: a backend, device or precision that is not there for this network.
    """
    backend = pick_backend(network, settings)
    device = device_of(network, settings)
    precision = choose_precision(settings.precision, network, backend=backend, device=device)
    return replace(settings, backend=backend, precision=precision)


def device_of(network: Network, settings: PredictSettings) -> str:
    """The device that is asked for; of an ONNX file the CPU, where none is."""
    at_will = isinstance(network, OnnxNetwork) and settings.device == "auto"
    return device_name("cpu" if at_will else settings.device)


def one_at_a_time(forward: Forward) -> Forward:
    """The same function, which one thread calls while others wait: it takes all cores anyway."""
    lock = threading.Lock()

    def locked(batch: Any) -> Any:
        with lock:
            return forward(batch)

    return locked


def kept_or_new(
    make: Callable[[Sequence[Index]], Iterator[tuple[Index, Tile]]],
    wanted: Sequence[Index],
    *,
    tiles: TileStore | None,
) -> Iterator[tuple[Index, Tile]]:
    """Yield the wanted tiles in their order, those that are kept without predicting them again."""
    if tiles is None:
        yield from make(wanted)
        return
    missing = [index for index in wanted if not tiles.has(index)]
    made = make(missing)
    for index in wanted:
        part = None if index in missing else tiles.get(index)
        if index in missing:
            _, part = next(made)
            tiles.put(index, part)
        elif part is None:  # gone since: another process was done with it
            _, part = next(make([index]))
        yield index, part


def smaller_tiles_message(settings: PredictSettings) -> str:
    """What the user is told where memory was short.

    Example:
        >>> import coverslip
        >>> from coverslip.inference import smaller_tiles_message
        >>> "512" in smaller_tiles_message(coverslip.PredictSettings(tile_px=512))
        True
    """
    return (
        f"memory was too short for larger tiles, so it was predicted in tiles of "
        f"{settings.tile_px} px."
    )

"""network × some rows and columns of an image → their probabilities, as in the whole image."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from coverslip.backends import ready
from coverslip.device import autocast, telling_short_memory
from coverslip.errors import ModelError
from coverslip.predict.choose import device_of, pick_backend
from coverslip.predict.forward import evaluating, predict_tiles
from coverslip.predict.grid import lay_grid
from coverslip.predict.settings import Prediction
from coverslip.tiles import blend, tiles_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from numpy.typing import NDArray
    from torch import nn

    from coverslip.backends import Forward
    from coverslip.predict.settings import PredictSettings

    Index = tuple[int, int]
    Tile = NDArray[np.float32]  # (1 or 2, K, h, w): the mean, and the spread if there is any


@dataclass(frozen=True)
class Source:
    """An image that is read piece by piece.

    Attributes:
        shape: height and width of the whole of it.
        channels: how many it has as it goes into the network.
        read: gives (C, h, w) float32 of some rows and columns, preprocessed as in training.
    """

    shape: tuple[int, int]
    channels: int
    read: Callable[[slice, slice], NDArray[np.float32]]


class Kept(Protocol):
    """What became of tiles, kept by their row and column in the grid."""

    def has(self, index: Index) -> bool:
        """Whether it is there."""

    def get(self, index: Index) -> Tile | None:
        """It, (1 or 2, K, h, w), or None where it is gone."""

    def put(self, index: Index, part: Tile) -> None:
        """Keep it."""


def predict_window(
    network: nn.Module,
    source: Source,
    *,
    window: tuple[slice, slice],
    settings: PredictSettings,
    kept: Kept | None = None,
) -> Prediction:
    """Predict some rows and columns of an image, with the numbers that `predict` has there.

    The tiles are those of the whole image; those that have a say in the window are predicted.

    Args:
        network: as for `predict`.
        source: the image.
        window: the rows and columns wanted.
        settings: as for `predict`.
        kept: what became of tiles before, where it is to be used again: neighbouring windows share
            many of them.

    Returns:
        Maps of the window's size.

    Raises:
        SettingsError, ModelError, ValueError: as `predict`.
        ShortMemoryError: memory is too short for a tile, or for the result.
    """
    grid = lay_grid(network, source.shape, settings=settings)
    origin = window[0].start, window[1].start
    size = tuple(part.stop - part.start for part in window)
    wanted = tiles_in(grid, *window)
    if not wanted:
        raise ValueError(f"the window {window} has no pixels")
    with (
        telling_short_memory(grid.tile),
        running(network, settings, channels=source.channels) as (forward, device),
    ):
        parts = kept_or_new(
            lambda indices: predict_tiles(
                forward,
                source.read,
                indices,
                shape=source.shape,
                grid=grid,
                settings=settings,
                device=device,
            ),
            wanted,
            kept=kept,
        )
        index, part = next(parts)
        canvas = np.zeros((*part.shape[:-2], *size), dtype=np.float32)
        blend(canvas, part, grid=grid, index=index, origin=origin)
        for index, part in parts:
            blend(canvas, part, grid=grid, index=index, origin=origin)
    if not np.isfinite(canvas).all():
        raise ModelError(
            "the network's answer is no number for some pixels: its weights are damaged, or too "
            "large for a GPU's half precision: try --device cpu, or another checkpoint."
        )
    np.clip(canvas, 0.0, 1.0, out=canvas)  # weighted sums round to a little over 1
    return Prediction(probs=canvas[0], spread=canvas[1] if len(canvas) == 2 else None)


@contextmanager
def running(
    network: nn.Module, settings: PredictSettings, *, channels: int
) -> Iterator[tuple[Forward, torch.device]]:
    """A block in which a network runs: on its device, in evaluation mode, by its backend."""
    backend = pick_backend(network, settings)
    device = device_of(network, settings)
    with evaluating(network.to(device)), autocast(device):
        yield ready(network, backend=backend, channels=channels), device


def kept_or_new(
    make: Callable[[Sequence[Index]], Iterator[tuple[Index, Tile]]],
    wanted: Sequence[Index],
    *,
    kept: Kept | None,
) -> Iterator[tuple[Index, Tile]]:
    """What became of some tiles, in their order; of each, once, where they are kept."""
    if kept is None:
        yield from make(wanted)
        return
    missing = [index for index in wanted if not kept.has(index)]
    made = make(missing)
    for index in wanted:
        part = None if index in missing else kept.get(index)
        if index in missing:
            _, part = next(made)
            kept.put(index, part)
        elif part is None:  # gone since: another process was done with it
            _, part = next(make([index]))
        yield index, part

"""network × image → probabilities, and how sure they are."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from coverslip.backends import BACKENDS, OnnxNetwork, choose_backend, ready
from coverslip.device import (
    DEVICES,
    ShortMemoryError,
    autocast,
    is_short_memory,
    one_of,
    pick_device,
    telling_short_memory,
)
from coverslip.errors import ModelError, SettingsError
from coverslip.models import MODELS
from coverslip.symmetry import TTA
from coverslip.tiles import blend, cut, lay_tiles, round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from coverslip.backends import Forward
    from coverslip.symmetry import Symmetry
    from coverslip.tiles import Grid

LEAST_TILE_PX = 64  # where memory is short for so little, smaller tiles help no more


@dataclass(frozen=True)
class PredictSettings:
    """How a network is run over an image.

    Raises:
        SettingsError: a value that cannot be, with what can.
    """

    tta: str = "none"  # "paper" costs five times as much, "d4" eight times
    tile_px: int = 1024  # a usual camera frame in one piece, while bigger ones fit into memory
    overlap_px: int = 128  # a quarter, 32 px, is dropped at each inner edge of a tile
    batch: int = 8  # tiles × symmetries in one forward: the whole of "d4"
    batch_px: int = 2**21  # and no more pixels than this: 1 to 3 GB for a full-width U-Net
    device: str = "auto"  # the first there is of cuda, mps, cpu
    backend: str = "auto"  # ONNX Runtime on the CPU where it is installed, PyTorch elsewhere

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        one_of("tta", self.tta, tuple(TTA))
        one_of("device", self.device, DEVICES)
        one_of("backend", self.backend, BACKENDS)
        for name in ("tile_px", "batch", "batch_px"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.overlap_px < self.tile_px:
            raise SettingsError(
                f"overlap_px is {self.overlap_px} and tile_px {self.tile_px}; the overlap must be "
                "smaller than the tile and not negative. A fourth to an eighth of it is usual."
            )


@dataclass(frozen=True)
class Prediction:
    """What a network says about an image.

    Attributes:
        probs: (K, H, W) float32 in [0, 1], the mean over the symmetries.
        spread: (K, H, W) float32, the standard deviation over the symmetries, from 0 (all agree)
            to 0.5; None without test-time augmentation, which has nothing to compare.
    """

    probs: NDArray[np.float32]
    spread: NDArray[np.float32] | None


def predict(
    network: nn.Module,
    image: NDArray[np.float32],
    *,
    settings: PredictSettings,
    tell: Callable[[str], None] = lambda text: None,
) -> Prediction:
    """Predict an image of any size, whole if it fits into a tile, else in blended tiles.

    Held at any time: the image, the result and one batch of tiles. Where memory is too short for
    one tile, all is done anew with tiles of half the side.

    Args:
        network: (N, C, H, W) → (N, K, H, W) logits, with its `stride`; it is moved to the device,
            and its modules' training modes are left as they were.
        image: (C, H, W) float32, preprocessed as in training.
        settings: tiles, test-time augmentation, device and backend.
        tell: called where memory was short and the tiles became smaller.

    Returns:
        The probabilities and, with test-time augmentation, their spread.

    Raises:
        SettingsError: a device or backend that is not there, tiles too small for the network's
            stride, or memory too small for a tile of LEAST_TILE_PX or the result.
        ModelError: what the network answers is no number.
        ValueError: the image has no pixels or the wrong number of axes, or the network returns
            another size than it was given.
    """
    if image.ndim != 3 or 0 in image.shape:
        raise ValueError(f"the image is {image.shape}; wanted (C, H, W) with no length 0")
    settings = replace(settings, backend=pick_backend(network, settings))
    while True:
        grid = _lay_tiles(network, image, settings=settings)
        smaller = _halve_tiles(network, settings, tile=grid.tile)
        try:
            with telling_short_memory(grid.tile):
                canvas = _predict_canvas(network, image, grid=grid, settings=settings)
            break
        except ShortMemoryError:
            if smaller is None:
                raise
        # Outside of the except clause, whose traceback keeps the memory of what failed.
        tell(
            f"memory was too short for tiles of {max(grid.tile)} px, so it was predicted in tiles "
            f"of {smaller.tile_px} px."
        )
        settings = smaller
    if not np.isfinite(canvas).all():
        raise ModelError(
            "the network's answer is no number for some pixels: its weights are damaged, or too "
            "large for a GPU's half precision: try --device cpu, or another checkpoint."
        )
    np.clip(canvas, 0.0, 1.0, out=canvas)  # weighted sums round to a little over 1
    return Prediction(probs=canvas[0], spread=canvas[1] if len(canvas) == 2 else None)


def pick_backend(network: nn.Module, settings: PredictSettings) -> str:
    """What will run the network: a name of BACKENDS but "auto".

    Raises:
        SettingsError: a backend that is not installed, or not for this device or network.
    """
    device = _pick_device(network, settings).type
    quick = isinstance(network, tuple(MODELS.values()))  # all of them were measured
    return choose_backend(settings.backend, network, device=device, quick=quick)


def _pick_device(network: nn.Module, settings: PredictSettings) -> torch.device:
    """The device that is asked for; of an ONNX file the CPU, where none is."""
    at_will = isinstance(network, OnnxNetwork) and settings.device == "auto"
    return pick_device("cpu" if at_will else settings.device)


def _predict_canvas(
    network: nn.Module, image: NDArray[np.float32], *, grid: Grid, settings: PredictSettings
) -> NDArray[np.float32]:
    """Blend all tiles: (1 or 2, K, H, W), the mean, and the spread if there is any."""
    device = _pick_device(network, settings)
    with _evaluating(network.to(device)), autocast(device):
        forward = ready(network, backend=settings.backend, channels=len(image))
        results = _predict_tiles(forward, image, grid=grid, settings=settings, device=device)
        index, part = next(results)
        canvas = np.zeros((*part.shape[:-2], *image.shape[-2:]), dtype=np.float32)
        blend(canvas, part, grid=grid, index=index)
        for index, part in results:
            blend(canvas, part, grid=grid, index=index)
    return canvas


def _halve_tiles(
    network: nn.Module, settings: PredictSettings, *, tile: tuple[int, int]
) -> PredictSettings | None:
    """Settings for tiles of half the side that overlap as far, if they can; None if too small."""
    stride = cast("int", network.stride)
    side = round_up(max(tile) // 2, stride)
    if not LEAST_TILE_PX <= side < max(tile):
        return None
    overlap = min(settings.overlap_px, side // 2 // stride * stride)
    return replace(settings, tile_px=side, overlap_px=overlap)


def check_predict(network: nn.Module, settings: PredictSettings) -> None:
    """Find what would stop every prediction, which a caller may want before a long work.

    Raises:
        SettingsError: a device or backend that is not there, or tiles too small for the network's
            stride.
    """
    pick_backend(network, settings)
    _tile_and_overlap(network, settings)


def _lay_tiles(
    network: nn.Module, image: NDArray[np.float32], *, settings: PredictSettings
) -> Grid:
    """Lay tiles in multiples of the stride, so that each is pooled as it is in the whole image."""
    tile, overlap = _tile_and_overlap(network, settings)
    height, width = image.shape[-2:]
    stride = cast("int", network.stride)
    return lay_tiles((height, width), tile=tile, overlap=overlap, multiple=stride)


def _tile_and_overlap(network: nn.Module, settings: PredictSettings) -> tuple[int, int]:
    stride = cast("int", network.stride)
    tile, overlap = round_up(settings.tile_px, stride), round_up(settings.overlap_px, stride)
    if overlap >= tile:
        raise SettingsError(
            f"tile_px {settings.tile_px} and overlap_px {settings.overlap_px} are both {tile} when "
            f"rounded up to {stride}, the network's stride; use a tile_px over {overlap}."
        )
    return tile, overlap


def _predict_tiles(
    forward: Forward,
    image: NDArray[np.float32],
    *,
    grid: Grid,
    settings: PredictSettings,
    device: torch.device,
) -> Iterator[tuple[tuple[int, int], NDArray[np.float32]]]:
    """Yield the index of every tile and its (1 or 2, K, h, w): mean, and spread if there is any."""
    groups = _same_shape(TTA[settings.tta], tile=grid.tile)
    height, width = grid.tile
    limit = max(1, min(settings.batch, settings.batch_px // (height * width)))
    n_tiles = max(1, limit // max(len(group) for group in groups))
    for i in range(0, len(grid.indices), n_tiles):
        indices = grid.indices[i : i + n_tiles]
        tiles = np.stack([cut(image, grid=grid, index=j) for j in indices], dtype=np.float32)
        batch = torch.from_numpy(tiles).to(device)
        probs = torch.cat([_view_probs(forward, batch, group, limit=limit) for group in groups])
        yield from zip(indices, _mean_and_spread(probs).cpu().numpy(), strict=True)


def _same_shape(
    symmetries: tuple[Symmetry, ...], *, tile: tuple[int, int]
) -> list[tuple[Symmetry, ...]]:
    """Group the symmetries whose views of a tile have one shape and fit into one batch."""
    if tile[0] == tile[1]:
        return [symmetries]
    upright = tuple(s for s in symmetries if not s.transposes)
    lying = tuple(s for s in symmetries if s.transposes)
    return [group for group in (upright, lying) if group]


def _view_probs(
    forward: Forward, tiles: Tensor, symmetries: tuple[Symmetry, ...], *, limit: int
) -> Tensor:
    """Predict tiles (n, C, h, w) under S symmetries and turn back: (S, n, K, h, w)."""
    views = torch.stack([symmetry.forward(tiles) for symmetry in symmetries])
    probs = _probs(forward, views.flatten(0, 1), limit=limit)
    parts = probs.view(views.shape[:2] + probs.shape[1:])
    return torch.stack([s.inverse(part) for s, part in zip(symmetries, parts, strict=True)])


def _probs(forward: Forward, batch: Tensor, *, limit: int) -> Tensor:
    """Run a batch (N, C, h, w), at most `limit` at once and fewer where memory is short."""
    limit = min(limit, len(batch))
    try:
        return torch.cat([_logits_to_probs(forward, part) for part in torch.split(batch, limit)])
    except (RuntimeError, MemoryError) as error:
        if limit == 1 or not is_short_memory(error):
            raise
    # Outside of the except clause, whose traceback keeps the memory of what failed.
    return _probs(forward, batch, limit=limit // 2)


def _logits_to_probs(forward: Forward, batch: Tensor) -> Tensor:
    """The one sigmoid: (N, C, h, w) → (N, K, h, w) float32 in [0, 1]."""
    logits = forward(batch.contiguous(memory_format=torch.channels_last))
    if logits.shape[-2:] != batch.shape[-2:]:
        raise ValueError(
            f"the network was given {tuple(batch.shape)} and returned {tuple(logits.shape)}; "
            "wanted (N, K, H, W) of the same height and width"
        )
    return torch.sigmoid(logits.float())


def _mean_and_spread(probs: Tensor) -> Tensor:
    """(S, n, K, h, w) → (n, 2, K, h, w), or (n, 1, K, h, w) where S is 1."""
    if len(probs) == 1:
        return probs.transpose(0, 1)
    return torch.stack([probs.mean(dim=0), probs.std(dim=0, correction=0)], dim=1)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """No gradients, no dropout, no running statistics; afterwards every module as it was."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, training in modes:
            module.training = training

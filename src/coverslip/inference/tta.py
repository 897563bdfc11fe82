"""tiles → probabilities, under every symmetry, and how far these agree.

Test-time augmentation: the views' mean is the prediction, and their spread its uncertainty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coverslip.device import is_short_memory
from coverslip.tiling import TTA, cut_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from coverslip.inference.predictor import Predictor, Source
    from coverslip.inference.runtime.arrays import Arrays
    from coverslip.inference.runtime.onnx import Forward
    from coverslip.inference.settings import PredictSettings
    from coverslip.tiling import Grid, Symmetry


def predict_tiles(
    predictor: Predictor, source: Source, wanted: Sequence[tuple[int, int]], *, grid: Grid
) -> Iterator[tuple[tuple[int, int], NDArray[np.float32]]]:
    """Yield the index of every tile and its (1 or 2, K, h, w): mean, and spread if there is any.

    Args:
        predictor: of `open_predictor`.
        source: the image.
        wanted: the tiles, by their row and column in the grid.
        grid: the tiles' places.
    """
    settings, arrays = predictor.settings, predictor.arrays
    groups = _same_shape(TTA[settings.tta], tile=grid.tile)
    limit = most_at_once(grid.tile, settings)
    n_views = max(len(group) for group in groups)
    n_tiles = tiles_at_once(grid.tile, n_views=n_views, settings=settings, device=arrays.device)
    for i in range(0, len(wanted), n_tiles):
        indices = wanted[i : i + n_tiles]
        tiles = [cut_from(source.read, shape=source.shape, grid=grid, index=j) for j in indices]
        views = [_view_probs(predictor, arrays.load(tiles), group, limit=limit) for group in groups]
        found = _mean_and_spread(arrays.join(views), arrays)
        yield from zip(indices, arrays.unload(found), strict=True)


def most_at_once(tile: tuple[int, int], settings: PredictSettings) -> int:
    """Views of a tile in one forward."""
    return max(1, min(settings.batch, settings.batch_px // (tile[0] * tile[1])))


def tiles_at_once(
    tile: tuple[int, int], *, n_views: int, settings: PredictSettings, device: str
) -> int:
    """Tiles in one forward, where so many views of each go in together.

    On a CPU several are no faster, take more memory, and change the sums of each other: a tile
    would have other numbers, by 3e-6, than in another window of the same image.
    """
    return 1 if device == "cpu" else max(1, most_at_once(tile, settings) // n_views)


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
    predictor: Predictor, tiles: Any, symmetries: tuple[Symmetry, ...], *, limit: int
) -> Any:
    """Predict tiles (n, C, h, w) under S symmetries and turn back: (S, n, K, h, w)."""
    arrays = predictor.arrays
    views = arrays.stack([symmetry.forward(tiles) for symmetry in symmetries])
    flat = views.reshape(-1, *views.shape[2:])
    probs = _probs(predictor.forward, flat, arrays, limit=limit)
    parts = probs.reshape(*views.shape[:2], *probs.shape[1:])
    return arrays.stack([s.inverse(part) for s, part in zip(symmetries, parts, strict=True)])


def _probs(forward: Forward, batch: Any, arrays: Arrays, *, limit: int) -> Any:
    """Run a batch (N, C, h, w), at most `limit` at once and fewer where memory is short."""
    limit = min(limit, len(batch))
    try:
        parts = [batch[i : i + limit] for i in range(0, len(batch), limit)]
        return arrays.join([_logits_to_probs(forward, part, arrays) for part in parts])
    except (RuntimeError, MemoryError) as error:
        if limit == 1 or not is_short_memory(error):
            raise
    # Outside of the except clause, whose traceback keeps the memory of what failed.
    return _probs(forward, batch, arrays, limit=limit // 2)


def _logits_to_probs(forward: Forward, batch: Any, arrays: Arrays) -> Any:
    """The one sigmoid: (N, C, h, w) → (N, K, h, w) float32 in [0, 1]."""
    logits = arrays.run(forward, batch)
    if logits.shape[-2:] != batch.shape[-2:]:
        raise ValueError(
            f"the network was given {tuple(batch.shape)} and returned {tuple(logits.shape)}; "
            "wanted (N, K, H, W) of the same height and width"
        )
    return arrays.sigmoid(logits)


def _mean_and_spread(probs: Any, arrays: Arrays) -> Any:
    """(S, n, K, h, w) → (n, 2, K, h, w), or (n, 1, K, h, w) where S is 1."""
    if len(probs) == 1:
        return probs.swapaxes(0, 1)
    mean = probs.mean(0)
    spread = ((probs - mean) ** 2).mean(0) ** 0.5
    return arrays.stack([mean, spread]).swapaxes(0, 1)

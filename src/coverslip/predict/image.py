"""network × image → probabilities, and how sure they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from coverslip.device import ShortMemoryError
from coverslip.predict.choose import pick_backend
from coverslip.predict.grid import halve_tiles
from coverslip.predict.window import Source, predict_window

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from coverslip.predict.settings import Prediction, PredictSettings


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
    height, width = image.shape[-2:]
    source = Source((height, width), len(image), lambda rows, columns: image[:, rows, columns])
    whole = slice(0, height), slice(0, width)
    while True:
        smaller = halve_tiles(network, source.shape, settings=settings)
        try:
            return predict_window(network, source, window=whole, settings=settings)
        except ShortMemoryError:
            if smaller is None:
                raise
        # Outside of the except clause, whose traceback keeps the memory of what failed.
        tell(say_smaller(smaller))
        settings = smaller


def say_smaller(settings: PredictSettings) -> str:
    """What the user is told where memory was short."""
    return (
        f"memory was too short for larger tiles, so it was predicted in tiles of "
        f"{settings.tile_px} px."
    )

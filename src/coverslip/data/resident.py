"""pairs of files → batches that are already where the training is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from coverslip.data.crop import place_crop
from coverslip.data.dataset import Batch
from coverslip.images import to_rgb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coverslip.data.dataset import PairDataset
    from coverslip.data.order import Draw

BYTES_PER_PIXEL = 12  # three channels, float32; and one byte for each map


class ResidentPairs:
    """A data set of images of one size as two tensors on a device, from which batches are cut.

    A GPU asks for a batch every few milliseconds, which is less than reading, cutting and copying
    one takes. The batches are those that the data set itself would give, to the last bit.

    Args:
        data: its settings have a `size_px`, and no larger `crop_px`.
        device: what holds all of them, at `BYTES_PER_PIXEL` and one more for each map.
    """

    def __init__(self, data: PairDataset, device: torch.device) -> None:
        side = cast("int", data.settings.size_px)
        self.images = torch.empty(len(data), 3, side, side, device=device)
        shape = (len(data), len(data.maps) + data.settings.weighted, side, side)
        self.maps = torch.empty(*shape, dtype=torch.uint8, device=device)
        for index in range(len(data)):
            image, _, maps, _ = data.whole(index)
            self.images[index] = torch.from_numpy(to_rgb(image).transpose(2, 0, 1))
            self.maps[index] = torch.from_numpy(maps)
        self.crop_px = data.settings.crop_px
        self.seed = data.seed

    def batches(self, draws: Iterable[list[Draw]]) -> Iterator[Batch]:
        """The batches of an epoch, in order."""
        for batch in draws:
            windows = [self.window(draw) for draw in batch]
            yield Batch(
                torch.stack([self.images[window] for window in windows]),
                torch.stack([self.maps[window] for window in windows]) / 255,
                [draw.pair for draw in batch],
            )

    def window(self, draw: Draw) -> tuple[int, slice, slice, slice]:
        """Which image, all its channels, and which square of it."""
        height, width = self.images.shape[-2:]
        if self.crop_px is None:
            return draw.pair, slice(None), slice(height), slice(width)
        rng = np.random.default_rng((self.seed, draw.number))
        rows, columns = place_crop((height, width), size=self.crop_px, rng=rng)
        return draw.pair, slice(None), rows, columns

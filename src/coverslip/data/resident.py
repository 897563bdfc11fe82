"""pairs of files → batches that are already where the training is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from coverslip.data.dataset import Batch, place_crop
from coverslip.images import to_rgb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coverslip.data.dataset import PairDataset
    from coverslip.data.order import Draw


class ResidentPairs:
    """A data set of images of one size as two tensors on a device, from which batches are cut.

    A GPU asks for a batch every few milliseconds, which is less than reading, cutting and copying
    one takes. The batches are those that the data set itself would give, to the last bit.

    Args:
        data: its settings have a `size_px`, and no larger `crop_px`.
        device: what holds all of them, at 16 bytes a pixel.
    """

    def __init__(self, data: PairDataset, device: torch.device) -> None:
        whole = [data.whole(index) for index in range(len(data))]
        images = np.stack([to_rgb(image).transpose(2, 0, 1) for image, _ in whole])
        masks = np.stack([mask[None] for _, mask in whole])
        self.images = torch.from_numpy(images).to(device)
        self.masks = torch.from_numpy(masks).to(device).float()
        self.crop_px = data.settings.crop_px
        self.seed = data.seed

    def batches(self, draws: Iterable[list[Draw]]) -> Iterator[Batch]:
        """The batches of an epoch, in order."""
        for batch in draws:
            windows = [self.window(draw) for draw in batch]
            yield Batch(
                torch.stack([self.images[window] for window in windows]),
                torch.stack([self.masks[window] for window in windows]),
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

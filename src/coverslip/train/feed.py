"""plan → the images of a training, in memory or on the device → batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader

from coverslip.data import BYTES_PER_PIXEL, PairDataset, ResidentPairs, stack_samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coverslip.data import Batch, Draw
    from coverslip.train.settings import TrainSettings
    from coverslip.train.state import Plan

MOST_OF_DEVICE = 0.25  # of a GPU's free memory, for images; the network wants the rest


def open_pairs(plan: Plan) -> tuple[PairDataset, PairDataset]:
    """The images to learn from, and those to validate on."""
    settings = plan.settings
    train = PairDataset(
        plan.train,
        preprocess=settings.preprocess,
        settings=settings.sample,
        maps=settings.maps,
        seed=settings.seed,
    )
    val = PairDataset(
        plan.val, preprocess=settings.preprocess, settings=settings.sample, maps=settings.maps
    )
    return train, val


def fits_device(settings: TrainSettings, device: torch.device, n_images: int) -> bool:
    """Whether the images are of one size, and there is a GPU with room for them."""
    size, crop = settings.sample.size_px, settings.sample.crop_px
    if settings.sample.tries > 1:  # which asks what is in a square, and so waits for the GPU
        return False
    if device.type != "cuda" or size is None or (crop is not None and crop > size):
        return False
    free, _ = torch.cuda.mem_get_info(device)
    per_pixel = BYTES_PER_PIXEL + len(settings.maps)
    return n_images * size**2 * per_pixel < MOST_OF_DEVICE * free


def load(
    data: PairDataset | ResidentPairs, draws: Iterable[list[Draw]], workers: int
) -> Iterable[Batch]:
    """The batches of an epoch: from the device, or read by so many worker processes."""
    if isinstance(data, ResidentPairs):
        return data.batches(draws)
    return DataLoader(
        data, batch_sampler=list(draws), num_workers=workers, collate_fn=stack_samples
    )

"""pairs of files → samples, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from coverslip.cells import cell_sizes, labels_to_maps
from coverslip.data.crop import random_crop
from coverslip.data.read import load_labelled
from coverslip.data.resize import resize_both, zoom_to
from coverslip.data.weights import loss_weights, split_ignored
from coverslip.errors import SettingsError
from coverslip.images import to_rgb
from coverslip.losses import MOST_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from coverslip.data.order import Draw
    from coverslip.files import Pair
    from coverslip.images import Preprocess


@dataclass(frozen=True)
class SampleSettings:
    """What a network is shown of each image.

    Raises:
        SettingsError: a side or a diameter below 1, both sizes at once, or a weight that cannot be.

    Example:
        >>> import coverslip
        >>> coverslip.SampleSettings(size_px=256, crop_px=None).size_px
        256
    """

    size_px: int | None = None  # resize to this square first (the paper: 256 or 512); None: native
    cell_size_px: float | None = None  # or resize so that its cells have this median diameter
    crop_px: int | None = 256  # then cut a random square of this size; None: the whole image
    tries: int = 1  # squares that are cut until one has a cell: of sparse images most have none
    ignored_from: int | None = None  # labels from this number on are of pixels without loss
    touching_weight: float = 1.0  # in the loss, of pixels between and at cells that touch

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        for name in ("size_px", "cell_size_px", "crop_px"):
            side = getattr(self, name)
            if side is not None and not side >= 1:
                raise SettingsError(f"{name} is {side}; it must be at least 1.")
        if self.tries < 1:
            raise SettingsError(f"tries is {self.tries}; it must be at least 1.")
        if self.ignored_from is not None and self.ignored_from < 2:
            raise SettingsError(
                f"ignored_from is {self.ignored_from}; it must be above the numbers of the cells, "
                "such as 32768."
            )
        if not 0 <= self.touching_weight <= MOST_WEIGHT:
            raise SettingsError(
                f"touching_weight is {self.touching_weight}; it must be from 0 to {MOST_WEIGHT:g}."
            )
        if self.size_px is not None and self.cell_size_px is not None:
            raise SettingsError(
                f"size_px {self.size_px} and cell_size_px {self.cell_size_px:g}: wanted one of the "
                "two. Images of one size, or cells of one size."
            )

    @property
    def weighted(self) -> bool:
        """Whether pixels count differently, so that the maps have one more channel, of weights."""
        return self.ignored_from is not None or self.touching_weight != 1


class Whole(NamedTuple):
    """A pair as it is kept in memory, before any crop."""

    image: NDArray[np.float32]  # (H, W) or (H, W, 3) in [0, 1]
    labels: NDArray[np.int32]  # (H, W)
    maps: NDArray[np.uint8]  # (K, H, W), 255 for 1: a float would need four times the memory
    ignored: NDArray[np.bool_]  # (H, W), what is not known


class Sample(NamedTuple):
    """One image and what is to be learnt of it, ready for a batch."""

    image: Tensor  # (3, H, W) in [0, 1]
    maps: Tensor  # (K, H, W) in [0, 1], the mask first, the weights of the loss last if it has any
    pair: int  # which of the data set's


class Batch(NamedTuple):
    """Samples stacked, and which images they are."""

    images: Tensor  # (N, 3, H, W) in [0, 1]
    maps: Tensor  # (N, K, H, W) in [0, 1], as of the samples
    pairs: list[int]  # which of the data set's


def stack_samples(samples: list[Sample]) -> Batch:
    """Samples of one size → a batch."""
    return Batch(
        torch.stack([sample.image for sample in samples]),
        torch.stack([sample.maps for sample in samples]),
        [sample.pair for sample in samples],
    )


class PairDataset(Dataset[Sample]):
    """Images and the maps of their cells, kept in memory once read, up to `cache_bytes` a process.

    In one process each pair is read once. Worker processes start anew in every epoch with what
    the parent holds, and each keeps what it reads itself until the epoch ends.

    ``dataset[Draw(pair, number)]`` cuts its random square by the seed and the draw's number alone,
    so that the same seed gives the same samples on any number of workers.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        preprocess: Preprocess,
        settings: SampleSettings,
        maps: Sequence[str] = ("mask",),
        seed: int = 0,
        cache_bytes: int = 2 << 30,
    ) -> None:
        self.pairs = list(pairs)
        self.preprocess = preprocess
        self.settings = settings
        self.maps = tuple(maps)
        self.seed = seed
        self.free_bytes = cache_bytes
        self.cache: dict[int, Whole] = {}

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.pairs)

    def __getitem__(self, draw: Draw) -> Sample:
        """The drawn image, resized and cut."""
        image, _, maps, _ = self.whole(draw.pair)
        if self.settings.crop_px is not None:
            rng = np.random.default_rng((self.seed, draw.number))
            image, maps = random_crop(
                image, maps, size=self.settings.crop_px, rng=rng, tries=self.settings.tries
            )
        channels_first = np.ascontiguousarray(to_rgb(image).transpose(2, 0, 1))
        return Sample(
            torch.from_numpy(channels_first),
            torch.from_numpy(maps / np.float32(255)),
            draw.pair,
        )

    def whole(self, index: int) -> Whole:
        """A pair before any crop."""
        if index in self.cache:
            return self.cache[index]
        image, labels = load_labelled(
            self.pairs[index], self.preprocess, size_px=self.settings.size_px
        )
        if self.settings.cell_size_px is not None:
            cells, _ = split_ignored(labels, self.settings.ignored_from)
            zoom = zoom_to(cells, size_px=self.settings.cell_size_px)
            image, labels = resize_both(image, labels, zoom=zoom)
        labels, ignored = split_ignored(labels, self.settings.ignored_from)
        maps = labels_to_maps(labels, self.maps)
        if self.settings.weighted:
            touching = self.settings.touching_weight
            maps = np.concatenate([maps, loss_weights(labels, ignored, touching=touching)[None]])
        whole = Whole(image, labels, np.rint(255 * maps).astype(np.uint8), ignored)
        needed = sum(array.nbytes for array in whole)
        if needed <= self.free_bytes:
            self.free_bytes -= needed
            self.cache[index] = whole
        return whole


def median_cell_size(data: PairDataset, *, most: int = 100) -> float | None:
    """The median diameter of the cells that a network is shown, before any augmentation.

    Args:
        data: the pairs.
        most: of its images, evenly chosen, are looked at.

    Returns:
        Diameter in px of the disk that has the cell's area; None where there is no cell.
    """
    chosen = range(0, len(data), max(1, len(data) // most))
    found = np.concatenate([cell_sizes(data.whole(index).labels) for index in chosen])
    return float(np.median(found)) if len(found) else None

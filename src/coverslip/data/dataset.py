"""pairs of files → samples: read, resized, cut, and kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from coverslip.cells import labels_to_maps, mask_to_labels
from coverslip.errors import DataError, SettingsError
from coverslip.files import Pair, open_image, read_frame, read_truth
from coverslip.images import resize_image, resize_labels, stretch, to_rgb

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from coverslip.data.order import Draw
    from coverslip.images import Preprocess


@dataclass(frozen=True)
class SampleSettings:
    """What a network is shown of each image.

    Raises:
        SettingsError: a side below 1.
    """

    size_px: int | None = None  # resize to this square first (the paper: 256 or 512); None: native
    crop_px: int | None = 256  # then cut a random square of this size; None: the whole image

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        for name in ("size_px", "crop_px"):
            side = getattr(self, name)
            if side is not None and side < 1:
                raise SettingsError(f"{name} is {side}; it must be at least 1.")


class Whole(NamedTuple):
    """A pair as it is kept in memory, before any crop."""

    image: NDArray[np.float32]  # (H, W) or (H, W, 3) in [0, 1]
    labels: NDArray[np.int32]  # (H, W)
    maps: NDArray[np.uint8]  # (K, H, W), 255 for 1: a float would need four times the memory


class Sample(NamedTuple):
    """One image and what is to be learnt of it, ready for a batch."""

    image: Tensor  # (3, H, W) in [0, 1]
    maps: Tensor  # (K, H, W) in [0, 1], the mask first
    pair: int  # which of the data set's


class Batch(NamedTuple):
    """Samples stacked, and which images they are."""

    images: Tensor  # (N, 3, H, W) in [0, 1]
    maps: Tensor  # (N, K, H, W) in [0, 1], the mask first
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
        image, _, maps = self.whole(draw.pair)
        if self.settings.crop_px is not None:
            rng = np.random.default_rng((self.seed, draw.number))
            image, maps = random_crop(image, maps, size=self.settings.crop_px, rng=rng)
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
        maps = np.rint(255 * labels_to_maps(labels, self.maps)).astype(np.uint8)
        whole = Whole(image, labels, maps)
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
    areas = [
        np.bincount(data.whole(index).labels.ravel())[1:]
        for index in range(0, len(data), max(1, len(data) // most))
    ]
    found = np.concatenate(areas)
    found = found[found > 0]
    return float(np.median(2 * np.sqrt(found / np.pi))) if len(found) else None


def load_pair(
    pair: Pair, preprocess: Preprocess, *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read a pair as a network is shown it: image in [0, 1], (H, W) or (H, W, 3), and mask (H, W).

    Raises:
        DataError: the mask has another size than the image.
    """
    image, labels = load_labelled(pair, preprocess, size_px=size_px)
    return image, labels > 0


def load_labelled(
    pair: Pair, preprocess: Preprocess, *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """As `load_pair`, with the labels (H, W) of the cells in place of their mask.

    A truth that calls all cells by one number is a mask: its pieces count as cells.

    Raises:
        DataError: the labels have another size than the image.
    """
    stretched = partial(
        stretch,
        low_percentile=preprocess.low_percentile,
        high_percentile=preprocess.high_percentile,
    )
    image, labels = prepare_labelled(pair, stretched, size_px=size_px)
    if labels.any() and labels.max() == labels[labels > 0].min():
        labels = mask_to_labels(labels > 0).astype(np.int32)
    return image, labels


def prepare_pair(
    pair: Pair, prepare: Callable[[NDArray[Any]], NDArray[np.float32]], *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read a pair: the image as `prepare` makes it, of its own size or resized, and mask (H, W).

    Raises:
        DataError: the mask has another size than the image.
    """
    image, labels = prepare_labelled(pair, prepare, size_px=size_px)
    return image, labels > 0


def prepare_labelled(
    pair: Pair, prepare: Callable[[NDArray[Any]], NDArray[np.float32]], *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """As `prepare_pair`, with the labels (H, W) in place of the mask.

    Raises:
        DataError: the labels have another size than the image.
    """
    frame = read_frame(open_image(pair.image))
    labels = read_truth(pair)
    if frame.shape[:2] != labels.shape:
        raise DataError(
            f"{pair.masks[0]}: the mask is {labels.shape[0]} x {labels.shape[1]} pixels, its image "
            f"{pair.image} {frame.shape[0]} x {frame.shape[1]}: export the mask again at the "
            "image's size, or remove the pair."
        )
    image = prepare(frame)
    if size_px is not None:
        image = resize_image(image, (size_px, size_px))
        labels = resize_labels(labels, (size_px, size_px))
    return image, labels


def random_crop(
    image: NDArray[np.float32],
    maps: NDArray[np.uint8],
    *,
    size: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The same random square of image (H, W[, 3]) and maps (K, H, W), reflected where too small."""
    missing = [max(0, size - length) for length in maps.shape[1:]]
    if any(missing):
        widths = [(0, n) for n in missing]
        maps = np.pad(maps, [(0, 0), *widths], mode="reflect")
        image = np.pad(image, widths + [(0, 0)] * (image.ndim - 2), mode="reflect")
    rows, columns = place_crop(maps.shape[1:], size=size, rng=rng)
    return image[rows, columns], maps[:, rows, columns]


def place_crop(shape: Sequence[int], *, size: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """Rows and columns of a random square within (H, W)."""
    top, left = (int(rng.integers(0, length - size + 1)) for length in shape)
    return slice(top, top + size), slice(left, left + size)

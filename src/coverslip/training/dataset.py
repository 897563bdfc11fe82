"""pairs of files → training samples: resized, cropped and kept in memory.

Images and ground truth become training samples of one size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from torch.utils.data import Dataset

from coverslip.errors import SettingsError, one_of
from coverslip.io import known_pixels, open_reading, read_rectangles
from coverslip.preprocessing import resize_image, resize_labels, to_rgb
from coverslip.segmentation import cell_sizes, labels_to_maps
from coverslip.training.annotated import load_labelled
from coverslip.training.held_out import part_window
from coverslip.training.losses import MOST_WEIGHT
from coverslip.training.weights import loss_weights, split_ignored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from coverslip.io import Pair
    from coverslip.preprocessing import Preprocess
    from coverslip.training.sampling import Draw


MOST_HELD_OUT = 0.5  # of an image; what is left is learnt from


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
    held_out: float = 0.0  # share of every image that is not learnt from; 0: images are set aside
    part: str = "learn"  # which part of an image that is divided so: "learn" or "validate"

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
        if not 0 <= self.held_out <= MOST_HELD_OUT:
            raise SettingsError(
                f"held_out is {self.held_out}; it must be from 0 to {MOST_HELD_OUT:g}."
            )
        one_of("part", self.part, ("learn", "validate"))
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
    """A pair as it is kept in memory, before any crop.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from coverslip.training import PairDataset
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> how, settings = coverslip.Preprocess(), coverslip.SampleSettings()
        >>> whole = PairDataset(pairs, preprocess=how, settings=settings).whole(0)
        >>> whole.maps.shape[1:] == whole.labels.shape
        True
    """

    image: NDArray[np.float32]  # (H, W) or (H, W, 3) in [0, 1]
    labels: NDArray[np.int32]  # (H, W)
    maps: NDArray[np.uint8]  # (K, H, W), 255 for 1: a float would need four times the memory
    ignored: NDArray[np.bool_]  # (H, W), what is not known


class Sample(NamedTuple):
    """One image and what is to be learnt of it, ready for a batch.

    Example:
        >>> import torch
        >>> from coverslip.training import Sample
        >>> Sample(torch.zeros(3, 8, 8), torch.zeros(1, 8, 8), pair=4).pair
        4
    """

    image: Tensor  # (3, H, W) in [0, 1]
    maps: Tensor  # (K, H, W) in [0, 1], the mask first, the weights of the loss last if it has any
    pair: int  # which of the data set's


class Batch(NamedTuple):
    """Samples stacked, and which images they are.

    Example:
        >>> import torch
        >>> from coverslip.training import Batch
        >>> tuple(Batch(torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8), [0, 1]).images.shape)
        (2, 3, 8, 8)
    """

    images: Tensor  # (N, 3, H, W) in [0, 1]
    maps: Tensor  # (N, K, H, W) in [0, 1], as of the samples
    pairs: list[int]  # which of the data set's


def stack_samples(samples: list[Sample]) -> Batch:
    """Samples of one size → a batch.

    Example:
        >>> import torch
        >>> from coverslip.training import Sample, stack_samples
        >>> samples = [Sample(torch.zeros(3, 8, 8), torch.zeros(1, 8, 8), pair) for pair in (4, 7)]
        >>> batch = stack_samples(samples)
        >>> tuple(batch.images.shape), batch.pairs
        ((2, 3, 8, 8), [4, 7])
    """
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

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from coverslip.training import Draw, PairDataset
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> settings = coverslip.SampleSettings(crop_px=64)
        >>> data = PairDataset(pairs, preprocess=coverslip.Preprocess(), settings=settings)
        >>> tuple(data[Draw(pair=0, number=0)].image.shape)
        (3, 64, 64)
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
        # A batch has one number of channels: where one image is known in part, all have weights.
        self.weighted = settings.weighted or any(read_rectangles(pair) for pair in self.pairs)
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
        image, labels, unknown = self.annotated(index)
        labels, ignored = split_ignored(labels, self.settings.ignored_from)
        ignored |= unknown
        maps = labels_to_maps(labels, self.maps)
        if self.weighted:
            touching = self.settings.touching_weight
            maps = np.concatenate([maps, loss_weights(labels, ignored, touching=touching)[None]])
        whole = Whole(image, labels, np.rint(255 * maps).astype(np.uint8), ignored)
        needed = sum(array.nbytes for array in whole)
        if needed <= self.free_bytes:
            self.free_bytes -= needed
            self.cache[index] = whole
        return whole

    def annotated(
        self, index: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.bool_]]:
        """The part of a pair that belongs here, resized: image, labels, and what is not known."""
        settings, pair = self.settings, self.pairs[index]
        image, labels = load_labelled(
            pair, self.preprocess, size_px=settings.size_px, ignored_from=settings.ignored_from
        )
        unknown = unknown_pixels(pair, labels.shape, size_px=settings.size_px)
        cells, _ = split_ignored(np.where(unknown, 0, labels), settings.ignored_from)
        zoom = 1.0 if settings.cell_size_px is None else zoom_to(cells, settings.cell_size_px)
        window = part_window(cells, ~unknown, settings=settings, seed=(self.seed, index))
        image, labels, unknown = image[window], labels[window], unknown[window]
        if settings.cell_size_px is not None:
            shape = zoomed_shape(labels.shape, zoom)
            image, labels = resize_image(image, shape), resize_labels(labels, shape)
            unknown = resize_labels(unknown.astype(np.int32), shape) > 0
        return image, labels, unknown


def unknown_pixels(pair: Pair, shape: tuple[int, ...], *, size_px: int | None) -> NDArray[np.bool_]:
    """Where an image (H, W) is not annotated: outside of its finished rectangles, if it has any.

    Raises:
        DataError: a rectangle that lies outside of the image.
    """
    if read_rectangles(pair) is None:
        return np.zeros(shape, dtype=bool)
    whole = open_reading(pair.image, pair.reading).frame_shape if size_px else shape
    known = known_pixels(pair, whole)
    small = resize_labels(cast("NDArray[np.bool_]", known).astype(np.int32), (shape[0], shape[1]))
    unknown: NDArray[np.bool_] = small == 0
    return unknown


def median_cell_size(data: PairDataset, *, most: int = 100) -> float | None:
    """The median diameter of the cells that a network is shown, before any augmentation.

    Args:
        data: the pairs.
        most: of its images, evenly chosen, are looked at.

    Returns:
        Diameter in px of the disk that has the cell's area; None where there is no cell.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from coverslip.training import PairDataset, median_cell_size
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> settings = coverslip.SampleSettings(cell_size_px=12)
        >>> data = PairDataset(pairs[:1], preprocess=coverslip.Preprocess(), settings=settings)
        >>> round(median_cell_size(data))  # each image is resized so
        12
    """
    chosen = range(0, len(data), max(1, len(data) // most))
    found = np.concatenate([cell_sizes(data.whole(index).labels) for index in chosen])
    return float(np.median(found)) if len(found) else None


def random_crop(
    image: NDArray[np.float32],
    maps: NDArray[np.uint8],
    *,
    size: int,
    rng: np.random.Generator,
    tries: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The same random square of image (H, W[, 3]) and maps (K, H, W), reflected where too small.

    Of so many tries the first is taken whose mask, the first map, is not empty; else the last.

    Example:
        >>> import numpy as np
        >>> from coverslip.training import random_crop
        >>> image = np.arange(100, dtype=np.float32).reshape(10, 10)
        >>> maps = (image[None] > 50).astype(np.uint8)
        >>> square, its_maps = random_crop(image, maps, size=4, rng=np.random.default_rng(0))
        >>> square.shape, bool((its_maps[0] == (square > 50)).all())
        ((4, 4), True)
    """
    missing = [max(0, size - length) for length in maps.shape[1:]]
    if any(missing):
        widths = [(0, n) for n in missing]
        maps = np.pad(maps, [(0, 0), *widths], mode="reflect")
        image = np.pad(image, widths + [(0, 0)] * (image.ndim - 2), mode="reflect")
    for _ in range(tries):
        rows, columns = place_crop(maps.shape[1:], size=size, rng=rng)
        if maps[0, rows, columns].any():
            break
    return image[rows, columns], maps[:, rows, columns]


def place_crop(shape: Sequence[int], *, size: int, rng: np.random.Generator) -> tuple[slice, slice]:
    """Rows and columns of a random square within (H, W)."""
    top, left = (int(rng.integers(0, length - size + 1)) for length in shape)
    return slice(top, top + size), slice(left, left + size)


# Beyond it an image with few or odd cells would become a blur, or a speck.
MOST_ZOOM = 4.0


def zoom_to(labels: NDArray[np.int32], size_px: float) -> float:
    """By how much an image must grow for its cells to have a median diameter.

    Args:
        labels: (H, W), 0 is background.
        size_px: the diameter wanted, in px, of the disk that has the cell's area.

    Returns:
        From 1 / `MOST_ZOOM` to `MOST_ZOOM`; 1 where there is no cell.
    """
    sizes = cell_sizes(labels)
    if not len(sizes):
        return 1.0
    return float(np.clip(size_px / np.median(sizes), 1 / MOST_ZOOM, MOST_ZOOM))


def zoomed_shape(shape: tuple[int, ...], zoom: float) -> tuple[int, int]:
    """(H, W) made larger by a factor."""
    height, width = (max(1, round(zoom * length)) for length in shape[:2])
    return height, width


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
        shape = (len(data), len(data.maps) + data.weighted, side, side)
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

"""pairs of files → batches: selection, seeded splits, and the order of the images."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from coverslip.errors import DataError, SettingsError
from coverslip.files import Pair, open_image, read_frame, read_truth
from coverslip.images import resize_image, resize_labels, stretch, to_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from coverslip.images import Preprocess


@dataclass(frozen=True)
class SampleSettings:
    """What a network is shown of each image."""

    size_px: int | None = None  # resize to this square first (the paper: 256 or 512); None: native
    crop_px: int | None = 256  # then cut a random square of this size; None: the whole image


class Draw(NamedTuple):
    """Which pair to show, counted from 0, and the how-manieth draw of the training this is."""

    pair: int
    number: int


class Sample(NamedTuple):
    """One image and its mask, ready for a batch."""

    image: Tensor  # (3, H, W) in [0, 1]
    mask: Tensor  # (1, H, W), 0 or 1
    pair: int  # which of the data set's


class PairDataset(Dataset[Sample]):
    """Image and mask pairs, each read once and then kept in memory up to `cache_bytes`.

    ``dataset[Draw(pair, number)]`` cuts its random square by the seed and the draw's number alone,
    so that the same seed gives the same samples on any number of workers.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        preprocess: Preprocess,
        settings: SampleSettings,
        seed: int = 0,
        cache_bytes: int = 2 << 30,
    ) -> None:
        self.pairs = list(pairs)
        self.preprocess = preprocess
        self.settings = settings
        self.seed = seed
        self.free_bytes = cache_bytes
        self.cache: dict[int, tuple[NDArray[np.float32], NDArray[np.bool_]]] = {}

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.pairs)

    def __getitem__(self, draw: Draw) -> Sample:
        """The drawn image, resized and cut."""
        image, mask = self.whole(draw.pair)
        if self.settings.crop_px is not None:
            rng = np.random.default_rng((self.seed, draw.number))
            image, mask = random_crop(image, mask, size=self.settings.crop_px, rng=rng)
        channels_first = np.ascontiguousarray(to_rgb(image).transpose(2, 0, 1))
        return Sample(
            torch.from_numpy(channels_first),
            torch.from_numpy(mask[None].astype(np.float32)),
            draw.pair,
        )

    def whole(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Image ((H, W) or (H, W, 3) in [0, 1]) and mask (H, W), before any crop."""
        if index in self.cache:
            return self.cache[index]
        image, mask = load_pair(self.pairs[index], self.preprocess, size_px=self.settings.size_px)
        needed = image.nbytes + mask.nbytes
        if needed <= self.free_bytes:
            self.free_bytes -= needed
            self.cache[index] = image, mask
        return image, mask


def load_pair(
    pair: Pair, preprocess: Preprocess, *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read a pair: image in [0, 1], (H, W) or (H, W, 3), and mask (H, W).

    Raises:
        DataError: the mask has another size than the image.
    """
    frame = read_frame(open_image(pair.image))
    labels = read_truth(pair)
    if frame.shape[:2] != labels.shape:
        raise DataError(
            f"{pair.masks[0]}: the mask is {labels.shape[0]} x {labels.shape[1]} pixels, its image "
            f"{pair.image} {frame.shape[0]} x {frame.shape[1]}: export the mask again at the "
            "image's size, or remove the pair."
        )
    image = stretch(
        frame,
        low_percentile=preprocess.low_percentile,
        high_percentile=preprocess.high_percentile,
    )
    if size_px is not None:
        image = resize_image(image, (size_px, size_px))
        labels = resize_labels(labels, (size_px, size_px))
    return image, labels > 0


def random_crop(
    image: NDArray[np.float32],
    mask: NDArray[np.bool_],
    *,
    size: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The same random square of both; what is smaller than the square is reflected first."""
    missing = [max(0, size - length) for length in mask.shape]
    if any(missing):
        widths = [(0, n) for n in missing]
        mask = np.pad(mask, widths, mode="reflect")
        image = np.pad(image, widths + [(0, 0)] * (image.ndim - 2), mode="reflect")
    top, left = (int(rng.integers(0, length - size + 1)) for length in mask.shape)
    window = slice(top, top + size), slice(left, left + size)
    return image[window], mask[window]


def epoch_batches(
    n_images: int,
    *,
    epoch: int,
    steps: int,
    batch: int,
    seed: int,
    weights: Sequence[float] | None = None,
) -> Iterator[list[Draw]]:
    """The draws of one epoch, batch by batch: a pure function of its arguments.

    Without weights the epochs cut one endless stream of shuffled passes over all images, so that
    every image is shown equally often. With weights each draw is independent.
    """
    first = epoch * steps * batch
    numbers = range(first, first + steps * batch)
    if weights is None:
        pairs = [shuffled_index(n_images, number, seed=seed) for number in numbers]
    else:
        p = np.asarray(weights, dtype=float) / np.sum(weights)
        pairs = np.random.default_rng((seed, epoch)).choice(n_images, len(numbers), p=p).tolist()
    draws = [Draw(pair, number) for pair, number in zip(pairs, numbers, strict=True)]
    for start in range(0, len(draws), batch):
        yield draws[start : start + batch]


def shuffled_index(n_images: int, number: int, *, seed: int) -> int:
    """The image at place `number` of an endless stream of shuffled passes."""
    one_pass, place = divmod(number, n_images)
    return int(np.random.default_rng((seed, one_pass)).permutation(n_images)[place])


def split_pairs(
    pairs: Sequence[Pair], *, fraction: float, seed: int, groups: Sequence[str] | None = None
) -> tuple[list[Pair], list[Pair]]:
    """Set a fraction of the pairs aside for validation, group by group: (training, validation).

    Raises:
        DataError: fewer than two pairs.
    """
    if len(pairs) < 2:
        raise DataError(
            f"{len(pairs)} annotated image found where a training needs at least two, one to learn "
            "from and one to validate on: annotate another, or cut this one into two files."
        )
    rng = np.random.default_rng(seed)
    labels = np.array(groups if groups is not None else [""] * len(pairs))
    held_out: set[int] = set()
    for group in sorted(set(labels)):
        members = rng.permutation(np.flatnonzero(labels == group))
        held_out.update(members[: round(fraction * len(members))].tolist())
    if not held_out:
        held_out = {int(rng.integers(len(pairs)))}
    return (
        [pair for i, pair in enumerate(pairs) if i not in held_out],
        [pair for i, pair in enumerate(pairs) if i in held_out],
    )


def fold_pairs(
    pairs: Sequence[Pair], *, fold: int, n_folds: int, seed: int
) -> tuple[list[Pair], list[Pair]]:
    """Cross-validation: (all pairs but those of the fold, the pairs of the fold).

    Raises:
        SettingsError: the fold does not exist, or there are fewer pairs than folds.
    """
    if not 2 <= n_folds <= len(pairs) or not 0 <= fold < n_folds:
        raise SettingsError(
            f"fold {fold} of {n_folds} for {len(pairs)} images: wanted 2 to {len(pairs)} folds, "
            "counted from 0."
        )
    order = np.random.default_rng(seed).permutation(len(pairs))
    inside = set(order[fold::n_folds].tolist())
    return (
        [pair for i, pair in enumerate(pairs) if i not in inside],
        [pair for i, pair in enumerate(pairs) if i in inside],
    )


def select_pairs(pairs: Sequence[Pair], table: Path, *, where: str) -> list[Pair]:
    """Keep the pairs whose row of a CSV table fulfils a condition.

    Args:
        pairs: all pairs.
        table: a CSV with a column `name` holding the pairs' names.
        where: ``"column=value"`` or ``"column!=value"``.

    Raises:
        SettingsError: the condition or the column is not understood.
        DataError: no pair is left.
    """
    rows = read_list(table)
    column, unequal, value = where.partition("!=")
    if not unequal:
        column, equal, value = where.partition("=")
        if not equal:
            raise SettingsError(f"--where {where}: wanted COLUMN=VALUE or COLUMN!=VALUE.")
    if column not in rows:
        raise SettingsError(f"{table}: no column {column!r}; it has {', '.join(rows.columns)}.")
    chosen = rows[column] != value if unequal else rows[column] == value
    names = set(rows.index[chosen])
    kept = [pair for pair in pairs if pair.name in names]
    if not kept:
        raise DataError(f"{table}: no annotated image fulfils {where}: check the names and values.")
    return kept


def read_groups(pairs: Sequence[Pair], table: Path, *, column: str) -> list[str]:
    """Each pair's value in a column of a CSV table.

    Raises:
        SettingsError: no such column, or a pair without a row.
    """
    rows = read_list(table)
    if column not in rows:
        raise SettingsError(f"{table}: no column {column!r}; it has {', '.join(rows.columns)}.")
    missing = [pair.name for pair in pairs if pair.name not in rows.index]
    if missing:
        raise SettingsError(f"{table}: no row for {', '.join(missing[:5])}: add {len(missing)}.")
    return [str(rows.loc[pair.name, column]) for pair in pairs]


def read_list(table: Path) -> pd.DataFrame:
    """A CSV with a column `name`, all values as text, indexed by name."""
    try:
        rows = pd.read_csv(table, dtype=str)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{table}: not readable as CSV ({error}).") from error
    if "name" not in rows:
        raise SettingsError(f"{table}: no column 'name'; it has {', '.join(rows.columns)}.")
    return rows.set_index("name")


def balance_weights(groups: Sequence[str]) -> list[float]:
    """How often to draw each image, so that a rare group is seen more than its share.

    A group of n images is drawn in proportion to √n: between "as often as it occurs" (n) and "as
    often as every other group" (1).
    """
    sizes = Counter(groups)
    return [sizes[group] ** -0.5 for group in groups]


def fingerprint(pairs: Sequence[Pair]) -> str:
    """A hash over the names and bytes of all files of the pairs: the data a training saw."""
    digest = hashlib.sha256()
    for pair in sorted(pairs, key=lambda pair: pair.name):
        for path in (pair.image, *pair.masks):
            digest.update(f"{pair.name}/{path.name}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()

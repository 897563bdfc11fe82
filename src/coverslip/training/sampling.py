"""a seed → which images make which batch."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Draw(NamedTuple):
    """Which pair to show, counted from 0, and the how-manieth draw of the training this is.

    Example:
        >>> from coverslip.training import Draw
        >>> Draw(pair=2, number=17)
        Draw(pair=2, number=17)
    """

    pair: int
    number: int


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

    Example:
        >>> from coverslip.training import epoch_batches
        >>> batches = list(epoch_batches(4, epoch=0, steps=2, batch=2, seed=0))
        >>> sorted(draw.pair for batch in batches for draw in batch)  # each image once
        [0, 1, 2, 3]
        >>> batches == list(epoch_batches(4, epoch=0, steps=2, batch=2, seed=0))
        True
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
    return shuffled_pass(n_images, one_pass, seed=seed)[place]


@lru_cache(maxsize=4)  # one permutation for the whole pass, not one for each image
def shuffled_pass(n_images: int, one_pass: int, *, seed: int) -> tuple[int, ...]:
    """All images once, in the order of one pass of the stream."""
    return tuple(np.random.default_rng((seed, one_pass)).permutation(n_images).tolist())


def balance_weights(groups: Sequence[str]) -> list[float]:
    """How often to draw each image, so that a rare group is seen more than its share.

    A group of n images is drawn in proportion to √n: between "as often as it occurs" (n) and "as
    often as every other group" (1).

    Example:
        >>> from coverslip.training import balance_weights
        >>> balance_weights(["phase", "phase", "phase", "phase", "dic"])
        [0.5, 0.5, 0.5, 0.5, 1.0]
    """
    sizes = Counter(groups)
    return [sizes[group] ** -0.5 for group in groups]

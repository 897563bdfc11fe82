"""Random pairs of labels: a truth, and a prediction with every kind of mistake."""

from __future__ import annotations

import numpy as np


def random_pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A truth of 0 to 14 boxes and ellipses, later ones over earlier ones, and a prediction of it.

    Every predicted cell is the true one as it is, moved, cut in halves, merged with the next, or
    missing; some are invented. The numbers of the prediction are no one's and have gaps.
    """
    rng = np.random.RandomState(seed)  # its numbers are frozen for good, those of Generator are not
    shape = tuple(rng.randint(12, 49, 2))
    truth = np.zeros(shape, np.int32)
    for number in range(1, rng.randint(0, 15)):
        truth[random_shape(rng, shape)] = number
    pred = np.zeros(shape, np.int32)
    numbers = 3 * rng.permutation(60) + 1
    for number in np.unique(truth[truth > 0]):
        spoil(rng, pred, truth == number, numbers[2 * number : 2 * number + 3])
    for number in numbers[40 : 40 + rng.randint(0, 3)]:
        pred[random_shape(rng, shape)] = number
    return truth, pred


def random_shape(rng: np.random.RandomState, shape: tuple[int, int]) -> np.ndarray:
    """A box or an ellipse of 2 to 16 px, somewhere."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    top, left = (rng.randint(0, length - 2) for length in shape)
    height, width = rng.randint(2, 17, 2)
    if rng.rand() < 0.5:
        return (y >= top) & (y < top + height) & (x >= left) & (x < left + width)
    return ((y - top) * 2 / height) ** 2 + ((x - left) * 2 / width) ** 2 <= 1


def spoil(rng: np.random.RandomState, pred: np.ndarray, cell: np.ndarray, numbers) -> None:
    """Write a cell into the prediction, with a mistake or without; the next has numbers[2:]."""
    mistake = rng.choice(["none", "moved", "halves", "merged", "missing"])
    if mistake == "none":
        pred[cell] = numbers[0]
    elif mistake == "moved":
        pred[np.roll(cell, tuple(rng.randint(-3, 4, 2)), axis=(0, 1))] = numbers[0]
    elif mistake == "halves":
        columns = np.flatnonzero(cell.any(axis=0))
        right = np.arange(cell.shape[1]) > columns[(len(columns) - 1) // 2]
        pred[cell & ~right] = numbers[0]
        pred[cell & right] = numbers[1]
    elif mistake == "merged":
        pred[cell] = numbers[2]

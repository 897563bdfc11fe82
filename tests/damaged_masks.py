"""true labels of a film → the same as a segmentation might give them: cells missed, joined, parted.

What a segmentation does wrong it often does for some frames running, so each fault lasts one to
three. All borders are moved by a smooth field, another in each frame, and cells are numbered anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# How long a fault lasts, in frames, and how often.
LASTS, HOW_OFTEN = (1, 2, 3), (0.5, 0.3, 0.2)
# Cells are joined where they lie within so many pixels.
NEAR_PX = 4


@dataclass(frozen=True)
class Damage:
    """Which share of the cells of a frame is damaged, and by how many pixels borders move."""

    missed: float = 0.05
    joined: float = 0.03
    parted: float = 0.03
    border_px: float = 1.0


@dataclass
class _Faults:
    """Of every cell that is damaged, until before which frame."""

    missed: dict[int, int] = field(default_factory=dict)
    joined: dict[tuple[int, int], int] = field(default_factory=dict)
    parted: dict[int, tuple[int, float]] = field(default_factory=dict)


def damage_film(
    frames: Sequence[NDArray[Any]], *, damage: Damage | None = None, seed: int = 0
) -> tuple[list[NDArray[np.int32]], list[set[int]]]:
    """Damage the masks of a film in which every cell has one number in all of its frames.

    Returns:
        The labels, and for each frame the numbers of the cells that were missed.
    """
    damage = damage or Damage()
    rng = np.random.default_rng(seed)
    faults = _Faults()
    damaged, missed = [], []
    for t, labels in enumerate(frames):
        ids = [int(one) for one in np.unique(labels) if one]
        _begin_faults(faults, labels, ids, t, damage, rng)
        gone = {one for one in ids if faults.missed.get(one, 0) > t}
        worse = np.where(np.isin(labels, list(gone)), 0, labels).astype(np.int32)
        for one, (until, at) in faults.parted.items():
            if until > t and one in ids and one not in gone:
                worse[_half(worse == one, at + rng.normal(0, 0.05))] = max(ids) + one
        for (one, other), until in faults.joined.items():
            if until > t:
                worse[worse == other] = one
        damaged.append(_number_anew(_move_borders(worse, damage.border_px, rng), rng))
        missed.append(gone)
    return damaged, missed


def _begin_faults(faults: _Faults, labels: Any, ids: list[int], t: int, damage: Damage, rng: Any):
    """Let new faults begin, so that in the mean the wanted share of cells has each of them."""
    mean = float(np.dot(LASTS, HOW_OFTEN))
    for one in ids:
        if rng.random() < damage.missed / mean:
            faults.missed[one] = t + int(rng.choice(LASTS, p=HOW_OFTEN))
        if rng.random() < damage.parted / mean:
            until = t + int(rng.choice(LASTS, p=HOW_OFTEN))
            faults.parted[one] = until, rng.uniform(-0.5, 0.5)
        if rng.random() < damage.joined / mean:
            near = _neighbours(labels, one)
            if near:
                pair = one, int(rng.choice(near))
                faults.joined[pair] = t + int(rng.choice(LASTS, p=HOW_OFTEN))


def _neighbours(labels: NDArray[Any], one: int) -> list[int]:
    inside = ndimage.binary_dilation(labels == one, iterations=NEAR_PX)
    return [int(other) for other in np.unique(labels[inside]) if other not in (0, one)]


def _half(mask: NDArray[Any], at: float) -> NDArray[Any]:
    """The part of a cell beyond a line across it, so many standard deviations from its middle."""
    where = np.column_stack(np.nonzero(mask)).astype(float)
    half = np.zeros_like(mask)
    if len(where) > 2:
        values, axes = np.linalg.eigh(np.cov(where.T) + 1e-9 * np.eye(2))
        along = (where - where.mean(axis=0)) @ axes[:, 1] * np.sign(axes[0, 1] or 1)
        half[mask] = along > at * np.sqrt(values[1])
    return half


def _move_borders(labels: NDArray[Any], by: float, rng: Any) -> NDArray[Any]:
    if not by:
        return labels
    noise = [ndimage.gaussian_filter(rng.normal(size=labels.shape), 4) for _ in range(2)]
    places = np.indices(labels.shape) + [by * one / one.std() for one in noise]
    moved: NDArray[Any] = ndimage.map_coordinates(labels, places, order=0, mode="nearest")
    return moved


def _number_anew(labels: NDArray[Any], rng: Any) -> NDArray[np.int32]:
    ids, at = np.unique(np.append(0, labels.ravel()), return_inverse=True)
    numbers = np.append(0, rng.permutation(len(ids) - 1) + 1)
    return numbers[at[1:]].reshape(labels.shape).astype(np.int32)

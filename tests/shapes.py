"""Label images of drawn shapes, whose measures are known from geometry."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def disk(radius: float, *, size: int, step: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """A disk in the middle of a square image; `step` is the size of a pixel."""
    y, x = (
        (np.arange(size) - (size - 1) / 2) * step[0],
        (np.arange(size) - (size - 1) / 2) * step[1],
    )
    return (y[:, None] ** 2 + x**2 <= radius**2).astype(np.uint32)


def rectangle(height: int, width: int, *, top: int, left: int) -> np.ndarray:
    """A rectangle in an image of 60 x 80."""
    labels = np.zeros((60, 80), dtype=np.uint32)
    labels[top : top + height, left : left + width] = 1
    return labels


def bar(angle: float) -> np.ndarray:
    """A bar of 60 × 10 through the middle, `angle` counter-clockwise from horizontal."""
    y, x = np.mgrid[50:-51:-1, -50:51]
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    return ((abs(along) <= 30) & (abs(across) <= 5)).astype(np.uint32)


def only_row(table: pd.DataFrame) -> pd.Series:
    """The row of a table that has one."""
    assert len(table) == 1
    return table.iloc[0]


def drawn(text: str) -> np.ndarray:
    """Labels drawn with digits, a row a line, and a point for background."""
    rows = [line.strip() for line in text.strip().splitlines()]
    return np.array([[0 if mark == "." else int(mark) for mark in row] for row in rows])


def patches(seed: int) -> np.ndarray:
    """Cells of random shape, in pieces and with holes, many touching; every third number."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 12, (9, 11)), np.ones((5, 5), dtype=int)) * 3
    labels[rng.random(labels.shape) < 0.2] = 0
    return labels

"""An image drawn for methods without learning: cells of lively texture on a quiet ground."""

from __future__ import annotations

import numpy as np


def cells(n: int, *, size: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """A float32 image in [0, 1] of n squares of 20 x 20 px, 0.5 ± 0.2 on 0.5 ± 0.015; and mask."""
    rng = np.random.default_rng(n)
    truth = np.zeros((size, size), dtype=bool)
    for number in range(n):
        top, left = (8 + 30 * place for place in divmod(number, 3))
        truth[top : top + 20, left : left + 20] = True
    noise = rng.uniform(-1, 1, truth.shape)
    return (0.5 + np.where(truth, 0.2, 0.015) * noise).astype(np.float32), truth

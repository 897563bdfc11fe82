"""Images drawn for tests, and their truth: dark discs on grey, bright squares on black."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def discs(seed: int, *, size: int = 48, n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A uint8 image of n dark discs on a noisy grey ground, and its uint8 labels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.uint8)
    for number in range(1, n + 1):
        cy, cx, r = rng.uniform(6, size - 6), rng.uniform(6, size - 6), rng.uniform(4, 7)
        labels[(y - cy) ** 2 + (x - cx) ** 2 < r * r] = number
    image = np.where(labels > 0, 70, 150) + rng.normal(0, 6, labels.shape)
    return image.clip(0, 255).astype(np.uint8), labels


def squares(n: int, *, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """A uint8 image of n squares of 6 x 6 px, 220 on 20, in rows; and its uint8 labels."""
    per_row = (size - 2) // 8
    labels = np.zeros((size, size), np.uint8)
    for number in range(n):
        top, left = (2 + 8 * place for place in divmod(number, per_row))
        labels[top : top + 6, left : left + 6] = number + 1
    return np.where(labels > 0, 220, 20).astype(np.uint8), labels


def soft_mask() -> np.ndarray:
    """A mask of 0 and 255 with grey edges, as after a JPEG: uint8 (8, 8)."""
    mask = np.full((8, 8), 255, np.uint8)
    mask[0], mask[1, :3] = [0, 3, 20, 60, 100, 140, 200, 250], [7, 9, 11]
    return mask


def save_picture(path: Path, picture: np.ndarray) -> Path:
    """Write a picture as 8 bits, in a folder that is made if it is missing; its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.astype(np.uint8)).save(path)
    return path


def write_dataset(folder: Path, *, n: int = 5, size: int = 48) -> Path:
    """A folder with images/ and labels/ of n drawn pairs."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for number in range(n):
        image, labels = discs(number, size=size)
        Image.fromarray(image).save(folder / "images" / f"d{number}.png")
        Image.fromarray(labels).save(folder / "labels" / f"d{number}.png")
    return folder

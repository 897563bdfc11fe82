"""labels → which number is their background, and what is likely wrong with it.

A background that has a number, an inverted mask, classes in place of cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError
from coverslip.io.label_looks import MOST_CLASSES, PIECE_PX, Counts, Looks, first_frame
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Shares and sizes that tell a background from a cell.
SPECK_PX = 4
RIM = 0.5  # of the rim is background
RIM_OF_TWO = 0.75  # of the rim, where there are but two numbers and neither is 0
TIMES_A_CELL = 5  # as large as the others' median is a background that has a number
ROUND = 0.9  # area over that of the convex hull: of cells, not of the gaps between cells
# What shows plainly that the cells of a mask are its 0, and that these are no gaps in a layer.
MANY_HOLES = 5
PLAINLY_ROUND = 0.92
HOLE_PX = 50  # half of the holes have more; smaller ones are left by a threshold
HOLES_SHARE = 0.01  # of all pixels, at the least


def settle_background(
    labels: NDArray[Any], counts: Counts, n_pieces: int, *, what: str | Path
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Make the background 0, where it plainly is another number, and say so.

    Args:
        labels: (H, W), or with times and depths before it.
        counts: Of them.
        n_pieces: Of equal number in the first picture.
        what: The name of them.

    Returns:
        The labels, and what was decided; nothing where 0 is the background.

    Raises:
        DataError: There is no 0, and either of two numbers may be the background.
    """
    if counts.n_zero == 0:
        number = find_background(labels, counts, n_pieces, what=what)
        note = f"it has no 0; {number}, which most of its rim is, is taken for the background"
        return (np.where(labels == number, 0, labels), (note,)) if number else (labels, ())
    number = find_inverted(labels, counts)
    if number:
        note = (
            f"{number} has the rim and lies around many round pieces of 0: it is taken for the "
            "background, and 0 for the cells. If the 0 are gaps in a layer of cells, number the "
            "cells"
        )
        return np.where(labels == 0, labels.dtype.type(number), 0), (note,)
    number = find_ground(labels, counts)
    if number:
        note = (
            f"{number} has the rim and most of all pixels, and 0 lies in one place, as a cell "
            f"does: {number} is taken for the background, and 0 for a cell, which is now {number}"
        )
        swapped = np.where(labels == 0, labels.dtype.type(number), labels)
        return np.where(labels == number, 0, swapped), (note,)
    return labels, ()


def find_background(
    labels: NDArray[Any], counts: Counts, n_pieces: int, *, what: str | Path
) -> int:
    """The number of the background where there is no 0; 0 where all are cells.

    Raises:
        DataError: Two numbers in several pieces, either of which may be the background.
    """
    if len(counts.numbers) == 1 or min(labels.shape[-2:]) < 3:
        return 0
    number, share, area = _most_of_rim(labels, counts)
    if len(counts.numbers) == 2:
        if share >= RIM_OF_TWO:
            return number
        if n_pieces == 2:  # two cells that fill the picture
            return 0
        one, other = counts.numbers
        raise DataError(
            f"{what}: two numbers, {one} and {other}, and no 0: which of them is the background "
            "cannot be told. Save the mask with 0 for background."
        )
    others = counts.areas[counts.numbers != number]
    is_ground = share >= RIM and area >= TIMES_A_CELL * np.median(others)
    return number if is_ground else 0


def _most_of_rim(labels: NDArray[Any], counts: Counts) -> tuple[int, float, int]:
    """The number that most of the pictures' outermost pixels have, its share of them, its area."""
    sides = (labels[..., 0, :], labels[..., -1, :], labels[..., :, 0], labels[..., :, -1])
    numbers, n_each = np.unique(
        np.concatenate([side.ravel() for side in sides]), return_counts=True
    )
    at = int(n_each.argmax())
    number = int(numbers[at])
    area = counts.n_zero if number == 0 else int(counts.areas[counts.numbers == number][0])
    return number, float(n_each[at] / n_each.sum()), area


def find_inverted(labels: NDArray[Any], counts: Counts) -> int:
    """The number of a mask that plainly is the background, and 0 the cells; 0: there is none.

    One number is all of it but for round holes: it has half of the rim, lies in one piece, is most
    of every frame, and its holes are many, of the size of cells and as round.
    """
    if len(counts.numbers) != 1:
        return 0
    number, share, _ = _most_of_rim(labels, counts)
    frames = labels.reshape(-1, *labels.shape[-2:])
    is_most = all(2 * np.count_nonzero(frame) >= frame.size for frame in frames)
    if number == 0 or share < RIM or not is_most:
        return 0
    frame = next((frame for frame in frames if not frame.all()), None)
    if frame is None:
        return 0
    ground = np.bincount(mask_to_labels(frame > 0).ravel())[1:]
    areas, roundness = _measure_pieces(frame == 0)
    is_plain = (
        ground.max() >= 0.95 * ground.sum()
        and len(areas) >= MANY_HOLES
        and np.median(areas) >= HOLE_PX
        and areas.sum() >= HOLES_SHARE * frame.size
        and np.median(roundness) >= PLAINLY_ROUND
    )
    return number if is_plain else 0


def find_ground(labels: NDArray[Any], counts: Counts) -> int:
    """The number that plainly is the background of labels whose 0 is a cell; 0: there is none.

    As where the background was -1 and was stored without a sign: it has the rim and most of all
    pixels, and in every frame 0 lies in one place, no larger than other cells.
    """
    if len(counts.numbers) <= MANY_HOLES:
        return 0
    number, share, area = _most_of_rim(labels, counts)
    usual = np.median(counts.areas[counts.numbers != number])
    frames = labels.reshape(-1, *labels.shape[-2:])
    is_ground = share >= RIM_OF_TWO and 2 * area >= labels.size and area >= TIMES_A_CELL * usual
    if number == 0 or not is_ground or counts.n_zero > TIMES_A_CELL * usual * len(frames):
        return 0
    for frame in frames:
        pieces = np.bincount(mask_to_labels(frame == 0).ravel())[1:]
        if len(pieces) and pieces.max() < 0.95 * pieces.sum():
            return 0
    return number


def _measure_pieces(mask: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Areas of the pieces of a mask that are no specks; of 100 at the most, how round they are."""
    from skimage.measure import regionprops

    pieces = regionprops(mask_to_labels(mask))  # type: ignore[no-untyped-call]
    large = [piece for piece in pieces if piece.area >= PIECE_PX]
    areas = np.array([piece.area for piece in large])
    return areas, np.array([piece.solidity for piece in large[:100]])


def say_inverted(labels: NDArray[Any], counts: Counts) -> list[str]:
    """Say it where the one thing that is cell surrounds round holes."""
    if len(counts.numbers) != 1:
        return []
    number, share, area = _most_of_rim(labels, counts)
    frame = first_frame(labels)
    if number == 0 or share < RIM or 2 * area < labels.size or frame is None:
        return []
    n_holes = _round_pieces(frame == 0)
    if not n_holes:
        return []
    return [
        f"{number} is {share:.0%} of the rim and surrounds {n_holes} round pieces of 0, as the "
        "background does in a mask where the cells are 0; if it is one, invert it"
    ]


def _round_pieces(holes: NDArray[np.bool_]) -> int:
    """How many pieces there are, if most of them are as round as cells; else 0."""
    areas, roundness = _measure_pieces(holes)
    return len(areas) if len(areas) and np.median(roundness) >= ROUND else 0


def say_ground(labels: NDArray[Any], counts: Counts) -> list[str]:
    """Say it where a number other than 0 has the rim and most of the picture."""
    if len(counts.numbers) < 2 or counts.n_zero == 0:
        return []
    number, share, area = _most_of_rim(labels, counts)
    others = counts.areas[counts.numbers != number]
    is_cell = number == 0 or share < RIM or 2 * area < labels.size
    if is_cell or area < TIMES_A_CELL * np.median(others):
        return []
    return [
        f"{number} is {share:.0%} of the rim and {area / labels.size:.0%} of all pixels, as a "
        "background is, and counts as one cell; if it is the background, make it 0 and give the "
        "cell that is 0 a number"
    ]


def say_empty(labels: NDArray[Any], counts: Counts) -> list[str]:
    """Say it where all is cell."""
    if len(counts.numbers) > 1 or counts.n_zero:
        return []
    return [f"every pixel is {counts.numbers[0]}, so that all of it is one cell"]


def say_classes(looks: Looks, counts: Counts) -> list[str]:
    """Say it where few numbers lie in many places each, as classes do."""
    if not 2 <= len(counts.numbers) <= MOST_CLASSES:
        return []
    numbers, n_each = np.unique(looks.values[looks.areas >= SPECK_PX], return_counts=True)
    kept = np.isin(numbers, counts.numbers)
    numbers, n_each = numbers[kept], n_each[kept]
    if not len(numbers) or np.median(n_each) < 3:
        return []
    examples = ", ".join(f"{number} in {n}" for number, n in zip(numbers[:3], n_each, strict=False))
    return [
        f"its numbers lie in many places each ({examples}), as classes do, and each counts as one "
        "cell; where they are kinds of cells, number the cells instead"
    ]

"""the numbers of a label or mask file → cell labels, or why they are none.

Ground truth, predicted masks and labels that were corrected by hand all come through
`check_labels`: what is plainly a mask is read as one, what can be no labels is refused with its
cure, and what is only likely wrong is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError
from coverslip.io.label_ground import (
    say_classes,
    say_empty,
    say_ground,
    say_inverted,
    settle_background,
)
from coverslip.io.label_looks import (
    PIECE_PX,
    count_numbers,
    count_pieces,
    find_pieces,
    first_frame,
    refuse_others,
)
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class CheckedLabels:
    """Labels that were looked at.

    Attributes:
        labels: Integers of the same shape, 0 for background.
        mask_value: The number that all cells have, where they lie apart and so are a mask; else 0.
        notes: What was decided or is likely wrong, for the user to see.
    """

    labels: NDArray[Any]
    mask_value: int = 0
    notes: tuple[str, ...] = ()

    @property
    def is_mask(self) -> bool:
        """Whether the cells have no numbers of their own."""
        return self.mask_value > 0

    def cells(self) -> NDArray[np.integer[Any]]:
        """A number for each cell: of a mask, its 8-connected pieces, frame by frame."""
        if not self.is_mask:
            return self.labels
        frames = self.labels.reshape(-1, *self.labels.shape[-2:])
        pieces = np.stack([mask_to_labels(frame > 0) for frame in frames])
        return pieces.reshape(self.labels.shape)

    def all_notes(self) -> tuple[str, ...]:
        """The notes for a verb that takes the pieces of a mask for its cells."""
        if not self.is_mask:
            return self.notes
        return (
            *self.notes,
            f"a mask, since all cells are {self.mask_value}; its connected pieces are taken for "
            "the cells",
        )


def check_labels(
    values: NDArray[Any], *, what: str | Path, ignored_from: int | None = None
) -> CheckedLabels:
    """Make labels of the numbers of a file, and refuse what only looks like labels.

    Args:
        values: (H, W), or with times and depths before it.
        what: The name of them, which a message begins with.
        ignored_from: Numbers from this one on are of pixels to be ignored; None: there are none.

    Raises:
        DataError: Fractions, negative numbers, a mask with soft grey edges, a photograph, numbers
            that were averaged by resizing, or two numbers either of which may be the background.

    Example:
        >>> import numpy as np
        >>> mask = np.array([[0, 0, 0, 0, 0], [0, 255, 0, 255, 0], [0, 0, 0, 0, 0]])
        >>> found = check_labels(mask, what="a.png")
        >>> found.mask_value, found.cells()[1].tolist()
        (255, [0, 1, 0, 2, 0])
        >>> check_labels(mask // 255 + 1, what="b.png").notes
        ('it has no 0; 1, which most of its rim is, is taken for the background',)
    """
    labels = as_integers(values, what=what)
    judged = labels if ignored_from is None else np.where(labels >= ignored_from, 0, labels)
    is_known = ignored_from is None or not (labels >= ignored_from).any()
    counts = count_numbers(judged)
    frame = first_frame(judged)
    if frame is None or not counts.numbers.size:
        return CheckedLabels(labels)
    looks = find_pieces(frame)
    refuse_others(frame, looks, counts, what=what)
    notes: tuple[str, ...] = ()
    if is_known:
        labels, notes = settle_background(labels, counts, len(looks.areas), what=what)
        if notes:
            judged, counts = labels, count_numbers(labels)
    if len(counts.numbers) == 1 and count_pieces(judged) > 1:
        value = int(counts.numbers[0])
        return CheckedLabels(labels, value, (*notes, *say_inverted(judged, counts)))
    hints = (say_inverted, say_ground, say_empty)
    said = [note for hint in hints for note in hint(judged, counts)]
    return CheckedLabels(labels, 0, (*notes, *said, *say_classes(looks, counts)))


def as_integers(values: NDArray[Any], *, what: str | Path) -> NDArray[Any]:
    """The numbers as integers from 0 on.

    >>> as_integers(np.array([[0.0, 2.0]]), what="a.tif")
    array([[0, 2]])
    >>> as_integers(np.array([[0.0, 0.5]]), what="a.tif")  # a mask
    array([[0, 1]], dtype=uint8)

    Raises:
        DataError: Fractions, NaN or negative numbers.
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    if values.dtype.kind == "f":
        values = _whole_numbers(values, what=what)
    if values.dtype.kind not in "iu":
        raise DataError(
            f"{what}: values of type {values.dtype}, a mask or integer labels were wanted. "
            "Threshold a probability map first."
        )
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        raise DataError(
            f"{what}: holds the negative number {values.min()}, where cell ids count from 1 and "
            "0 is background. Export the labels again; if it marks pixels that nobody looked at, "
            "give them a number beyond the cells', such as 32768, and train with "
            "--ignored-from 32768."
        )
    return values


def _whole_numbers(values: NDArray[Any], *, what: str | Path) -> NDArray[Any]:
    finite = np.isfinite(values).all()
    if finite and (values == np.rint(values)).all() and np.abs(values).max(initial=0) < 2**62:
        return values.astype(np.int64)
    if finite and values.min() == 0 and ((values == 0) | (values == values.max())).all():
        return (values > 0).astype(np.uint8)
    raise DataError(
        f"{what}: holds fractions or NaN, where every cell should have a whole number; it may "
        "be a probability map. Threshold it first, and save the mask as 8 or 16 bit."
    )


def colours_to_labels(colours: NDArray[Any], *, what: str | Path) -> NDArray[Any]:
    """Number the cells of a colour picture (H, W, 3) by their colours, where it plainly is labels.

    A grey picture stored in colours says everything three times, and stays as it is. Two colours
    are a mask, several are labels where each lies in one place. Black is 0; where there is none,
    `check_labels` finds the background.

    >>> red, black = [255, 0, 0], [0, 0, 0]
    >>> colours_to_labels(np.array([[red, black], [black, black]]), what="a.png").tolist()
    [[1, 0], [0, 0]]

    Raises:
        DataError: A colour picture of another kind.
    """
    if not (colours != colours[..., :1]).any():
        return colours[..., 0]
    parts = colours.astype(np.int64)
    whole = (parts[..., 0] << 40) + (parts[..., 1] << 20) + parts[..., 2]
    numbers, index = np.unique(whole, return_inverse=True)
    labels = index.reshape(whole.shape).astype(np.int32)
    if numbers[0] != 0:
        labels += 1
    if len(numbers) == 2 or _are_solid(labels):
        return labels
    raise DataError(
        f"{what}: a colour picture, where every cell should have a number. Export the labels "
        "as 16-bit ids (in Fiji: Image > Type > 16-bit; in Cellpose: save masks as PNG/TIFF)."
    )


def _are_solid(labels: NDArray[np.int32]) -> bool:
    """Whether every number but 0 lies in one place, or nearly so."""
    looks = find_pieces(labels)
    _, n_each = np.unique(looks.values, return_counts=True)
    return bool(np.median(looks.areas) >= PIECE_PX and n_each.mean() < 1.5)

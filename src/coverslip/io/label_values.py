"""the numbers of a label or mask file → cell labels, or why they are none.

Ground truth, predicted masks and labels that were corrected by hand all come through
`check_labels`: what is plainly a mask is read as one, what can be no labels is refused with its
cure, and what is only likely wrong is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from coverslip.errors import DataError
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Shares and sizes that tell cells from what is none; all were chosen on labels of many sources.
MOST_CLASSES = 32  # fewer numbers may be kinds of tissue, each of which lies in many places
MANY_PIECES = 8  # a cell that was cut by others, or badly resized, has two or three
PIECE_PX = 16  # smaller pieces are specks and no cells
SPECK_PX = 4
SHARE = 0.25  # of a cell's pixels lie in its largest piece, at the least
SMALLEST_PX = 4096  # in a smaller picture chance might do it
RAMP = 0.25  # of the pixels at edges lie between their neighbours, where numbers were averaged
OVERSHOT = 0.2  # of the greatest number; sharp filters ring by less
PLATEAU = 0.5  # of a soft mask's pixels are of nearly its greatest value
RIM = 0.5  # of the rim is background
RIM_OF_TWO = 0.75  # of the rim, where there are but two numbers and neither is 0
TIMES_A_CELL = 5  # as large as the others' median is a background that has a number
ROUND = 0.9  # area over that of the convex hull: of cells, not of the gaps between cells


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
            that were averaged by resizing, or two numbers of which neither is the background.

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
    counts = _count(judged)
    frame = _first_frame(judged)
    if frame is None or not counts.numbers.size:
        return CheckedLabels(labels)
    looks = _look(frame)
    _refuse(frame, looks, counts, what=what)
    notes: list[str] = []
    if is_known and counts.n_zero == 0:
        ground = _find_background(judged, counts, len(looks.areas), what=what)
        if ground:
            labels = judged = np.where(judged == ground, 0, judged)
            notes.append(
                f"it has no 0; {ground}, which most of its rim is, is taken for the background"
            )
            counts = counts.without(ground)
    if len(counts.numbers) == 1 and _n_pieces(judged) > 1:
        value = int(counts.numbers[0])
        return CheckedLabels(labels, value, (*notes, *_say_inverted(judged, counts)))
    hints = (_say_inverted, _say_ground, _say_empty)
    said = [note for hint in hints for note in hint(judged, counts)]
    return CheckedLabels(labels, 0, (*notes, *said, *_say_classes(looks, counts)))


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
    looks = _look(labels)
    _, n_each = np.unique(looks.values, return_counts=True)
    return bool(np.median(looks.areas) >= PIECE_PX and n_each.mean() < 1.5)


class Counts(NamedTuple):
    """How often each number occurs.

    Attributes:
        numbers: All but 0, in order.
        areas: Of each, in px.
        n_zero: Pixels that are 0.
    """

    numbers: NDArray[Any]
    areas: NDArray[np.int64]
    n_zero: int

    def without(self, number: int) -> Counts:
        """One number made background."""
        kept = self.numbers != number
        return Counts(
            self.numbers[kept], self.areas[kept], self.n_zero + int(self.areas[~kept].sum())
        )


def _count(labels: NDArray[Any]) -> Counts:
    if labels.size and labels.max() < 2**22:  # much faster than sorting
        areas = np.bincount(labels.ravel().astype(np.int64, copy=False))
        numbers = np.flatnonzero(areas)
        areas = areas[numbers]
    else:
        numbers, areas = np.unique(labels, return_counts=True)
    is_zero = numbers == 0
    return Counts(numbers[~is_zero], areas[~is_zero], int(areas[is_zero].sum()))


def _first_frame(labels: NDArray[Any]) -> NDArray[Any] | None:
    """The first picture with a number: what a film's numbers are is seen there."""
    if not labels.size:
        return None
    frames = labels.reshape(-1, *labels.shape[-2:])
    return next((frame for frame in frames if frame.any()), None)


class Looks(NamedTuple):
    """The 8-connected pieces of equal number in a picture.

    Attributes:
        areas: Of each piece, in px.
        values: Its number.
    """

    areas: NDArray[np.int64]
    values: NDArray[Any]


def _look(frame: NDArray[Any]) -> Looks:
    from skimage.measure import label  # its import takes longer than all that follows

    pieces, n_pieces = label(  # type: ignore[no-untyped-call]
        frame, connectivity=2, background=0, return_num=True
    )
    values = np.zeros(n_pieces + 1, dtype=frame.dtype)
    values[pieces.ravel()] = frame.ravel()
    return Looks(np.bincount(pieces.ravel(), minlength=n_pieces + 1)[1:], values[1:])


def _refuse(frame: NDArray[Any], looks: Looks, counts: Counts, *, what: str | Path) -> None:
    if len(counts.numbers) < 2:
        return
    # A number that was averaged comes again wherever two cells' edges are alike.
    is_averaged = len(looks.areas) > 1.5 * len(counts.numbers) and _is_averaged(frame)
    if _is_soft(frame, looks, is_averaged=is_averaged):
        raise DataError(
            f"{what}: grey values between 0 and {frame.max()}, as in a mask saved as JPEG or "
            "resized with smoothing; each would count as a cell. Save it as 0/255 PNG or TIFF, "
            "resized with nearest neighbour."
        )
    # Cells that were resized have most of their pixels in large pieces, and a background of 0.
    are_cells = (
        is_averaged
        and looks.areas[looks.areas >= PIECE_PX].sum() > looks.areas.sum() / 2
        and np.count_nonzero(frame == 0) > frame.size / 10
    )
    if not are_cells and _is_scattered(frame, looks):
        raise DataError(
            f"{what}: a photograph and no labels, by its look: most of its numbers lie in many "
            "scattered specks, as grey values do, where every cell should have one number in one "
            "place. Name the label file that belongs to it; coverslip segment makes one."
        )
    if is_averaged:
        raise DataError(
            f"{what}: numbers between those of neighbouring cells along their edges, as labels "
            "have that were resized or turned with smoothing; each would count as a cell. Make "
            "them again from the labels as they were, with nearest neighbour."
        )


def _is_averaged(frame: NDArray[Any]) -> bool:
    """Whether numbers at edges lie between those on either side, as after any smoothing.

    A number that is a cell's own is as likely above both its neighbours, or below. A little above
    or below, numbers lie where the smoothing overshot.
    """
    if min(frame.shape) < 3:
        return False
    little = frame.dtype.type(OVERSHOT * float(frame.max()))
    middle = frame[1:-1, 1:-1]
    is_edge = np.zeros(middle.shape, dtype=bool)
    is_between, is_spike = is_edge.copy(), is_edge.copy()
    sides = ((frame[1:-1, :-2], frame[1:-1, 2:]), (frame[:-2, 1:-1], frame[2:, 1:-1]))
    for one, other in sides:
        low, high = np.minimum(one, other), np.maximum(one, other)
        is_edge |= (low != middle) | (high != middle)
        is_between |= (low < middle) & (middle < high)
        is_spike |= (middle < low) & (low - middle > little)
        is_spike |= (high < middle) & (middle - high > little)
    cells = middle > 0
    edge, between, spike = (
        int(np.count_nonzero(found & cells)) for found in (is_edge, is_between, is_spike)
    )
    return between > RAMP * edge and between > 2 * spike


def _is_soft(frame: NDArray[Any], looks: Looks, *, is_averaged: bool) -> bool:
    """Whether what is no background has nearly the greatest value, but for specks."""
    top = int(frame.max())
    above = np.count_nonzero(frame > 0.1 * top)
    if np.count_nonzero(frame > 0.9 * top) <= PLATEAU * above:
        return False
    is_grey = looks.values <= 0.9 * top
    greys = looks.areas[is_grey]
    if is_averaged or not len(greys):
        return is_averaged
    many = len(greys) > 2 * np.count_nonzero(~is_grey & (looks.areas >= PIECE_PX))
    return bool(many and len(greys) > MANY_PIECES and np.median(greys) < PIECE_PX)


def _is_scattered(frame: NDArray[Any], looks: Looks) -> bool:
    """Tell the grey values of a photograph from the numbers of cells.

    A grey value lies all over a photograph, in specks of a few pixels; where there are nearly as
    many values as pixels, there are nearly as many specks. A cell lies in one place, and however
    crowded, cut or ragged, its largest piece is most of it. In doubt they are cells.
    """
    n_pieces, middle = len(looks.areas), np.median(looks.areas)
    if frame.size < SMALLEST_PX or middle >= PIECE_PX:
        return False
    values, of, n_each = np.unique(looks.values, return_inverse=True, return_counts=True)
    if len(values) <= MOST_CLASSES:
        return bool(len(values) > 4 and n_pieces > MANY_PIECES * len(values))
    largest = np.zeros(len(n_each), dtype=looks.areas.dtype)
    np.maximum.at(largest, of, looks.areas)
    share = np.median(largest / np.bincount(of, weights=looks.areas))
    is_scattered = np.median(n_each) > MANY_PIECES and share < SHARE
    return bool(is_scattered or n_pieces > frame.size / 4)


def _find_background(
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


def _n_pieces(labels: NDArray[Any]) -> int:
    """Of the picture with the most 8-connected pieces, how many it has."""
    frames = labels.reshape(-1, *labels.shape[-2:])
    return max(int(mask_to_labels(frame > 0).max()) for frame in frames)


def _say_inverted(labels: NDArray[Any], counts: Counts) -> list[str]:
    """Say it where the one thing that is cell surrounds round holes."""
    if len(counts.numbers) != 1:
        return []
    number, share, area = _most_of_rim(labels, counts)
    frame = _first_frame(labels)
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
    from skimage.measure import regionprops

    pieces = regionprops(mask_to_labels(holes))  # type: ignore[no-untyped-call]
    large = [piece for piece in pieces if piece.area >= PIECE_PX]
    shapes = [piece.solidity for piece in large[:100]]
    return len(large) if shapes and np.median(shapes) >= ROUND else 0


def _say_ground(labels: NDArray[Any], counts: Counts) -> list[str]:
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


def _say_empty(labels: NDArray[Any], counts: Counts) -> list[str]:
    """Say it where all is cell."""
    if len(counts.numbers) > 1 or counts.n_zero:
        return []
    return [f"every pixel is {counts.numbers[0]}, so that all of it is one cell"]


def _say_classes(looks: Looks, counts: Counts) -> list[str]:
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

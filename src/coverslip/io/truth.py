"""a pair of an image and its ground truth → labels, looked at and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from coverslip.errors import CoverslipError, DataError
from coverslip.io.formats.orientation import NOTES
from coverslip.io.labels import read_checked
from coverslip.io.reading import open_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.io.header import ImageFile
    from coverslip.io.label_values import CheckedLabels
    from coverslip.io.pairing import Pair

LARGEST_ID = np.iinfo(np.int32).max


def read_truth(pair: Pair, *, ignored_from: int | None = None) -> NDArray[np.int32]:
    """Read the mask or the labels of a pair.

    Args:
        pair: From `find_pairs`.
        ignored_from: Numbers from this one on are of pixels to be ignored; None: there are none.

    Returns:
        (H, W): ids as the file has them; 0 and 1 for a mask; 1 to n for one file per cell, where
        the later file wins a pixel that two claim.

    Raises:
        FileError: A file cannot be read, or holds no ids.
        DataError: What only looks like labels, more than one frame, ids beyond 32 bits, or files of
            different sizes.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> labels = coverslip.read_truth(pairs[0])
        >>> labels.ndim, labels.dtype.name, bool(labels.max() > 1)
        (2, 'int32', True)
    """
    return read_noted_truth(pair, ignored_from=ignored_from).labels


class NotedTruth(NamedTuple):
    """The truth of a pair, and what is to be said of its files.

    Attributes:
        labels: (H, W), see `read_truth`.
        notes: Each with its file.
        mask_notes: Those that hold where the pieces of a mask are taken for cells.
    """

    labels: NDArray[np.int32]
    notes: list[tuple[Path, str]]
    mask_notes: list[tuple[Path, str]]


def read_noted_truth(pair: Pair, *, ignored_from: int | None = None) -> NotedTruth:
    """As `read_truth`, with what was decided of each file, for the user to see."""
    if len(pair.masks) == 1:
        path = pair.masks[0]
        found = _flat(path, image=pair.image, ignored_from=ignored_from)
        said = [(path, note) for note in found.all_notes()]
        n_notes = len(found.notes)
        return NotedTruth(_to_int32(path, found), said[:n_notes], said[n_notes:])
    cells = [(path, _flat(path)) for path in pair.masks]
    truth = np.zeros(cells[0][1].labels.shape, np.int32)
    for number, (path, cell) in enumerate(cells, start=1):
        if cell.labels.shape != truth.shape:
            raise DataError(
                f"{path}: {_size(cell.labels.shape)} pixels, where {pair.masks[0]} has "
                f"{_size(truth.shape)}. Export the masks of one image at one size."
            )
        truth[cell.labels > 0] = number
    return NotedTruth(truth, [(path, note) for path, cell in cells for note in cell.notes], [])


def _to_int32(path: Path, found: CheckedLabels) -> NDArray[np.int32]:
    labels, largest = found.labels, int(found.labels.max())
    # One number alone is a mask, also where that has one piece.
    is_mask = found.is_mask or (largest == 255 and np.isin(labels, (0, 255)).all())
    if is_mask and (labels[labels > 0] == largest).all():
        return (labels > 0).astype(np.int32)
    if largest > LARGEST_ID:
        raise DataError(
            f"{path}: the id {largest} is beyond {LARGEST_ID}. Number the cells from 1 on."
        )
    return labels.astype(np.int32)


def _flat(
    path: Path, *, image: Path | None = None, ignored_from: int | None = None
) -> CheckedLabels:
    found = read_checked(path, image=image, ignored_from=ignored_from)
    if found.labels.ndim != 2:
        raise DataError(
            f"{path}: {len(found.labels)} frames, where the mask of one picture is wanted. "
            "Save the frames of image and mask as single files."
        )
    return found


def check_pairs(
    pairs: Sequence[Pair],
    *,
    ignored_from: int | None = None,
    on_note: Callable[[Path, str], None] = lambda path, text: None,
) -> list[str]:
    """Look through a data set before a training starts.

    Args:
        pairs: From `find_pairs`.
        ignored_from: As for `read_truth`.
        on_note: Called with a file and what was decided of it, or is likely wrong with it.

    Returns:
        One line per problem, with the file and the cure: a file that cannot be read, a series in
        place of a picture, a mask of another size, without a cell, or that only looks like one.
        Empty where all is well.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> coverslip.check_pairs(pairs)
        []
    """
    return [
        line for pair in pairs for line in _problems(pair, ignored_from=ignored_from, tell=on_note)
    ]


def _problems(
    pair: Pair, *, ignored_from: int | None, tell: Callable[[Path, str], None]
) -> list[str]:
    lines = []
    image = None
    try:
        image = open_reading(pair.image, pair.reading)
        for note in image.notes:
            tell(pair.image, note)
        if image.n_frames > 1:
            lines.append(
                f"{pair.image}: {image.n_frames} frames, where a pair has one picture. "
                "Save the frames of image and mask as single files"
                f"{', or name a projection, such as --project max' if 'Z' in image.axes else ''}."
            )
    except CoverslipError as error:
        lines.append(str(error))
    try:
        truth = read_noted_truth(pair, ignored_from=ignored_from)
        for path, note in truth.notes + truth.mask_notes:
            tell(path, note)
        lines += _truth_problems(pair, truth.labels, image)
    except CoverslipError as error:
        lines.append(str(error))
    return lines


def _truth_problems(pair: Pair, truth: NDArray[np.int32], image: ImageFile | None) -> Iterator[str]:
    where = pair.masks[0] if len(pair.masks) == 1 else pair.masks[0].parent
    if image is not None and truth.shape != image.frame_shape:
        yield say_sizes(pair, truth.shape, image)
    if not truth.any():
        yield (
            f"{where}: no cell in the mask of {pair.image.name}. If the image truly has none, "
            "move the pair out of the training data; if not, export the mask again."
        )


def say_sizes(pair: Pair, shape: tuple[int, ...], image: ImageFile) -> str:
    """What is wrong with a mask of another size than its image's; the cause, where it shows."""
    where = pair.masks[0] if len(pair.masks) == 1 else pair.masks[0].parent
    turned = [note for note in image.notes if note in NOTES]
    cause = ""
    if turned and shape == image.frame_shape[::-1]:
        cause = (
            f" The image is read as it is seen ({turned[0]}), and the mask was drawn on it as it "
            "is stored: turn the mask likewise, or save the image without the tag."
        )
    return (
        f"{where}: the mask is {_size(shape)} pixels, its image {pair.image} "
        f"{_size(image.frame_shape)}. Export the mask again at the image's size, or remove the "
        f"pair.{cause}"
    )


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(str(length) for length in shape)

"""pair → truth, and what is wrong with the pairs of a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip.errors import CoverslipError, DataError
from coverslip.files.labels import read_labels
from coverslip.files.pairs import Pair
from coverslip.files.read import open_image

LARGEST_ID = np.iinfo(np.int32).max


def read_truth(pair: Pair) -> NDArray[np.int32]:
    """Read the mask or the labels of a pair.

    Args:
        pair: From `find_pairs`.

    Returns:
        (H, W): ids as the file has them; 0 and 1 for a mask of 0 and 255; 1 to n for one file per
        cell, where the later file wins a pixel that two claim.

    Raises:
        FileError: A file cannot be read, or holds no ids.
        DataError: More than one frame, ids beyond 32 bits, or files of different sizes.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> labels = coverslip.read_truth(pairs[0])
        >>> labels.ndim, labels.dtype.name, bool(labels.max() > 1)
        (2, 'int32', True)
    """
    if len(pair.masks) == 1:
        return _one_file(pair.masks[0])
    first = _flat(pair.masks[0])
    truth = np.zeros(first.shape, np.int32)
    for number, path in enumerate(pair.masks, start=1):
        cell = _flat(path)
        if cell.shape != truth.shape:
            raise DataError(
                f"{path}: {_size(cell.shape)} pixels, where {pair.masks[0]} has "
                f"{_size(truth.shape)}. Export the masks of one image at one size."
            )
        truth[cell > 0] = number
    return truth


def _one_file(path: Path) -> NDArray[np.int32]:
    labels = _flat(path)
    largest = int(labels.max())
    if largest > LARGEST_ID:
        raise DataError(
            f"{path}: the id {largest} is beyond {LARGEST_ID}. Number the cells from 1 on."
        )
    if largest == 255 and np.isin(labels, (0, 255)).all():
        return (labels > 0).astype(np.int32)
    return labels.astype(np.int32)


def _flat(path: Path) -> NDArray[Any]:
    labels = read_labels(path)
    if labels.ndim != 2:
        raise DataError(
            f"{path}: {len(labels)} frames, where the mask of one picture is wanted. "
            "Save the frames of image and mask as single files."
        )
    return labels


def check_pairs(pairs: Sequence[Pair]) -> list[str]:
    """Look through a data set before a training starts.

    Args:
        pairs: From `find_pairs`.

    Returns:
        One line per problem, with the file and the cure: a file that cannot be read, a series in
        place of a picture, a mask of another size or without a cell. Empty where all is well.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> coverslip.check_pairs(pairs)
        []
    """
    return [line for pair in pairs for line in _problems(pair)]


def _problems(pair: Pair) -> list[str]:
    lines = []
    shape = None
    try:
        image = open_image(pair.image)
        shape = image.frame_shape
        if image.n_frames > 1:
            lines.append(
                f"{pair.image}: {image.n_frames} frames, where a pair has one picture. "
                "Save the frames of image and mask as single files."
            )
    except CoverslipError as error:
        lines.append(str(error))
    try:
        lines += _truth_problems(pair, shape)
    except CoverslipError as error:
        lines.append(str(error))
    return lines


def _truth_problems(pair: Pair, shape: tuple[int, int] | None) -> list[str]:
    truth = read_truth(pair)
    where = pair.masks[0] if len(pair.masks) == 1 else pair.masks[0].parent
    lines = []
    if shape is not None and truth.shape != shape:
        lines.append(
            f"{where}: the mask is {_size(truth.shape)} pixels, its image {pair.image} "
            f"{_size(shape)}. Export the mask again at the image's size, or remove the pair."
        )
    if not truth.any():
        lines.append(
            f"{where}: no cell in the mask of {pair.image.name}. If the image truly has none, "
            "move the pair out of the training data; if not, export the mask again."
        )
    return lines


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(str(length) for length in shape)

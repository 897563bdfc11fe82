"""a pair of files → image and mask or labels, as a network is shown them.

Ground truth is read as labels of instances, or as a mask.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError
from coverslip.io import (
    find_channel,
    open_reading,
    read_frame,
    read_noted_truth,
    say_sizes,
)
from coverslip.preprocessing import resize_image, resize_labels, stretch
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.io import Pair
    from coverslip.preprocessing import Preprocess


def load_pair(
    pair: Pair, preprocess: Preprocess, *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read a pair as a network is shown it: image in [0, 1], (H, W) or (H, W, 3), and mask (H, W).

    Raises:
        DataError: the mask has another size than the image.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> image, mask = coverslip.load_pair(pairs[0], coverslip.Preprocess(), size_px=128)
        >>> image.shape, mask.shape, mask.dtype.name
        ((128, 128), (128, 128), 'bool')
    """
    image, labels = load_labelled(pair, preprocess, size_px=size_px)
    return image, labels > 0


def load_labelled(
    pair: Pair,
    preprocess: Preprocess,
    *,
    size_px: int | None,
    ignored_from: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """As `load_pair`, with the labels (H, W) of the cells in place of their mask.

    A truth that calls all cells by one number is a mask: its pieces count as cells, but for those
    pixels whose numbers from `ignored_from` on say that they are to be ignored.

    Raises:
        DataError: the labels have another size than the image, or only look like labels.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from coverslip.training import load_labelled
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> image, labels = load_labelled(pairs[0], coverslip.Preprocess(), size_px=128)
        >>> image.shape, labels.dtype.name
        ((128, 128), 'int32')
    """
    stretched = partial(
        stretch,
        low_percentile=preprocess.low_percentile,
        high_percentile=preprocess.high_percentile,
    )
    image, labels = prepare_labelled(pair, stretched, size_px=size_px, ignored_from=ignored_from)
    cells = (labels > 0) if ignored_from is None else (labels > 0) & (labels < ignored_from)
    if cells.any() and labels[cells].max() == labels[cells].min():
        labels = np.where(cells, mask_to_labels(cells), labels).astype(np.int32)
    return image, labels


def prepare_pair(
    pair: Pair, prepare: Callable[[NDArray[Any]], NDArray[np.float32]], *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read a pair: the image as `prepare` makes it, of its own size or resized, and mask (H, W).

    Raises:
        DataError: the mask has another size than the image.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> image, mask = coverslip.prepare_pair(pairs[0], lambda frame: frame / 255, size_px=None)
        >>> image.shape[:2] == mask.shape
        True
    """
    image, labels = prepare_labelled(pair, prepare, size_px=size_px)
    return image, labels > 0


def prepare_labelled(
    pair: Pair,
    prepare: Callable[[NDArray[Any]], NDArray[np.float32]],
    *,
    size_px: int | None,
    ignored_from: int | None = None,
    on_note: Callable[[Path, str], None] = lambda path, text: None,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """As `prepare_pair`, with the labels (H, W) in place of the mask.

    Args:
        pair: the files.
        prepare: a frame → the image.
        size_px: of the square that both are resized to; None: the image's own size.
        ignored_from: as for `coverslip.io.read_truth`.
        on_note: called with a file and what was decided of it.

    Raises:
        DataError: the labels have another size than the image, or only look like labels.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from coverslip.training import prepare_labelled
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> image, labels = prepare_labelled(pairs[0], lambda frame: frame / 255, size_px=None)
        >>> image.shape[:2] == labels.shape
        True
    """
    file = open_reading(pair.image, pair.reading)
    channel = find_channel(file, pair.reading)
    frame = read_frame(file, channel=channel, tell=lambda text: on_note(pair.image, text))
    labels, notes, _ = read_noted_truth(pair, ignored_from=ignored_from)
    for path, note in [*((pair.image, note) for note in file.notes), *notes]:
        on_note(path, note)
    if frame.shape[:2] != labels.shape:
        raise DataError(say_sizes(pair, labels.shape, file))
    image = prepare(frame)
    if size_px is not None:
        image = resize_image(image, (size_px, size_px))
        labels = resize_labels(labels, (size_px, size_px))
    return image, labels

"""a pair of files → image and mask or labels, as a network is shown them.

Ground truth is read as labels of instances, or as a mask.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError
from coverslip.io import open_image, read_frame, read_truth
from coverslip.preprocessing import resize_image, resize_labels, stretch
from coverslip.segmentation import mask_to_labels

if TYPE_CHECKING:
    from collections.abc import Callable

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
    pair: Pair, preprocess: Preprocess, *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """As `load_pair`, with the labels (H, W) of the cells in place of their mask.

    A truth that calls all cells by one number is a mask: its pieces count as cells.

    Raises:
        DataError: the labels have another size than the image.

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
    image, labels = prepare_labelled(pair, stretched, size_px=size_px)
    if labels.any() and labels.max() == labels[labels > 0].min():
        labels = mask_to_labels(labels > 0).astype(np.int32)
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
    pair: Pair, prepare: Callable[[NDArray[Any]], NDArray[np.float32]], *, size_px: int | None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """As `prepare_pair`, with the labels (H, W) in place of the mask.

    Raises:
        DataError: the labels have another size than the image.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from coverslip.training import prepare_labelled
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> image, labels = prepare_labelled(pairs[0], lambda frame: frame / 255, size_px=None)
        >>> image.shape[:2] == labels.shape
        True
    """
    frame = read_frame(open_image(pair.image))
    labels = read_truth(pair)
    if frame.shape[:2] != labels.shape:
        raise DataError(
            f"{pair.masks[0]}: the mask is {labels.shape[0]} x {labels.shape[1]} pixels, its image "
            f"{pair.image} {frame.shape[0]} x {frame.shape[1]}: export the mask again at the "
            "image's size, or remove the pair."
        )
    image = prepare(frame)
    if size_px is not None:
        image = resize_image(image, (size_px, size_px))
        labels = resize_labels(labels, (size_px, size_px))
    return image, labels

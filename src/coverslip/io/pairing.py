"""a folder of annotated images → pairs of an image and its ground truth, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from coverslip.errors import CoverslipError, DataError, FileError
from coverslip.io.annotations.readers import find_annotations, is_annotation
from coverslip.io.discovery import (
    MASK_FOLDERS,
    group_by,
    images_in,
    mask_stem,
    natural,
    stem,
    without_images,
)
from coverslip.io.formats.orientation import NOTES
from coverslip.io.labels import read_checked
from coverslip.io.reading import Reading, open_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from coverslip.io.header import ImageFile
    from coverslip.io.label_values import CheckedLabels


@dataclass(frozen=True)
class Pair:
    """An image and its truth.

    Attributes:
        name: What they have in common.
        image: The image file.
        masks: One file of a mask or of labels, or one file per cell.
        reading: Which picture of the image's file is meant.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> pairs[0].name, pairs[0].image.name, [mask.name for mask in pairs[0].masks]
        ('fluorescence_culture', 'fluorescence_culture.png', ['fluorescence_culture.png'])
    """

    name: str
    image: Path
    masks: tuple[Path, ...]
    reading: Reading = field(default_factory=Reading)


def find_pairs(
    images: str | Path, masks: str | Path | None = None, *, reading: Reading | None = None
) -> list[Pair]:
    """Find images and the masks that belong to them.

    Args:
        images: One of

            - a folder of images, with `masks` given,
            - a folder that holds ``images/`` and ``labels/`` or ``masks/``,
            - a folder in the layout of the Data Science Bowl 2018, one file per cell:
              ``<name>/images/*.png`` and ``<name>/masks/*.png``,
            - a folder with masks beside the images: ``name.tif`` and ``name_mask.tif`` (or
              ``_masks``, ``_labels``, ``_cp_masks``, ``_seg``; any image suffix), or annotations
              of another tool: ``name_seg.npy``, ``name.json``, ``name.geojson``, ``name_rois.zip``,
            - a data set of the Cell Tracking Challenge: ``01/t000.tif`` and
              ``01_GT/SEG/man_seg000.tif``; frames without a mask are left out.
        masks: A folder of masks with the names of the images, or with one of those endings; or
            COCO's JSON, which names its images.
        reading: Which channel, depth and axes of the images are meant; None: as the files say.

    Returns:
        The pairs in natural order of their names.

    Raises:
        FileError: A folder is not there.
        DataError: Missing partners, several files of one name, or no pair at all; all at once.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> len(pairs), pairs[0].name
        (5, 'fluorescence_culture')
    """
    images, masks = Path(images), None if masks is None else Path(masks)
    for folder in (images, masks):
        if folder is not None and not folder.is_dir() and not _is_file(folder, masks):
            raise FileError(f"{folder}: no such folder. Check its path.")
    pairs, problems = _by_layout(images, masks)
    if problems:
        lines = "".join(f"\n  {line}" for line in problems)
        raise DataError(f"{images}: images and masks do not fit together:{lines}")
    if not pairs:
        raise DataError(
            f"{images}: no pair of an image and its mask. Wanted are {images / 'images'} and "
            f"{images / 'labels'} with the same file names, or name.tif beside name_mask.tif; "
            "masks that lie elsewhere are named by --masks FOLDER."
        )
    pairs.sort(key=lambda pair: natural(Path(pair.name)))
    return pairs if reading is None else [replace(pair, reading=reading) for pair in pairs]


def _is_file(path: Path, masks: Path | None) -> bool:
    """Whether a path is an annotation file given for the masks."""
    return path == masks and path.is_file() and is_annotation(path)


def _by_layout(images: Path, masks: Path | None) -> tuple[list[Pair], list[str]]:
    if masks is not None:
        return _two_folders(images, masks)
    inner = [images / name for name in MASK_FOLDERS if (images / name).is_dir()]
    if (images / "images").is_dir() and inner:
        if len(inner) > 1:
            return [], [f"{inner[0]} and {inner[1]} are both there. Name the one you mean."]
        return _two_folders(images / "images", inner[0])
    entries = sorted((path for path in images.iterdir() if path.is_dir()), key=natural)
    bowl = [entry for entry in entries if (entry / "images").is_dir()]
    if bowl:
        return _bowl(bowl)
    sequences = [entry for entry in entries if _ctc_masks(entry) is not None]
    return _ctc(sequences) if sequences else _side_by_side(images)


def _two_folders(images: Path, masks: Path) -> tuple[list[Pair], list[str]]:
    if images.resolve() == masks.resolve():
        return _side_by_side(images)
    pictures = images_in(images)
    names = {stem(path) for path in pictures}
    labels: dict[str, list[Path]] = {}
    files = images_in(masks) if masks.is_dir() else []
    for path in [*files, *without_images(find_annotations(masks), files)]:
        # A mask may have the very name of an image that itself ends in "_mask".
        name = stem(path) if stem(path) in names else mask_stem(path)
        labels.setdefault(name, []).append(path)
    return _match(group_by(pictures, key=stem), labels, where=str(masks))


def _side_by_side(folder: Path) -> tuple[list[Pair], list[str]]:
    files = images_in(folder)
    masks = [path for path in files if mask_stem(path) != stem(path)]
    drawn = without_images(find_annotations(folder), masks)
    labels = group_by([*masks, *drawn], key=mask_stem)
    pictures = [path for path in files if mask_stem(path) == stem(path)]
    if not labels:
        return [], []
    return _match(
        group_by(pictures, key=stem), labels, where=f"{folder}, ending in _mask or the like"
    )


def _match(
    pictures: dict[str, list[Path]], labels: dict[str, list[Path]], *, where: str
) -> tuple[list[Pair], list[str]]:
    problems = [*_doubles(pictures, "image"), *_doubles(labels, "mask")]
    for name, files in pictures.items():
        if name not in labels:
            problems.append(
                f"{files[0]}: no mask of the name {name} in {where}. "
                "Add it, or move the image away."
            )
    for name, files in labels.items():
        if name not in pictures:
            problems.append(
                f"{files[0]}: no image of the name {name}. Add it, or move the mask away."
            )
    both = [name for name in pictures if name in labels]
    return [Pair(name, pictures[name][0], (labels[name][0],)) for name in both], problems


def _doubles(groups: dict[str, list[Path]], what: str) -> list[str]:
    return [
        f"{files[0]}: another {what} has the same name: "
        f"{', '.join(path.name for path in files[1:])}. Keep one, or rename."
        for files in groups.values()
        if len(files) > 1
    ]


def _bowl(entries: Sequence[Path]) -> tuple[list[Pair], list[str]]:
    """One folder per image, in it `images/` with one file and `masks/` with one file per cell."""
    pairs, problems = [], []
    for entry in entries:
        pictures = images_in(entry / "images")
        masks = images_in(entry / "masks") if (entry / "masks").is_dir() else []
        if len(pictures) != 1:
            problems.append(
                f"{entry / 'images'}: {len(pictures)} images, where one is wanted. "
                "Keep the one that the masks belong to."
            )
        elif not masks:
            problems.append(
                f"{pictures[0]}: no mask in {entry / 'masks'}. Add them, or move {entry} away."
            )
        else:
            pairs.append(Pair(entry.name, pictures[0], tuple(masks)))
    return pairs, problems


def _ctc_masks(sequence: Path) -> Path | None:
    """The masks of a sequence of the Cell Tracking Challenge: drawn by people, or else computed."""
    if not re.fullmatch(r"\d\d", sequence.name):
        return None
    folders = [sequence.with_name(f"{sequence.name}_{kind}") / "SEG" for kind in ("GT", "ST")]
    return next((folder for folder in folders if folder.is_dir()), None)


def _ctc(sequences: Sequence[Path]) -> tuple[list[Pair], list[str]]:
    """Not every frame has a mask there, so what is wanted is an image for each mask."""
    pairs, problems = [], []
    for sequence in sequences:
        pictures = group_by(images_in(sequence), key=stem)
        for mask in images_in(_ctc_masks(sequence) or sequence):
            found = pictures.get(mask_stem(mask), [])
            if len(found) == 1:
                pairs.append(Pair(f"{sequence.name}_{stem(found[0])}", found[0], (mask,)))
            else:
                problems.append(
                    f"{mask}: {len(found)} images t{mask.stem[-3:]} in {sequence}, where one is "
                    "wanted. The mask of a single depth, as man_seg_000_007, is not read."
                )
    return pairs, problems


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

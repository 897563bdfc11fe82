"""a folder of labels, and one of images → label files with their images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coverslip.errors import DataError, list_problems
from coverslip.files import (
    find_images,
    group_label_files,
    is_one_image,
    pair_images,
    say_ambiguous,
)

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class LabelFile:
    """A label file, and the image that it belongs to.

    Attributes:
        labels: label or mask file of a tool or a person.
        image: the image; None where brightness is not measured.
    """

    labels: Path
    image: Path | None


@dataclass(frozen=True)
class LabelFiles:
    """What was found in two folders.

    Attributes:
        files: in natural order of the labels.
        without_labels: images that no label file asks for; the user should be told so.
    """

    files: tuple[LabelFile, ...]
    without_labels: tuple[Path, ...] = ()


def match_labels(labels: Path, images: Path | None) -> LabelFiles:
    """Find label files and the image of each, by name as `coverslip evaluate` does.

    `a_labels.tif`, `a_cp_masks.png` and `a.tif` are labels of `a.png`; of several images `a`,
    `a_png_labels.tif` names the one. A folder's subfolder `labels` or `masks` is taken in its
    place. A label file and an image file belong together whatever their names.

    Raises:
        FileError: a folder or file is not there, or has no image in it.
        DataError: labels without an image, or several files of one name; all listed at once.
    """
    found = _one_of_each_name(labels)
    if images is None:
        return LabelFiles(tuple(LabelFile(path, None) for path in found.values()))
    if is_one_image(labels) and is_one_image(images):
        return LabelFiles((LabelFile(labels, images),))
    paths = find_images([images])
    pairs = pair_images(found, paths, where=images, option="IMAGES")
    files = tuple(LabelFile(path, pairs[name]) for name, path in found.items())
    used = {file.image for file in files} | {file.labels for file in files}
    return LabelFiles(files, tuple(path for path in paths if path not in used))


def _one_of_each_name(source: Path) -> dict[str, Path]:
    by_name = group_label_files(source)
    problems = [say_ambiguous(paths) for paths in by_name.values() if len(paths) > 1]
    if problems:
        raise DataError(list_problems(problems, cure="Keep one label file of each name"))
    return {name: paths[0] for name, paths in by_name.items()}

"""a folder of labels, and one of images → label files with their images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coverslip.errors import DataError
from coverslip.evaluate.matching import BY_PRODUCTS, SUFFIXES, list_problems
from coverslip.files import find_images, stem

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
    found = _label_files(labels)
    if images is None:
        return LabelFiles(tuple(LabelFile(path, None) for path in found.values()))
    if labels.is_file() and images.is_file():
        return LabelFiles((LabelFile(labels, images),))
    by_name = _images_by_name(images)
    problems = [
        f"{path}: no image named {name} in {images}."
        if name not in by_name
        else f"{path}: several images of its name ({', '.join(i.name for i in by_name[name])})."
        for name, path in found.items()
        if len(by_name.get(name, ())) != 1
    ]
    if problems:
        cure = "Give every label file one image of the same name, or leave IMAGES out"
        raise DataError(list_problems(problems, cure=cure))
    files = tuple(LabelFile(path, by_name[name][0]) for name, path in found.items())
    used = {file.image for file in files} | {file.labels for file in files}
    others = (path for paths in by_name.values() for path in paths if path not in used)
    return LabelFiles(files, tuple(dict.fromkeys(others)))


def _label_files(source: Path) -> dict[str, Path]:
    """Label files by the name of their image; one with a mask's ending beats one without."""
    if source.is_file():
        return {_name(source): source}
    inner = [source / sub for sub in ("labels", "masks") if (source / sub).is_dir()]
    by_name: dict[str, list[Path]] = {}
    for path in find_images([inner[0] if inner else source]):
        if not stem(path).endswith(BY_PRODUCTS):
            by_name.setdefault(_name(path), []).append(path)
    chosen = {
        name: [path for path in paths if stem(path) != name] or paths
        for name, paths in by_name.items()
    }
    problems = [
        f"{paths[0]}: other files of this name beside it ({', '.join(p.name for p in paths[1:])})."
        for paths in chosen.values()
        if len(paths) > 1
    ]
    if problems:
        raise DataError(list_problems(problems, cure="Keep one label file of each name"))
    return {name: paths[0] for name, paths in chosen.items()}


def _images_by_name(source: Path) -> dict[str, list[Path]]:
    by_name: dict[str, list[Path]] = {}
    for path in find_images([source]):
        for name in (stem(path), f"{stem(path)}_{path.suffix.removeprefix('.')}"):
            by_name.setdefault(name, []).append(path)
    return by_name


def _name(path: Path) -> str:
    """A label file's stem without what tools append; a stem that is nothing else stays."""
    whole = stem(path)
    for suffix in SUFFIXES:
        if whole.lower().endswith(suffix) and len(whole) > len(suffix):
            return whole[: -len(suffix)]
    return whole

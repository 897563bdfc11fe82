"""label files → the images, or other label files, that have their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.errors import DataError, list_problems
from coverslip.files.find import find_images, group_by, is_one_image, stem
from coverslip.files.names import BY_PRODUCTS, KEPT, LABEL_SUFFIXES, MASK_FOLDERS, mask_stem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def label_name(path: Path) -> str:
    """A label file's name without what tools append, to compare it with another's: a_gt.png → a."""
    return mask_stem(path, suffixes=LABEL_SUFFIXES)


def label_files_in(source: Path) -> list[Path]:
    """List what may be label files.

    Args:
        source: A file or Zarr, taken whatever it is called, or a folder: all its images but the
            overlays and maps of this package; a folder `labels` or `masks` in it is taken in its
            place.

    Raises:
        FileError: It is not there, or has no image in it.
    """
    if is_one_image(source):
        return [source]
    inner = [source / name for name in MASK_FOLDERS if (source / name).is_dir()]
    found = find_images([inner[0] if inner else source])
    return [
        path
        for path in found
        if not stem(path).endswith(BY_PRODUCTS) and not KEPT.search(stem(path))
    ]


def group_label_files(source: Path) -> dict[str, list[Path]]:
    """The label files of a source by `label_name`; one with a mask's ending beats one without.

    Raises:
        FileError: The source is not there, or has no image in it.
    """
    by_name = group_by(label_files_in(source), key=label_name)
    return {
        name: [path for path in paths if stem(path) != name] or paths
        for name, paths in by_name.items()
    }


def say_ambiguous(files: Sequence[Path]) -> str:
    """What is wrong with several label files of one name."""
    others = ", ".join(file.name for file in files[1:])
    return f"{files[0]}: other files of this name beside it ({others})."


def pair_images(
    labels: Mapping[str, Path], images: Sequence[Path], *, where: str | Path, option: str
) -> dict[str, Path]:
    """Find the image of every label file, by name.

    Args:
        labels: Label files by the names of their images.
        images: The image files.
        where: What they were found in, to be said.
        option: Without which there would be no images, to be said.

    Returns:
        The images by the same names.

    Raises:
        DataError: Label files without an image, or with several; all are listed at once.
    """
    by_stem, by_type = (group_by(images, key=key) for key in (stem, _stem_and_type))
    found = {name: by_stem.get(name) or by_type.get(name, []) for name in labels}
    problems = [
        f"{labels[name]}: several images of its name ({', '.join(path.name for path in paths)})."
        if paths
        else f"{labels[name]}: no image named {name} in {where}."
        for name, paths in found.items()
        if len(paths) != 1
    ]
    if problems:
        cure = f"Give every label file one image of the same name, or leave {option} out"
        raise DataError(list_problems(problems, cure=cure))
    return {name: paths[0] for name, paths in found.items()}


def _stem_and_type(path: Path) -> str:
    """What coverslip segment calls an image where two share a stem: a_png, a_tif."""
    return f"{stem(path)}_{path.suffix.removeprefix('.')}"

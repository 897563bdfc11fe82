"""files, folders and patterns → image files; label files by their images' names."""

from __future__ import annotations

import difflib
import glob
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.errors import DataError, FileError, list_problems
from coverslip.io.atomic import read_error
from coverslip.io.formats.guard import ZIPPED, is_zarr, split_series
from coverslip.io.formats.ome_set import once_each
from coverslip.io.read import list_series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MASK_FOLDERS = ("labels", "masks")

# What tools append to an image's name when they write its mask.
MASK_SUFFIXES = ("_cp_masks", "_labels", "_masks", "_mask", "_seg")

# Where two files are compared by name, either may say which of the two it is.
LABEL_SUFFIXES = (*MASK_SUFFIXES, "_label", "_prediction", "_pred", "_truth", "_gt")

# What lies beside the labels that this package writes, and is no mask.
BY_PRODUCTS = ("_overlay", "_probs", "_uncertainty")

# How the name of a file ends that this package kept instead of replacing it.
KEPT = re.compile(r"_(labels|overlay|probs|uncertainty)\.corrected\d*$")


def mask_stem(path: Path, *, suffixes: Sequence[str] = MASK_SUFFIXES) -> str:
    """The name of the image that a mask file belongs to: a_cp_masks.png → a.

    A name that is nothing but a suffix stays as it is.
    """
    return re.sub(rf"(?i)(?<=.)({'|'.join(suffixes)})$", "", stem(path))


TIFFS = (".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", *TIFFS, ".nd2", ".czi", ".lif")
ZARR = ".zarr"  # a folder that is one image


def find_images(sources: Iterable[str | Path]) -> list[Path]:
    """List image files.

    Args:
        sources: Files (taken whatever their suffix), folders (their own image files, not those of
            folders inside, in natural order: t2 before t10) and patterns such as ``data/*.tif``. A
            folder that is a Zarr, by its files or its ending, is an image and no folder of them.

    Returns:
        Every file once, in the order of the sources; of an OME-TIFF set, which is one image in
        several files, the first one that is named.

    Raises:
        FileError: A source that is not there or holds no image, all such sources at once.
    """
    found: dict[Path, None] = {}
    problems = []
    for source in map(Path, sources):
        try:
            found.update(dict.fromkeys(_expand(source)))
        except FileError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(str(read_error(source, error)))
    if not found and not problems:
        problems.append("no image was named. Name files, a folder or a pattern such as data/*.tif.")
    if problems:
        raise FileError("\n".join(problems))
    return once_each(found)


def _expand(source: Path) -> list[Path]:
    if is_one_image(source):
        return [source]
    if source.name == "*" and source.parent.is_file():
        return list_series(source.parent)
    if source.is_dir():
        return images_in(source) or _or_error([], f"{source}: no image in this folder", source)
    if glob.has_magic(str(source)):
        matches = sorted(map(Path, glob.glob(str(source), recursive=True)), key=natural)
        images = [path for path in matches if is_image(path)]
        return _or_error(images, f"{source}: no image fits this pattern")
    raise FileError(f"{source}: no such file or folder.{_nearest(source)}")


def _or_error(images: list[Path], message: str, folder: Path | None = None) -> list[Path]:
    if images:
        return images
    inner = [] if folder is None else _folders_of_images(folder)
    cure = f"The images lie one folder deeper: name {inner}." if inner else "Check its path."
    raise FileError(f"{message}; looked for {', '.join((*SUFFIXES, ZARR, ZIPPED))}. {cure}")


def _folders_of_images(folder: Path) -> str:
    """The first few folders in a folder that hold images, as they would be named."""
    inner = sorted((path for path in folder.iterdir() if path.is_dir()), key=natural)
    return ", ".join(str(path) for path in [one for one in inner if images_in(one)][:3])


def _nearest(path: Path) -> str:
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f" Did you mean {path.parent / close[0]}?" if close else " Check its path."


def images_in(folder: Path) -> list[Path]:
    """The image files of one folder, in natural order."""
    return sorted((path for path in folder.iterdir() if is_image(path)), key=natural)


def is_image(path: Path) -> bool:
    """Whether a path is a file or folder with an image's suffix; hidden ones are none."""
    if path.name.startswith("."):
        return False
    suffix = path.suffix.lower()
    if path.name.lower().endswith(ZIPPED):
        return path.is_file()
    return (suffix in SUFFIXES and path.is_file()) or (suffix == ZARR and path.is_dir())


def is_one_image(path: Path) -> bool:
    """Whether a path is a file or an image in one, or a folder that is one image."""
    if split_series(path)[1] is not None:
        return True
    return path.is_file() or is_zarr(path) or (path.is_dir() and path.suffix.lower() == ZARR)


def natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key that counts: t2.png before t10.png."""
    parts = re.findall(r"(\d+)|(\D+)", str(path).lower())
    return [(0, int(n), "") if n else (1, 0, text) for n, text in parts], str(path)


def stem(path: Path) -> str:
    """A file's name without its suffix (.ome.tif counts as one), to compare it with another's.

    An image inside a file or a Zarr has the names of both: x_0 for x.ome.zarr/0. Umlauts
    are composed, since a file that went through macOS has them as two characters each.
    """
    name = path.stem.removesuffix(".zarr").removesuffix(".ome")
    file, series = split_series(path)
    if series is not None:
        name = f"{stem(file)}_{series}"
    elif not path.suffix:
        above = next((one for one in path.parents if one.suffix.lower() == ZARR), None)
        if above is not None:
            name = "_".join((stem(above), *path.relative_to(above).parts))
    return unicodedata.normalize("NFC", name)


def group_by(paths: Iterable[Path], *, key: Callable[[Path], str]) -> dict[str, list[Path]]:
    """Paths by what `key` calls them, in their order."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(key(path), []).append(path)
    return groups


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

"""files, folders and patterns → image files; label files by their images' names.

It finds images, label masks and annotations in folders, and knows which belong together.
"""

from __future__ import annotations

import difflib
import fnmatch
import glob
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.errors import FileError
from coverslip.io.annotations.readers import annotation_name, find_annotations, is_annotation
from coverslip.io.atomic import read_error
from coverslip.io.formats.guard import ZIPPED, split_series
from coverslip.io.formats.links import is_zarr
from coverslip.io.formats.ome_set import once_each
from coverslip.io.read import list_series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import mask_stem
        >>> mask_stem(Path("a_cp_masks.png")), mask_stem(Path("b_seg.npy"))
        ('a', 'b')
    """
    if is_annotation(path):
        return annotation_name(path)
    return re.sub(rf"(?i)(?<=.)({'|'.join(suffixes)})$", "", stem(path))


TIFFS = (".tif", ".tiff", ".btf", ".tf8", ".lsm", ".stk")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", *TIFFS, ".nd2", ".czi", ".lif")
ZARR = ".zarr"  # a folder that is one image


def find_images(sources: Iterable[str | Path], *, recursive: bool = False) -> list[Path]:
    """List image files.

    Args:
        sources: Files (taken whatever their suffix), folders (their own image files, not those of
            folders inside, in natural order: t2 before t10) and patterns such as ``data/*.tif``. A
            folder that is a Zarr, by its files or its ending, is an image and no folder of them.
        recursive: Take the images of folders inside too, as by `walk_images`.

    Returns:
        Every file once, in the order of the sources; of an OME-TIFF set, which is one image in
        several files, the first one that is named.

    Raises:
        FileError: A source that is not there or holds no image, all such sources at once.

    Example:
        >>> import coverslip
        >>> [path.name for path in coverslip.find_images(["examples/phase"])][-1]
        't98g_film.tif'
    """
    found: dict[Path, None] = {}
    problems = []
    for source in map(Path, sources):
        try:
            inside = walk_images(source) if recursive and _is_folder(source) else []
            found.update(dict.fromkeys(inside or _expand(source)))
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
    if os.path.lexists(source):  # a link that leads nowhere, a pipe: whoever reads it says so
        return [source]
    if glob.has_magic(str(source)):
        matches = sorted(_matches(source), key=natural)
        images = [path for path in matches if is_image(path)]
        return _or_error(images, f"{source}: no image fits this pattern{_other_case(source)}")
    raise FileError(f"{source}: no such file or folder.{_nearest(source)}")


def _other_case(pattern: Path) -> str:
    """An image that a pattern would fit if capital letters were small ones: a.TIF for *.tif."""
    folder = pattern.parent
    if glob.has_magic(str(folder)) or not folder.is_dir():
        return ""
    wanted = pattern.name.lower()
    close = [path for path in images_in(folder) if fnmatch.fnmatchcase(path.name.lower(), wanted)]
    return f" in its small and capital letters, as {close[0].name} does in others" if close else ""


def _matches(pattern: Path) -> list[Path]:
    """What fits a pattern; brackets in the names of folders that are there are no pattern.

    Where nothing fits, the brackets of all parts are taken as they are: ``im [2]*.tif``.
    """
    there, rest = Path(pattern.anchor), list(pattern.parts[bool(pattern.anchor) :])
    while rest and (there / rest[0]).exists():
        there /= rest.pop(0)
    start = "" if there == Path() else glob.escape(str(there))
    for inner in (os.sep.join(rest), os.sep.join(rest).replace("[", "[[]")):
        found = glob.glob(os.path.join(start, inner), recursive=True)
        if found:
            return list(map(Path, found))
    return []


def walk_images(folder: Path) -> list[Path]:
    """The image files of a folder and of all folders in it, in natural order.

    Hidden folders are passed over, those of thumbnails that a Synology keeps (``@eaDir``), and
    links to folders; a Zarr is an image.
    """
    found: list[Path] = []
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        inner = sorted(here.iterdir(), key=natural)
        found += [path for path in inner if is_image(path)]
        waiting += [
            path
            for path in inner
            if path.is_dir() and not (path.is_symlink() or is_hidden(path) or is_image(path))
        ]
    return sorted(found, key=natural)


def is_hidden(folder: Path) -> bool:
    """Whether a folder holds what computers keep for themselves."""
    return folder.name.startswith(".") or folder.name in ("@eaDir", "__MACOSX")


def part_masks(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Tell images from the masks that lie among them: a_cp_masks.png beside a.png.

    Masks in a folder of their own, `masks` or `labels`, are told by one called `images` beside it,
    or by an image of their name above it.

    Args:
        paths: Files that were found in folders.

    Returns:
        Images and masks, each in the order given.
    """
    images = {(path.parent, stem(path)) for path in paths}
    folders = {path.parent for path in paths}

    def is_mask(path: Path) -> bool:
        name, folder = mask_stem(path), path.parent
        if name != stem(path) and (folder, name) in images:
            return True
        if folder.name.lower() not in MASK_FOLDERS:
            return False
        return folder.with_name("images") in folders or (folder.parent, name) in images

    masks = [path for path in paths if is_mask(path)]
    return [path for path in paths if path not in set(masks)], masks


def _is_folder(source: Path) -> bool:
    return source.is_dir() and not is_one_image(source)


def _or_error(images: list[Path], message: str, folder: Path | None = None) -> list[Path]:
    if images:
        return images
    inner = [] if folder is None else _folders_of_images(folder)
    cure = "Check its path."
    if inner:
        cure = "segment --recursive takes those of folders in it. "
        cure += f"The images lie one folder deeper: name {inner}."
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
    # A link that leads nowhere, or a pipe, is told of by whoever reads it, and not passed over.
    if path.name.lower().endswith(ZIPPED):
        return not path.is_dir()
    return (suffix in SUFFIXES and not path.is_dir()) or (
        suffix == ZARR and (path.is_dir() or path.is_symlink())
    )


def is_one_image(path: Path) -> bool:
    """Whether a path is a file or an image in one, or a folder that is one image.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import is_one_image
        >>> is_one_image(Path("examples/phase/t98g_film.tif")), is_one_image(Path("examples/phase"))
        (True, False)
    """
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

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import stem
        >>> stem(Path("a.ome.tif")), stem(Path("x.ome.zarr/0"))
        ('a', 'x_0')
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


def without_zeros(text: str) -> str:
    """A number without the zeros before it, as spreadsheets write 001; other text as it is.

    Example:
        >>> from coverslip.io import without_zeros
        >>> without_zeros("001"), without_zeros("a01")
        ('1', 'a01')
    """
    return text.lstrip("0") or "0" if text.isascii() and text.isdigit() else text


def group_by(paths: Iterable[Path], *, key: Callable[[Path], str]) -> dict[str, list[Path]]:
    """Paths by what `key` calls them, in their order."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(key(path), []).append(path)
    return groups


def label_name(path: Path) -> str:
    """A label file's name without what tools append, to compare it with another's: a_gt.png → a.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import label_name
        >>> label_name(Path("a_gt.png")), label_name(Path("a_prediction.tif"))
        ('a', 'a')
    """
    return mask_stem(path, suffixes=LABEL_SUFFIXES)


def label_files_in(source: Path) -> list[Path]:
    """List what may be label files.

    Args:
        source: A file or Zarr, taken whatever it is called, or a folder: all its images but the
            overlays and maps of this package, and the annotations of other tools; a folder
            `labels`, `masks`, or `SEG` of the Cell Tracking Challenge in it is taken in its place.
            COCO's file stands for the images that it names.

    Raises:
        FileError: It is not there, or has no image in it.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import label_files_in
        >>> len(label_files_in(Path("examples/truth/nuclei")))
        5
    """
    if drawn := [] if source.is_dir() else find_annotations(source):
        return drawn
    if is_one_image(source):
        return [source]
    inner = [source / name for name in (*MASK_FOLDERS, "SEG") if (source / name).is_dir()]
    folder = inner[0] if inner else source
    drawn = find_annotations(folder) if folder.is_dir() else []
    images = images_in(folder) if drawn else find_images([folder])
    found = [
        path
        for path in images
        if not stem(path).endswith(BY_PRODUCTS) and not KEPT.search(stem(path))
    ]
    return [*found, *without_images(drawn, found)]


def find_label_files(sources: Iterable[Path]) -> list[Path]:
    """The label files that files and folders hold, each once, in their order.

    Args:
        sources: Label files of any tool, OME-Zarrs, or folders of them.

    Raises:
        FileError: A source that is not there, or a folder without labels.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import find_label_files
        >>> len(find_label_files([Path("examples/truth/nuclei")]))
        5
    """
    found: dict[Path, None] = {}
    for source in sources:
        if source.is_dir() and not is_one_image(source):
            labels = label_files_in(source)
            if not labels:
                raise FileError(f"{source}: no label file in this folder. Check its path.")
            found |= dict.fromkeys(labels)
        else:
            found |= dict.fromkeys(find_images([source]))
    return list(found)


def without_images(drawn: Sequence[Path], images: Sequence[Path]) -> list[Path]:
    """Those annotations for which there is no label image of their name, in natural order."""
    taken = {mask_stem(path, suffixes=LABEL_SUFFIXES) for path in images}
    return sorted((path for path in drawn if mask_stem(path) not in taken), key=natural)


def group_label_files(source: Path) -> dict[str, list[Path]]:
    """The label files of a source by `label_name`; one with a mask's ending beats one without.

    Raises:
        FileError: The source is not there, or has no image in it.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import group_label_files
        >>> list(group_label_files(Path("examples/truth/nuclei")))[0]
        'fluorescence_culture'
    """
    by_name = group_by(label_files_in(source), key=label_name)
    return {
        name: [path for path in paths if stem(path) != name] or paths
        for name, paths in by_name.items()
    }

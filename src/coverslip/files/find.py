"""files, folders and patterns → the list of image files."""

import difflib
import glob
import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from coverslip.errors import FileError
from coverslip.files.guard import is_zarr
from coverslip.files.trouble import read_error

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".btf", ".tf8", ".nd2", ".czi")
ZARR = ".zarr"  # a folder that is one image


def find_images(sources: Iterable[str | Path]) -> list[Path]:
    """List image files.

    Args:
        sources: Files (taken whatever their suffix), folders (their own image files, not those of
            folders inside, in natural order: t2 before t10) and patterns such as ``data/*.tif``. A
            folder that is a Zarr, by its files or its ending, is an image and no folder of them.

    Returns:
        Every file once, in the order of the sources.

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
    return list(found)


def _expand(source: Path) -> list[Path]:
    if is_one_image(source):
        return [source]
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
    raise FileError(f"{message}; looked for {', '.join((*SUFFIXES, ZARR))}. {cure}")


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
    return (suffix in SUFFIXES and path.is_file()) or (suffix == ZARR and path.is_dir())


def is_one_image(path: Path) -> bool:
    """Whether a path is a file, or a folder that is one image and no folder of images."""
    return path.is_file() or is_zarr(path) or (path.is_dir() and path.suffix.lower() == ZARR)


def natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key that counts: t2.png before t10.png."""
    parts = re.findall(r"(\d+)|(\D+)", str(path).lower())
    return [(0, int(n), "") if n else (1, 0, text) for n, text in parts], str(path)


def stem(path: Path) -> str:
    """A file's name without its suffix (.ome.tif counts as one), to compare it with another's.

    An image inside a Zarr has the names of both: x_0 for x.ome.zarr/0. Umlauts are composed, since
    a file that went through macOS has them as two characters each.
    """
    name = path.stem.removesuffix(".ome")
    if not path.suffix:
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

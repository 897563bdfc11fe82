"""annotation file, and its image where it must be asked → labels; which files are annotations."""

from __future__ import annotations

import glob
import json
import re
import unicodedata
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from coverslip.errors import FileError
from coverslip.io.annotations import cellpose, coco, geojson, ilastik, imagej_roi, labelme
from coverslip.io.annotations.rasterise import Canvas
from coverslip.io.formats.guard import check_whole, readable
from coverslip.io.formats.links import check_regular
from coverslip.io.header import ImageFile
from coverslip.io.read import open_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# What tools append to the name of the image.
SUFFIXES = ("_seg", "_rois", "_annotations", "_Object Identities", "_Simple Segmentation")


class PictureSize(NamedTuple):
    """Height and width of the image that was annotated, in px, where it is not at hand.

    Example:
        >>> from coverslip.io import PictureSize
        >>> PictureSize(480, 640).width
        640
    """

    height: int
    width: int


def _read_json(path: Path, canvas: Callable[[], Canvas], name: str | None) -> NDArray[Any]:
    content = load_json(path)
    if labelme.is_labelme(content):
        return labelme.draw(path, content, canvas)
    if coco.is_coco(content):
        return coco.draw(path, content, name)
    if geojson.is_geojson(content):
        return geojson.draw(path, content, canvas())
    raise FileError(
        f"{path}: no annotations that are known: neither labelme's, nor COCO's, nor GeoJSON. "
        "Export the labels as PNG or TIFF."
    )


# By suffix: of a file, a function that gives its image's size, and an image's name in it.
READERS: dict[str, Callable[[Path, Callable[[], Canvas], str | None], NDArray[Any]]] = {
    ".npy": lambda path, canvas, name: cellpose.read(path),
    ".h5": lambda path, canvas, name: ilastik.read(path),
    ".hdf5": lambda path, canvas, name: ilastik.read(path),
    ".json": _read_json,
    ".geojson": _read_json,
    ".roi": lambda path, canvas, name: imagej_roi.read(path, canvas()),
    ".zip": lambda path, canvas, name: imagej_roi.read(path, canvas()),
}


def read_annotations(path: Path, *, image: Path | PictureSize | None = None) -> NDArray[Any]:
    """Read the labels of an annotation file.

    Args:
        path: The file, or an image in it, as ``coco.json/a.png``.
        image: The image that was annotated, or its size. It is asked for its size where the file
            does not say it, and its name chooses one of several in a file.

    Returns:
        Numbers as the file has them, (H, W) or with times and depths before it.

    Raises:
        FileError: It cannot be read, or is none of these formats.
        SettingsError: The package for its format is not installed.
    """
    file = annotated_file(path)
    with readable(file):
        check_regular(file)
    name = path.relative_to(file).as_posix() if path != file else None
    if name is None and isinstance(image, Path) and is_collection(file):
        name = _same_name(coco.name_images(load_json(file)), image)
    with readable(file):
        return READERS[file.suffix.lower()](file, partial(_look_at, path, image), name)


def _look_at(path: Path, image: Path | PictureSize | None) -> Canvas:
    if isinstance(image, PictureSize):
        check_whole(path, *image)
        return Canvas(*image)
    if image is None or is_annotation(image):
        raise FileError(
            f"{path}: does not say how large its image is. Name the image too, give its height and "
            "width (--size of measure and export), or export the labels as PNG or TIFF."
        )
    file = open_image(image)
    height, width = file.frame_shape
    check_whole(image, height, width)
    times, depths = (file.length(axis) if axis in file.axes else None for axis in "TZ")
    return Canvas(height, width, n_times=times, n_depths=depths)


def describe_labels(path: Path, labels: NDArray[Any]) -> ImageFile:
    """What a label file says of itself; of annotations, what their labels show.

    Args:
        path: A label file, or annotations.
        labels: What was read from it.

    Raises:
        FileError: The file cannot be read.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from coverslip.io import describe_labels
        >>> path = Path("examples/truth/nuclei/stained_tissue.png")
        >>> describe_labels(path, coverslip.read_labels(path)).axes
        'YX'
    """
    if not is_annotation(path):
        return open_image(path)
    axes = "TZ"[: labels.ndim - 2] + "YX"
    return ImageFile(
        path=path,
        axes=axes,
        shape=labels.shape,
        dtype=labels.dtype,
        bit_depth=8 * labels.dtype.itemsize,
        pixel_size_um=None,
        channel_names=(),
        frame_interval_s=None,
        notes=(),
        stored_axes=axes,
    )


def _same_name(names: list[str], image: Path) -> str:
    """The name of an image in a file: its own, or the only one that differs in its type alone."""
    if image.name in names:
        return image.name
    found = [name for name in names if Path(name).stem == image.stem] or names
    return found[0] if len(found) == 1 else image.name


def annotated_file(path: Path) -> Path:
    """The file that a path leads into: coco.json of ``coco.json/a.png``; of others the path.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import annotated_file
        >>> annotated_file(Path("a_seg.npy")).name
        'a_seg.npy'
    """
    for above in path.parents:
        if above.suffix.lower() == ".json":
            return above if above.is_file() else path
    return path


def is_annotation(path: Path) -> bool:
    """Whether a path is an annotation file by its suffix, or leads into one.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import is_annotation
        >>> is_annotation(Path("a_seg.npy")), is_annotation(Path("a.tif"))
        (True, False)
    """
    name = annotated_file(path).name.lower()
    is_known = Path(name).suffix in READERS and not name.endswith(".zarr.zip")
    return is_known and not path.is_dir()


def is_collection(path: Path) -> bool:
    """Whether a file is COCO's JSON, which holds the annotations of many images."""
    return path.suffix.lower() == ".json" and path.is_file() and coco.is_coco(load_json(path))


def find_annotations(source: Path) -> list[Path]:
    """The annotations of a file, folder or pattern: files, and those within COCO's file by image.

    Of a folder or pattern, files are taken that surely are annotations, by what is in them.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io import find_annotations
        >>> find_annotations(Path("examples/nuclei"))
        []
    """
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if not path.name.startswith("."))
        return [found for path in files if _is_sure(path) for found in find_annotations(path)]
    if glob.has_magic(str(source)) and not source.exists():
        paths = sorted(Path(path) for path in glob.glob(str(source), recursive=True))
        return [found for path in paths if _is_sure(path) for found in find_annotations(path)]
    if is_collection(source):
        return [source / name for name in coco.name_images(load_json(source))]
    return [source] if is_annotation(source) else []


def _is_sure(path: Path) -> bool:
    suffix = path.suffix.lower()
    if not is_annotation(path) or not path.is_file():
        return False
    if suffix == ".npy":
        return path.stem.endswith("_seg")
    if suffix == ".zip":
        return imagej_roi.holds_rois(path)
    if suffix != ".json":
        return True
    try:
        content = load_json(path)
    except FileError:
        return False
    return any(is_one(content) for is_one in (labelme.is_labelme, coco.is_coco, geojson.is_geojson))


def annotation_name(path: Path) -> str:
    """The name of the image that an annotation file belongs to, without suffixes.

    ``a_seg.npy``, ``a_rois.zip``, ``a.tif.geojson`` and ``coco.json/a.png`` → a.

    Example:
        >>> from pathlib import Path
        >>> from coverslip.io.annotations.readers import annotation_name
        >>> annotation_name(Path("a_seg.npy")), annotation_name(Path("coco.json/b.png"))
        ('a', 'b')
    """
    name = unicodedata.normalize("NFC", path.stem)
    stem = re.sub(rf"(?<=.)({'|'.join(SUFFIXES)})$", "", name)
    return re.sub(r"(?i)(?<=.)(\.ome)?(\.(tiff?|png|jpe?g|bmp|nd2|czi|zarr))?$", "", stem)


def load_json(path: Path) -> Any:
    """The content of a JSON file; the last one is kept, since COCO's is asked for each image.

    Raises:
        FileError: It is no JSON.
    """
    with readable(path):
        check_regular(path)
        stat = path.stat()
        return _load(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=1)
def _load(path: Path, size: int, time: int) -> Any:
    return json.loads(path.read_bytes())

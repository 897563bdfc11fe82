"""label files and their images → what can be exported or shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.cli.measured import find_measurements
from coverslip.errors import DataError, FileError, SettingsError
from coverslip.export import LabelImage
from coverslip.io import (
    describe_labels,
    find_annotations,
    find_channel,
    find_images,
    is_annotation,
    label_files_in,
    mask_stem,
    open_reading,
    pair_images,
    read_checked,
    read_frame,
    stem,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coverslip.io import ImageFile, PictureSize, Reading


@dataclass(frozen=True)
class Frames(Sequence[Any]):
    """The frames of an image file, each read when it is asked for."""

    file: ImageFile
    channel: int = 0

    def __len__(self) -> int:
        """How many there are."""
        return self.file.n_frames

    def __getitem__(self, frame: Any) -> Any:
        """Read a frame, from 0."""
        return read_frame(self.file, frame, channel=self.channel)


def find_label_files(sources: Iterable[str]) -> dict[str, Path]:
    """Find label files, by the names of their images.

    Args:
        sources: Files, patterns and folders. Of a folder that holds files of the names that tools
            give to labels (``a_labels.tif``, ``a_cp_masks.png``), these alone are taken; of others
            all images but the overlays and maps of coverslip; a folder ``labels`` or ``masks`` in
            it is taken in its place.

    Raises:
        FileError: A source that is not there, or without a label file.
        SettingsError: Two files of one name.
    """
    files = list(dict.fromkeys(file for source in sources for file in _in_source(source)))
    found: dict[str, Path] = {}
    for path in files:
        other = found.setdefault(mask_stem(path), path)
        if other != path:
            raise SettingsError(
                f"{path}: {other} has the same name, and both would be exported to one file. "
                "Rename one, or export them into two folders."
            )
    return found


def _in_source(source: str) -> list[Path]:
    folder = Path(source)
    if not folder.is_dir():
        return find_annotations(folder) or find_images([source])
    found = label_files_in(folder)
    files = [p for p in found if mask_stem(p) != stem(p) or is_annotation(p)] or found
    if not files:
        raise FileError(f"{source}: no label file in this folder. Check its path.")
    return files


def match_images(labels: dict[str, Path], images: str) -> dict[str, Path]:
    """Find the image of every label file, by name; one file of each are a pair in any case.

    Args:
        labels: From `find_label_files`.
        images: A file, a folder or a pattern.

    Raises:
        FileError: The images are not there.
        DataError: Label files without an image, or with several; all at once.
    """
    paths = find_images([images])
    if len(labels) == len(paths) == 1:
        return dict(zip(labels, paths, strict=True))
    return pair_images(labels, paths, where=images, option="--images")


def load_label_image(
    path: Path,
    image: Path | None,
    *,
    name: str,
    reading: Reading,
    size: PictureSize | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> LabelImage:
    """Read a label file, and what it and its image say of themselves.

    Args:
        path: The label file.
        image: The image that it was made of, or None.
        name: What both are called.
        reading: Which channel, depths and axes of the image are meant.
        size: Of the image, for annotations without one.
        tell: Called with every decision that was taken while reading.

    Raises:
        FileError: A file cannot be read, or holds no labels.
        DataError: Labels and image do not fit together.
    """
    labels = read_checked(path, image=image or size)
    file = describe_labels(path, labels.labels)
    picture = open_reading(image, reading) if image is not None else None
    for note in dict.fromkeys((*file.notes, *labels.all_notes())):
        tell(f"{path}: {note}")
    for note in picture.notes if picture is not None else ():
        tell(f"{image}: {note}")
    if picture is not None and picture.frame_shape != file.frame_shape:
        sizes = [" × ".join(map(str, one.frame_shape)) for one in (picture, file)]
        raise DataError(
            f"{image}: the image is {sizes[0]} pixels, its labels {path} {sizes[1]}. "
            "Name the image that they were made of."
        )
    known = (file, picture) if picture is not None else (file,)
    cells = labels.cells()
    frames = cells.reshape(-1, *cells.shape[-2:])
    return LabelImage(
        cells,
        name=name,
        axes=f"{file.frame_axes}YX",
        pixel_size_um=next((it.pixel_size_um for it in known if it.pixel_size_um), None),
        frame_interval_s=next((it.frame_interval_s for it in known if it.frame_interval_s), None),
        images=Frames(picture, find_channel(picture, reading)) if picture is not None else None,
        image_name=image.name if image is not None else None,
        measurements=find_measurements(path, frames, tell=tell),
    )

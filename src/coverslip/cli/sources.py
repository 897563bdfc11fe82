"""names on a command line → the image files that are meant, and what their results are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from coverslip.cli.messages import count_files, note
from coverslip.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Sequence


def find_sources(sources: Sequence[str], *, recursive: bool = False) -> list[Path]:
    """The image files, without what coverslip itself wrote, and without masks beside their images.

    What is named by its name is taken, whatever it is.

    Raises:
        FileError: a source that is not there or holds no image.
    """
    from coverslip.io import is_written, part_masks, split_series

    paths = find_every_image(sources, recursive=recursive)
    named = {Path(source) for source in sources}
    others = [path for path in paths if path in named or not is_written(split_series(path)[0])]
    n_ours = len(paths) - len(others)
    if n_ours:
        were = "was" if n_ours == 1 else "were"
        note(f"{count_files(n_ours)} that coverslip itself has written {were} left out")
    if not others:
        raise FileError(
            f"{', '.join(sources)}: holds nothing but what coverslip itself has written. Name the "
            "images that it was made of, or a file by its name."
        )
    masks = set(part_masks(others)[1]) - named
    if masks:
        verbs = "is taken for a mask" if len(masks) == 1 else "are taken for masks"
        note(
            f"{count_files(len(masks))} that by the name belong to an image beside them {verbs}, "
            f"and left out, such as {min(masks)}"
        )
    return [path for path in others if path not in masks]


def find_every_image(sources: Sequence[str], *, recursive: bool = False) -> list[Path]:
    """The image files; of one that holds several images, such as positions, each of them."""
    from coverslip.io import find_images, list_series

    found: list[Path] = []
    for path in find_images(sources, recursive=recursive):
        images = list_series(path)
        if len(images) > 1:
            note(f"{path}: it holds {len(images)} images, and each is read ({images[0]}, …)")
        found += images
    return found


def names_below(paths: Sequence[Path], sources: Sequence[str]) -> dict[Path, str]:
    """What the results of images in folders of folders are called: by their place there."""
    from coverslip.pipeline import name_below

    roots = [root for root in map(Path, sources) if root.is_dir()]
    found: dict[Path, str] = {}
    for path in paths:
        root = next((one for one in roots if one != path and one in path.parents), None)
        if root is not None:
            found[path] = name_below(path, root)
    return found

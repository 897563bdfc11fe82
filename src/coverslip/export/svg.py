"""one frame of labels (+ its image) → an SVG of outlines."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from PIL import Image

from coverslip.contours import find_outlines
from coverslip.export.colours import cell_colours
from coverslip.figures import to_picture
from coverslip.io import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.contours import Outline, Ring
    from coverslip.export.source import LabelImage


def write_svg(path: Path, source: LabelImage, *, frame: int = 0) -> None:
    """Write the outlines of a frame, over its image where there is one, whole or not at all.

    Args:
        path: A ``.svg``.
        source: The labels.
        frame: Which one, from 0.

    Raises:
        DataError: The image is of another size than the labels.
        FileError: The file cannot be written.

    Example:
        >>> import numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.export import LabelImage, write_svg
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.svg")
        ...     write_svg(path, LabelImage(np.array([[0, 5]])))
        ...     print('id="cell-5"' in path.read_text())
        True
    """
    write_text(path, labels_to_svg(source, frame=frame))


def labels_to_svg(source: LabelImage, *, frame: int = 0) -> str:
    """The SVG: a user unit is a pixel, and every cell a path with the id ``cell-NUMBER``."""
    labels = source.frames[frame]
    image = source.image(frame)
    height, width = source.size
    colours = cell_colours(labels)
    paths = (_path(outline, colours[outline.label]) for outline in find_outlines(labels))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}">',
            *([_picture(image)] if image is not None else []),
            # The line is as thick on the screen whatever the zoom, so it hides no small cell.
            '<g fill-opacity="0" fill-rule="evenodd" stroke-width="1.5" stroke-linejoin="round">',
            *paths,
            "</g>",
            "</svg>\n",
        ]
    )


def _path(outline: Outline, colour: tuple[int, int, int]) -> str:
    data = "".join(_ring(ring) for part in outline.parts for ring in part)
    stroke = "#{:02x}{:02x}{:02x}".format(*colour)
    return (
        f'<path id="cell-{outline.label}" stroke="{stroke}" vector-effect="non-scaling-stroke" '
        f'd="{data}"><title>{outline.label}</title></path>'
    )


def _ring(ring: Ring) -> str:
    """Corners as a path; lines of an outline are level and upright by turns, so H and V suffice."""
    (top, left), *others = ring.tolist()
    steps = (f"V{y}" if number % 2 else f"H{x}" for number, (y, x) in enumerate(others))
    return f"M{left} {top}{''.join(steps)}Z"


def _picture(image: NDArray[Any]) -> str:
    """The image, stretched for the screen, as a PNG inside of the file; pixels stay squares."""
    picture = to_picture(image)
    if (picture == picture[..., :1]).all():
        picture = picture[..., 0]
    packed = io.BytesIO()
    Image.fromarray(picture).save(packed, "PNG")
    data = base64.b64encode(packed.getvalue()).decode("ascii")
    height, width = image.shape[:2]
    return (
        f'<image width="{width}" height="{height}" style="image-rendering:pixelated" '
        f'href="data:image/png;base64,{data}"/>'
    )

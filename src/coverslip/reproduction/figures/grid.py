"""images, truths and many systems' masks → Figures 4 and 5: where each system is wrong."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from coverslip.figures import (
    DOUBLE_MM,
    INK,
    INVENTED,
    MISSED,
    SMALL_PT,
    TITLE_PT,
    Picture,
    add_panel,
    error_map,
    figure_of,
    fold_text,
    new_page,
    text_mm,
    to_picture,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 9  # of panels that are still 18 mm wide
GAP_MM, TITLE_MM, BLOCK_GAP_MM, LEGEND_MM = 1.2, 4.4, 2.0, 4.5
NAME_MM, SCORE_MM = 2.6, 3.9  # a line of a name above a panel; the score below
SMALLEST_PT = 4.5
OPACITY = 0.85  # panels are small: errors must stand out


@dataclass(frozen=True)
class Attempt:
    """What one system made of an image.

    Attributes:
        mask: (H, W) bool.
        jaccard: Its score.
    """

    mask: NDArray[np.bool_]
    jaccard: float


@dataclass(frozen=True)
class GridImage:
    """One image of the grid.

    Attributes:
        title: What it is.
        image: (H, W) or (H, W, 3), any real type, finite.
        truth: (H, W) mask or labels.
        attempts: The systems' by their names; the same names, in the same order, for all images.
    """

    title: str
    image: NDArray[Any]
    truth: NDArray[Any]
    attempts: Mapping[str, Attempt]


def grid_figure(images: Sequence[GridImage]) -> "Figure":
    """Draw input, truth and every system's errors: missed magenta, invented green.

    What does not fit into one row continues in the next, image by image.

    Returns:
        A figure of two columns' width.

    Raises:
        ValueError: No image, no system, or images with different systems.
    """
    names = list(images[0].attempts) if images else []
    if not names or any(list(image.attempts) != names for image in images):
        raise ValueError("wanted one image or more, all with the same systems, at least one")
    _, n_columns = wrap(2 + len(names))
    side = (DOUBLE_MM - (n_columns - 1) * GAP_MM) / n_columns
    headings = [_heading(name, width=side) for name in ("Input", "Truth", *names)]
    tops, block_mm = _row_tops(headings, n_columns=n_columns, side=side)
    page = new_page(DOUBLE_MM, len(images) * block_mm + LEGEND_MM)
    for number, image in enumerate(images):
        top = number * block_mm
        letter = f"({chr(ord('a') + number)}) " if len(images) > 1 else ""
        write(page, letter + image.title, x=0, y=top + 3.0, size=TITLE_PT, weight="bold")
        for place, panel in enumerate(_panels(image)):
            row, column = divmod(place, n_columns)
            x = column * (side + GAP_MM)
            _draw_panel(page, panel, headings[place], x=x, y=top + tops[row], side=side)
    _draw_legend(page, y=len(images) * block_mm + 1.5)
    return figure_of(page)


def _row_tops(
    headings: Sequence[tuple[str, float]], *, n_columns: int, side: float
) -> tuple[list[float], float]:
    """Where the panels of each row begin below the top of their image's block, and its height."""
    tops, y = [], TITLE_MM
    for start in range(0, len(headings), n_columns):
        row = headings[start : start + n_columns]
        y += NAME_MM * max(text.count("\n") + 1 for text, _ in row) + 0.6
        tops.append(y)
        y += side + SCORE_MM
    return tops, y + BLOCK_GAP_MM


def wrap(n_panels: int) -> tuple[int, int]:
    """Rows and columns for the panels of one image: the fewest rows, evenly filled."""
    n_rows = math.ceil(n_panels / MOST_COLUMNS)
    return n_rows, math.ceil(n_panels / n_rows)


@dataclass(frozen=True)
class _Panel:
    picture: Picture
    score: str = ""
    is_best: bool = False


def _panels(image: GridImage) -> list[_Panel]:
    """Input, truth, and the errors of every system."""
    best = max(attempt.jaccard for attempt in image.attempts.values())
    panels = [_Panel(to_picture(image.image)), _Panel(mask_to_picture(image.truth > 0))]
    for attempt in image.attempts.values():
        picture = error_map(image.image, image.truth, attempt.mask, opacity=OPACITY)
        panels.append(_Panel(picture, f"{attempt.jaccard:.3f}", attempt.jaccard == best))
    return panels


def _heading(name: str, *, width: float) -> tuple[str, float]:
    """A system's name in as many lines as it needs, and the size of type that fits."""
    text = fold_text(name, width_mm=width, size=SMALL_PT)
    widest = max(text_mm(line, size=SMALL_PT) for line in text.split("\n"))
    return text, max(SMALLEST_PT, min(SMALL_PT, SMALL_PT * width / widest))


def _draw_panel(
    page: "Axes", panel: _Panel, heading: tuple[str, float], *, x: float, y: float, side: float
) -> None:
    text, size = heading
    write(page, text, x=x + side / 2, y=y - 0.8, size=size, ha="center", va="bottom")
    add_panel(page, panel.picture, x=x, y=y, side=side)
    weight = "bold" if panel.is_best else "normal"
    middle, below = x + side / 2, y + side + 2.5
    write(page, panel.score, x=middle, y=below, size=SMALL_PT, ha="center", weight=weight)


def mask_to_picture(mask: NDArray[np.bool_]) -> Picture:
    """(H, W) → (H, W, 3), cells white on black."""
    return np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)


def _draw_legend(page: "Axes", *, y: float) -> None:
    from matplotlib.patches import Rectangle

    x = 0.0
    for colour, words in ((MISSED, "false negative"), (INVENTED, "false positive")):
        rgb = tuple(channel / 255 for channel in colour)
        page.add_patch(
            Rectangle((x, y - 1.2), 3.2, 2.4, facecolor=rgb, edgecolor=INK, linewidth=0.4)
        )
        write(page, words, x=x + 4.4, y=y, size=SMALL_PT, va="center_baseline")
        x += 4.4 + text_mm(words, size=SMALL_PT) + 6
    words = "below: Jaccard index, the best of each image in bold"
    write(page, words, x=x, y=y, size=SMALL_PT, va="center_baseline")

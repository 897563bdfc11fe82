"""millimetres → a journal's page: panels, words and lines where they are put; page → PDF or PNG."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from coverslip.figures.display import Picture

EDGE_MM = 0.5  # white around a page, so that no frame at its edge is cut
DOUBLE_MM = 175.0 - 2 * EDGE_MM  # two columns of a journal's page
MM_PER_INCH = 25.4
PT_PER_MM = 72 / MM_PER_INCH

# matplotlib brings this one along, so that a figure is the same on every machine.
FONT = "DejaVu Sans"
TITLE_PT, LABEL_PT, SMALL_PT = 8.0, 7.0, 6.0
INK, SOFT, FAINT = "#20242c", "#5f6774", "#c9ced6"
LINE_PT, HAIRLINE_PT = 0.8, 0.35

# What a picture is enlarged to before outlines are drawn on it: sharp in print.
DOTS_PER_MM = 600 / MM_PER_INCH
PRINT_DPI = 300

# What would differ from one run or machine to the next is left out.
METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"Creator": "coverslip", "Producer": None, "CreationDate": None},
    "png": {"Software": None},
    "svg": {"Creator": "coverslip", "Date": None},
}


def new_page(width_mm: float, height_mm: float) -> "Axes":
    """An empty page and a narrow edge around it, without any global state of matplotlib.

    Returns:
        Axes over the whole figure whose coordinates are mm from the page's top left corner.

    Example:
        >>> from coverslip.figures import figure_of, new_page
        >>> width, height = figure_of(new_page(100, 50)).get_size_inches()
        >>> bool(width > height)
        True
    """
    from matplotlib.figure import Figure

    inches = ((width_mm + 2 * EDGE_MM) / MM_PER_INCH, (height_mm + 2 * EDGE_MM) / MM_PER_INCH)
    figure = Figure(figsize=inches, facecolor="white")
    page = figure.add_axes((0, 0, 1, 1), facecolor="none")
    page.set(xlim=(-EDGE_MM, width_mm + EDGE_MM), ylim=(height_mm + EDGE_MM, -EDGE_MM))
    page.set_axis_off()
    return page


def figure_of(page: "Axes") -> "Figure":
    """The figure that a page fills.

    Example:
        >>> from coverslip.figures import figure_of, new_page
        >>> len(figure_of(new_page(40, 20)).axes)
        1
    """
    from matplotlib.figure import Figure

    figure = page.figure
    if not isinstance(figure, Figure):
        raise TypeError("a page lies in a figure of its own, from new_page")
    return figure


def add_panel(page: "Axes", picture: "Picture", *, x: float, y: float, side: float) -> "Axes":
    """Put a picture (H, W, 3) into a square of `side` mm whose top left corner is (x, y).

    What is not square is centred, and keeps its proportions.

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import add_panel, new_page
        >>> panel = add_panel(new_page(40, 20), np.zeros((8, 8, 3), np.uint8), x=2, y=2, side=16)
        >>> len(panel.images)
        1
    """
    height_px, width_px = picture.shape[:2]
    scale = side / max(height_px, width_px)
    width, height = width_px * scale, height_px * scale
    panel = add_axes(
        page, x=x + (side - width) / 2, y=y + (side - height) / 2, width=width, height=height
    )
    panel.imshow(picture, aspect="auto", interpolation="antialiased")
    panel.set_axis_off()
    frame(panel)
    return panel


def add_axes(page: "Axes", *, x: float, y: float, width: float, height: float) -> "Axes":
    """Further axes at a place on the page, all in mm.

    Example:
        >>> from coverslip.figures import add_axes, new_page
        >>> axes = add_axes(new_page(40, 20), x=5, y=5, width=20, height=10)
        >>> len(axes.plot([0, 1], [0, 1]))
        1
    """
    left, right = page.get_xlim()
    bottom, top = page.get_ylim()
    width_mm, height_mm = right - left, bottom - top
    return figure_of(page).add_axes(
        (
            (x - left) / width_mm,
            (bottom - y - height) / height_mm,
            width / width_mm,
            height / height_mm,
        )
    )


def write(
    page: "Axes", text: str, *, x: float, y: float, size: float = LABEL_PT, **looks: Any
) -> None:
    """Write words at a place on the page; `looks` are matplotlib's, as ``ha="center"``.

    Example:
        >>> from coverslip.figures import new_page, write
        >>> page = new_page(40, 20)
        >>> write(page, "a scale bar", x=10, y=5)
        >>> page.texts[0].get_text()
        'a scale bar'
    """
    page.text(x, y, text, **{"fontsize": size, "fontfamily": FONT, "color": INK, **looks})


def arrow(
    page: "Axes",
    points: Sequence[tuple[float, float]],
    *,
    colour: str = INK,
    width_pt: float | None = None,
) -> None:
    """A line through points in mm, with a head at its end.

    Example:
        >>> from coverslip.figures import arrow, new_page
        >>> arrow(new_page(40, 20), [(5, 5), (20, 5), (20, 15)])
    """
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    page.add_patch(
        FancyArrowPatch(
            path=Path(list(points)),
            arrowstyle="-|>,head_length=2.2,head_width=1.3",
            mutation_scale=1.0,
            linewidth=width_pt or LINE_PT,
            color=colour,
            joinstyle="miter",
            capstyle="butt",
            shrinkA=0,
            shrinkB=0,
        )
    )


def frame(panel: "Axes") -> None:
    """A hairline around a panel, so that a bright picture ends where it ends.

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import add_panel, frame, new_page
        >>> frame(add_panel(new_page(40, 20), np.zeros((8, 8, 3), np.uint8), x=2, y=2, side=16))
    """
    from matplotlib.patches import Rectangle

    line = Rectangle((0, 0), 1, 1, transform=panel.transAxes, fill=False, clip_on=False)
    line.set(edgecolor=FAINT, linewidth=HAIRLINE_PT)
    panel.add_patch(line)


def text_mm(text: str, *, size: float, bold: bool = False) -> float:
    """How wide one line of text is, in mm.

    Example:
        >>> from coverslip.figures import text_mm
        >>> text_mm("mm", size=8) > text_mm("i", size=8)
        True
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(width) / PT_PER_MM


def fold_text(text: str, *, width_mm: float, size: float) -> str:
    """Break a text into lines that fit, at spaces and after hyphens; a long word stays whole.

    Example:
        >>> from coverslip.figures import fold_text
        >>> fold_text("cells that touch", width_mm=12, size=7).splitlines()
        ['cells that', 'touch']
    """
    lines = [""]
    for word in text.replace("-", "-\0").replace(" ", " \0").split("\0"):
        if lines[-1] and text_mm((lines[-1] + word).rstrip(), size=size) > width_mm:
            lines.append("")
        lines[-1] += word
    return "\n".join(line.rstrip() for line in lines)


def figure_to_bytes(
    figure: "Figure", *, form: Literal["pdf", "png", "svg"], dpi: int = PRINT_DPI
) -> bytes:
    """Write a figure into memory.

    Args:
        figure: One of this package's, or any other.
        form: "pdf": vectors, with its fonts embedded as TrueType, so that journals accept it and
            the text stays text; pictures in it have `dpi`. "svg": vectors, whose text stays text
            too. "png": pixels.
        dpi: Dots per inch.

    Returns:
        The file; no date is in it, so that the same figure gives the same bytes.

    Example:
        >>> from coverslip.figures import figure_of, figure_to_bytes, new_page
        >>> figure_to_bytes(figure_of(new_page(40, 20)), form="pdf")[:5]
        b'%PDF-'
    """
    from matplotlib import rc_context

    file = io.BytesIO()
    with rc_context(
        {
            "pdf.fonttype": 42,
            "svg.fonttype": "none",
            "svg.hashsalt": "coverslip",
            "savefig.bbox": None,
            "savefig.transparent": False,
        }
    ):
        figure.savefig(file, format=form, dpi=dpi, metadata=METADATA[form])
    return file.getvalue()

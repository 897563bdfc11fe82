"""anatomy of a network → the colours of its drawing, and the words that explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.figures import INK, SMALL_PT, SOFT, arrow, text_mm, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from coverslip.reproduction.figures.anatomy import Anatomy
    from coverslip.reproduction.figures.calls import Layer

# Okabe and Ito's, told apart with any colour blindness.
COLOURS = ("#56b4e9", "#d55e00", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#8a93a3")
LINE_MM, SWATCH_MM, WORDS_MM, COLUMN_GAP_MM = 4.4, 5.0, 1.5, 6.0
RESIZING_PT = 1.6  # an arrow that is a layer is thicker than one that only leads somewhere
JOIN_MM = 1.5  # radius of the circle where a skip meets what comes from below
SIGNS = {"concatenated": "c", "added": "+"}
PART_NAMES = {"paths": "residual paths"}


def kind_colours(anatomy: Anatomy) -> dict[str, str]:
    """A colour for each kind of layer; a ninth kind would get the first one's."""
    return {kind: COLOURS[i % len(COLOURS)] for i, kind in enumerate(_kinds(anatomy))}


def parameters_text(anatomy: Anatomy) -> str:
    """How many parameters there are, and where: ``"Net: 10 parameters (encoder 9, head 1)"``."""
    parts = [
        f"{PART_NAMES.get(part, part)} {number:,}" for part, number in anatomy.parameters.items()
    ]
    total = sum(anatomy.parameters.values())
    return f"{anatomy.name}: {total:,} parameters ({', '.join(parts)})"


def legend_lines(anatomy: Anatomy) -> list[tuple[str, str, str]]:
    """What to explain: how it is drawn ("box", "arrow", "join", "skip"), its colour, its words."""
    colours = kind_colours(anatomy)
    resizing = {x.kind for s in (*anatomy.encoder, *anatomy.decoder) for x in s.resizing}
    lines = [
        ("arrow" if kind in resizing else "box", colours[kind], _kind_text(kind, layers))
        for kind, layers in _kinds(anatomy).items()
    ]
    lines.append(("skip", SOFT, "skip connection"))
    joins = dict.fromkeys(skip.join for skip in anatomy.skips)
    return lines + [("join", SIGNS[join], f"channels {join}") for join in joins]


def draw_legend(
    page: Axes, lines: list[tuple[str, str, str]], *, left: float, top: float, width: float
) -> None:
    """Two columns of swatches and words, the second in the middle or farther right."""
    per_column = -(-len(lines) // 2)
    widest = max(text_mm(words, size=SMALL_PT) for _, _, words in lines[:per_column])
    second = max(width / 2, SWATCH_MM + WORDS_MM + widest + COLUMN_GAP_MM)
    for number, (form, colour, words) in enumerate(lines):
        column, row = divmod(number, per_column)
        x, y = left + column * second, top + row * LINE_MM
        middle = x + SWATCH_MM / 2
        if form == "box":
            draw_box(page, x=middle - 1.5, y=y, width=3.0, height=2.6, colour=colour)
        elif form == "join":
            draw_join(page, colour, x=middle, y=y)
        else:
            width_pt = RESIZING_PT if form == "arrow" else None
            arrow(page, [(x, y), (x + SWATCH_MM, y)], colour=colour, width_pt=width_pt)
        write(page, words, x=x + SWATCH_MM + WORDS_MM, y=y, size=SMALL_PT, va="center_baseline")


def draw_box(page: Axes, *, x: float, y: float, width: float, height: float, colour: str) -> None:
    """A layer: its left edge at x, its middle at y."""
    from matplotlib.patches import Rectangle

    corner = (x, y - height / 2)
    page.add_patch(Rectangle(corner, width, height, facecolor=colour, edgecolor=INK, linewidth=0.4))


def draw_join(page: Axes, sign: str, *, x: float, y: float) -> None:
    """A circle with a sign where two maps become one."""
    from matplotlib.patches import Circle

    page.add_patch(Circle((x, y), JOIN_MM, facecolor="white", edgecolor=INK, linewidth=0.6))
    write(page, sign, x=x, y=y, size=SMALL_PT, ha="center", va="center_baseline")


def _kinds(anatomy: Anatomy) -> dict[str, list[Layer]]:
    """Every kind of layer in the order of an image's way, with all its layers."""
    found: dict[str, list[Layer]] = {}
    units = [unit for skip in anatomy.skips for unit in skip.units]
    down, up = (
        [layer for stage in stages for layer in (*stage.resizing, *stage.layers)]
        for stages in (anatomy.encoder, anatomy.decoder)
    )
    for layer in (*down, *units, *up, *anatomy.head):
        found.setdefault(layer.kind, []).append(layer)
    return found


def _kind_text(kind: str, layers: list[Layer]) -> str:
    shortcuts = sorted({layer.shortcut for layer in layers} - {""}, reverse=True)
    text = f"{kind}; shortcut: {' or '.join(shortcuts)}" if shortcuts else kind
    strides = sorted({layer.in_size_px // layer.size_px for layer in layers} - {0, 1})
    if not strides or "stride" in text:
        return text
    return f"{text}; stride {' or '.join(map(str, strides))} where the side shrinks"

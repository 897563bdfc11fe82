"""encoder-decoder network → Figure 2: its architecture, drawn from the network itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from coverslip.figures import (
    DOUBLE_MM,
    FAINT,
    LABEL_PT,
    SMALL_PT,
    SOFT,
    arrow,
    figure_of,
    new_page,
    write,
)
from coverslip.reproduction.figures.anatomy import read_anatomy
from coverslip.reproduction.figures.blueprint import (
    BETWEEN_BOXES_MM,
    BETWEEN_UNITS_MM,
    JOIN_MM,
    LANDING_MM,
    UNIT_MM,
    box_height,
    box_width,
    lay_out,
    skip_ends,
    units_width,
)
from coverslip.reproduction.figures.legend import (
    LINE_MM,
    RESIZING_PT,
    SIGNS,
    draw_box,
    draw_join,
    draw_legend,
    kind_colours,
    legend_lines,
    parameters_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import nn

    from coverslip.reproduction.figures.anatomy import Anatomy, Skip, Stage
    from coverslip.reproduction.figures.blueprint import Blueprint, Group

LEGEND_MM = 8.0  # from the lowest box to the legend's first line
SMALL: dict[str, Any] = {"size": SMALL_PT, "ha": "center"}
HEADING_MM = 3.2  # from the top of the page


def architecture_figure(network: nn.Module, *, size_px: int = 256) -> Figure:
    """Draw a network as a forward pass shows it: no number in the drawing is written by hand.

    A box is a layer or block; its height follows the logarithm of the side of its map, its width
    the logarithm of its channels.

    Args:
        network: As `anatomy.read_anatomy` wants it; it is not touched.
        size_px: Side of the image that it is drawn for, a multiple of its stride.

    Returns:
        A figure of two columns' width, or wider where the boxes do not fit.

    Raises:
        ModelError: The network is not of this form, or the size does not fit it.
    """
    anatomy = read_anatomy(network, size_px=size_px)
    plan = lay_out(anatomy, width=DOUBLE_MM)
    lines = legend_lines(anatomy)
    legend_top = plan.bottom + LEGEND_MM
    words_y = legend_top + LINE_MM * math.ceil(len(lines) / 2) + 0.6
    page = new_page(plan.width, words_y + 2.5)
    colours = kind_colours(anatomy)
    _draw_encoder_flow(page, anatomy, plan, colours=colours)
    _draw_decoder_flow(page, anatomy, plan, colours=colours)
    for number, ends in enumerate(skip_ends(anatomy, plan)):
        skip = anatomy.skips[number]
        _draw_skip(page, skip, y=plan.decoder[number].middle, ends=ends, colours=colours)
    for group in (*plan.encoder, *plan.decoder, plan.head):
        _draw_group(page, group, full_px=size_px, colours=colours)
    _draw_image(page, anatomy, plan)
    _write_headings(page, anatomy, plan)
    draw_legend(page, lines, left=plan.image[0], top=legend_top, width=plan.width)
    text = parameters_text(anatomy)
    write(page, text, x=plan.image[0], y=words_y, size=SMALL_PT, color=SOFT, va="center")
    return figure_of(page)


def _draw_encoder_flow(
    page: Axes, anatomy: Anatomy, plan: Blueprint, *, colours: dict[str, str]
) -> None:
    """Down and to the right; at one size, straight on."""
    before = [(plan.image[1], plan.image[2]), *((g.right, g.middle) for g in plan.encoder)]
    half = box_width(anatomy.in_channels) / 2
    widths = [half, *(box_width(g.layers[-1].channels) / 2 for g in plan.encoder)]
    sizes = [anatomy.size_px, *(stage.out.size_px for stage in anatomy.encoder)]
    for (x, y), width, size, stage, group in zip(
        before, widths, sizes, anatomy.encoder, plan.encoder, strict=False
    ):
        down = (x - width, y + box_height(size, anatomy.size_px) / 2)
        start = [(x, y)] if y == group.middle else [down, (down[0], group.middle)]
        _lead(page, stage, [*start, (group.left, group.middle)], colours=colours)


def _draw_decoder_flow(
    page: Axes, anatomy: Anatomy, plan: Blueprint, *, colours: dict[str, str]
) -> None:
    """To the right and up into the circle where the skip joins, and on into the stage."""
    x, y = plan.encoder[-1].right, plan.encoder[-1].middle
    for stage, skip, group in zip(anatomy.decoder, anatomy.skips, plan.decoder, strict=True):
        centre = group.left - LANDING_MM - JOIN_MM
        up = [(x, y), (centre, y), (centre, group.middle + JOIN_MM)]
        _lead(page, stage, up, colours=colours)
        draw_join(page, SIGNS[skip.join], x=centre, y=group.middle)
        arrow(page, [(centre + JOIN_MM, group.middle), (group.left, group.middle)])
        x, y = group.right, group.middle
    arrow(page, [(x, y), (plan.head.left, y)])


def _lead(
    page: Axes, stage: Stage, points: list[tuple[float, float]], *, colours: dict[str, str]
) -> None:
    """The arrow into a stage, which is the layer that changes the size where there is one."""
    if stage.resizing:
        colour = colours[stage.resizing[-1].kind]
        arrow(page, points, colour=colour, width_pt=RESIZING_PT)
    else:
        arrow(page, points)


def _draw_skip(
    page: Axes,
    skip: Skip,
    *,
    y: float,
    ends: tuple[float, float],
    colours: dict[str, str],
) -> None:
    """From the encoder through the units of its path to the decoder."""
    start, end = ends
    x = (start + end - units_width(skip)) / 2 if skip.units else end
    middle = (start + end) / 2
    for unit in skip.units:
        arrow(page, [(start, y), (x, y)], colour=SOFT)
        start = x + box_width(unit.channels)
        draw_box(page, x=x, y=y, width=start - x, height=UNIT_MM, colour=colours[unit.kind])
        x = start + BETWEEN_UNITS_MM
    arrow(page, [(start, y), (end, y)], colour=SOFT)
    if skip.units:
        count = f"{len(skip.units)} unit{'s' if len(skip.units) > 1 else ''}, "
        text = count + map_text(skip.channels, skip.units[-1].size_px)
        write(page, text, x=middle, y=y - UNIT_MM / 2 - 1, **SMALL)


def _draw_group(page: Axes, group: Group, *, full_px: int, colours: dict[str, str]) -> None:
    """The boxes of a stage, and above them what leaves the last."""
    x = group.left
    for layer in group.layers:
        width, height = box_width(layer.channels), box_height(layer.size_px, full_px)
        draw_box(page, x=x, y=group.middle, width=width, height=height, colour=colours[layer.kind])
        x += width + BETWEEN_BOXES_MM
    last = group.layers[-1]
    top = group.middle - box_height(last.size_px, full_px) / 2
    middle = (group.left + group.right) / 2
    write(page, map_text(last.channels, last.size_px), x=middle, y=top - 1, **SMALL)


def _draw_image(page: Axes, anatomy: Anatomy, plan: Blueprint) -> None:
    left, right, y = plan.image
    height = box_height(anatomy.size_px, anatomy.size_px)
    draw_box(page, x=left, y=y, width=right - left, height=height, colour=FAINT)
    text = map_text(anatomy.in_channels, anatomy.size_px)
    write(page, text, x=(left + right) / 2, y=y - height / 2 - 1, **SMALL)


def _write_headings(page: Axes, anatomy: Anatomy, plan: Blueprint) -> None:
    """Above the finest stage of each part."""
    first, last = plan.encoder[0], plan.decoder[-1]
    has_units = any(skip.units for skip in anatomy.skips)
    places = {
        "Image": sum(plan.image[:2]) / 2,
        "Encoder": (first.left + first.right) / 2,
        "Residual paths" if has_units else "Skips": (first.right + last.left) / 2,
        "Decoder": (last.left + last.right) / 2,
        "Head": (plan.head.left + plan.head.right) / 2,
    }
    for text, x in places.items():
        write(page, text, x=x, y=HEADING_MM, size=LABEL_PT, weight="bold", ha="center")


def map_text(channels: int, size_px: int) -> str:
    """A map's channels and side, ``"64 @ 256²"``."""
    return f"{channels} @ {size_px}²"

"""anatomy of a network → where each of its boxes stands, in mm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.reproduction.figures.anatomy import Anatomy, Skip, Stage
    from coverslip.reproduction.figures.calls import Layer

MARGIN_MM, TOP_MM = 6.0, 9.0
TALLEST_MM, PER_DOUBLING_MM = 15.0, 0.5  # a box's height; its width for each doubling of channels
BETWEEN_BOXES_MM, BETWEEN_STAGES_MM, BETWEEN_ROWS_MM = 0.5, 9.0, 7.5
END_MM = 3.0  # the image and the head stand farther off, for their words
RISE_MM, JOIN_MM, LANDING_MM = 5.5, 1.5, 2.5  # right of a stage to the way up; circle; to the box
UNIT_MM, BETWEEN_UNITS_MM = 4.6, 3.0  # boxes on a skip: their height, and between them


@dataclass(frozen=True)
class Group:
    """The boxes of one stage.

    Attributes:
        layers: One for each box.
        left: Of the first.
        right: Of the last.
        middle: Half the height of the boxes, from the top of the page.
    """

    layers: tuple[Layer, ...]
    left: float
    right: float
    middle: float


@dataclass(frozen=True)
class Blueprint:
    """Where everything stands.

    Attributes:
        image: Left and right of the box of the image, and its middle.
        encoder: Fine to coarse.
        decoder: Coarse to fine.
        head: The last boxes.
        width: Of the page.
        bottom: Below all boxes.
    """

    image: tuple[float, float, float]
    encoder: tuple[Group, ...]
    decoder: tuple[Group, ...]
    head: Group
    width: float
    bottom: float


def lay_out(anatomy: Anatomy, *, width: float) -> Blueprint:
    """Stages at one size stand in one row; the encoder goes down to the right, the decoder up.

    Args:
        anatomy: Of the network.
        width: Of the page; where it is too narrow for all the boxes, the page becomes wider.
    """
    tight = _lay_out(anatomy, space=0.0)
    missing = [
        units_width(skip) + 3 * BETWEEN_UNITS_MM - (end - start)
        for skip, (start, end) in zip(anatomy.skips, skip_ends(anatomy, tight), strict=True)
    ]
    return _lay_out(anatomy, space=max(0.0, width - tight.width, *missing))


def skip_ends(anatomy: Anatomy, plan: Blueprint) -> list[tuple[float, float]]:
    """For each decoder stage, from where to where its skip runs."""
    return [
        (plan.encoder[skip.stage].right, group.left - LANDING_MM - 2 * JOIN_MM)
        for skip, group in zip(anatomy.skips, plan.decoder, strict=True)
    ]


def _lay_out(anatomy: Anatomy, *, space: float) -> Blueprint:
    """Half of the free space goes to either side of the coarsest stage."""
    rows = _rows(anatomy)
    image = (MARGIN_MM, MARGIN_MM + box_width(anatomy.in_channels), rows[anatomy.size_px])
    x = image[1] + END_MM
    encoder, decoder = [], []
    for number, stage in enumerate(anatomy.encoder, start=1):
        x += BETWEEN_STAGES_MM + (space / 2 if number == len(anatomy.encoder) else 0)
        encoder.append(place(stage.layers, left=x, middle=rows[stage.out.size_px]))
        x = encoder[-1].right
    for number, stage in enumerate(anatomy.decoder):
        x += RISE_MM + JOIN_MM + LANDING_MM + (space / 2 if number == 0 else 0)
        decoder.append(place(stage.layers, left=x, middle=rows[stage.out.size_px]))
        x = decoder[-1].right
    head = place(
        anatomy.head, left=x + BETWEEN_STAGES_MM + END_MM, middle=rows[anatomy.head[-1].size_px]
    )
    lowest = min(rows)
    bottom = rows[lowest] + box_height(lowest, anatomy.size_px) / 2
    return Blueprint(image, tuple(encoder), tuple(decoder), head, head.right + MARGIN_MM, bottom)


def box_width(channels: int) -> float:
    """In mm; one channel is still seen."""
    return PER_DOUBLING_MM * (1 + math.log2(channels))


def box_height(size_px: int, full_px: int) -> float:
    """In mm; that of the full size is TALLEST_MM."""
    return TALLEST_MM * max(0.15, math.log2(size_px) / math.log2(full_px))


def place(layers: Sequence[Layer], *, left: float, middle: float) -> Group:
    """Boxes side by side."""
    return Group(tuple(layers), left, left + _boxes_width(layers), middle)


def units_width(skip: Skip) -> float:
    """From the left of a skip's first box to the right of its last."""
    widths = [box_width(unit.channels) for unit in skip.units]
    return sum(widths) + BETWEEN_UNITS_MM * (len(widths) - 1)


def _boxes_width(layers: Sequence[Layer]) -> float:
    widths = [box_width(layer.channels) for layer in layers]
    return sum(widths) + BETWEEN_BOXES_MM * (len(widths) - 1)


def _rows(anatomy: Anatomy) -> dict[int, float]:
    """Each size's middle, from the top of the page."""
    stages: Sequence[Stage] = (*anatomy.encoder, *anatomy.decoder)
    outs = [*(stage.out for stage in stages), *anatomy.head]
    sizes = {anatomy.size_px} | {layer.size_px for layer in outs}
    rows, y = {}, TOP_MM
    for size in sorted(sizes, reverse=True):
        height = box_height(size, anatomy.size_px)
        rows[size] = y + height / 2
        y += height + BETWEEN_ROWS_MM
    return rows

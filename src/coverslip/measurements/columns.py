"""the name of a column → its unit, meaning and source: the data dictionary of cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PIXELS = "label image"
CROFTON = "Cauchy-Crofton formula, four directions: Legland et al. 2007, doi 10.5566/ias.v26.p83-92"
THINNING = "thinning of Zhang and Suen 1984, doi 10.1145/357994.358023"
ISO = "ISO 9276-6"
MOMENTS = "second moments of the pixels' squares"
HULL = "convex hull of the pixels' squares"
IMAGE = "image"
PROBS = "the model's probabilities"
VIEWS = "test-time augmentation"
DISTANCE = "distance between the pixels' squares"

# What a column's group is called, as `properties` may name it; in the order of the table.
GROUPS = ("place", "shape", "skeleton", "neighbours", "uncertainty", "intensity")


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
        group: one of `GROUPS`, or "identity".
        unit: "px", "µm", "px²", "µm²" or "rad"; "grey value" for the image's own values; "count",
            "ratio" (0 to 1 where nothing else is said), "number" (a name) or "yes or no".
        text: its definition.
        source: what it is computed from, and by whose formula where it has one.
        basic: whether it belongs to the short table.

    Example:
        >>> from coverslip.measurements import COLUMNS
        >>> COLUMNS["area_um2"].unit, COLUMNS["area_um2"].text
        ('µm²', 'Area in square micrometres.')
    """

    group: str
    unit: str
    text: str
    source: str
    basic: bool = False


COLUMNS: dict[str, Column] = {
    "label": Column(
        "identity", "number", "The cell's number in the label image.", PIXELS, basic=True
    ),
    # place
    "centroid_y_px": Column(
        "place",
        "px",
        "Row of the centroid; the centre of the image's first pixel is 0.",
        PIXELS,
        basic=True,
    ),
    "centroid_x_px": Column(
        "place",
        "px",
        "Column of the centroid; the centre of the image's first pixel is 0.",
        PIXELS,
        basic=True,
    ),
    "bbox_top_px": Column("place", "px", "First row.", PIXELS, basic=True),
    "bbox_left_px": Column("place", "px", "First column.", PIXELS, basic=True),
    "bbox_bottom_px": Column("place", "px", "Last row + 1.", PIXELS, basic=True),
    "bbox_right_px": Column("place", "px", "Last column + 1.", PIXELS, basic=True),
    "touches_border": Column(
        "place",
        "yes or no",
        "Whether the cell touches the image's edge, and so may be cut off.",
        PIXELS,
        basic=True,
    ),
    "centroid_y_um": Column("place", "µm", "centroid_y_px × pixel height.", PIXELS, basic=True),
    "centroid_x_um": Column("place", "µm", "centroid_x_px × pixel width.", PIXELS, basic=True),
    # shape
    "area_px": Column("shape", "px²", "Number of pixels.", PIXELS, basic=True),
    "perimeter_px": Column(
        "shape",
        "px",
        "Length of the outline, with that of holes; right on average over all directions, "
        "so for a disk; 5 % short for a rectangle along the axes.",
        CROFTON,
        basic=True,
    ),
    "equivalent_diameter_px": Column(
        "shape", "px", "Diameter of the disk of the same area, √(4 area / π).", ISO, basic=True
    ),
    "major_axis_px": Column(
        "shape",
        "px",
        "Long axis of the ellipse with the cell's second moments, full length.",
        MOMENTS,
        basic=True,
    ),
    "minor_axis_px": Column(
        "shape", "px", "Short axis of that ellipse, full length.", MOMENTS, basic=True
    ),
    "feret_max_px": Column(
        "shape", "px", "Greatest distance between two points of the cell.", f"{HULL}; {ISO}"
    ),
    "feret_min_px": Column(
        "shape",
        "px",
        "Least distance between two parallel lines with the cell between them.",
        f"{HULL}; {ISO}",
    ),
    "eccentricity": Column(
        "shape",
        "ratio",
        "Of the ellipse, 0 (circle) to 1 (line); in micrometres where they are known.",
        MOMENTS,
        basic=True,
    ),
    "solidity": Column(
        "shape", "ratio", "Area / area of the convex hull, up to 1 (convex).", HULL, basic=True
    ),
    "extent": Column("shape", "ratio", "Area / area of the bounding box.", PIXELS),
    "form_factor": Column(
        "shape",
        "ratio",
        "4π area / perimeter², 1 for a disk and less for all else; over 1 for cells of a few "
        "pixels, whose perimeter is not known better; in micrometres where they are known.",
        ISO,
        basic=True,
    ),
    "orientation_rad": Column(
        "shape",
        "rad",
        "Angle of the long axis: 0 is horizontal, counter-clockwise as seen is positive, -π/2 to "
        "π/2; 0 where no axis is longer; in micrometres where they are known.",
        MOMENTS,
        basic=True,
    ),
    "euler_number": Column(
        "shape",
        "count",
        "Pieces (connected at sides or corners) minus holes: 1 for a cell in one piece without "
        "holes, 0 for a ring.",
        PIXELS,
    ),
    "area_um2": Column("shape", "µm²", "Area in square micrometres.", PIXELS, basic=True),
    "perimeter_um": Column(
        "shape",
        "µm",
        "Length of the outline in micrometres; lines and angles are those of the true pixels.",
        CROFTON,
        basic=True,
    ),
    "equivalent_diameter_um": Column(
        "shape", "µm", "Diameter of the disk of the same area in micrometres.", ISO, basic=True
    ),
    "major_axis_um": Column(
        "shape",
        "µm",
        "Long axis of the ellipse in micrometres, exact for pixels not square too.",
        MOMENTS,
        basic=True,
    ),
    "minor_axis_um": Column(
        "shape", "µm", "Short axis of the ellipse in micrometres, likewise.", MOMENTS, basic=True
    ),
    "feret_max_um": Column(
        "shape", "µm", "Greatest distance between two points in micrometres, likewise.", HULL
    ),
    "feret_min_um": Column(
        "shape", "µm", "Least distance between two parallel lines in micrometres, likewise.", HULL
    ),
    # skeleton
    "skeleton_length_px": Column(
        "skeleton",
        "px",
        "Length of all branches of the medial line, from centre to centre of its pixels: 1 for a "
        "step to a side, √2 for one to a corner; the ends lie inside the cell, by up to half its "
        "width.",
        THINNING,
    ),
    "skeleton_ends": Column(
        "skeleton",
        "count",
        "Ends of the medial line: 2 for a line, 4 for a cross, 0 for a ring or a single pixel.",
        THINNING,
    ),
    "skeleton_length_um": Column(
        "skeleton",
        "µm",
        "The same length in micrometres; each step has its true length, the line is that of the "
        "pixels.",
        THINNING,
    ),
    # neighbours
    "n_touching_4": Column(
        "neighbours", "count", "Other cells that share a pixel's side with this one.", PIXELS
    ),
    "n_touching_8": Column(
        "neighbours", "count", "Other cells that share a side or a corner with this one.", PIXELS
    ),
    "shared_border": Column(
        "neighbours",
        "ratio",
        "Share of the outline, taken along the pixels' sides, that has another cell behind it.",
        PIXELS,
    ),
    "n_near": Column(
        "neighbours",
        "count",
        "Other cells at most near_px, 20 px unless set otherwise, from edge to edge.",
        DISTANCE,
    ),
    "nearest_label": Column(
        "neighbours",
        "number",
        "The cell whose edge is nearest, the lowest number of several; in micrometres where they "
        "are known; 0 where there is no other.",
        DISTANCE,
    ),
    "nearest_edge_px": Column(
        "neighbours",
        "px",
        "Distance from edge to edge to the nearest other cell; 0 where they touch, empty where "
        "there is no other.",
        DISTANCE,
    ),
    "nearest_edge_um": Column(
        "neighbours",
        "µm",
        "Distance to the nearest cell in micrometres, exact for pixels not square too.",
        DISTANCE,
    ),
    # uncertainty
    "confidence": Column(
        "uncertainty",
        "ratio",
        "Mean probability over the cell: the share of its pixels that may be expected to be cell, "
        "as far as the probabilities are true.",
        PROBS,
        basic=True,
    ),
    "spread_mean": Column(
        "uncertainty",
        "ratio",
        "Mean over the cell of the standard deviation between the views, 0 (agree) to 0.5.",
        VIEWS,
    ),
    "spread_max": Column(
        "uncertainty", "ratio", "Greatest standard deviation between the views.", VIEWS
    ),
    # intensity
    "intensity_mean": Column(
        "intensity",
        "grey value",
        "Mean of the image's own values over the cell.",
        IMAGE,
        basic=True,
    ),
    "intensity_sd": Column(
        "intensity", "grey value", "Standard deviation over the cell's pixels (by n).", IMAGE
    ),
    "intensity_min": Column("intensity", "grey value", "Least value.", IMAGE),
    "intensity_q05": Column(
        "intensity", "grey value", "5 % of the pixels are below; between two, by a line.", IMAGE
    ),
    "intensity_q25": Column("intensity", "grey value", "25 % are below.", IMAGE),
    "intensity_q50": Column("intensity", "grey value", "The median.", IMAGE),
    "intensity_q75": Column("intensity", "grey value", "75 % are below.", IMAGE),
    "intensity_q95": Column("intensity", "grey value", "95 % are below.", IMAGE),
    "intensity_max": Column("intensity", "grey value", "Greatest value.", IMAGE),
    "intensity_integrated": Column(
        "intensity", "grey value × px²", "Sum over the cell's pixels.", IMAGE
    ),
    "intensity_background": Column(
        "intensity",
        "grey value",
        "Median of a ring around the cell outside all cells, from ring_gap_px = 2 to 2 + ring_px = "
        "12 px from its edge; of all that is outside of cells where the ring has under 25 pixels; "
        "empty where that has none.",
        IMAGE,
    ),
    "intensity_corrected_mean": Column(
        "intensity", "grey value", "intensity_mean - intensity_background.", IMAGE
    ),
    "intensity_corrected_integrated": Column(
        "intensity",
        "grey value × px²",
        "intensity_integrated - intensity_background × area_px.",
        IMAGE,
    ),
}

NUMBERS = {name: number for number, name in enumerate(COLUMNS)}


def names_in(group: str) -> tuple[str, ...]:
    """The columns of a group, in the order of the table."""
    return tuple(name for name, column in COLUMNS.items() if column.group == group)


def split_channel(name: str) -> tuple[str, str]:
    """The column of `COLUMNS` and the channel: ``intensity_mean_GFP`` → intensity_mean, GFP.

    Raises:
        KeyError: no such column.
    """
    if name in COLUMNS:
        return name, ""
    for base in names_in("intensity"):
        if name.startswith(f"{base}_"):
            return base, name.removeprefix(f"{base}_")
    raise KeyError(name)


def column_of(name: str) -> Column | None:
    """What a column holds, of whichever channel; None for a column that is none of cells.

    Example:
        >>> from coverslip.measurements import column_of
        >>> column_of("intensity_mean_GFP").unit
        'grey value'
        >>> column_of("well") is None
        True
    """
    try:
        return COLUMNS[split_channel(name)[0]]
    except KeyError:
        return None


def in_order(names: Iterable[str]) -> list[str]:
    """Sort columns of several images as a table of one has them, channel after channel.

    Raises:
        KeyError: a name that is no column of a cell.

    Example:
        >>> from coverslip.measurements import in_order
        >>> in_order(["area_px", "label", "centroid_x_px"])
        ['label', 'centroid_x_px', 'area_px']
    """
    split = {name: split_channel(name) for name in names}
    channels = list(dict.fromkeys(channel for _, channel in split.values()))
    first = NUMBERS["intensity_mean"]

    def place(name: str) -> tuple[int, int, int]:
        base, channel = split[name]
        return min(NUMBERS[base], first), channels.index(channel), NUMBERS[base]

    return sorted(split, key=place)

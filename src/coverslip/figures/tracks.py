"""tracks → a lineage tree and a plot of trajectories, for a paper."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GRID = "#20242c", "#e3e6eb"
WIDTH_INCHES = 6.5
# Of one branch, and the least and greatest height of a tree.
BRANCH_INCHES = 0.13
HEIGHT_INCHES = (2.2, 40.0)
# Colours for a black ground are darker on paper.
ON_PAPER = 0.75


def lineage_tree_figure(
    lineage: pd.DataFrame,
    *,
    rows: NDArray[np.float64],
    colours: NDArray[np.uint8],
    frame_interval_h: float | None = None,
) -> "Figure":
    """Draw the family trees of a film, time to the right.

    Args:
        lineage: One row per track, ascending: `track_id`, `begin_frame`, `end_frame`,
            `parent_track_id`, `fate`.
        rows: (n,) where each lies.
        colours: (n, 3) of each.
        frame_interval_h: Hours from a frame to the next; None: the axis counts frames.

    Returns:
        A figure. Rings are cells that were lost, triangles those that left the field.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    unit = frame_interval_h or 1.0
    height = float(np.clip(BRANCH_INCHES * (rows.max(initial=0) + 1) + 0.7, *HEIGHT_INCHES))
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    axes = figure.subplots()
    begin, end = (lineage[f"{name}_frame"].to_numpy() * unit for name in ("begin", "end"))
    parent = lineage["parent_track_id"].to_numpy() - 1
    limbs = []
    for track, mother in enumerate(parent.tolist()):
        limb = [(begin[track], rows[track]), (end[track], rows[track])]
        if mother >= 0:
            limb = [(end[mother], rows[mother]), (end[mother], rows[track]), limb[1]]
        limbs.append(limb)
    axes.add_collection(LineCollection(limbs, colors=_on_paper(colours), linewidths=1.4))
    fate = lineage["fate"].to_numpy()
    for name, marker in (("lost", "o"), ("leaves", ">")):
        here = fate == name
        axes.scatter(end[here], rows[here], s=14, marker=marker, facecolors="white",
                     edgecolors=_on_paper(colours[here]).tolist(), zorder=3)  # fmt: skip
    axes.set(xlabel="time (h)" if frame_interval_h else "frame", yticks=[])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=frame_interval_h is None))
    axes.set_xlim(0 - 0.02 * end.max(), 1.02 * max(float(end.max()), unit))
    axes.set_ylim(rows.max(initial=0) + 0.8, -0.8)
    _tidy(axes)
    return figure


def trajectories_figure(
    cells: pd.DataFrame, *, places: NDArray[np.float64], colours: NDArray[np.uint8]
) -> "Figure":
    """Draw the ways of all cells: as they lie in the field, and from a common origin.

    Args:
        cells: One row per cell and frame: `track_id`, `frame`.
        places: (N, 2) of each, rows and columns in pixels, in a view that does not drift.
        colours: (n, 3) of each track.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    order = np.lexsort((cells["frame"], cells["track_id"]))
    ids, places = cells["track_id"].to_numpy()[order], places[order][:, ::-1]
    cuts = np.flatnonzero(np.diff(ids)) + 1
    ways = np.split(places, cuts)
    pens = _on_paper(colours[[int(part[0]) - 1 for part in np.split(ids, cuts)]])
    figure = Figure(figsize=(WIDTH_INCHES, WIDTH_INCHES / 2), layout="constrained")
    field, origin = figure.subplots(1, 2)
    for axes, lines in ((field, ways), (origin, [way - way[0] for way in ways])):
        axes.add_collection(LineCollection(lines, colors=pens, linewidths=1.0))
        axes.set(aspect="equal", xlabel="x (px)", ylabel="y (px)")
        axes.autoscale_view()
        axes.invert_yaxis()
        _tidy(axes)
    reach = 1.05 * max(1.0, *(float(np.abs(way - way[0]).max()) for way in ways))
    origin.set(xlim=(-reach, reach), ylim=(reach, -reach))
    for line in (origin.axhline, origin.axvline):
        line(0, color=GRID, linewidth=0.8, zorder=0)
    field.set_title("In the field", loc="left", fontsize=10, color=INK)
    origin.set_title("From one origin", loc="left", fontsize=10, color=INK)
    return figure


def _on_paper(colours: NDArray[Any]) -> NDArray[np.float64]:
    return ON_PAPER * colours / 255


def _tidy(axes: "Axes") -> None:
    axes.tick_params(colors=INK, labelsize=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, size=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if not len(axes.get_yticks()):
        axes.spines["left"].set_visible(False)

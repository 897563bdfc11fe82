"""history of a training → curves."""

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# What is drawn of a history, panel by panel; a column that is not there is left out.
PANELS: dict[str, dict[str, str]] = {
    "Loss": {"train_loss": "training", "val_loss": "validation"},
    "Jaccard": {"train_jaccard": "training", "val_jaccard": "validation"},
    "Mean average precision": {"val_ap": "validation"},
    "Learning rate": {"lr": "learning rate"},
}
COLOURS = {"training": "#8a93a3", "validation": "#0072b2", "learning rate": "#d55e00"}
INK, GRID = "#20242c", "#e3e6eb"
PANEL_INCHES = (4.2, 3.3)


def curves(history: pd.DataFrame) -> bytes:
    """Draw loss, Jaccard and learning rate over the epochs.

    Args:
        history: One row per epoch, at least one: epoch and any of train_loss, val_loss,
            train_jaccard, val_jaccard, lr. Further columns are ignored.

    Returns:
        A PNG file. The epoch of the best validation Jaccard is marked.

    Example:
        >>> import pandas as pd
        >>> from coverslip.figures import curves
        >>> curves(pd.DataFrame({"epoch": [1, 2], "val_jaccard": [0.5, 0.7]}))[1:4]
        b'PNG'
    """
    file = io.BytesIO()
    curves_figure(history).savefig(file, format="png", dpi=130)
    return file.getvalue()


def curves_figure(history: pd.DataFrame) -> "Figure":
    """Draw what `curves` shows as a figure of its own, without any global state of matplotlib.

    Example:
        >>> import pandas as pd
        >>> from coverslip.figures import curves_figure
        >>> history = pd.DataFrame({"epoch": [1, 2], "lr": [0.1, 0.2], "val_jaccard": [0.5, 0.7]})
        >>> len(curves_figure(history).axes)
        2
    """
    from matplotlib.figure import Figure

    panels = {title: lines for title, lines in PANELS.items() if history.columns.isin(lines).any()}
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * len(panels), height), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, lines) in zip(row, panels.items(), strict=True):
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
        _draw_lines(axes, history, lines=lines)
        for column in {"val_jaccard", "val_ap"} & set(lines):
            _mark_best(axes, history, column)
        _set_limits(axes, history["epoch"])
        _tidy(axes)
    return figure


def _draw_lines(axes: "Axes", history: pd.DataFrame, *, lines: dict[str, str]) -> None:
    """One line per column; a lone epoch shows as a dot."""
    marker = "o" if len(history) == 1 else ""
    drawn = {column: label for column, label in lines.items() if column in history}
    for column, label in drawn.items():
        axes.plot(
            history["epoch"],
            history[column],
            color=COLOURS[label],
            label=label,
            linewidth=1.8,
            marker=marker,
        )
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)


def _mark_best(axes: "Axes", history: pd.DataFrame, score: str) -> None:
    """Name the best epoch by a score."""
    if score not in history or history[score].isna().all():
        return
    best = int(np.nanargmax(history[score].to_numpy(dtype=float)))
    epoch, value = (float(history[column].iloc[best]) for column in ("epoch", score))
    axes.plot([epoch], [value], "o", color=COLOURS["validation"], markersize=6)
    axes.set_xlabel(f"epoch (best: {value:.3f} at {epoch:.0f})")


def _set_limits(axes: "Axes", epochs: "pd.Series[int]") -> None:
    """Nothing drawn is below 0, so no axis goes there; a lone epoch stands in the middle."""
    low, high = axes.get_ylim()
    axes.set_ylim(bottom=max(low, -0.03 * high))
    if len(epochs) == 1:
        epoch = float(epochs.iloc[0])
        axes.set(xlim=(epoch - 1, epoch + 1), ylim=(-0.03 * high, 1.2 * high))


def _tidy(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axes.set_xlabel(axes.get_xlabel() or "epoch", fontsize=9, color=INK)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)

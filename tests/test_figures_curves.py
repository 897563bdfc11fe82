import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from coverslip.figures import curves, curves_figure

HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "lr": [0.001, 0.002, 0.0005],
        "train_loss": [1.0, 0.6, 0.5],
        "val_loss": [1.1, 0.7, 0.8],
        "val_jaccard": [0.5, 0.8, 0.7],
        "seconds": [3.0, 3.0, 3.0],
    }
)


def test_curves_show_every_column_of_the_history():
    axes = curves_figure(HISTORY).axes
    assert [panel.get_title(loc="left") for panel in axes] == ["Loss", "Jaccard", "Learning rate"]
    loss = {line.get_label(): list(line.get_ydata()) for line in axes[0].lines}
    assert loss == {"training": [1.0, 0.6, 0.5], "validation": [1.1, 0.7, 0.8]}
    assert list(axes[2].lines[0].get_xdata()) == [1, 2, 3]


def test_the_best_epoch_is_marked():
    jaccard = curves_figure(HISTORY).axes[1]
    mark = jaccard.lines[-1]
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([2.0], [0.8])
    assert jaccard.get_xlabel() == "epoch (best: 0.800 at 2)"


def test_a_history_without_validation_has_no_such_panel():
    figure = curves_figure(HISTORY[["epoch", "train_loss"]])
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["Loss"]


@pytest.mark.parametrize("history", [HISTORY[:1], HISTORY.assign(val_jaccard=np.nan), HISTORY])
def test_curves_are_a_png(history):
    image = Image.open(io.BytesIO(curves(history)))
    assert image.format == "PNG"
    assert image.width > 1000


def test_no_axis_goes_below_0_and_a_lone_epoch_stands_in_the_middle():
    for history in (HISTORY[:1].assign(val_ap=0.0), HISTORY):
        for axes in curves_figure(history).axes:
            low, high = axes.get_ylim()
            assert -0.05 * high < low < high
    lone = curves_figure(HISTORY[1:2]).axes[1]
    assert sum(lone.get_xlim()) / 2 == 2
    assert lone.get_ylim()[0] <= 0 < 0.8 < lone.get_ylim()[1]
    ticks = [tick for tick in lone.get_xticks() if lone.get_xlim()[0] <= tick <= lone.get_xlim()[1]]
    assert all(tick == round(tick) for tick in ticks)

"""The curve of score against the number of annotated images."""

import numpy as np
import pandas as pd
import pytest

from coverslip.figures import MM_PER_INCH
from coverslip.reproduction.figures.learning import learning_figure
from printed import texts

TABLE = pd.DataFrame(
    {
        "start": ["none", "none", "none", "nuclei", "nuclei"],
        "images": [1, 1, 30, 1, 30],
        "mean_ap": [0.1, 0.2, 0.4, 0.3, 0.5],
    }
)


def test_a_curve_is_the_mean_over_draws_and_every_draw_a_dot():
    figure = learning_figure(TABLE, score="mean_ap", name="Mean AP")
    axes = figure.axes[1]
    dots, line, _, other = axes.lines
    np.testing.assert_allclose(dots.get_xydata(), [[1, 10], [1, 20], [30, 40]])
    np.testing.assert_allclose(line.get_xydata(), [[1, 15], [30, 40]])
    np.testing.assert_allclose(other.get_xydata(), [[1, 30], [30, 50]])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["none", "nuclei"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "30"]
    assert "Mean AP (%)" in texts(figure)
    assert figure.get_figwidth() == pytest.approx(87 / MM_PER_INCH)


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="one training or more"):
        learning_figure(TABLE[:0], score="mean_ap", name="Mean AP")

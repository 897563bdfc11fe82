"""The figure of score against cost: every point where it belongs, every name to be read."""

import numpy as np
import pytest

from coverslip.figures import MM_PER_INCH
from coverslip.reproduction.figures.figure7 import Dot, scatter_figure
from printed import collisions, texts

NAMES = [f"network {n}" for n in range(14)]


def draw(dots, *more):
    panels = [("a", dots), *(("b", own) for own in more)]
    return scatter_figure(panels, cost_label="GFLOP", score_label="Jaccard")


def points(axes):
    """Where the dots lie, in the units of the axes, from left to right."""
    lines = [line for line in axes.lines if line.get_marker() == "o"]
    places = [line.get_transform().transform(line.get_xydata()[0]) for line in lines]
    return sorted(tuple(axes.transData.inverted().transform(place)) for place in places)


def panels(figure):
    """The axes with dots; the page itself has none."""
    return [axes for axes in figure.axes if axes.lines]


def test_dots_lie_at_their_cost_and_score():
    (axes,) = panels(draw([Dot("fast", 6.2, 84.0, stands_out=True), Dot("slow", 96.3, 86.0)]))
    np.testing.assert_allclose(points(axes), [(6.2, 84.0), (96.3, 86.0)], rtol=1e-6)
    assert axes.get_xscale() == "log"
    assert {text.get_text(): text.get_weight() for text in axes.texts} == {
        "fast": "bold",
        "slow": "normal",
    }


def test_methods_without_cost_are_named_and_do_not_stretch_the_axis():
    figure = draw([Dot("a", 5.0, 80.0), Dot("b", 50.0, 90.0), Dot("EGT", None, 4.25)])
    assert "without learning: EGT 4.2" in texts(figure)
    (axes,) = panels(figure)
    assert axes.get_ylim()[0] > 75


@pytest.mark.parametrize("seed", range(5))
def test_names_do_not_cover_one_another(seed):
    draws = np.random.default_rng(seed)
    costs = draws.uniform(6, 150, len(NAMES))
    dots = [Dot(n, float(c), float(draws.normal(87, 2))) for n, c in zip(NAMES, costs, strict=True)]
    figure = draw(dots, dots[:1])
    assert not collisions(figure)
    assert set(NAMES) < set(texts(figure))
    assert figure.get_figwidth() == pytest.approx(175 / MM_PER_INCH)


def test_a_name_beside_the_edge_turns_inwards():
    figure = draw([Dot("a rather long name of a network", 100.0, 80.0), Dot("x", 1.0, 80.0)])
    assert not collisions(figure)


@pytest.mark.parametrize("wrong", [[], [Dot("EGT", None, 40.0)]])
def test_nothing_to_draw_is_refused(wrong):
    with pytest.raises(ValueError, match="a dot that has a cost"):
        draw(wrong)

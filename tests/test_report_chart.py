import re

import pytest

from coverslip.report.chart import (
    FLOOR,
    LEFT,
    MOST_DOTS,
    RIGHT,
    TOP,
    Chart,
    draw_chart,
    nice_step,
    nice_ticks,
)
from coverslip.report.values import count, percent


def chart(y: list[float], **changes) -> Chart:
    fields = {
        "title": "Cells",
        "x": range(len(y)),
        "x_label": "frame",
        "y": y,
        "names": [f"frame {i}" for i in range(len(y))],
        "show": count,
        "kind": "count",
    }
    return Chart(**(fields | changes))


def points(svg: str) -> list[tuple[float, float]]:
    (path,) = re.findall(r'<polyline points="([^"]+)"', svg)
    return [tuple(map(float, point.split(","))) for point in path.split()]


@pytest.mark.parametrize(
    ("top", "whole", "ticks"),
    [
        (0, True, [0, 1, 2]),
        (1, True, [0, 1, 2]),
        (3, True, [0, 1, 2, 3]),
        (9, True, [0, 5, 10]),
        (78, True, [0, 20, 40, 60, 80]),
        (260, True, [0, 100, 200, 300]),
        (0, False, [0, 0.01, 0.02]),
        (0.358, False, [0, 0.1, 0.2, 0.3, 0.4]),
        (0.95, False, [0, 0.25, 0.5, 0.75, 1]),
        (1, False, [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_ticks_are_round(top, whole, ticks):
    assert nice_ticks(top, whole=whole) == pytest.approx(ticks)


@pytest.mark.parametrize("top", [0.003, 0.04, 0.07, 0.1, 0.34, 0.5, 0.51, 0.99])
def test_ticks_reach_the_top_and_are_few(top):
    ticks = nice_ticks(top, whole=False)
    assert ticks[-1] >= top
    assert 3 <= len(ticks) <= 6


def test_steps_of_whole_numbers_are_whole():
    assert nice_step(9, whole=True) == 5
    assert nice_step(9, whole=False) == 2.5


def test_the_curve_goes_through_its_values():
    svg = draw_chart(chart([0, 4, 2]))  # ticks to 4
    assert points(svg) == [
        (LEFT, FLOOR),
        ((LEFT + RIGHT) / 2, TOP),
        (RIGHT, (TOP + FLOOR) / 2),
    ]


def test_a_lone_point_and_a_flat_zero_can_be_drawn():
    assert points(draw_chart(chart([0]))) == [(LEFT, FLOOR)]
    assert len(points(draw_chart(chart([0, 0])))) == 2


def test_every_dot_tells_its_value():
    svg = draw_chart(chart([1, 2], show=percent, kind="confluence"))
    assert re.findall(r"<title>([^<]+)</title>", svg) == [
        "frame 0: 100.0\u202f%",
        "frame 1: 200.0\u202f%",
    ]


def test_a_long_series_is_a_line_without_dots():
    assert "<circle" in draw_chart(chart([1] * MOST_DOTS))
    assert "<circle" not in draw_chart(chart([1] * (MOST_DOTS + 1)))


def test_the_curve_is_told_to_those_who_cannot_see_it():
    (label,) = re.findall(r'aria-label="([^"]+)"', draw_chart(chart([3, 9, 5])))
    assert label == "Cells: 3 at the first of 3 points, 5 at the last, between 3 and 9."


def test_frames_are_numbered_in_whole_steps_and_time_in_round_ones():
    numbers = re.findall(r'text-anchor="middle">([\d.]+)<', draw_chart(chart([1, 1, 1])))
    assert numbers == ["0", "1", "2"]
    timed = chart([1, 1, 1], x=[0, 0.5, 1], x_label="time (h)")
    numbers = re.findall(r'text-anchor="middle">([\d.]+)<', draw_chart(timed))
    assert numbers == ["0", "0.25", "0.5", "0.75", "1"]

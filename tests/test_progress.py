"""How long the rest takes, told by a clock of the test."""

from __future__ import annotations

import random

import pytest

from coverslip.progress import Pace, Progress, progress_bar, write_seconds


class Clock:
    """A clock that goes when it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def left_at(ends: list[float], n_seen: int) -> tuple[float, float]:
    """What is said when so many of the pieces are done, and what is true."""
    clock = Clock()
    pace = Pace("segmenting", n_all=len(ends), clock=clock)
    said = Progress("", 0, 0, 0.0, None)
    for n, clock.now in enumerate(ends[:n_seen], start=1):
        said = pace.reach(n)
    assert said.seconds_left is not None
    return said.seconds_left, ends[-1] - ends[n_seen - 1]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("warm_up", [0.0, 3.0, 30.0])
def test_a_tenth_of_like_images_tells_the_rest_within_a_fifth(seed, warm_up):
    draw = random.Random(seed)
    now, ends = warm_up, []
    for _ in range(100):
        now += draw.uniform(1.8, 2.2)
        ends.append(now)
    said, true = left_at(ends, 10)
    assert abs(said - true) <= 0.2 * true


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_that_end_together_do_not_make_it_seem_faster(workers):
    ends = [5.0 * (i // workers + 1) + 0.01 * (i % workers) for i in range(80)]
    said, true = left_at(ends, 8)
    assert abs(said - true) <= 0.2 * true


def test_what_was_done_before_does_not_count():
    clock = Clock()
    pace = Pace("segmenting", n_all=100, clock=clock)
    assert pace.skip(60).seconds_left is None
    for n, clock.now in ((61, 10.0), (62, 12.0), (63, 14.0)):
        said = pace.reach(n)
    assert (said.n_done, said.seconds_left) == (63, 37 * 2.0)


def test_the_time_left_runs_down_while_nothing_is_done():
    clock = Clock()
    pace = Pace("training", n_all=10, clock=clock)
    for n, clock.now in ((1, 4.0), (2, 6.0)):
        pace.reach(n)
    assert [pace.look(now=now).seconds_left for now in (6.0, 7.5, 99.0)] == [16.0, 14.5, 0.0]


def test_nothing_is_said_of_the_rest_before_something_is_done():
    assert Pace("scoring", n_all=5).look().seconds_left is None
    assert Pace("scoring").reach(3).seconds_left is None
    assert Pace("scoring").reach(3).share is None
    whole = Pace("scoring", n_all=2)
    whole.skip(2)
    assert whole.look().seconds_left == 0 and whole.look().share == 1.0


def test_seconds_in_words():
    words = [write_seconds(s) for s in (3.4, 99, 150, 7200, 12_000)]
    assert words == ["3 s", "99 s", "2 min", "2 h 0 min", "3 h 20 min"]


def test_a_bar_shows_what_is_done(capsys):
    with progress_bar() as bar:
        bar(Progress("segmenting", 1, 2, seconds=1.0, seconds_left=1.0, item="a\x1b[2J.png"))
        bar(Progress("segmenting", 2, 2, seconds=2.0, seconds_left=0.0, item="b.png"))
    said = capsys.readouterr().err
    assert "segmenting" in said and "2/2" in said and "b.png" in said and "\x1b[2J" not in said

"""Real processes, killed at random moments until one comes through: nothing is lost.

`benchmarks/kill.py` does the same for longer.
"""

from __future__ import annotations

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("forks with PyTorch loaded, which others do not bear", allow_module_level=True)

pytest.importorskip("zarr")

from killed import Order, Story, contents, differing, make_orders, run_killed

IMAGES, FRAMES, REGIONS, EPOCHS, STEPS = 8, 14, 10, 4, 2
ROUNDS = 10
TILES = 13  # of 64 px, overlapping by 16, along 640


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, tuple[Order, Story]]:
    """What became of a folder of images, a film, a slide and a training."""
    orders = make_orders(
        tmp_path_factory.mktemp("killed"),
        images=IMAGES,
        frames=FRAMES,
        regions=REGIONS,
        epochs=EPOCHS,
        steps=STEPS,
        rounds=ROUNDS,
    )
    stories = run_killed(list(orders.values()))
    return dict(zip(orders, zip(orders.values(), stories, strict=True), strict=True))


@pytest.mark.parametrize("name", ["images", "film", "slide", "training"])
def test_the_result_is_that_of_an_undisturbed_run(told, name):
    order, story = told[name]
    assert story.status == 0 and len(story.kills) >= 4
    assert differing(order) == []
    assert not any(".part" in file or "in-use" in file for file in contents(order.out("killed")))


@pytest.mark.parametrize(
    ("name", "passes", "lost"),
    [
        ("images", IMAGES, 2),  # two threads are at work
        ("film", FRAMES, 2),
        ("slide", TILES, 1),
        ("training", EPOCHS * (STEPS + 1), STEPS + 1),
    ],
)
def test_what_was_finished_is_not_done_again(told, name, passes, lost):
    """A kill costs at most the images, the frames, the tile or the epoch that are at work."""
    order, story = told[name]
    whole, killed = (len(order.passes(run).read_bytes()) for run in ("whole", "killed"))
    assert whole == passes
    assert killed <= passes + len(story.kills) * lost

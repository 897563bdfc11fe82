"""Which divisions are believed: films whose masks break, and whose true divisions are known."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.tracking import find_cells, track
from coverslip.tracking.believe import Evidence, judge, rank_looks, roundness

SIDE, PITCH = 6, 52
LONG, DISC, DAUGHTER = (15.0, 6.0), (9.5, 9.5), (7.0, 6.5)
YOUNG, SPREAD = (10.0, 5.0), 3


def ellipse(at, axes, turn):
    """(2, H, W) coordinates along the axes of an ellipse, in units of them."""
    y, x = np.mgrid[: SIDE * PITCH, : SIDE * PITCH].astype(float) - np.reshape(at, (2, 1, 1))
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    return np.stack([along / axes[0], across / axes[1]])


def breaking_film(n_frames, *, seed, n_divisions=6, breaks=0.05):
    """Long cells that creep, whose masks break for some frames; some round up, and divide.

    Returns:
        The labels, the images, and the true divisions: last frame and place of each mother.
    """
    rng = np.random.default_rng(seed)
    n = SIDE**2
    home = (np.stack(np.divmod(np.arange(n), SIDE), axis=1) + 0.5) * PITCH
    turns = rng.uniform(0, np.pi, n)
    when = np.full(n, n_frames + 9)
    when[rng.choice(n, n_divisions, replace=False)] = rng.integers(6, n_frames - 4, n_divisions)
    # as many are broken in the first frame as in any other
    until, cut = (
        np.where(rng.random(n) < 4 * breaks, rng.integers(1, 6, n), 0),
        rng.uniform(-0.2, 0.6, n),
    )
    film, images, divisions = [], [], set()
    for t in range(n_frames):
        labels, number = np.zeros(2 * (SIDE * PITCH,), int), 0
        image = rng.normal(100, 3, labels.shape)
        for k in range(n):
            home[k] += rng.normal(0, 0.7, 2)
            turns[k] += rng.normal(0, 0.05)
            drawn = [(home[k], LONG)]
            if when[k] - 3 <= t < when[k]:
                drawn = [(home[k], DISC)]
            if t >= when[k]:
                apart = (7.5 + min(t - when[k], 4)) * np.array([np.sin(turns[k]), np.cos(turns[k])])
                axes = DAUGHTER if t < when[k] + SPREAD else YOUNG
                drawn = [(home[k] - apart, axes), (home[k] + apart, axes)]
            if t == when[k] - 1:
                divisions.add((t, *home[k].round().astype(int).tolist()))
            if t >= until[k] and rng.random() < breaks and abs(t - when[k]) > 5:
                until[k], cut[k] = t + rng.integers(3, 8), rng.uniform(-0.2, 0.6)
            for at, axes in drawn:
                along, across = ellipse(at, axes, turns[k])
                inside = along**2 + across**2 <= 1
                number += 1
                labels[inside] = number
                image[inside] += 80 if axes in (DISC, DAUGHTER) else 15
                if len(drawn) == 1 and axes == LONG and t < until[k]:
                    number += 1
                    labels[inside & (along > cut[k])] = number
        film.append(labels)
        images.append(image)
    return film, images, divisions


def divisions_of(tracks):
    """Last frame and place of every mother."""
    ends = tracks.cells.groupby("track_id").tail(1).set_index("track_id")
    mothers = ends.loc[tracks.lineage.query("fate == 'divides'")["track_id"]]
    names = ["frame", "centroid_y_px", "centroid_x_px"]
    return set(map(tuple, mothers[names].round().astype(int).to_numpy().tolist()))


def count_right(found, true):
    return sum(
        any(t == u and abs(y - v) < 6 and abs(x - w) < 6 for u, v, w in true) for t, y, x in found
    )


def test_cells_that_round_up_and_divide_are_told_from_masks_that_break():
    film, images, true = breaking_film(22, seed=0)
    for given in (None, images):
        tracks = track(film, images=given)
        found = divisions_of(tracks)
        assert count_right(found, true) == len(true) == 6
        assert len(found) <= 9  # of 38
        assert "not believed" in tracks.notes[-1]


def test_a_film_whose_masks_do_not_break_keeps_all_of_its_divisions():
    film, _, true = breaking_film(16, seed=3, breaks=0)
    found = divisions_of(track(film))
    assert count_right(found, true) == len(found) == 6


def evidence(rows):
    rank, unlike, stays, ends = (np.array(column) for column in zip(*rows, strict=True))
    at = np.arange(len(rows))
    return Evidence(at, at, rank.astype(float), unlike.astype(float), stays.astype(float), ends > 0)


def test_what_is_as_likely_backwards_is_not_believed():
    broken = [(0.4, 1.0, 3, 1), (0.7, -0.8, 2, 1), (0.5, 1.4, 4, 1), (0.9, 0.5, 3, 1)] * 5
    real = [(0.01, 0.1, 15, 0), (0.02, -0.2, 12, 0)]
    sure = judge(evidence([*broken, *real]), evidence(broken), lost=0.02)
    # one that was not met by chance stands against the two
    assert sure[-2:].tolist() == [0.5, 0.5]
    assert sure[:-2].max() < 0.1
    sure = judge(evidence([*broken, *real * 3]), evidence(broken), lost=0.02)
    assert sure[-6:] == pytest.approx(1 - 1 / 6)
    assert sure[:-6].max() < 0.1


def test_too_few_backwards_say_nothing():
    rows = [(0.4, 1.0, 3, 1)] * 5
    assert judge(evidence(rows), evidence(rows[:3]), lost=0.02).tolist() == [1] * 5
    assert judge(evidence(rows), evidence(rows), lost=0.02).max() == 0


def test_a_round_and_bright_cell_ranks_before_others():
    labels = np.zeros((60, 60), int)
    y, x = np.mgrid[:60, :60]
    labels[(y - 15) ** 2 + (x - 15) ** 2 < 80] = 1
    labels[40:44, 5:45] = 2
    labels[20:22, 40:50] = 3
    image = np.where(labels == 1, 90, np.where(labels == 3, 30, 20))
    cells = find_cells(labels, image=image)
    assert cells.light.tolist() == [70, 0, 10]
    assert roundness(cells)[0] == pytest.approx(1, abs=0.01)
    assert roundness(cells)[1] == pytest.approx(0.1, abs=0.01)
    assert rank_looks([cells])[0].tolist() == pytest.approx([1 / 3, 1, 2 / 3])

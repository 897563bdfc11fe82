"""PHANTAST: contrast computed by hand, halos drawn, and its rule followed pixel by pixel."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from coverslip.errors import SettingsError
from coverslip.segmentation.classical import (
    METHODS,
    PHANTAST_GUI,
    PhantastSettings,
    segment_phantast,
)
from coverslip.segmentation.classical.areas import fill_small_holes
from coverslip.segmentation.classical.phantast import (
    brighter_side,
    drop_up_to,
    local_contrast,
    remove_halo,
    rim,
    tidy,
)
from textured import cells

USUAL = PhantastSettings()


def test_the_two_sets_of_settings():
    assert METHODS["phantast"] == (segment_phantast, USUAL)
    assert METHODS["phantast_gui"] == (segment_phantast, PHANTAST_GUI)
    assert (USUAL.sigma, USUAL.epsilon, USUAL.freeze_ratio) == (1.4, 0.06, 0.3)
    assert (USUAL.small_hole_px, USUAL.small_object_px, USUAL.small_rest_px) == (320, 200, 0)
    gui = PHANTAST_GUI
    assert (gui.sigma, gui.epsilon, gui.freeze_ratio) == (1.4, 0.03, 0.3)
    assert (gui.small_hole_px, gui.small_object_px, gui.small_rest_px) == (25, 325, 100)


# --- contrast


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (0, 1), (2, -1), (5, 5), (0, 6), (6, 0)])
def test_contrast_around_one_bright_pixel(dy, dx):
    # Of 0.5 and one pixel of 0.5 + 0.3, the mean is 0.5 + 0.3 w where the Gaussian gives that pixel
    # the weight w, and the variance is 0.3² w (1 - w). It ends ceil(2.9786 * 1.4) = 5 px away.
    image = np.full((30, 40), 0.5)
    image[15, 20] += 0.3
    one = [math.exp(-(d**2) / (2 * 1.4**2)) for d in range(-5, 6)]
    w = math.prod(one[5 + d] / sum(one) if abs(d) <= 5 else 0 for d in (dy, dx))
    expected = 0.3 * math.sqrt(w * (1 - w)) / (0.5 + 0.3 * w)
    found = local_contrast(image, sigma=1.4)[15 + dy, 20 + dx]
    assert found == pytest.approx(expected, abs=1e-7)


def test_the_image_is_mirrored_at_its_border():
    rng = np.random.default_rng(0)
    image = rng.uniform(size=(9, 12))
    mirrored = np.pad(image, 20, mode="symmetric")
    np.testing.assert_allclose(
        local_contrast(image, sigma=1.4),
        local_contrast(mirrored, sigma=1.4)[20:-20, 20:-20],
        atol=1e-12,
    )


def test_contrast_is_a_ratio():
    image = cells(3)[0].astype(float)
    contrast = local_contrast(image, sigma=1.4)
    np.testing.assert_allclose(local_contrast(image / 257, sigma=1.4), contrast, rtol=1e-6)
    assert (local_contrast(image + 1.0, sigma=1.4) < contrast).all()


@pytest.mark.parametrize("value", [0.0, 1e-6, 0.3, 1.0])
def test_no_contrast_where_all_is_alike(value):
    assert local_contrast(np.full((20, 20), value), sigma=1.4).max() < 1e-6


# --- areas


def test_pieces_and_holes_up_to_the_limit():
    mask = np.zeros((12, 20), dtype=bool)
    mask[1:8, 1:8] = True
    mask[3, 3] = mask[4, 4] = False  # two holes of one pixel, since background has no corners
    mask[6, 5:7] = False  # one of two
    mask[0:5, 12:16] = True
    mask[0:3, 13] = False  # a bay: it reaches the border
    assert fill_small_holes(mask, most_px=0).sum() == mask.sum()
    assert fill_small_holes(mask, most_px=1).sum() == mask.sum() + 2
    assert fill_small_holes(mask, most_px=2).sum() == mask.sum() + 4
    assert fill_small_holes(mask, most_px=1000).sum() == mask.sum() + 4
    left, right = mask[:, :10].sum(), mask[:, 10:].sum()  # 45 and 17 px
    assert drop_up_to(mask, 16).sum() == left + right
    assert drop_up_to(mask, 17).sum() == left
    assert drop_up_to(mask, 44).sum() == left
    assert drop_up_to(mask, 45).sum() == 0
    corner = np.eye(3, dtype=bool)  # three pixels that touch at their corners are one piece
    assert drop_up_to(corner, 2).sum() == 3


# --- halo


def from_centre(size: int = 41) -> np.ndarray:
    """How far each pixel is from the middle one, in steps of a king."""
    away = np.abs(np.arange(size) - size // 2)
    return np.maximum.outer(away, away)


def test_brighter_side():
    image = np.zeros((5, 5))
    image[2, 2] = 1
    # 0 E, 1 NE, 2 N, 3 NW, 4 W, 5 SW, 6 S, 7 SE. Three of Kirsch's kernels see the bright pixel,
    # and the first of them counts. For its neighbour in the NW it lies SE, which the kernels E, S
    # and SE have among their three: E. For that in the N it lies S, seen by SW, S and SE: SW.
    expected = [[0, 5, 4], [0, 0, 3], [0, 1, 2]]
    np.testing.assert_array_equal(brighter_side(image)[1:4, 1:4], expected)
    slope = np.add.outer(np.arange(5.0), 0.1 * np.arange(5))
    assert (brighter_side(slope)[1:-1, 1:-1] == 6).all()  # down the rows it gets brighter
    assert (brighter_side(slope[::-1])[1:-1, 1:-1] == 2).all()
    assert (brighter_side(slope.T)[1:-1, 1:-1] == 0).all()
    assert (brighter_side(slope.T[:, ::-1])[1:-1, 1:-1] == 4).all()


def test_a_bright_rim_is_eaten_from_outside_and_the_body_stays():
    # Body 0.5 up to 10 steps from the middle; then the halo: it rises to 0.9 at 13 and falls to the
    # ground's 0.5 at 17. The mask took it all for cell.
    away = from_centre()
    profile = np.array([*[0.5] * 11, 0.6, 0.7, 0.9, 0.8, 0.7, 0.6, *[0.5] * 10])
    mask = away <= 16
    left = remove_halo(profile[away], mask, freeze_ratio=0.3)
    assert not left[away > 13].any()
    assert left[away <= 12].all()
    # A rim that falls inwards only, as within a dark ring, is not eaten: brighter is outside.
    inner = np.array([*[0.5] * 11, *[0.6, 0.7, 0.8], *[0.9] * 13])
    np.testing.assert_array_equal(
        remove_halo(inner[away], away <= 13, freeze_ratio=0.3), away <= 13
    )


def test_a_piece_that_lost_its_share_is_left_alone():
    # A pyramid is brighter inwards everywhere: each pass eats the outermost ring of a square, of
    # 441, 361, 289, 225, 169, then 121 px. That is the first below 0.3 * 441 = 132.3.
    away = from_centre()
    pyramid = 1 - away / 50
    left = remove_halo(pyramid, away <= 10, freeze_ratio=0.3)
    np.testing.assert_array_equal(left, away <= 5)
    assert remove_halo(pyramid, away <= 10, freeze_ratio=0).sum() <= 1
    # Each piece counts for itself: the other goes on.
    both = np.hstack([pyramid, pyramid])
    mask = np.hstack([away <= 10, away <= 2])
    left = remove_halo(both, mask, freeze_ratio=0.3)
    np.testing.assert_array_equal(left[:, :41], away <= 5)
    np.testing.assert_array_equal(left[:, 41:], away <= 0)  # of 25, then 9, then 1


def test_the_border_of_the_image_is_never_eaten():
    rng = np.random.default_rng(0)
    image = rng.uniform(size=(12, 9))
    left = remove_halo(image, np.ones(image.shape, dtype=bool), freeze_ratio=0)
    assert left.all()  # its rim is the border, where nothing starts


KIRSCH = {  # 5 on these three of the ring, -3 on the other five
    0: "NE E SE", 1: "N NE E", 2: "NW N NE", 3: "W NW N",
    4: "NW W SW", 5: "W SW S", 6: "SW S SE", 7: "S SE E",
}  # fmt: skip
STEP = {"E": (0, 1), "NE": (-1, 1), "N": (-1, 0), "NW": (-1, -1)}
STEP |= {"W": (0, -1), "SW": (1, -1), "S": (1, 0), "SE": (1, 1)}
NAMES = ["E", "NE", "N", "NW", "W", "SW", "S", "SE"]


def pieces_of(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """The pixels of each 8-connected piece."""
    todo, pieces = set(zip(*np.nonzero(mask), strict=True)), []
    while todo:
        piece, front = set(), [todo.pop()]
        while front:
            y, x = front.pop()
            piece.add((y, x))
            near = {(y + dy, x + dx) for dy, dx in STEP.values()} & todo
            todo -= near
            front += near
        pieces.append(piece)
    return pieces


def remove_halo_pixel_by_pixel(
    image: np.ndarray, mask: np.ndarray, freeze_ratio: float
) -> np.ndarray:
    """The rule as it is written, with sets of pixels and all of Kirsch's numbers."""
    height, width = mask.shape
    padded = np.pad(image, 1)

    def side(y: int, x: int) -> int:
        answers = []
        for three in KIRSCH.values():
            weights = {name: 5 if name in three.split() else -3 for name in NAMES}
            values = {name: padded[1 + y + STEP[name][0], 1 + x + STEP[name][1]] for name in NAMES}
            answers.append(sum(int(weights[name] * values[name]) for name in NAMES))
        return answers.index(max(answers))

    def is_mask(y: int, x: int) -> bool:
        return 0 <= y < height and 0 <= x < width and bool(mask[y, x])

    mask = mask.copy()
    pieces = pieces_of(mask)
    areas = [len(piece) for piece in pieces]
    queue = {
        (y, x)
        for y, x in zip(*np.nonzero(mask), strict=True)
        if not all(is_mask(y + STEP[name][0], x + STEP[name][1]) for name in "ENWS")
    }
    visited: set[tuple[int, int]] = set()
    while queue:
        found, going = set(), set()
        for y, x in queue:
            if (y, x) in visited or y in (0, height - 1) or x in (0, width - 1):
                continue
            visited.add((y, x))
            d = side(y, x)
            steps = [STEP[NAMES[(d + turn) % 8]] for turn in (0, -1, 1)]
            ahead = {(y + dy, x + dx) for dy, dx in steps if is_mask(y + dy, x + dx)}
            found |= ahead
            if ahead:
                going.add((y, x))
        for place in going:
            mask[place] = False
        for piece, area in zip(pieces, areas, strict=True):
            if sum(mask[place] for place in piece) < freeze_ratio * area:
                visited |= piece
        queue = found
    return mask


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("freeze_ratio", [0, 0.3, 0.8])
def test_halo_follows_its_rule_on_any_image(seed, freeze_ratio):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(3, 25)), int(rng.integers(3, 25)))
    image = rng.integers(0, 40, shape).astype(float)  # whole numbers, so that ties are ties
    mask = rng.uniform(size=shape) < 0.75
    np.testing.assert_array_equal(
        remove_halo(image, mask, freeze_ratio=freeze_ratio),
        remove_halo_pixel_by_pixel(image, mask, freeze_ratio),
    )


def test_rim_is_beside_the_background_and_not_corner_to_corner():
    mask = np.ones((7, 7), dtype=bool)
    mask[3, 3] = False
    expected = np.zeros((7, 7), dtype=bool)
    expected[[0, -1]] = expected[:, [0, -1]] = True
    expected[[2, 4, 3, 3], [3, 3, 2, 4]] = True
    np.testing.assert_array_equal(rim(mask), expected)


def test_tidy():
    mask = np.zeros((9, 9), dtype=bool)
    mask[2:7, 2:7] = True
    mask[4, 4] = False  # 8 of 9 around it are mask: filled
    mask[4, 7] = True  # a bump, 4 of 9: goes
    tidied = tidy(mask)
    assert tidied[4, 4] and not tidied[4, 7]
    # Each corner has 4 of 9 and goes; then its neighbours along the side have 5 of 9, and stay.
    corners = np.ix_([2, 6], [2, 6])
    assert not tidied[corners].any() and tidied.sum() == 21
    single = np.zeros((5, 5), dtype=bool)
    single[2, 2] = True
    assert not tidy(single).any()


# --- the whole


def test_it_finds_textured_cells():
    image, truth = cells(3)
    mask = segment_phantast(image, settings=USUAL)
    assert mask.dtype == np.bool_ and mask.shape == image.shape
    # The window of the contrast takes in some ground; bright grains at the rim pass for a halo.
    assert mask[truth].mean() > 0.7 and mask[~truth].mean() < 0.05
    assert (mask & truth).sum() / (mask | truth).sum() > 0.6


def test_pieces_that_are_too_small_at_last_are_dropped():
    image, _ = cells(1)
    area = int(segment_phantast(image, settings=USUAL).sum())  # one piece
    for limit, n in ((area - 1, area), (area, 0)):
        assert segment_phantast(image, settings=replace(USUAL, small_rest_px=limit)).sum() == n


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 50), (60, 50)])
@pytest.mark.parametrize("settings", [USUAL, PHANTAST_GUI])
def test_a_constant_image_has_no_cell(shape, settings):
    for value in (0, 0.2, 1):
        mask = segment_phantast(np.full(shape, value, np.float32), settings=settings)
        assert mask.shape == shape and mask.dtype == np.bool_ and not mask.any()


def test_tiny_images():
    everything = PhantastSettings(small_object_px=0)
    for shape in ((1, 1), (1, 2), (2, 3), (3, 3)):
        image = np.linspace(0, 1, math.prod(shape), dtype=np.float32).reshape(shape)
        assert segment_phantast(image, settings=everything).shape == shape


def test_a_cell_that_touches_every_border():
    cross = np.zeros((90, 90), dtype=bool)
    cross[30:60] = cross[:, 30:60] = True
    noise = np.where(cross, 0.2, 0.015) * np.random.default_rng(0).uniform(-1, 1, cross.shape)
    mask = segment_phantast((0.5 + noise).astype(np.float32), settings=USUAL)
    assert mask[cross].mean() > 0.9 and mask[~cross].mean() < 0.05
    for border in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
        assert border[31:59].mean() > 0.8


def test_where_all_is_cell_all_is_found_but_the_corners():
    image = np.random.default_rng(0).uniform(size=(64, 64)).astype(np.float32)
    mask = segment_phantast(image, settings=USUAL)
    assert mask.mean() > 0.8 and mask[20:-20, 20:-20].all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sigma": 0}, "sigma is 0; wanted a number, 0.1 to 100"),
        ({"sigma": "wide"}, "sigma is 'wide'"),
        ({"epsilon": 0}, "epsilon is 0; wanted a number, 0.0001 to 10"),
        ({"epsilon": float("nan")}, "epsilon is nan"),
        ({"freeze_ratio": 1.5}, "freeze_ratio is 1.5; wanted a number, 0 to 1"),
        ({"small_object_px": -1}, "small_object_px is -1; wanted a number, 0 or more"),
        ({"small_hole_px": None}, "small_hole_px is None"),
        ({"small_rest_px": float("inf")}, "small_rest_px is inf"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        PhantastSettings(**wrong)

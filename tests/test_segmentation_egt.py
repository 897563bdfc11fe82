"""EGT: every number of its rule worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from coverslip.errors import SettingsError
from coverslip.segmentation.classical import EGTSettings, segment_egt
from coverslip.segmentation.classical.egt import (
    fill_background,
    foot_share,
    gradient_magnitude,
    histogram,
    threshold_percentile,
    value_at,
)
from textured import cells

USUAL = EGTSettings()


def changes(**counts: int) -> np.ndarray:
    """Gradients of whole numbers; from 1 to 1001 the n-th bin, counted from 1, is n itself."""
    return np.repeat([int(name[1:]) for name in counts], list(counts.values())).astype(float)


def drawn() -> np.ndarray:
    """400 gradients in bins 1 to 36, and in the last."""
    foot = {f"b{n}": 10 for n in range(4, 10)} | {"b10": 4} | {f"b{n}": 1 for n in range(11, 37)}
    return changes(b1=80, b2=100, b3=90, **foot, b1001=40)


def test_histogram_is_centred_on_its_ends():
    counts = histogram(drawn())
    assert counts.shape == (1001,) and counts.sum() == 400
    assert counts[:11].tolist() == [80, 100, 90, 10, 10, 10, 10, 10, 10, 4, 1]
    assert counts[1000] == 40
    # Bin 1 takes up to 1.5, bin 2 up to 2.5; one on the edge between two counts to the lower.
    near = np.array([1, 1.49, 1.5, 1.51, 2.5, 2.51, 1001])
    assert histogram(near)[:3].tolist() == [3, 2, 1]


def test_percentile_of_a_drawn_histogram():
    # The fullest bins are 2, 3 and 1, so the peak is their mean, 2. From there on, bin 10 is the
    # first below a twentieth of 100. The foot runs from 3 * 2 = 6 to the greater of 10 and
    # 18 * 2 = 36: four bins of 10, one of 4, 26 of 1 = 70 of 400 gradients, 17.5 %.
    # 99.2308 - 1.41026 * 17.5 = 74.55, rounded 75.
    assert foot_share(histogram(drawn())) == 17.5
    assert threshold_percentile(drawn(), greedy=0) == 75
    assert threshold_percentile(drawn(), greedy=10) == 65
    assert threshold_percentile(drawn(), greedy=-10) == 85
    # round(0.75 * 400 + 1) = the 301st in order. Up to bin 6 there are 80 + 100 + 90 + 30 = 300.
    assert value_at(drawn(), 75) == 7


def test_a_foot_that_ends_late_ends_where_the_histogram_has_sunk():
    # The peak is 2 again. Bins 4 to 59 hold 10, a tenth of the greatest, bin 60 nothing: the foot
    # is bins 6 to 60 (not 36), 54 times 10 of 100 + 2 * 90 + 56 * 10 + 60 = 900: 60 %.
    late = changes(b1=90, b2=100, b3=90, **{f"b{n}": 10 for n in range(4, 60)}, b1001=60)
    assert foot_share(histogram(late)) == 60
    assert threshold_percentile(late, greedy=0) == 25  # 99.23 - 84.6 = 14.6 is below the least


def test_limits_of_the_percentile():
    peak_alone = changes(b1=80, b2=100, b3=90, b1001=1)  # no foot: 99.23 is above the most
    assert threshold_percentile(peak_alone, greedy=0) == 98
    assert threshold_percentile(peak_alone, greedy=100) == 1
    assert threshold_percentile(peak_alone, greedy=-100) == 100


def test_peak_so_far_out_that_its_foot_is_beyond_the_histogram():
    # Peak 500: the foot would begin at bin 1500. It begins, and ends, at the last, with 1 of 300.
    far = changes(b1=1, b499=90, b500=100, b501=90, b1001=19)
    assert foot_share(histogram(far)) == pytest.approx(100 * 19 / 300)


def test_value_at_the_ends():
    few = np.array([3.0, 1.0, 2.0])
    assert value_at(few, 1) == 1  # round(0.03 + 1)
    assert value_at(few, 100) == 3  # round(3 + 1) is beyond the last


def test_gradient_of_a_step_and_of_a_ramp():
    step = np.zeros((5, 6))
    step[:, 3:] = 10
    expected = np.zeros((5, 6))
    expected[:, 2:4] = 40  # (1 + 2 + 1) * 10 on both sides
    np.testing.assert_array_equal(gradient_magnitude(step), expected)
    ramp = np.add.outer(3.0 * np.arange(5), 4.0 * np.arange(6))
    # 2 steps apart: 8 * 3 down and 8 * 4 to the right, 40 in all; half at a border, repeated there
    assert (gradient_magnitude(ramp)[1:-1, 1:-1] == 40).all()
    assert gradient_magnitude(ramp)[0, 1] == pytest.approx(np.hypot(12, 32))


def test_rounding_is_no_gradient():
    # 7 + 2 * 9 + 7 = 8 + 2 * 8 + 8 on both sides: flat, also where 255ths are rounded
    level = np.array([[7, 0, 8], [9, 0, 8], [7, 0, 8]], np.float32)
    assert gradient_magnitude(level)[1, 1] == 0
    assert gradient_magnitude(level / np.float32(255))[1, 1] == 0
    one_grey_level = np.array([[65534, 65535]], np.float32) / np.float32(65535)
    assert (gradient_magnitude(one_grey_level) > 0).all()


def test_holes():
    mask = np.zeros((8, 10), dtype=bool)
    mask[1:5, 1:5] = True
    mask[2:4, 2] = False  # a hole of 2 px
    mask[0, 8] = mask[1, 9] = True  # cuts off 1 px of background in the corner, which is filled too
    for limit, n_filled in ((None, 3), (3, 3), (2, 1), (1, 0), (0, 0), (1000, 80 - mask.sum())):
        filled = fill_background(mask, limit)
        assert (filled >= mask).all()
        assert filled.sum() - mask.sum() == n_filled, limit


def test_it_finds_textured_cells():
    image, truth = cells(3)
    mask = segment_egt(image, settings=replace(USUAL, min_cell_px=50))
    assert mask.dtype == np.bool_ and mask.shape == image.shape
    assert mask[truth].mean() > 0.97
    assert mask[~truth].mean() < 0.1


def test_greedy_finds_more():
    image, _ = cells(3)
    less, usual, more = (segment_egt(image, settings=EGTSettings(greedy=g)) for g in (-10, 0, 10))
    assert less.sum() < usual.sum() < more.sum()


def test_small_cells_are_dropped_from_a_limit_on():
    image, truth = cells(1)
    mask = segment_egt(image, settings=replace(USUAL, min_cell_px=50))
    area = int(mask.sum())  # one piece
    assert area > truth.sum() / 2
    for limit, n in ((area, area), (area + 1, 0)):
        assert segment_egt(image, settings=replace(USUAL, min_cell_px=limit)).sum() == n


@pytest.mark.parametrize("factor", [255, 1e-3])
def test_only_how_gradients_compare_counts(factor):
    image, _ = cells(3)
    np.testing.assert_array_equal(
        segment_egt(image, settings=USUAL), segment_egt(factor * image + factor, settings=USUAL)
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3), (40, 30)])
@pytest.mark.parametrize("value", [0, 0.1, 1])
def test_a_constant_image_has_no_cell(shape, value):
    mask = segment_egt(np.full(shape, value, np.float32), settings=USUAL)
    assert mask.shape == shape and not mask.any()


def test_tiny_images():
    for shape in ((1, 2), (2, 3), (3, 3)):
        image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        assert segment_egt(image, settings=USUAL).shape == shape


def test_gradients_that_are_all_equal_tell_no_cell():
    step = np.zeros((6, 8), np.float32)
    step[:, 4:] = 1
    assert not segment_egt(step, settings=USUAL).any()


def test_a_cell_that_touches_every_border():
    rng = np.random.default_rng(0)
    cross = np.zeros((64, 64), dtype=bool)
    cross[26:38] = cross[:, 26:38] = True
    noise = np.where(cross, 0.2, 0.015) * rng.uniform(-1, 1, cross.shape)
    image = (0.5 + noise).astype(np.float32)
    mask = segment_egt(image, settings=EGTSettings(max_hole_px=50))
    assert mask[cross].mean() > 0.97 and mask[~cross].mean() < 0.05
    for border in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
        assert border[26:38].mean() > 0.8  # what is outside of the image erodes nothing


def test_an_image_that_is_all_cell_looks_like_one_that_is_all_ground():
    image = np.random.default_rng(0).uniform(size=(64, 64)).astype(np.float32)
    assert segment_egt(image, settings=USUAL).mean() < 0.05  # one hump, no foot: nothing stands out


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"greedy": "much"}, "greedy is 'much'; wanted a number, -100 to 100"),
        ({"greedy": float("nan")}, "greedy is nan"),
        ({"greedy": True}, "greedy is True"),
        ({"max_hole_px": -1}, "max_hole_px is -1; wanted a number, 0 or more"),
        ({"min_cell_px": -2}, "min_cell_px is -2"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        EGTSettings(**wrong)

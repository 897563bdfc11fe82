"""Drawn shapes, whose measures are known from geometry."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from skimage.measure import regionprops

from coverslip.measurements import confluence, measure
from shapes import bar, disk, only_row, patches, rectangle


def test_a_rectangle_is_measured_exactly() -> None:
    cell = only_row(measure(rectangle(10, 24, top=5, left=40)))
    assert cell["area_px"] == 240
    assert (cell["centroid_y_px"], cell["centroid_x_px"]) == (9.5, 51.5)
    box = ["bbox_top_px", "bbox_left_px", "bbox_bottom_px", "bbox_right_px"]
    assert cell[box].tolist() == [5, 40, 15, 64]
    # the variance of a length L is L²/12, and an axis is 4 standard deviations
    assert cell["major_axis_px"] == pytest.approx(4 * 24 / math.sqrt(12))
    assert cell["minor_axis_px"] == pytest.approx(4 * 10 / math.sqrt(12))
    assert cell["eccentricity"] == pytest.approx(math.sqrt(1 - (10 / 24) ** 2))
    assert cell["solidity"] == pytest.approx(1.0)
    assert cell["orientation_rad"] == 0.0
    assert not cell["touches_border"]


def test_a_disk_is_round_and_convex() -> None:
    cell = only_row(measure(disk(20.2, size=51)))
    assert cell["area_px"] == pytest.approx(math.pi * 20.2**2, rel=0.01)
    assert (cell["centroid_y_px"], cell["centroid_x_px"]) == (25, 25)
    assert cell["major_axis_px"] == pytest.approx(40.4, rel=0.01)
    assert cell["minor_axis_px"] == pytest.approx(40.4, rel=0.01)
    assert cell["eccentricity"] == 0.0
    assert cell["orientation_rad"] == 0.0
    assert 0.95 < cell["solidity"] <= 1.0


def test_a_ring_has_the_hull_of_its_disk() -> None:
    outer, inner = disk(20.2, size=51), disk(10.2, size=51)
    ring, whole = only_row(measure(outer - inner)), only_row(measure(outer))
    assert ring["area_px"] == whole["area_px"] - inner.sum()
    hull = whole["area_px"] / whole["solidity"]
    assert ring["solidity"] == pytest.approx(ring["area_px"] / hull)
    # second moments of a ring: (R² + r²) / 4 along each axis
    assert ring["major_axis_px"] == pytest.approx(2 * math.hypot(20.2, 10.2), rel=0.01)
    assert (ring["centroid_y_px"], ring["centroid_x_px"]) == (25, 25)


def test_solidity_of_an_angle() -> None:
    # an L of five pixels: the hull of its squares has the corners (0,0) (3,0) (3,3) (2,3) (0,1)
    labels = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]])
    assert only_row(measure(labels))["solidity"] == pytest.approx(5 / 7)


def test_a_disk_on_pixels_that_are_not_square() -> None:
    # 0.5 µm high and 0.25 µm wide: in pixels an ellipse twice as wide as high
    labels = disk(10.1, size=101, step=(0.5, 0.25))
    cell = only_row(measure(labels, pixel_size_um=(0.5, 0.25)))
    assert cell["area_um2"] == pytest.approx(cell["area_px"] * 0.125)
    assert cell["area_um2"] == pytest.approx(math.pi * 10.1**2, rel=0.01)
    assert cell["major_axis_um"] == pytest.approx(20.2, rel=0.01)
    assert cell["minor_axis_um"] == pytest.approx(20.2, rel=0.01)
    assert cell["eccentricity"] < 0.1
    assert cell["major_axis_px"] == pytest.approx(80.8, rel=0.01)
    assert cell["minor_axis_px"] == pytest.approx(40.4, rel=0.01)
    assert (cell["centroid_y_um"], cell["centroid_x_um"]) == (25.0, 12.5)


def test_a_rectangle_on_pixels_that_are_not_square() -> None:
    # 24 wide and 10 high in pixels, 12 wide and 20 high in micrometres: upright, and exact
    cell = only_row(measure(rectangle(10, 24, top=5, left=40), pixel_size_um=(2.0, 0.5)))
    assert cell["area_um2"] == pytest.approx(240.0)
    assert cell["major_axis_um"] == pytest.approx(4 * 20 / math.sqrt(12))
    assert cell["minor_axis_um"] == pytest.approx(4 * 12 / math.sqrt(12))
    assert cell["eccentricity"] == pytest.approx(0.8)
    assert cell["orientation_rad"] == pytest.approx(math.pi / 2)
    assert cell["major_axis_px"] == pytest.approx(4 * 24 / math.sqrt(12))


def test_square_pixels_only_scale() -> None:
    labels = bar(0.4)
    pixels, micrometres = measure(labels), measure(labels, pixel_size_um=(0.3, 0.3))
    assert np.allclose(micrometres["major_axis_um"], pixels["major_axis_px"] * 0.3)
    assert np.allclose(micrometres["minor_axis_um"], pixels["minor_axis_px"] * 0.3)
    pd.testing.assert_frame_equal(micrometres[pixels.columns], pixels)


@pytest.mark.parametrize("degrees", [-80, -45, -30, 0, 20, 45, 89])
def test_orientation_is_counter_clockwise_from_horizontal(degrees: int) -> None:
    cell = only_row(measure(bar(math.radians(degrees))))
    assert math.degrees(cell["orientation_rad"]) == pytest.approx(degrees, abs=1.0)


def test_a_vertical_bar_has_plus_a_right_angle() -> None:
    cell = only_row(measure(rectangle(24, 10, top=5, left=40)))
    assert cell["orientation_rad"] == math.pi / 2


def test_a_single_pixel_is_a_square() -> None:
    labels = np.zeros((3, 3), dtype=np.int32)
    labels[1, 1] = 7
    cell = only_row(measure(labels))
    assert cell["label"] == 7
    assert cell["area_px"] == 1
    assert cell["major_axis_px"] == cell["minor_axis_px"] == pytest.approx(4 / math.sqrt(12))
    assert cell["eccentricity"] == 0.0
    assert cell["solidity"] == 1.0
    assert not cell["touches_border"]


def test_many_cells_of_random_shape_against_scikit_image() -> None:
    labels = patches(3)
    image = np.random.default_rng(3).random(labels.shape)
    table, regions = measure(labels, image), regionprops(labels, image)
    assert table["label"].tolist() == [region.label for region in regions]
    for cell, region in zip(table.to_dict("records"), regions, strict=True):
        assert cell["area_px"] == region.area
        assert (cell["centroid_y_px"], cell["centroid_x_px"]) == pytest.approx(region.centroid)
        box = [cell[f"bbox_{side}_px"] for side in ("top", "left", "bottom", "right")]
        assert box == list(region.bbox)
        # scikit-image takes pixels for points; as squares they add 1/12 to each variance
        assert cell["major_axis_px"] ** 2 == pytest.approx(region.axis_major_length**2 + 16 / 12)
        assert cell["minor_axis_px"] ** 2 == pytest.approx(region.axis_minor_length**2 + 16 / 12)
        # and measures the angle from the vertical
        turned = cell["orientation_rad"] - math.pi / 2 - region.orientation
        assert math.sin(turned) == pytest.approx(0.0, abs=1e-6)
        assert cell["intensity_mean"] == pytest.approx(region.intensity_mean)
        assert cell["solidity"] == pytest.approx(region.solidity, abs=0.05)


def test_touching_cells_are_told_apart_and_gaps_in_the_numbers_kept() -> None:
    labels = np.array([[2, 2, 9, 9], [2, 2, 9, 9]], dtype=np.uint16)
    table = measure(labels)
    assert table["label"].tolist() == [2, 9]
    assert table["centroid_x_px"].tolist() == [0.5, 2.5]


def test_cells_in_one_row_have_each_their_own_hull() -> None:
    labels = np.array([[0, 2, 2, 0, 5, 0, 7, 7]])
    assert measure(labels)["solidity"].tolist() == [1.0, 1.0, 1.0]
    assert measure(labels)["area_px"].tolist() == [2, 1, 2]


def test_numbers_may_be_as_large_as_the_type() -> None:
    labels = np.array([[0, 4_294_967_295]], dtype=np.uint32)
    assert measure(labels)["label"].tolist() == [4_294_967_295]


@pytest.mark.parametrize(
    ("top", "left", "touches"),
    [(0, 5, True), (5, 0, True), (50, 5, True), (5, 56, True), (1, 1, False), (49, 55, False)],
)
def test_touching_the_border(top: int, left: int, touches: bool) -> None:
    assert only_row(measure(rectangle(10, 24, top=top, left=left)))["touches_border"] == touches


@pytest.mark.parametrize("size", [None, (0.5, 0.5)])
def test_no_cells_give_an_empty_table_of_the_same_columns(
    size: tuple[float, float] | None,
) -> None:
    full, empty = (
        measure(
            labels,
            np.zeros(labels.shape),
            pixel_size_um=size,
            probs=np.zeros(labels.shape),
            spread=np.zeros(labels.shape, np.float32),
        )
        for labels in (rectangle(3, 4, top=1, left=1), np.zeros((5, 5), dtype=np.uint32))
    )
    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, full.dtypes)


def test_inputs_are_left_alone() -> None:
    labels, image = bar(0.3), np.arange(101.0 * 101.0).reshape(101, 101)
    before = labels.copy(), image.copy()
    measure(labels, image)
    assert np.array_equal(labels, before[0])
    assert np.array_equal(image, before[1])


@pytest.mark.parametrize(
    ("labels", "image", "words"),
    [
        (np.zeros((2, 2), dtype=bool), None, "the labels are bool"),
        (np.zeros((2, 2)), None, "the labels are float64"),
        (np.zeros((2, 2, 2), dtype=int), None, r"wanted integers \(H, W\)"),
        (np.array([[-1, 2]]), None, "go down to -1"),
        (np.zeros((2, 2), dtype=int), np.zeros((2, 3)), "wanted the same"),
        (np.zeros((2, 2), dtype=int), np.zeros((2, 2, 2)), "or channels by name"),
    ],
)
def test_what_is_no_label_image_is_refused(
    labels: np.ndarray, image: np.ndarray | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        measure(labels, image)


def test_confluence_is_the_covered_fraction() -> None:
    assert confluence(np.array([[0, 3], [7, 0]])) == 0.5
    assert confluence(np.array([[True, False, False, False]])) == 0.25
    assert confluence(np.zeros((4, 4), dtype=bool)) == 0.0


def test_confluence_of_no_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        confluence(np.zeros((0, 4), dtype=bool))

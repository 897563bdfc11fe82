"""Perimeter, Feret diameters, Euler number and skeleton of drawn shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.measure import euler_number, perimeter_crofton, regionprops

from coverslip.measurements import MeasureSettings, measure
from shapes import bar, disk, drawn, only_row, patches, rectangle

SHAPE = MeasureSettings(properties=("shape", "skeleton"))


def shape_of(labels: np.ndarray, size: tuple[float, float] | None = None) -> dict[str, float]:
    return only_row(measure(labels, pixel_size_um=size, settings=SHAPE)).to_dict()


def shifted_disks(radius: float, *, n: int = 40) -> np.ndarray:
    """A row of disks, each with its centre elsewhere between the pixels."""
    rng = np.random.default_rng(0)
    pitch = int(2 * radius) + 6
    labels = np.zeros((pitch, n * pitch), dtype=int)
    y, x = np.mgrid[:pitch, :pitch]
    for number in range(n):
        cy, cx = pitch / 2 + rng.uniform(-0.5, 0.5, 2)
        at = labels[:, number * pitch : (number + 1) * pitch]
        at[np.hypot(y - cy, x - cx) <= radius] = number + 1
    return labels


# --- perimeter


@pytest.mark.parametrize("radius", [4, 6, 10, 20, 50])
def test_the_perimeter_of_a_disk_is_right_at_any_size(radius: float) -> None:
    table = measure(shifted_disks(radius), settings=SHAPE)
    assert table["perimeter_px"].mean() == pytest.approx(2 * math.pi * radius, rel=0.01)
    assert table["form_factor"].mean() == pytest.approx(1.0, abs=0.02)
    assert table["form_factor"].max() < 1.0 + 1 / radius


def test_the_perimeter_of_a_disk_on_pixels_that_are_not_square() -> None:
    cell = shape_of(disk(10.1, size=101, step=(0.5, 0.25)), (0.5, 0.25))
    assert cell["perimeter_um"] == pytest.approx(2 * math.pi * 10.1, rel=0.01)
    assert cell["form_factor"] == pytest.approx(1.0, abs=0.02)


def test_a_bar_is_right_on_average_over_its_angles() -> None:
    lengths = [shape_of(bar(math.radians(angle)))["perimeter_px"] for angle in range(0, 180, 5)]
    assert np.mean(lengths) == pytest.approx(2 * (60 + 10), rel=0.02)
    assert min(lengths) > 0.93 * 140 and max(lengths) < 1.07 * 140


def test_a_rectangle_along_the_axes_is_five_percent_short() -> None:
    # rows and columns cut it 10 and 24 times, diagonals 33 times each, 1/√2 apart
    expected = math.pi / 4 * (10 + 24 + 2 * 33 / math.sqrt(2))
    length = shape_of(rectangle(10, 24, top=5, left=40))["perimeter_px"]
    assert length == pytest.approx(expected)
    assert length / (2 * (10 + 24)) == pytest.approx(0.948, abs=0.02)


def test_a_ring_has_both_its_outlines() -> None:
    ring = disk(20.2, size=51) - disk(10.2, size=51)
    assert shape_of(ring)["perimeter_px"] == pytest.approx(2 * math.pi * (20.2 + 10.2), rel=0.01)


def test_perimeter_and_euler_number_against_scikit_image() -> None:
    labels = patches(5)
    table = measure(labels, settings=SHAPE)
    for cell, region in zip(table.to_dict("records"), regionprops(labels), strict=True):
        alone = np.pad(region.image, 1)
        assert cell["perimeter_px"] == pytest.approx(perimeter_crofton(alone, directions=4))
        assert cell["euler_number"] == euler_number(alone, connectivity=2)


def test_square_pixels_only_scale_the_perimeter() -> None:
    cell = shape_of(bar(0.4), (0.3, 0.3))
    assert cell["perimeter_um"] == pytest.approx(0.3 * cell["perimeter_px"])


# --- distances across


def test_feret_diameters_of_a_rectangle_are_its_diagonal_and_its_width() -> None:
    cell = shape_of(rectangle(10, 24, top=5, left=40), (2.0, 0.5))
    assert cell["feret_max_px"] == pytest.approx(26)
    assert cell["feret_min_px"] == pytest.approx(10)
    # 20 high and 12 wide
    assert cell["feret_max_um"] == pytest.approx(math.hypot(20, 12))
    assert cell["feret_min_um"] == pytest.approx(12)


def test_feret_diameters_of_a_turned_bar() -> None:
    cell = shape_of(bar(math.radians(30)))
    assert cell["feret_max_px"] == pytest.approx(math.hypot(61, 11), abs=1.5)
    assert cell["feret_min_px"] == pytest.approx(11, abs=1.0)


def test_the_least_distance_is_across_a_side_not_along_an_axis() -> None:
    # a diamond: √2 × 5 across its sides, but 9 from tip to tip
    diamond = (np.add.outer(abs(np.arange(-5, 6)), abs(np.arange(-5, 6))) <= 4).astype(int)
    assert shape_of(diamond)["feret_min_px"] == pytest.approx(5 * math.sqrt(2))
    assert shape_of(diamond)["feret_max_px"] == pytest.approx(math.hypot(9, 1))


def test_one_pixel() -> None:
    cell = shape_of(drawn("...\n.1.\n..."), (2.0, 1.0))
    assert cell["feret_max_px"] == pytest.approx(math.sqrt(2))
    assert cell["feret_min_px"] == 1.0
    assert cell["feret_max_um"] == pytest.approx(math.sqrt(5))
    assert cell["equivalent_diameter_px"] == pytest.approx(2 / math.sqrt(math.pi))
    assert cell["extent"] == 1.0 and cell["euler_number"] == 1
    assert cell["perimeter_px"] == pytest.approx(math.pi / 4 * (2 + math.sqrt(2)))
    assert cell["skeleton_length_px"] == 0.0 and cell["skeleton_ends"] == 0


# --- pieces and holes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("111\n1.1\n111", 0),
        ("11111\n1.1.1\n11111", -1),
        ("1.1", 2),
        ("1.\n.1", 1),  # a corner joins
        (".1.\n1.1\n.1.", 0),  # and so closes a ring
    ],
)
def test_pieces_minus_holes(text: str, expected: int) -> None:
    assert shape_of(drawn(text))["euler_number"] == expected


def test_extent_and_equivalent_diameter() -> None:
    cell = shape_of(drawn("1..\n1..\n111"), (0.5, 0.5))
    assert cell["extent"] == pytest.approx(5 / 9)
    assert cell["equivalent_diameter_px"] == pytest.approx(math.sqrt(20 / math.pi))
    assert cell["equivalent_diameter_um"] == pytest.approx(math.sqrt(5 / math.pi))


# --- skeleton


def test_a_line_is_as_long_as_its_steps() -> None:
    cell = shape_of(drawn("1111111"), (1.0, 0.5))
    assert (cell["skeleton_length_px"], cell["skeleton_ends"]) == (6.0, 2)
    assert cell["skeleton_length_um"] == 3.0


def test_a_diagonal_line_has_steps_of_root_two() -> None:
    cell = shape_of(np.eye(6, dtype=int), (3.0, 4.0))
    assert cell["skeleton_length_px"] == pytest.approx(5 * math.sqrt(2))
    assert cell["skeleton_length_um"] == pytest.approx(25)
    assert cell["skeleton_ends"] == 2
    other = shape_of(np.eye(6, dtype=int)[::-1].copy())
    assert other["skeleton_length_px"] == pytest.approx(5 * math.sqrt(2))


def test_a_cross_has_four_ends_and_a_ring_none() -> None:
    cross = np.zeros((13, 17), dtype=int)
    cross[6], cross[:, 8] = 1, 1
    assert shape_of(cross)["skeleton_ends"] == 4
    assert shape_of(cross)["skeleton_length_px"] == 12 + 16
    ring = drawn("11111\n1...1\n1...1\n11111")
    assert shape_of(ring)["skeleton_ends"] == 0
    round_ring = disk(20.2, size=51) - disk(18.2, size=51)
    assert shape_of(round_ring)["skeleton_ends"] == 0
    assert shape_of(round_ring)["skeleton_length_px"] == pytest.approx(2 * math.pi * 19.2, rel=0.08)


def test_an_angle_is_not_cut_short() -> None:
    # two legs of 9 steps that meet at a corner, which thinning may cut by one diagonal
    angle = np.zeros((10, 10), dtype=int)
    angle[:, 0], angle[9] = 1, 1
    cell = shape_of(angle)
    assert 18 - (2 - math.sqrt(2)) <= cell["skeleton_length_px"] + 1e-9 <= 18 + 1e-9
    assert cell["skeleton_ends"] == 2


def test_a_long_cell_loses_up_to_half_its_width_at_each_end() -> None:
    labels = np.zeros((20, 70), dtype=int)
    labels[5:14, 5:65] = 1
    assert 60 - 9 <= shape_of(labels)["skeleton_length_px"] <= 60


def test_touching_cells_have_each_their_own_line() -> None:
    labels = np.zeros((10, 30), dtype=int)
    labels[2], labels[3] = 1, 2
    labels[7, 10:20] = 1  # in two pieces
    table = measure(labels, settings=SHAPE)
    assert table["skeleton_length_px"].tolist() == [29 + 9, 29]
    assert table["skeleton_ends"].tolist() == [4, 2]

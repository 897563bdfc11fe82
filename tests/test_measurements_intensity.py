"""How bright and how sure cells are, with values small enough to add up by eye."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coverslip.measurements import MeasureSettings, measure
from shapes import disk, drawn, only_row

BRIGHT = MeasureSettings(properties=("intensity",))
TWO = drawn("11..\n11.2")
GREY = np.array([[10, 20, 255, 0], [30, 40, 0, 65535]], dtype=np.uint16)


def test_statistics_of_four_pixels() -> None:
    cell = measure(TWO, GREY, settings=BRIGHT).iloc[0].to_dict()
    assert cell["intensity_mean"] == 25
    assert cell["intensity_sd"] == pytest.approx(math.sqrt(125))
    assert (cell["intensity_min"], cell["intensity_max"]) == (10, 40)
    assert cell["intensity_integrated"] == 100
    quantiles = [cell[f"intensity_{name}"] for name in ("q05", "q25", "q50", "q75", "q95")]
    assert quantiles == pytest.approx([11.5, 17.5, 25.0, 32.5, 38.5])


def test_statistics_of_one_pixel() -> None:
    cell = measure(TWO, GREY, settings=BRIGHT).iloc[1].to_dict()
    same = ("mean", "min", "max", "q05", "q25", "q50", "q75", "q95", "integrated")
    assert {cell[f"intensity_{name}"] for name in same} == {65535}
    assert cell["intensity_sd"] == 0


def test_quantiles_against_numpy() -> None:
    rng = np.random.default_rng(0)
    labels, image = rng.integers(0, 9, (30, 40)), rng.normal(0, 1, (30, 40))
    table = measure(labels, image, settings=BRIGHT)
    for cell in table.to_dict("records"):
        values = image[labels == cell["label"]]
        for name, share in (("q05", 0.05), ("q25", 0.25), ("q50", 0.5), ("q95", 0.95)):
            assert cell[f"intensity_{name}"] == pytest.approx(np.quantile(values, share))
        assert cell["intensity_sd"] == pytest.approx(values.std())


def test_a_sum_does_not_overflow() -> None:
    labels, image = np.ones((300, 300), dtype=int), np.full((300, 300), 65535, np.uint16)
    cell = only_row(measure(labels, image, settings=BRIGHT))
    assert cell["intensity_integrated"] == 300 * 300 * 65535
    assert cell["intensity_sd"] == 0


def test_without_an_image_there_is_no_brightness() -> None:
    assert not [name for name in measure(TWO) if name.startswith("intensity")]


# --- channels


def test_a_colour_picture_is_measured_in_its_three_colours() -> None:
    colour = np.stack([GREY, GREY * 0, GREY // 10], axis=-1)
    table = measure(TWO, colour, settings=BRIGHT)
    assert table["intensity_mean_red"].tolist() == [25, 65535]
    assert table["intensity_mean_green"].tolist() == [0, 0]
    assert table["intensity_mean_blue"].tolist() == [2.5, 6553]
    assert "intensity_mean" not in table
    columns = list(table)
    assert columns.index("intensity_mean_green") > columns.index("intensity_integrated_red")


def test_grey_stored_as_colour_is_grey() -> None:
    table = measure(TWO, np.repeat(GREY[..., None], 3, axis=2))
    assert table["intensity_mean"].tolist() == [25, 65535]
    assert "intensity_mean_red" not in table


def test_channels_bear_their_names() -> None:
    table = measure(TWO, {"c0": GREY, "GFP": GREY * 2.0}, settings=BRIGHT)
    assert table["intensity_mean_c0"].tolist() == [25, 65535]
    assert table["intensity_corrected_mean_GFP"].notna().all()
    assert table["intensity_max_GFP"].tolist() == [80, 131070]
    assert len(table.columns) == 1 + 2 * 13


def test_every_channel_must_be_of_the_size_of_the_labels() -> None:
    with pytest.raises(ValueError, match=r"image GFP is \(2, 3\), the labels \(2, 4\)"):
        measure(TWO, {"c0": GREY, "GFP": GREY[:, :3]})
    with pytest.raises(ValueError, match=r"map spread is \(1, 1\)"):
        measure(TWO, spread=np.zeros((1, 1)))


# --- background


def two_disks() -> tuple[np.ndarray, np.ndarray]:
    """Two disks, 100 above a ground that is 10 at the left and 50 at the right."""
    labels = np.hstack([disk(8, size=61), 2 * disk(8, size=61)])
    image = np.where(np.arange(122) < 61, 10.0, 50.0) + 100.0 * (labels > 0)
    return labels, image


def test_the_background_is_that_around_the_cell() -> None:
    labels, image = two_disks()
    table = measure(labels, image, settings=BRIGHT)
    assert table["intensity_background"].tolist() == [10, 50]
    assert table["intensity_corrected_mean"].tolist() == [100, 100]
    area = measure(labels)["area_px"]
    assert (table["intensity_corrected_integrated"] == 100 * area).all()


def test_the_ring_begins_and_ends_where_it_says() -> None:
    """A square of one pixel; each ring of squares around it has a value of its own."""
    labels = np.zeros((41, 41), dtype=int)
    labels[20, 20] = 1
    y, x = abs(np.mgrid[-20:21, -20:21])
    gap = np.hypot((y - 1).clip(0), (x - 1).clip(0))
    image = np.where((gap >= 2) & (gap < 12), 7.0, 1000.0)
    assert only_row(measure(labels, image))["intensity_background"] == 7
    for inner, width in ((1, 10), (2, 12)):  # each takes in some of the others, and the mean too
        settings = MeasureSettings(ring_gap_px=inner, ring_px=width)
        ring = (gap >= inner) & (gap < inner + width)
        marked = np.where(ring, np.arange(41.0 * 41.0).reshape(41, 41), -1.0)
        found = only_row(measure(labels, marked, settings=settings))["intensity_background"]
        assert found == np.median(marked[ring])


def test_other_cells_are_no_background() -> None:
    labels, image = two_disks()
    labels[:, 61:] = np.where(labels[:, 61:] == 0, 3, 2)  # all of the right half is cell 3
    image[labels == 3] = 9999
    table = measure(labels, image, settings=BRIGHT).set_index("label")
    assert table.loc[1, "intensity_background"] == 10


def test_without_a_ring_the_rest_of_the_image_counts() -> None:
    labels = np.ones((40, 40), dtype=int)
    labels[:4, :5] = 0  # 20 px, fewer than a ring needs
    image = np.where(labels == 1, 5.0, 3.0)
    assert only_row(measure(labels, image))["intensity_background"] == 3
    image[0, 0] = 900
    assert only_row(measure(labels, image))["intensity_background"] == 3


def test_without_any_background_nothing_is_corrected() -> None:
    cell = only_row(measure(np.ones((9, 9), dtype=int), np.ones((9, 9))))
    assert math.isnan(cell["intensity_background"])
    assert math.isnan(cell["intensity_corrected_mean"])
    assert cell["intensity_mean"] == 1


# --- uncertainty


def test_confidence_is_the_mean_probability() -> None:
    probs = np.array([[0.9, 0.7, 0.1, 0.0], [0.8, 0.6, 0.2, 0.55]], dtype=np.float32)
    table = measure(TWO, probs=probs)
    assert table["confidence"].tolist() == pytest.approx([0.75, 0.55])
    assert "spread_mean" not in table


def test_the_spread_of_the_views_over_a_cell() -> None:
    spread = np.array([[0.1, 0.2, 0.5, 0.5], [0.3, 0.4, 0.5, 0.05]], dtype=np.float32)
    table = measure(TWO, spread=spread)
    assert table["spread_mean"].tolist() == pytest.approx([0.25, 0.05])
    assert table["spread_max"].tolist() == pytest.approx([0.4, 0.05])
    assert "confidence" not in table

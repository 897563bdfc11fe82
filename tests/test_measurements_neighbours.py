"""Cells beside and near each cell, in drawings small enough to count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from coverslip.measurements import MeasureSettings, measure
from shapes import drawn, patches

if TYPE_CHECKING:
    import pandas as pd

NEIGHBOURS = MeasureSettings(properties=("neighbours",))


def neighbours(
    labels: np.ndarray, size: tuple[float, float] | None = None, *, near_px: int = 20
) -> pd.DataFrame:
    settings = MeasureSettings(properties=("neighbours",), near_px=near_px)
    return measure(labels, pixel_size_um=size, settings=settings).set_index("label")


def gap(one: np.ndarray, other: np.ndarray, size: tuple[float, float] = (1.0, 1.0)) -> float:
    """Between the squares of all pixels of two masks, one by one."""
    apart = abs(np.argwhere(one)[:, None] - np.argwhere(other)[None]) - 1
    return float(np.linalg.norm(apart.clip(0) * size, axis=2).min())


def test_side_by_side_corner_to_corner_and_apart() -> None:
    table = neighbours(drawn("112...\n112...\n3....5"))
    assert table["n_touching_4"].tolist() == [2, 1, 1, 0]
    assert table["n_touching_8"].tolist() == [2, 1, 1, 0]
    corner = neighbours(drawn("11..\n11..\n..22\n..22"))
    assert corner["n_touching_4"].tolist() == [0, 0]
    assert corner["n_touching_8"].tolist() == [1, 1]
    assert corner["nearest_edge_px"].tolist() == [0, 0]
    assert corner["shared_border"].tolist() == [0, 0]


def test_shared_border_is_a_share_of_the_pixel_sides() -> None:
    # a square of 4 sides of 2 shares one with its neighbour; the image's edge is free
    table = neighbours(drawn("1122\n1122"))
    assert table["shared_border"].tolist() == [0.25, 0.25]
    # with pixels twice as high as wide, that side is 4 of 12
    table = neighbours(drawn("1122\n1122"), (2.0, 1.0))
    assert table["shared_border"].tolist() == pytest.approx([1 / 3, 1 / 3])
    # a cell enclosed by another
    table = neighbours(drawn("222\n212\n222"))
    assert table["shared_border"].tolist() == pytest.approx([1.0, 4 / 16])


def test_the_gap_is_from_edge_to_edge() -> None:
    table = neighbours(drawn("1..2....7"))
    assert table["nearest_edge_px"].tolist() == [2, 2, 4]
    assert table["nearest_label"].tolist() == [2, 1, 2]
    slanted = neighbours(drawn("1....\n.....\n.....\n....2"))
    assert slanted["nearest_edge_px"].tolist() == pytest.approx([math.hypot(2, 3)] * 2)


def test_of_two_equally_near_the_lower_label_counts() -> None:
    assert neighbours(drawn("7..2..3")).loc[2, "nearest_label"] == 3
    assert neighbours(drawn("7..2..3"), near_px=0).loc[2, "nearest_label"] == 3


def test_in_micrometres_another_cell_may_be_the_nearest() -> None:
    # 3 to the right, 2 below; but pixels are twice as high as wide
    labels = drawn("1...2\n.....\n.....\n3....")
    assert neighbours(labels).loc[1, "nearest_label"] == 3
    table = neighbours(labels, (0.5, 0.25))
    assert table.loc[1, "nearest_label"] == 2
    assert table.loc[1, ["nearest_edge_px", "nearest_edge_um"]].tolist() == [2, 0.75]


def test_cells_near() -> None:
    labels = drawn("1.2..4....8")
    assert neighbours(labels, near_px=1)["n_near"].tolist() == [1, 1, 0, 0]
    assert neighbours(labels, near_px=2)["n_near"].tolist() == [1, 2, 1, 0]
    assert neighbours(labels, near_px=4)["n_near"].tolist() == [2, 2, 3, 1]
    assert neighbours(labels)["n_near"].tolist() == [3, 3, 3, 3]


def test_a_cell_alone_has_no_neighbour() -> None:
    (row,) = neighbours(drawn("...\n.9.\n..."), (1.0, 2.0)).to_dict("records")
    assert math.isnan(row.pop("nearest_edge_px")) and math.isnan(row.pop("nearest_edge_um"))
    assert not any(row.values())


@pytest.mark.parametrize("size", [None, (0.5, 0.5), (2.0, 0.7)])
@pytest.mark.parametrize("near_px", [0, 3, 20])
def test_distances_against_every_pair_of_pixels(
    size: tuple[float, float] | None, near_px: int
) -> None:
    """However much of it the windows see: 0 px leaves nearly all to the search beyond them."""
    rng = np.random.default_rng(1)
    labels = np.zeros((90, 110), dtype=int)
    for label in rng.permutation(np.arange(1, 25) * 5):
        top, left = rng.integers(0, 80), rng.integers(0, 100)
        part = labels[top : top + rng.integers(1, 10), left : left + rng.integers(1, 10)]
        part[rng.random(part.shape) < 0.7] = label
    settings = MeasureSettings(
        properties=("neighbours",), near_px=near_px, ring_gap_px=0, ring_px=1
    )
    table = measure(labels, pixel_size_um=size, settings=settings).set_index("label")
    masks = {label: labels == label for label in table.index}
    for label, row in table.iterrows():
        others = [other for other in masks if other != label]
        in_px = {other: gap(masks[label], masks[other]) for other in others}
        assert row["nearest_edge_px"] == pytest.approx(min(in_px.values()))
        assert row["n_near"] == sum(value <= near_px for value in in_px.values())
        real = {o: gap(masks[label], masks[o], size or (1.0, 1.0)) for o in others}
        assert real[row["nearest_label"]] == pytest.approx(min(real.values()))
        if size:
            assert row["nearest_edge_um"] == pytest.approx(min(real.values()))


def test_touching_cells_against_every_pair_of_pixels() -> None:
    labels = patches(2)
    table = measure(labels, settings=NEIGHBOURS).set_index("label")
    padded = np.pad(labels, 1)
    for label, row in table.iterrows():
        steps = [(0, 1), (1, 0), (0, -1), (-1, 0)]
        met = [np.roll(padded, step, (0, 1))[padded == label] for step in steps]
        assert row["n_touching_4"] == len(set(np.concatenate(met)) - {0, label})
        free = sum(int((it != label).sum()) for it in met)
        shared = sum(int(((it != label) & (it != 0)).sum()) for it in met)
        assert row["shared_border"] == pytest.approx(shared / free)
        steps = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
        met = [np.roll(padded, step, (0, 1))[padded == label] for step in steps]
        assert row["n_touching_8"] == len(set(np.concatenate(met)) - {0, label})

"""What holds for any mask and any labels: cells told apart, measured and scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from by_chance import blobs, labels, masks, pairs, probs, some
from coverslip.measurements import MeasureSettings, confluence, measure
from coverslip.metrics import (
    THRESHOLDS,
    cell_scores,
    count_cells,
    count_pixels,
    dice,
    jaccard,
    scores,
)
from coverslip.segmentation import (
    drop_cells,
    fill_cells,
    labels_to_maps,
    mask_to_labels,
    number_cells,
    separate,
)
from coverslip.tiling.symmetry import SYMMETRIES

ALL_ROUND = np.ones((3, 3))


def assert_cells(found: np.ndarray) -> None:
    """Numbers from 1 to n without a gap, in the order of their first pixels."""
    _, first = np.unique(found[found > 0], return_index=True)
    assert sorted(set(found[found > 0].tolist())) == list(range(1, int(found.max()) + 1))
    assert (np.diff(first) > 0).all()


@some
@given(st.data(), masks, st.sampled_from([(), ("boundary",), ("mask", "boundary"), ("distance",)]))
def test_separated_cells_are_the_mask_in_connected_pieces(data, mask, names):
    maps = {name: data.draw(arrays(np.float32, mask.shape, elements=probs)) for name in names}
    found = separate(mask, maps)
    assert found.shape == mask.shape and found.dtype == np.uint32
    np.testing.assert_array_equal(found > 0, mask)
    assert_cells(found)
    for number in range(1, int(found.max()) + 1):
        assert ndimage.label(found == number, ALL_ROUND)[1] == 1
    pieces = mask_to_labels(mask)
    for number in range(1, int(found.max()) + 1):  # no cell is in two pieces of the mask
        assert len(np.unique(pieces[found == number])) == 1


@some
@given(labels, st.integers(0, 12))
def test_tidied_labels(image, least):
    numbered = number_cells(image)
    assert_cells(numbered)
    np.testing.assert_array_equal(numbered > 0, image > 0)
    areas = np.bincount(numbered.ravel())[1:]
    kept = drop_cells(numbered, min_area_px=least)
    assert_cells(kept)
    assert sorted(np.bincount(kept.ravel())[1:]) == sorted(areas[areas >= least])
    inner = drop_cells(numbered, touching_border=True)
    edges = (inner[0], inner[-1], inner[:, 0], inner[:, -1])
    assert not any(edge.any() for edge in edges)
    filled = fill_cells(image)
    np.testing.assert_array_equal(filled[image > 0], image[image > 0])
    assert set(np.unique(filled)) <= set(np.unique(image)) | {0}
    np.testing.assert_array_equal(fill_cells(filled), filled)


@some
@given(labels)
def test_what_a_network_learns_lies_between_0_and_1(image):
    mask, boundary, distance = labels_to_maps(image, ("mask", "boundary", "distance"))
    np.testing.assert_array_equal(mask > 0, image > 0)
    np.testing.assert_array_equal(distance > 0, image > 0)
    assert not boundary[image == 0].any() and distance.max() <= 1
    for number in np.unique(image[image > 0]):
        assert distance[image == number].max() == 1


# --- measured

TURNED_ALIKE = (
    "area_px perimeter_px equivalent_diameter_px major_axis_px minor_axis_px feret_max_px "
    "feret_min_px eccentricity solidity extent form_factor euler_number n_touching_4 n_touching_8 "
    "shared_border n_near nearest_edge_px touches_border intensity_mean intensity_sd intensity_q50 "
    "intensity_background"
).split()
MOVED_ALIKE = [name for name in TURNED_ALIKE if name != "touches_border"] + [
    "label",
    "orientation_rad",
    "skeleton_length_px",
    "skeleton_ends",
    "nearest_label",
]
ALL = MeasureSettings()


@some
@given(labels)
def test_areas_add_up_to_the_mask(image):
    table = measure(image)
    assert table.area_px.sum() == np.count_nonzero(image)
    assert table.label.tolist() == sorted(set(image[image > 0].tolist()))
    assert confluence(image) == pytest.approx(np.count_nonzero(image) / image.size)
    boxes = (table.bbox_bottom_px - table.bbox_top_px) * (table.bbox_right_px - table.bbox_left_px)
    assert (table.area_px <= boxes).all() and (
        table.feret_min_px <= table.feret_max_px + 1e-9
    ).all()
    assert table.solidity.between(0, 1 + 1e-9).all() and table.extent.between(0, 1).all()
    assert (table.minor_axis_px <= table.major_axis_px + 1e-9).all()


@some
@given(blobs(), st.integers(0, 5), st.integers(0, 5))
def test_cells_moved_are_the_same_cells(image, down, right):
    wide = np.pad(image, 30)  # far from the edge, where a ring around a cell is cut off
    moved = np.roll(wide, (down, right), axis=(0, 1))
    grey = np.where(wide > 0, wide * 7, 3).astype(np.uint16)
    before, after = measure(wide, grey), measure(moved, np.roll(grey, (down, right), axis=(0, 1)))
    for name in MOVED_ALIKE:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(after.centroid_y_px - before.centroid_y_px, down, atol=1e-9)
    np.testing.assert_allclose(after.centroid_x_px - before.centroid_x_px, right, atol=1e-9)


@some
@given(blobs(), st.sampled_from(sorted(SYMMETRIES)), st.integers(0, 99))
def test_cells_turned_are_the_same_cells(image, name, seed):
    grey = np.random.default_rng(seed).integers(0, 999, image.shape)
    turned, turned_grey = (
        np.ascontiguousarray(SYMMETRIES[name].forward(torch.from_numpy(it)).numpy())
        for it in (image, grey)
    )
    before, after = measure(image, grey), measure(turned, turned_grey)
    assert after.label.tolist() == before.label.tolist()
    for column in TURNED_ALIKE:
        np.testing.assert_allclose(
            after[column].astype(float), before[column].astype(float), rtol=1e-7, atol=1e-7,
            err_msg=column,
        )  # fmt: skip


# --- scored


def brute_force(truth: np.ndarray, pred: np.ndarray) -> tuple[list[int], float]:
    """Matches at every threshold by the Hungarian method, and the matched IoU at 0.5."""
    cells = [[image == number for number in np.unique(image[image > 0])] for image in (truth, pred)]
    iou = np.array([[(a & b).sum() / (a | b).sum() for b in cells[1]] for a in cells[0]])
    if not iou.size:
        return [0] * len(THRESHOLDS), 0.0
    counts = []
    for threshold in THRESHOLDS:
        best = linear_sum_assignment(np.where(iou >= threshold, -1 - iou, 0))
        counts.append(int((iou[best] >= threshold).sum()))
    best = linear_sum_assignment(np.where(iou >= 0.5, -1 - iou, 0))
    return counts, float(iou[best][iou[best] >= 0.5].sum())


@some
@given(pairs())
def test_matches_are_those_of_brute_force_and_the_same_both_ways(pair):
    counts, back = count_cells(*pair), count_cells(*pair[::-1])
    matches, iou_sum = brute_force(*pair)
    assert list(counts.tp) == matches == list(back.tp)
    assert counts.iou_sum == pytest.approx(iou_sum) == pytest.approx(back.iou_sum)
    assert (counts.n_true, counts.n_pred) == (back.n_pred, back.n_true)
    assert (counts.splits, counts.merges) == (back.merges, back.splits)
    assert all(more >= less for more, less in zip(counts.tp, counts.tp[1:], strict=False))
    assert all(0 <= value <= 1 for value in cell_scores(counts).values())


@some
@given(pairs())
def test_pixel_scores_are_bounded_and_agree_with_counting(pair):
    truth, pred = (image > 0 for image in pair)
    counts, back = count_pixels(truth, pred), count_pixels(pred, truth)
    assert (counts.tp, counts.fp, counts.fn) == (back.tp, back.fn, back.fp)
    assert (counts.tp, counts.tn) == ((truth & pred).sum(), (~truth & ~pred).sum())
    assert counts.tp + counts.fp + counts.fn + counts.tn == truth.size
    assert all(0 <= value <= 1 for value in scores(counts).values())
    assert jaccard(counts) <= dice(counts) <= 2 * jaccard(counts)


@some
@given(labels)
def test_labels_agree_with_themselves_whatever_their_numbers(image):
    renamed = np.where(image > 0, 100 - 7 * image, 0)
    assert set(cell_scores(count_cells(image, renamed)).values()) == {1.0}

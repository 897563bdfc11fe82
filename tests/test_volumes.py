"""Stacks: which cells of neighbouring slices are one object, and how large it is."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
import tifffile
from skimage.io import imread
from typer.testing import CliRunner

import coverslip
from coverslip.cli import app
from coverslip.errors import DataError, SettingsError
from coverslip.volumes import JoinSettings, ObjectSums, join_slices, open_stacks


def disk(centre: tuple[int, int], radius: float, *, number: int = 1, side: int = 40) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2
    return np.where(inside, number, 0)


def test_cells_above_each_other_are_one_object_whatever_their_numbers():
    slices = [disk((20, 20), r, number=n) for r, n in ((5, 3), (8, 9), (8, 1), (5, 4))]
    joined = join_slices(slices)
    assert joined.n_objects == 1
    assert [int(own[n]) for own, n in zip(joined.numbers, (3, 9, 1, 4), strict=True)] == [1] * 4


def test_cells_that_hardly_overlap_are_two():
    slices = [disk((20, 12), 6), disk((20, 20), 6)]
    shared = int((slices[0] * slices[1]).sum())
    iou = shared / (2 * int(slices[0].sum()) - shared)
    assert 0 < iou < 0.25
    assert join_slices(slices).n_objects == 2
    assert join_slices(slices, JoinSettings(min_iou=iou)).n_objects == 1


def test_an_object_goes_on_in_the_cell_that_covers_it_best_and_branches_are_counted():
    below = disk((20, 15), 6, number=1) + disk((20, 30), 3, number=2)
    above = ((below > 0) | (disk((20, 22), 8) > 0)).astype(int)
    joined = join_slices([above, below])
    assert joined.numbers[1].tolist() == [0, 1, 2]
    assert joined.n_branches == 1


def test_two_cells_that_merge_end_in_one():
    first = disk((20, 12), 6, number=1) + disk((20, 27), 7, number=2)
    joined = join_slices([first, (first > 0).astype(int)])
    assert joined.numbers[0].tolist() == [0, 1, 2]
    assert joined.numbers[1].tolist() == [0, 2]  # the larger of the two covers it better


def test_a_pole_goes_on_in_the_slice_that_it_lies_within():
    slices = [disk((20, 20), 1), disk((20, 20), 6), disk((20, 20), 1)]
    assert join_slices(slices).n_objects == 1


def test_a_slice_that_misses_an_object_is_bridged():
    cell, empty = disk((20, 20), 6), np.zeros((40, 40), int)
    joined = join_slices([cell, empty, cell])
    assert (joined.n_objects, joined.n_bridged) == (1, 1)
    assert join_slices([cell, empty, empty, cell]).n_objects == 2
    assert join_slices([cell, empty, cell], JoinSettings(max_gap=0)).n_objects == 2


def test_objects_of_few_slices_are_left_out():
    flat = disk((8, 8), 4, number=2)
    slices = [disk((25, 25), 6) + flat, disk((25, 25), 6)]
    joined = join_slices(slices, JoinSettings(min_slices=2))
    assert joined.n_objects == 1
    assert joined.numbers[0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("settings", [{"min_iou": 0}, {"min_iou": 1.1}, {"max_gap": -1}])
def test_settings_that_cannot_be(settings):
    with pytest.raises(SettingsError):
        JoinSettings(**settings)


def ball(radius_um: float, size: tuple[float, float, float], side: int = 41) -> np.ndarray:
    steps = np.arange(side) - side // 2
    z, y, x = np.meshgrid(*(steps * one for one in size), indexing="ij")
    return (z**2 + y**2 + x**2 <= radius_um**2).astype(int)


@pytest.mark.parametrize("size", [(1.0, 1.0, 1.0), (2.0, 0.5, 0.5), (0.5, 0.8, 1.2)])
def test_a_ball_is_measured_as_one_whatever_its_voxels(size):
    stack = ball(9.0, size)
    sums = ObjectSums(1, n_slices=len(stack), shape=stack.shape[1:])
    for number, labels in enumerate(stack):
        sums.add(labels, number, np.full(labels.shape, 7, np.uint8))
    row = sums.table(pixel_size_um=size[1:], slice_distance_um=size[0]).iloc[0]
    assert row["volume_um3"] == pytest.approx(4 / 3 * math.pi * 9**3, rel=0.03)
    assert row["equivalent_diameter_um"] == pytest.approx(18, rel=0.01)
    axes = row[["major_axis_um", "middle_axis_um", "minor_axis_um"]]
    assert axes.to_numpy(float) == pytest.approx([18, 18, 18], rel=0.03)
    assert row["centroid_z_um"] == pytest.approx(20 * size[0])
    assert row["centroid_slice"] == pytest.approx(20)
    assert row["intensity_mean"] == 7
    assert row["intensity_sum"] == 7 * row["volume_voxels"]


def test_a_box_has_the_axes_of_its_moments():
    stack = np.zeros((6, 20, 30), int)
    stack[1:5, 4:12, 3:27] = 1  # 4 × 8 × 24
    sums = ObjectSums(1, n_slices=6, shape=(20, 30))
    for number, labels in enumerate(stack):
        sums.add(labels, number)
    row = sums.table(pixel_size_um=(1, 1), slice_distance_um=1).iloc[0]
    wanted = [2 * math.sqrt(5 * side**2 / 12) for side in (24, 8, 4)]
    axes = row[["major_axis_um", "middle_axis_um", "minor_axis_um"]]
    assert axes.to_numpy(float) == pytest.approx(wanted)
    assert row[["bbox_top_px", "bbox_left_px", "bbox_bottom_px", "bbox_right_px"]].tolist() == [
        4, 3, 12, 27,
    ]  # fmt: skip
    assert not row["touches_border"]
    assert not row["touches_ends"]


def test_without_a_distance_between_slices_nothing_is_in_um():
    sums = ObjectSums(1, n_slices=1, shape=(40, 40))
    sums.add(disk((20, 20), 5), 0)
    table = sums.table(pixel_size_um=(1, 1))
    assert not [name for name in table if name.endswith(("_um", "_um3"))]
    assert table["volume_voxels"].tolist() == [81]


def stack_of_balls() -> np.ndarray:
    """Two balls, whose numbers change from slice to slice."""
    z, y, x = np.mgrid[:12, :64, :64]
    stack = np.zeros((12, 64, 64), np.uint16)
    for number, (cz, cy, cx) in enumerate(((5, 20, 20), (6, 45, 44)), start=1):
        stack[(2 * (z - cz)) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= 64] = number
    for labels in stack[::2]:
        labels[labels > 0] = 3 - labels[labels > 0]
    return stack


def test_stack_joins_a_file_with_its_sizes_from_the_metadata(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        stack_of_balls(),
        imagej=True,
        metadata={"axes": "ZYX", "spacing": 2.0, "unit": "um"},
        resolution=(1, 1),
        resolutionunit=1,
    )
    out = tmp_path / "out"
    run = CliRunner().invoke(app, ["stack", str(path), "-o", str(out)])
    assert run.exit_code == 0, run.output
    table = pd.read_csv(out / "objects.csv")
    truth = 4 / 3 * math.pi * 8**3
    assert table["volume_um3"].to_numpy() == pytest.approx([truth, truth], rel=0.04)
    labels = coverslip.open_image(out / "objects_labels.tif")
    assert (labels.axes, labels.slice_distance_um) == ("ZYX", 2.0)
    pixels = tifffile.imread(out / "objects_labels.tif")
    assert sorted(np.unique(pixels)) == [0, 1, 2]
    assert len(np.unique(pixels[:, 20, 20])) == 2  # one number through all slices, and background


def test_a_folder_of_slices_is_one_stack_and_brightness_is_measured(tmp_path):
    for number, labels in enumerate(stack_of_balls()):
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / "images").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "labels" / f"z{number}.tif", labels)
        picture = np.full(labels.shape, 10 * number, np.uint8)
        tifffile.imwrite(tmp_path / "images" / f"z{number}.tif", picture)
    args = ["stack", str(tmp_path / "labels"), "-o", str(tmp_path / "out"), "--images"]
    run = CliRunner().invoke(app, [*args, str(tmp_path / "images")])
    assert run.exit_code == 0, run.output
    table = pd.read_csv(tmp_path / "out" / "objects.csv")
    assert table["intensity_mean"].to_numpy() == pytest.approx([50, 60])
    record = json.loads((tmp_path / "out" / "stack.json").read_text(encoding="utf-8"))
    assert any("12 files" in note for note in record["notes"])
    assert any("volumes are in voxels" in note for note in record["notes"])


def test_a_film_of_stacks_is_joined_time_by_time(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.stack([stack_of_balls()] * 2), metadata={"axes": "TZYX"})
    run = CliRunner().invoke(app, ["stack", str(path), "-o", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    table = pd.read_csv(tmp_path / "out" / "objects.csv")
    assert table[["time", "object"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]


def test_one_slice_is_no_stack(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, disk((20, 20), 5).astype(np.uint8))
    with pytest.raises(DataError, match="one slice"):
        open_stacks([path])


def test_images_that_do_not_fit_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", stack_of_balls())
    tifffile.imwrite(tmp_path / "b.tif", stack_of_balls()[:5])
    args = ["stack", str(tmp_path / "a.tif"), "-o", str(tmp_path / "out"), "--images"]
    run = CliRunner().invoke(app, [*args, str(tmp_path / "b.tif")])
    assert isinstance(run.exception, DataError)
    assert "wanted a picture for each slice" in str(run.exception)


def test_segment_joins_the_slices_of_a_stack(tmp_path):
    image = imread("examples/nuclei/fluorescence_large.png")[:180, :180]
    stack = np.stack([image, image, image])
    path = tmp_path / "nuclei.ome.tif"
    tifffile.imwrite(
        path, stack, metadata={"axes": "ZYX", "PhysicalSizeZ": 1.5, "PhysicalSizeX": 0.5,
                               "PhysicalSizeY": 0.5},
    )  # fmt: skip
    out = tmp_path / "out"
    args = ["segment", str(path), "-o", str(out), "--model", "nuclei", "--scale", "1", "--stack"]
    run = CliRunner().invoke(app, args)
    assert run.exit_code == 0, run.output
    cells = pd.read_csv(out / "cells.csv")
    objects = pd.read_csv(out / "objects" / "objects.csv")
    first = cells[cells["frame"] == 0]
    assert len(objects) == len(first) > 3
    assert objects["n_slices"].tolist() == [3] * len(objects)
    volumes = first["area_px"].to_numpy() * 3 * 0.25 * 1.5
    assert sorted(objects["volume_um3"]) == pytest.approx(sorted(volumes))
    assert "intensity_mean" in objects


def test_segment_says_when_there_is_no_stack(tmp_path):
    image = "examples/nuclei/fluorescence_large.png"
    args = ["segment", image, "-o", str(tmp_path), "--model", "nuclei", "--scale", "1", "--stack"]
    run = CliRunner().invoke(app, args)
    assert isinstance(run.exception, SettingsError)
    assert "none of these images is a stack" in str(run.exception)

"""Label files find the images, or other label files, of their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coverslip.errors import DataError, FileError
from coverslip.io import group_label_files, label_files_in, label_name, mask_stem, pair_images
from drawn import save_picture

DOT = np.ones((1, 1))


def folder_of(folder: Path, *names: str) -> Path:
    for name in names:
        save_picture(folder / name, DOT)
    return folder


@pytest.mark.parametrize(
    ("file", "label", "mask"),
    [
        ("a.tif", "a", "a"),
        ("a_cp_masks.png", "a", "a"),
        ("a_Labels.ome.tif", "a", "a"),
        ("a_gt.png", "a", "a_gt"),
        ("a_mask_pred.png", "a_mask", "a_mask_pred"),
        ("_mask.png", "_mask", "_mask"),
        ("masked.png", "masked", "masked"),
    ],
)
def test_what_tools_append_is_no_part_of_a_name(file, label, mask):
    """Where files are compared by name, one may also say that it is the truth or a prediction."""
    assert (label_name(Path(file)), mask_stem(Path(file))) == (label, mask)


def test_overlays_and_maps_are_no_labels(tmp_path):
    folder_of(tmp_path, "a_labels.png", "a_overlay.png", "a_probs.png", "a_uncertainty.png")
    assert label_files_in(tmp_path) == [tmp_path / "a_labels.png"]
    assert label_files_in(tmp_path / "a_probs.png") == [tmp_path / "a_probs.png"]
    with pytest.raises(FileError, match="no such file or folder"):
        label_files_in(tmp_path / "nowhere")


@pytest.mark.parametrize("inner", ["labels", "masks"])
def test_a_folder_inside_is_taken_in_its_place(tmp_path, inner):
    folder_of(tmp_path, "a.png", f"{inner}/b.png")
    assert label_files_in(tmp_path) == [tmp_path / inner / "b.png"]


def test_a_mask_beats_its_image_and_two_masks_stay(tmp_path):
    folder_of(tmp_path, "a.png", "a_seg.png", "b.png", "c_mask.png", "c_pred.png")
    names = {
        name: [path.name for path in paths] for name, paths in group_label_files(tmp_path).items()
    }
    assert names == {"a": ["a_seg.png"], "b": ["b.png"], "c": ["c_mask.png", "c_pred.png"]}


def paired(labels: list[str], images: list[str]) -> dict[str, str]:
    by_name = {name: Path(f"{name}_labels.tif") for name in labels}
    found = pair_images(by_name, [Path(name) for name in images], where="here", option="--images")
    return {name: path.name for name, path in found.items()}


def test_images_of_one_stem_are_told_by_their_type():
    images = ["a.png", "a.tif", "b.png", "b_png.tif"]
    assert paired(["a_png", "a_tif"], images) == {"a_png": "a.png", "a_tif": "a.tif"}
    # coverslip segment names the labels of b_png.tif so, since no other image has its stem
    assert paired(["b", "b_png"], images) == {"b": "b.png", "b_png": "b_png.tif"}


def test_all_labels_without_one_image_are_listed_at_once():
    with pytest.raises(DataError) as caught:
        paired(["a", "b", "c"], ["a.png", "a.tif", "c.png"])
    assert str(caught.value) == (
        "Give every label file one image of the same name, or leave --images out (2):\n"
        "  a.png: another image has the same name: a.tif. Keep one, or rename.\n"
        "  b_labels.tif: no image of the name b in here. Add it, or move the label file away."
    )

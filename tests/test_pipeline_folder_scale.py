"""One search for the scale of a folder's images, and each of them checked."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from coverslip.pipeline import Job, SegmentSettings, folder_scale, resolve, segment_files
from coverslip.pipeline.scale import find_scale, is_right_scale
from test_size import LEARNT, drawn, model

__all__ = ["model"]

SHARED = "as most images of its folder that were looked at"


@pytest.fixture
def job(model):
    return Job(model, "bright", "1", SegmentSettings(scale="auto"))


@pytest.fixture
def searched(monkeypatch):
    """How often the scale was looked for: for a folder, and for an image alone."""
    counts = {"folder": 0, "alone": 0}

    def counting(kind):
        def found(*arguments, **options):
            counts[kind] += 1
            return find_scale(*arguments, **options)

        return found

    monkeypatch.setattr(folder_scale, "find_scale", counting("folder"))
    monkeypatch.setattr(resolve, "find_scale", counting("alone"))
    return counts


def save(folder, diameters):
    """Images of 288 x 288 px, with disks of one size each."""
    folder.mkdir()
    sides = {24: 4, 48: 2}
    for number, diameter in enumerate(diameters):
        image = (255 * drawn(diameter, n=sides[diameter])).astype(np.uint8)
        Image.fromarray(image).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


def test_three_images_tell_the_scale_of_a_folder(tmp_path, job, searched):
    paths = save(tmp_path / "images", [24] * 7)
    result = segment_files(paths, tmp_path / "out", job=job)
    assert searched == {"folder": 3, "alone": 0}
    told = [any(SHARED in note for note in result.done[path].notes) for path in paths]
    assert told == [False, True, True, False, True, True, False]  # 0, 3 and 6 were looked at
    assert pd.read_csv(tmp_path / "out" / "images.csv").n_cells.tolist() == [16] * 7


def test_an_image_with_cells_of_another_size_is_searched_alone(tmp_path, job, searched):
    paths = save(tmp_path / "images", [24, 48, 24, 24, 24, 48])
    result = segment_files(paths, tmp_path / "out", job=job)
    assert searched == {"folder": 3, "alone": 1}  # the last was looked at: its own scale is known
    assert [any(SHARED in note for note in result.done[path].notes) for path in paths[:2]] == [
        False,
        False,
    ]
    for path in (paths[1], paths[5]):
        (size,) = re.findall(r"its cells have about (\d+) px", "\n".join(result.done[path].notes))
        assert int(size) == pytest.approx(48, rel=0.1)
    labels = (tmp_path / "out" / "1_labels.tif").read_bytes()
    segment_files(paths[1:2], tmp_path / "alone", job=job)
    assert (tmp_path / "alone" / "1_labels.tif").read_bytes() == labels


def test_where_images_disagree_or_are_few_each_is_searched(tmp_path, job, searched, monkeypatch):
    paths = save(tmp_path / "few", [24] * 4)
    segment_files(paths, tmp_path / "out_few", job=job)
    assert searched == {"folder": 0, "alone": 4}

    scales = iter([0.25, 0.5, 1.0])
    monkeypatch.setattr(folder_scale, "find_scale", lambda *_, **__: next(scales))
    paths = save(tmp_path / "many", [24] * 5)
    segment_files(paths, tmp_path / "out_many", job=job)
    assert searched["alone"] == 4 + 2  # the three that were looked at have their own


def test_a_file_that_cannot_be_read_hinders_nobody(tmp_path, job, searched):
    paths = save(tmp_path / "images", [24] * 5)
    paths[0].write_bytes(b"no picture")
    result = segment_files(paths, tmp_path / "out", job=job)
    assert list(result.failed) == paths[:1] and len(result.done) == 4
    assert searched["alone"] == 4


@pytest.mark.parametrize(
    ("scale", "is_right"),
    [(LEARNT / 24, True), (1.15 * LEARNT / 24, True), (1.0, False), (0.25, False)],
)
def test_a_scale_is_right_where_cells_have_the_learnt_size(model, scale, is_right):
    image = drawn(24)
    labels = np.zeros(image.shape, np.uint32)
    rows, columns = (np.arange(length) // 72 for length in image.shape)
    labels[:] = (4 * rows[:, None] + columns + 1) * (image > 0)
    assert is_right_scale(labels, image, model, scale=scale) == is_right
    assert not is_right_scale(labels, 0.6 * image, model, scale=scale), "the network is not sure"
    assert not is_right_scale(0 * labels, image, model, scale=scale), "there is no cell"

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import coverslip
from coverslip import segment
from coverslip.pipeline import Job, segment_files
from coverslip.pipeline.drawn import drop_bars, find_bars
from coverslip.pipeline.settings import SegmentSettings
from coverslip.tiling import RegionSettings


def rods() -> np.ndarray:
    """Eight bright rods of 20 x 8 px on a ground with a slope, as 12 bits in 16."""
    y, x = np.mgrid[:160, :160]
    image = 100 + y + x
    for top in range(10, 150, 40):
        for left in (20, 90):
            ends = np.clip(x, left + 10, left + 22)
            image = np.where(np.hypot(y - top - 8, x - ends) < 8, 1000, image)
    return image.astype(np.uint16)


def with_bar(rows: slice, columns: slice) -> np.ndarray:
    image = rods()
    image[rows, columns] = 65535
    return image


def bars(image: np.ndarray):
    return find_bars(image, below=-np.inf, above=2000)


def test_a_bar_is_a_long_and_exact_rectangle():
    image = np.zeros((50, 50), np.uint16)
    image[40:43, 5:25] = 65535
    image[0] = 65535
    image[10:30, 10:30] = 65535  # a square may be a crystal
    image[34:36, 5:20] = 65535  # and one of 15 px a rod
    found = bars(image)
    assert found is not None
    assert found[40:43, 5:25].all() and found[0].all() and found.sum() == 3 * 20 + 50
    assert bars(np.stack([image] * 3, axis=2)).sum() == found.sum()
    image[40, 5] = 0  # a corner is round
    image[0, 25] = 0
    assert bars(image).sum() == 49, "the two pieces of the row"
    assert find_bars(image, below=-np.inf, above=np.inf) is None
    assert find_bars(65535 - image, below=2000, above=np.inf).sum() == 49, "black on white"


def test_a_saturated_rod_with_round_ends_is_no_bar():
    image = rods()
    assert find_bars(np.where(image == 1000, 65535, image), below=-np.inf, above=2000) is None


def test_a_cell_that_a_bar_only_touches_stays():
    labels = np.array([[1, 1, 1, 0, 2, 3, 3]], np.uint32)
    bar = np.array([[1, 0, 0, 0, 1, 0, 0]], bool)
    assert drop_bars(labels, bar).tolist() == [[1, 1, 1, 0, 0, 2, 2]]


@pytest.mark.parametrize("at", [(slice(150, 156), slice(90, 150)), (slice(0, 1), slice(None))])
def test_a_burnt_in_bar_is_no_cell(at):
    settings = SegmentSettings(scale=1.0)
    plain = segment(rods(), "nuclei", settings=settings)
    spoilt = segment(with_bar(*at), "nuclei", settings=settings)
    assert len(plain.cells) == len(spoilt.cells) == 8
    assert spoilt.labels[at].max() == 0
    assert spoilt.confluence == pytest.approx(plain.confluence, rel=0.1)


def test_a_bar_over_several_regions_of_a_large_image_is_no_cell(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", with_bar(slice(150, 156), slice(90, 150)))
    model = coverslip.load_model("nuclei")
    regions = RegionSettings(core_px=40, margin_px=32)
    job = Job(model, "nuclei", model.hash, SegmentSettings(scale=1.0), regions=regions)
    result = segment_files([tmp_path / "a.tif"], tmp_path / "out", job=job)
    (record,) = result.done.values()
    assert record.is_large and record.images["n_cells"].tolist() == [8]
    assert "bars of them are no cells" in record.notes[0]

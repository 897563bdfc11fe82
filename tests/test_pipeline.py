"""image + model → cells: the network answers by brightness, so every result is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bright import bright_model
from coverslip.errors import SettingsError
from coverslip.inference import PredictSettings
from coverslip.measurements import COLUMNS
from coverslip.pipeline import SegmentSettings, segment
from drawn import squares

IMAGE, TRUTH = squares(7)
CPU = PredictSettings(device="cpu")
ALL = SegmentSettings(predict=CPU)


def found(image: np.ndarray, settings: SegmentSettings = ALL, **arguments: float) -> np.ndarray:
    return segment(image, bright_model(**arguments), settings=settings).labels


def test_it_finds_what_is_there():
    result = segment(IMAGE, bright_model(), settings=ALL)
    assert result.labels.dtype == np.uint32
    np.testing.assert_array_equal(result.labels, TRUTH)
    np.testing.assert_array_equal(result.probs > 0.5, TRUTH > 0)
    assert result.spread is None
    assert result.cells.label.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (result.cells.area_px == 36).all()
    assert (result.cells.intensity_mean == 220).all()
    assert not {name for name in result.cells if name not in COLUMNS}


def test_with_a_pixel_size_the_table_is_in_micrometres_too():
    cells = segment(IMAGE, bright_model(), settings=ALL, pixel_size_um=(0.5, 2.0)).cells
    spread = [name for name in COLUMNS if name.startswith("spread")]
    assert list(cells.columns) == [name for name in COLUMNS if name not in spread]
    assert (cells.area_um2 == 36).all()
    assert cells.centroid_y_um[0] == 4.5 * 0.5 and cells.centroid_x_um[0] == 4.5 * 2.0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32", "float64"])
def test_any_number_type_and_range(dtype):
    image = IMAGE.astype(dtype) * (1 if dtype == "uint8" else 100)
    if np.issubdtype(dtype, np.signedinteger) or np.issubdtype(dtype, np.floating):
        image -= np.array(15_000, dtype)
    np.testing.assert_array_equal(found(image), TRUTH)


def test_colour_counts_by_its_brightness():
    red = np.zeros((*IMAGE.shape, 3), np.uint8)
    red[..., 0] = IMAGE
    assert not found(red).any()  # a third of the brightness that is wanted
    np.testing.assert_array_equal(found(np.repeat(IMAGE[..., None], 3, axis=2)), TRUTH)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 5)])
def test_the_smallest_images(shape):
    result = segment(np.zeros(shape, np.uint8), bright_model(), settings=ALL)
    assert result.labels.shape == result.probs.shape == shape
    assert len(result.cells) == 0 and "area_px" in result.cells


@pytest.mark.parametrize("value", [0, 255])
def test_a_constant_image_has_no_cell(value):
    assert not found(np.full((20, 30), value, np.uint8)).any()


def test_nan_is_taken_for_dark():
    image = IMAGE.astype(np.float32)
    image[0, 0], image[31, 31] = np.nan, -np.inf
    np.testing.assert_array_equal(found(image), TRUTH)


def test_nothing_but_nan_is_refused():
    with pytest.raises(ValueError, match="nothing but NaN"):
        found(np.full((4, 4), np.nan, np.float32))


@pytest.mark.parametrize("tta", ["none", "paper", "d4"])
@pytest.mark.parametrize("tile_px", [16, 1024])
def test_tiles_and_views_change_nothing_for_a_network_that_looks_at_one_pixel(tta, tile_px):
    how = replace(CPU, tta=tta, tile_px=tile_px, overlap_px=8)
    result = segment(IMAGE, bright_model(), settings=SegmentSettings(predict=how))
    np.testing.assert_array_equal(result.labels, TRUTH)
    if tta == "none":
        assert result.spread is None
    else:
        assert result.spread is not None and result.spread.shape == IMAGE.shape
        assert float(result.spread.max()) < 1e-3


def test_threshold():
    image = IMAGE.copy()
    image[TRUTH == 3] = 140  # 0.6 of the range: a logit of 6 x 0.1
    assert set(np.unique(found(image, steepness=6.0))) == set(range(8))
    strict = replace(ALL, threshold=0.7)
    assert len(np.unique(found(image, strict, steepness=6.0))) == 7


def test_small_pieces_and_holes():
    image = IMAGE.copy()
    image[28:31, 28:31] = 220  # 9 px
    image[4, 4] = 20  # a hole
    assert found(image).max() == 7
    assert (found(image) == 1).sum() == 35
    everything = replace(ALL, min_area_px=0, fill_holes=True)
    assert found(image, everything).max() == 8
    assert (found(image, everything) == 1).sum() == 36


def test_scale_is_what_the_network_sees_and_not_what_the_user_gets():
    model = bright_model()
    seen = []
    model.network.register_forward_pre_hook(lambda _, images: seen.append(images[0].shape[-2:]))
    image, truth = (np.kron(values, np.ones((4, 4), np.uint8)) for values in (IMAGE, TRUTH))
    result = segment(image, model, settings=replace(ALL, scale=0.25))
    assert seen == [(32, 32)]
    assert result.labels.shape == (128, 128) and len(result.cells) == 7
    assert np.mean((result.labels > 0) == (truth > 0)) > 0.98


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scale": 0.0}, "scale is 0.0; wanted 0.05 to 20"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"threshold": 1.5}, "threshold is 1.5; it must lie in 0 to 1"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"min_area_px": -1}, "least area is -1 px"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_any_work(wrong, message):
    with pytest.raises(SettingsError, match=message):
        SegmentSettings(**wrong)


def test_confluence_is_of_all_cells_also_of_those_left_out_at_the_border():
    image = np.full((20, 20), 30, np.uint8)
    image[:5, :4] = image[10:16, 10:15] = 220
    kept = segment(image, bright_model(), settings=ALL)
    dropped = segment(image, bright_model(), settings=replace(ALL, drop_border=True))
    assert (kept.labels.max(), dropped.labels.max()) == (2, 1)
    assert (dropped.labels[10:16, 10:15] == 1).all() and not dropped.labels[:5, :4].any()
    assert kept.confluence == dropped.confluence == (20 + 30) / 400

"""What is a mask, what are labels, and what only looks like either."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from coverslip.errors import DataError
from coverslip.io import check_labels, read_checked, read_labels

N = 9  # cells of the drawn labels


def drawn(side: int = 96, radius: int = 9) -> np.ndarray:
    """Nine round cells in three rows, apart from one another and from the rim."""
    y, x = np.mgrid[:side, :side] % 32 - 16
    row, column = np.mgrid[:side, :side] // 32
    return np.where(y**2 + x**2 <= radius**2, 1 + 3 * row + column, 0).astype(np.uint16)


LABELS = drawn()
MASK = LABELS > 0
PHOTO = np.random.default_rng(0).normal(np.where(MASK, 160, 60), 9).astype(np.uint8)


def resized(labels: np.ndarray, factor: float, how: Image.Resampling) -> np.ndarray:
    side = round(factor * len(labels))
    picture = Image.fromarray(labels.astype(np.float32)).resize((side, side), how)
    return np.rint(np.asarray(picture).clip(0)).astype(np.uint16)


SMOOTH = [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]


@pytest.mark.parametrize("value", [1, 2, 7, 128, 254, 255, 65535])
def test_a_mask_of_any_one_value_is_a_mask(value):
    found = check_labels(MASK * np.uint16(value), what="x")
    assert found.mask_value == value
    assert found.cells().max() == N
    assert str(value) in found.all_notes()[0] and "pieces" in found.all_notes()[0]


@pytest.mark.parametrize("values", [MASK, MASK * 0.5, MASK * 1.0, MASK.astype(np.int64)])
def test_a_mask_of_any_type_is_a_mask(values):
    assert check_labels(values, what="x").cells().max() == N


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64, np.float32])
def test_labels_stay_as_they_are(dtype):
    found = check_labels(LABELS.astype(dtype), what="x")
    np.testing.assert_array_equal(found.labels, LABELS)
    assert (found.all_notes(), found.is_mask) == ((), False)


@pytest.mark.parametrize("high", [255, 4095, 65535, 3, 1000])
@pytest.mark.parametrize("how", SMOOTH)
def test_a_soft_mask_of_any_depth_is_refused(high, how):
    soft = resized(resized(MASK * float(high), 0.8, how), 1.25, how).clip(0, high)
    with pytest.raises(DataError, match=r"x: (grey values between 0|a photograph|numbers between)"):
        check_labels(soft, what="x")


def test_a_soft_mask_of_few_greys_is_refused():
    """Averages of 2 × 2 pixels have three greys between 0 and 255."""
    blocks = (MASK * 255).reshape(48, 2, 48, 2).mean((1, 3)).repeat(2, axis=0).repeat(2, axis=1)
    assert len(np.unique(blocks)) == 5
    with pytest.raises(DataError, match="grey values"):
        check_labels(blocks.astype(np.uint8), what="x")


@pytest.mark.parametrize("how", SMOOTH)
@pytest.mark.parametrize("factor", [0.6, 1.3, 2])
def test_labels_that_were_resized_with_smoothing_are_refused(how, factor):
    with pytest.raises(DataError, match="nearest neighbour"):
        check_labels(resized(LABELS * 5, factor, how), what="x")
    nearest = resized(LABELS, factor, Image.Resampling.NEAREST)
    assert check_labels(nearest, what="x").cells().max() == N


@pytest.mark.parametrize("order", [1, 3])
def test_labels_that_were_turned_with_smoothing_are_refused(order):
    turned = ndimage.rotate(LABELS * 5.0, 15, order=order, reshape=False)
    with pytest.raises(DataError, match="nearest neighbour"):
        check_labels(np.rint(turned).clip(0).astype(int), what="x")
    assert check_labels(ndimage.rotate(LABELS, 15, order=0, reshape=False), what="x").notes == ()


@pytest.mark.parametrize("factor", [1, 1 / 10])
def test_photographs_are_refused_also_dark_ones(factor):
    with pytest.raises(DataError, match="a photograph and no labels"):
        check_labels((PHOTO * factor).astype(np.uint8), what="x")


@pytest.mark.parametrize("quality", [75, 95])
def test_masks_that_were_jpegs_are_refused(quality):
    stream = io.BytesIO()
    Image.fromarray((MASK * 255).astype(np.uint8)).save(stream, "JPEG", quality=quality)
    with pytest.raises(DataError, match=r"grey values|photograph"):
        check_labels(np.asarray(Image.open(stream)), what="x")


@pytest.mark.parametrize(("ground", "cell"), [(1, 2), (2, 1), (128, 255)])
def test_two_numbers_without_0_are_a_mask_where_one_has_the_rim(ground, cell):
    found = check_labels(np.where(MASK, cell, ground), what="x")
    np.testing.assert_array_equal(found.labels > 0, MASK)
    assert found.cells().max() == N
    assert f"no 0; {ground}, which" in found.notes[0]


def test_two_numbers_without_0_are_refused_where_both_have_the_rim():
    halves = np.where(np.arange(96) < 48, 1, 2)[None].repeat(96, axis=0)
    assert check_labels(halves, what="x").labels.max() == 2  # two cells
    halves[10, 10] = 2
    with pytest.raises(DataError, match=r"1 and 2, and no 0.*cannot be told"):
        check_labels(halves, what="x")


@pytest.mark.parametrize("ground", [1, N + 1, 255])
def test_a_background_with_a_number_is_background_where_there_is_no_0(ground):
    labels = np.where(MASK, LABELS + (ground == 1), ground)
    found = check_labels(labels, what="x")
    np.testing.assert_array_equal(found.labels, np.where(MASK, labels, 0))
    assert f"no 0; {ground}, which" in found.notes[0]


@pytest.mark.parametrize("ground", [255, 65535])
@pytest.mark.parametrize("n_frames", [None, 3])
def test_a_background_with_a_number_is_background_where_a_cell_is_0(ground, n_frames):
    """As where -1 was the background and was stored without a sign."""
    labels = np.where(MASK, LABELS - 1, np.uint16(ground))
    truth = np.where(MASK & (LABELS == 1), ground, np.where(MASK, LABELS - 1, 0))
    if n_frames:
        labels, truth = (np.stack([one] * n_frames) for one in (labels, truth))
    found = check_labels(labels, what="x")
    np.testing.assert_array_equal(found.labels, truth)
    (said,) = found.notes
    assert said.startswith(f"{ground} has the rim and most") and f"now {ground}" in said


def test_a_large_cell_beside_a_background_of_0_stays_a_cell():
    """0 lies in two places; or the large one has no rim."""
    split = np.where(MASK, LABELS - 1, np.uint16(255))
    split[20:30, 90:94] = 0
    found = check_labels(split, what="x")
    assert found.labels is split and found.notes[0].startswith("255 is 100% of the rim")
    inner = np.zeros((128, 128), np.uint16)
    inner[16:112, 16:112] = np.where(MASK, LABELS, 255)
    assert check_labels(inner, what="x").labels is inner


@pytest.mark.parametrize("value", [1, 255, 65535])
@pytest.mark.parametrize("kind", ["flat", "film"])
def test_a_mask_that_is_inverted_is_read_as_its_inverse(value, kind):
    labels = np.where(MASK, 0, np.uint16(value))
    labels = labels if kind == "flat" else np.stack([labels, np.roll(labels, 5, 1), labels | value])
    found = check_labels(labels, what="x")
    np.testing.assert_array_equal(found.labels, (labels == 0) * value)
    assert found.mask_value == value and found.cells().max() == N
    (said,) = found.notes
    assert said.startswith(f"{value} has the rim and lies around many round pieces of 0")


def test_a_mask_that_may_be_inverted_is_said():
    few = np.ones((96, 96), np.uint8) * 255
    few[:32] = np.where(MASK[:32], 0, 255)
    (said,) = check_labels(few, what="x").notes
    assert "255 is 100% of the rim and surrounds 3 round pieces of 0" in said
    gaps = np.ones((96, 96), bool)  # a layer with gaps, which are no discs
    gaps[10:80, 40:43] = gaps[40:43, 10:80] = False
    assert check_labels(gaps * 255, what="x").notes == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_layer_of_cells_with_gaps_is_no_inverted_mask(seed):
    """Discs in the order of a grid that overlap: what is free between them is hollow."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:320, :320]
    layer = np.zeros((320, 320), bool)
    for row in range(-20, 360, 36):
        for column in range(-20, 360, 36):
            far = np.hypot(y - row - rng.normal(0, 4), x - column - rng.normal(0, 4))
            layer |= far < rng.uniform(20, 25)
    assert 0.7 < layer.mean() < 0.99
    assert (check_labels(layer, what="x").labels > 0).sum() == layer.sum()


def test_holes_that_a_threshold_leaves_are_no_cells():
    """Many and round, but small, or all of them hardly a hundredth of the picture."""
    y, x = np.mgrid[:320, :320] % 32 - 16
    specks = y**2 + x**2 > 3**2
    assert check_labels(specks, what="x").labels.mean() > 0.9
    y, x = np.mgrid[:2048, :2048] % 512 - 256
    assert check_labels(y**2 + x**2 > 9**2, what="x").labels.mean() > 0.9


def test_classes_are_said():
    (said,) = check_labels(np.where(MASK, 1 + LABELS % 2, 0), what="x").notes
    assert "1 in 4, 2 in 5" in said and "as classes do" in said
    inner = ndimage.binary_erosion(MASK, iterations=2)
    (said,) = check_labels(MASK + 1 * inner, what="x").notes  # a rim of 1 around an inside of 2
    assert "as classes do" in said


def test_an_image_that_is_all_cell_is_said():
    (said,) = check_labels(np.full((9, 9), 3), what="x").notes
    assert "every pixel is 3" in said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.where(MASK, LABELS.astype(int), -1), r"negative number -1.*--ignored-from 32768"),
        (ndimage.gaussian_filter(MASK * 1.0, 1), "fractions.*Threshold"),
        (np.where(MASK, LABELS, np.nan), "fractions or NaN"),
        (LABELS * 1j, "complex128"),
    ],
)
def test_what_can_be_no_ids_is_refused(values, words):
    with pytest.raises(DataError, match=f"x: .*{words}"):
        check_labels(values, what="x")


def test_ignored_pixels_are_not_judged():
    """Most of the rim is ignored, and what is left is a mask."""
    values = np.where(MASK, 1, 32768)
    values[:40, :40] = MASK[:40, :40]
    found = check_labels(values, what="x", ignored_from=32768)
    np.testing.assert_array_equal(found.labels, values)
    assert found.mask_value == 1


def test_nothing_is_changed_in_the_callers_array():
    values = np.where(MASK, 2, 1)
    check_labels(values, what="x")
    assert values.min() == 1


def test_colours_that_each_lie_in_one_place_are_cells(tmp_path):
    colours = np.random.default_rng(0).integers(60, 256, (N + 1, 3), dtype=np.uint8)
    colours[0] = 0
    Image.fromarray(colours[LABELS]).save(tmp_path / "a.png")
    found = read_checked(tmp_path / "a.png")
    assert found.cells().max() == N
    assert len(np.unique(LABELS * 100 + found.labels)) == N + 1
    assert "colours" in found.notes[0]


@pytest.mark.parametrize("ground", [(255, 255, 255), (68, 1, 84)])
def test_colours_on_another_ground_than_black(tmp_path, ground):
    """As a drawing on white, or labels that were saved through a colour map."""
    colours = np.random.default_rng(0).integers(60, 250, (N + 1, 3), dtype=np.uint8)
    colours[0] = ground
    Image.fromarray(colours[LABELS]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_checked(tmp_path / "a.png").labels > 0, MASK)
    Image.fromarray(colours[1 * MASK]).save(tmp_path / "b.png")
    assert read_checked(tmp_path / "b.png").cells().max() == N


@pytest.mark.parametrize("alpha", [False, True])
def test_one_colour_on_black_is_a_mask(tmp_path, alpha):
    colours = np.where(MASK[..., None], [255, 0, 128, 255][: 3 + alpha], 0).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    assert read_checked(tmp_path / "a.png").cells().max() == N


def test_a_mask_in_the_transparency_alone(tmp_path):
    picture = np.zeros((96, 96, 4), np.uint8)
    picture[..., 3] = MASK * 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    found = read_checked(tmp_path / "a.png")
    assert found.cells().max() == N
    assert "transparency" in found.notes[0]


def test_black_is_the_background_of_a_colour_table(tmp_path):
    picture = Image.fromarray(np.where(MASK, 0, 3).astype(np.uint8)).convert("P")
    picture.putpalette([255, 0, 0, 9, 9, 9, 0, 9, 0, 0, 0, 0])
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png") > 0, MASK)
    assert "entry 3 of its colour table is black" in read_checked(tmp_path / "a.png").notes[0]


@pytest.mark.parametrize("axes", ["TYX", "TZYX"])
def test_a_film_is_judged_as_a_whole(axes):
    film = np.stack([0 * MASK, MASK * 255]).reshape(
        (2, 1, 96, 96)[-len(axes) :] if axes == "TZYX" else (2, 96, 96)
    )
    found = check_labels(film, what="x")
    assert found.cells().shape == film.shape
    assert found.cells()[1].max() == N

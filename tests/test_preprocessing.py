"""The preprocessing that training and prediction share."""

import numpy as np
import pytest

from coverslip.preprocessing import (
    SAMPLE_PX,
    Preprocess,
    normalise,
    preprocess,
    replace_nonfinite,
    resize_image,
    resize_labels,
    resize_window,
    stretch,
    to_grey,
    to_rgb,
)

RAMP = np.arange(101, dtype=np.uint8)[None]  # the n-th percentile of 0..100 is n


def whole(image):
    return stretch(image, low_percentile=0, high_percentile=100)


def test_stretch_maps_the_percentiles_to_0_and_1_and_clips():
    result = stretch(RAMP, low_percentile=10, high_percentile=60)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[0, [0, 10, 35, 60, 100]], [0, 0, 0.5, 1, 1], atol=1e-7)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "uint16", "int32", "uint32", "int64", "float16", "float64"]
)
def test_stretch_of_every_type(dtype):
    np.testing.assert_array_equal(whole(np.array([[0, 1]], dtype)), [[0, 1]])


def test_stretch_does_not_depend_on_scale_and_offset():
    image = np.random.default_rng(0).integers(0, 255, (20, 30))
    settings = {"low_percentile": 1.0, "high_percentile": 99.8}
    expected = stretch(image.astype(np.uint8), **settings)
    for same in (image * 200 + 1000, image * 1e-3 - 5, image.astype(np.int64) + 4_000_000_000):
        np.testing.assert_allclose(stretch(same, **settings), expected, atol=1e-6)


def test_stretch_of_the_widest_ranges():
    np.testing.assert_array_equal(whole(np.array([[-(2**31), 2**31 - 1]], np.int32)), [[0, 1]])
    np.testing.assert_array_equal(whole(np.array([[0, 1e-310]])), [[0, 1]])
    extremes = np.array([[-3e38, 3e38]], np.float32)
    np.testing.assert_array_equal(whole(extremes), [[0, 1]])


def test_stretch_is_joint_over_colours():
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = (50, 100, 200)
    np.testing.assert_allclose(whole(image)[0, 1], [0.25, 0.5, 1])


@pytest.mark.parametrize("value", [0, 7, 255])
def test_constant_image_becomes_zeros(value):
    result = preprocess(np.full((3, 4), value, np.uint8), Preprocess(mean=(0, 0, 0), std=(1, 1, 1)))
    np.testing.assert_array_equal(result, np.zeros((3, 3, 4)))


def test_a_single_bright_pixel_on_black_does_not_vanish():
    image = np.zeros((100, 100), np.uint16)
    image[5, 5] = 900
    result = stretch(image, low_percentile=1, high_percentile=99.8)
    assert (result[5, 5], np.count_nonzero(result)) == (1, 1)


def test_stretch_of_one_pixel():
    assert whole(np.array([[9]], np.uint8)) == [[0]]


def test_stretch_leaves_its_input():
    image = np.array([[0.0, np.nan, 2.0]])
    whole(image)
    np.testing.assert_array_equal(image, [[0.0, np.nan, 2.0]])


@pytest.mark.parametrize("shape", [(2000, 1500), (1, 3_000_000), (1000, 1000, 3)])
def test_percentiles_of_a_large_image_come_from_a_fair_sample(shape, monkeypatch):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    counted = []
    exact = np.percentile

    def watched(values, percentiles):
        counted.append(values.size)
        return exact(values, percentiles)

    monkeypatch.setattr(np, "percentile", watched)
    result = stretch(image, low_percentile=1, high_percentile=99)
    assert counted[0] <= SAMPLE_PX
    low, high = exact(image, [1, 99])
    np.testing.assert_allclose(result, np.clip((image - low) / (high - low), 0, 1), atol=0.01)


def test_sample_sees_every_column():
    """With a step that divides the width, only every other column would be looked at."""
    row = np.tile(np.array([0, 50, 10, 100], np.uint8), 250)
    image = np.tile(row, (2000, 1))  # two million pixels: every second is looked at
    np.testing.assert_array_equal(whole(image), image / np.float32(100))


def test_nan_and_inf():
    image = np.array([[np.nan, 1.0], [np.inf, -np.inf], [3.0, 2.0]])
    replaced, count = replace_nonfinite(image)
    assert count == 3
    np.testing.assert_array_equal(replaced, [[1, 1], [3, 1], [3, 2]])
    np.testing.assert_array_equal(whole(image), [[0, 0], [1, 0], [1, 0.5]])


def test_finite_image_is_not_copied():
    image = np.array([[1, 2]], np.uint8)
    assert replace_nonfinite(image)[0] is image


def test_nothing_finite():
    with pytest.raises(ValueError, match="nothing but NaN"):
        replace_nonfinite(np.full((2, 2), np.nan))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int8", "int16"])
def test_grey_of_integers_is_by_their_type_and_not_by_their_contents(dtype):
    most = np.iinfo(dtype).max
    image = np.array([[0, most // 4], [most // 2, most // 2]], dtype)
    np.testing.assert_allclose(to_grey(image), image.astype(float) / most, rtol=1e-7)


def test_grey_of_a_byte_and_of_two_is_the_same():
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(to_grey(image), to_grey(image.astype(np.uint16) * 257))


def test_grey_of_floats_keeps_their_zero():
    image = np.array([[0.2, 0.4], [0.5, 0.8]])
    np.testing.assert_array_equal(to_grey(image), image.astype(np.float32))
    np.testing.assert_allclose(to_grey(5 * image), image / 0.8, rtol=1e-6)  # by the greatest
    # With negative values there is no zero to keep.
    for dtype in ("float64", "int16"):
        signed = np.array([[-2, 0], [1, 2]], dtype)
        np.testing.assert_array_equal(to_grey(signed), [[0, 0.5], [0.75, 1]])
    assert (to_grey(np.full((2, 3), -4.0)) == 0).all()


def test_grey_of_colour_of_booleans_and_of_nan():
    colour = np.array([[[255, 0, 0], [30, 60, 90]]], np.uint8)
    np.testing.assert_allclose(to_grey(colour), [[1 / 3, 60 / 255]], rtol=1e-6)
    grey = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    np.testing.assert_array_equal(to_grey(np.repeat(grey[..., None], 3, axis=2)), to_grey(grey))
    np.testing.assert_array_equal(to_grey(np.array([[True, False]])), [[1, 0]])
    np.testing.assert_array_equal(to_grey(np.array([[np.nan, 0.5, np.inf]])), [[0.5, 0.5, 0.5]])
    for shape in ((3,), (2, 2, 4), (1, 2, 3, 3)):
        with pytest.raises(ValueError, match="wanted"):
            to_grey(np.zeros(shape))


def test_grey_becomes_three_channels_and_colour_stays():
    grey = np.array([[1, 2]])
    np.testing.assert_array_equal(to_rgb(grey), [[[1, 1, 1], [2, 2, 2]]])
    colour = np.arange(6).reshape(1, 2, 3)
    np.testing.assert_array_equal(to_rgb(colour), colour)


@pytest.mark.parametrize("shape", [(4,), (4, 4, 1), (4, 4, 4), (2, 4, 4, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="wanted"):
        to_rgb(np.zeros(shape))


def test_normalise_by_hand():
    image = np.array([[[0.5, 0.5, 0.5], [1.0, 0.0, 0.25]]], np.float32)
    settings = Preprocess(mean=(0.5, 0.0, 0.25), std=(0.5, 0.25, 0.5))
    result = normalise(image, settings)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result, [[[0, 1]], [[2, 0]], [[0.5, 0]]])


def test_preprocess_is_stretch_and_then_normalise():
    image = np.random.default_rng(0).integers(0, 4096, (6, 7, 3), dtype=np.uint16)
    settings = Preprocess()
    stretched = stretch(image, low_percentile=1.0, high_percentile=99.8)
    result = preprocess(image, settings)
    assert result.shape == (3, 6, 7)
    np.testing.assert_array_equal(result, normalise(stretched, settings))
    red = (stretched[..., 0] - 0.485) / 0.229
    np.testing.assert_allclose(result[0], red, atol=1e-6)


def test_halving_averages_and_keeps_the_mean():
    image = np.kron(np.array([[0, 8], [4, 2]], np.uint8), np.ones((8, 8), np.uint8))
    small = resize_image(image, (2, 2))
    assert small.dtype == np.float32
    assert small.shape == (2, 2)
    assert small.mean() == pytest.approx(image.mean(), abs=1e-3)
    assert np.argsort(small.ravel()).tolist() == [0, 3, 2, 1]


def test_fine_stripes_become_grey_not_moire():
    stripes = np.tile(np.array([0, 100], np.float32), (32, 16))
    np.testing.assert_allclose(resize_image(stripes, (8, 8)), 50, atol=7)


@pytest.mark.parametrize("shape", [(5, 9), (1, 1), (20, 3)])
def test_resizing_keeps_a_constant_and_the_channels(shape):
    image = np.full((10, 6, 3), (1, 2, 3), np.float32)
    result = resize_image(image, shape)
    assert result.shape == (*shape, 3)
    np.testing.assert_allclose(result, np.broadcast_to([1, 2, 3], result.shape), atol=1e-5)


def test_growing_interpolates():
    grown = resize_image(np.array([[0.0, 4.0]]), (1, 4))
    np.testing.assert_allclose(grown, [[0, 1, 3, 4]], atol=1e-6)


def test_same_size_is_the_same_image():
    image = np.random.default_rng(0).random((5, 6))
    np.testing.assert_array_equal(resize_image(image, (5, 6)), image.astype(np.float32))


def test_labels_are_never_mixed():
    labels = np.array([[0, 70_000], [3, 0]], np.uint32)
    grown = resize_labels(labels, (4, 4))
    assert grown.dtype == np.uint32
    np.testing.assert_array_equal(grown, np.kron(labels, np.ones((2, 2), np.uint32)))
    np.testing.assert_array_equal(resize_labels(grown, (2, 2)), labels)


def test_labels_take_the_value_under_the_centre():
    np.testing.assert_array_equal(resize_labels(np.array([[1, 2, 3, 4, 5]]), (1, 3)), [[1, 3, 5]])
    np.testing.assert_array_equal(resize_labels(np.array([[1, 2, 3]]), (1, 1)), [[2]])


def test_image_and_labels_stay_aligned():
    """A resized image's cells lie where the resized labels say."""
    labels = np.zeros((40, 30), int)
    labels[6:22, 4:18] = 1
    image = resize_image(labels.astype(np.float32), (20, 15))
    np.testing.assert_array_equal(image > 0.5, resize_labels(labels, (20, 15)) > 0)


@pytest.mark.parametrize("target", [(20, 31), (39, 62), (78, 140), (117, 90), (39, 40), (2, 3)])
@pytest.mark.parametrize("colours", [(), (3,)])
def test_a_window_is_resized_as_it_is_in_the_whole(target, colours):
    image = np.random.default_rng(0).random((39, 62, *colours), dtype=np.float32)
    whole = resize_image(image, target)
    top, left = target[0] // 3, target[1] // 4
    for window in (
        (slice(0, target[0]), slice(0, target[1])),
        (slice(top, target[0]), slice(left, left + max(1, target[1] // 2))),
        (slice(0, 1), slice(target[1] - 1, target[1])),
    ):
        part = resize_window(
            lambda rows, columns: image[rows, columns], window, source=(39, 62), target=target
        )
        assert part.shape == whole[window].shape
        np.testing.assert_allclose(part, whole[window], atol=2e-7)

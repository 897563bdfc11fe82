from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from coverslip.preprocessing import Preprocess, image_range, stretch
from coverslip.value_range import Likeness, are_noise, find_range, is_noise, sample_pairs

SIDE = 128


def cells(side: int = SIDE) -> np.ndarray:
    """Blurred squares of 900 on noise around 300, uint16, none beyond 1400."""
    image = np.zeros((side, side))
    for top in range(8, side - 16, 32):
        for left in range(8, side - 16, 32):
            image[top : top + 12, left : left + 12] = 900
    noise = np.random.default_rng(0).normal(300, 25, image.shape)
    return np.clip(ndimage.gaussian_filter(image, 1.5) + noise, 0, None).astype(np.uint16)


def found(image: np.ndarray):
    return image_range(image, low_percentile=1, high_percentile=99.8)


def bar(image):
    image[118:122, 60:110] = 65535


def bad_row(image):
    image[0] = 65535


def frame(image):
    image[:12] = image[-12:] = 65535
    image[:, :12] = image[:, -12:] = 65535


def saturated_cells(image):
    image[6:22, 6:22] = 65535


def uneven_crystals(image):
    image[30:36, 30:36] = np.random.default_rng(1).integers(30_000, 60_000, (6, 6))


@pytest.mark.parametrize("spoil", [bar, bad_row, frame, saturated_cells, uneven_crystals])
def test_what_is_far_from_all_the_rest_does_not_set_the_range(spoil):
    plain, image = found(cells()), cells()
    spoil(image)
    spoilt = found(image)
    assert plain.note == "" and plain.high == np.percentile(cells(), 99.8)
    assert spoilt.high == pytest.approx(plain.high, rel=0.1)
    assert spoilt.low == pytest.approx(plain.low, rel=0.1)
    assert "saturated or burnt in" in spoilt.note


def test_what_is_far_below_does_not_either_and_the_user_is_told_how_much_it_is():
    image = cells().astype(np.int32)
    image[:2] = -32768
    spoilt = found(image)
    assert spoilt.low == pytest.approx(found(cells()).low, rel=0.1)
    assert spoilt.note.startswith("1.6 % of the pixels are -32768, all others ")


def test_a_bar_in_a_colour_picture_of_8_bits():
    image = np.repeat((cells() / 24).astype(np.uint8)[..., None], 3, axis=2)
    plain = found(image)
    image[118:122, 60:110] = 255
    assert found(image).high == plain.high
    assert "255, all others 5" in found(image).note


def test_bright_cells_on_nothing_but_noise_keep_their_range():
    image = np.random.default_rng(0).normal(300, 25, (SIDE, SIDE))
    image[20:32, 20:32] = 65535
    assert found(image).high == 65535 and found(image).note == ""


def test_a_picture_of_two_values_keeps_its_range():
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[20:32, 20:32] = 255
    assert stretch(image, low_percentile=1, high_percentile=99.8)[25, 25] == 1


def test_cells_that_cover_less_than_the_last_percentile_widen_the_range():
    image = np.random.default_rng(0).normal(300, 25, (512, 512))
    noise = found(image)
    image[100:116, 100:116] = 1200  # 0.1 % of the pixels
    wide = found(image)
    assert noise.high < 400 and noise.note == ""
    assert wide.high == 1200 and "0.098 % of the pixels" in wide.note


def test_hot_pixels_do_not_widen_it():
    image = np.random.default_rng(0).normal(300, 25, (512, 512))
    image.flat[::1997] = 9000
    assert found(image).high < 400


def test_the_next_pixel_of_a_sample_is_in_the_same_row_and_channel():
    image = np.arange(24).reshape(2, 4, 3)
    values, following = sample_pairs(image, 1, 5)
    assert values.tolist() == [1, 6, 11, 16, 21]
    assert following.tolist() == [4, 9, 8, 19, 18]
    assert sample_pairs(np.zeros((3, 1)), 0, 1)[1].tolist() == [0, 0, 0]


def test_the_range_of_nothing_is_harmless():
    few = np.array([1.0, 2.0])
    assert find_range(few, few, percentiles=(0, 100)).high == 2
    assert find_range(few[:1], few[:1], percentiles=(1, 99)).low == 1
    assert Preprocess().low_percentile == 1


@pytest.mark.parametrize("with_cell", [False, True])
def test_noise_is_known_as_such_in_bands_and_whole(with_cell):
    image = np.random.default_rng(0).normal(300, 25, (300, 200))
    image[280:296, 150:170] += 100 * with_cell
    bands = [image[top : top + 64] for top in range(0, 300, 64)]
    assert are_noise(bands, shape=image.shape) == is_noise(image) == (not with_cell)


def test_an_image_is_read_to_its_first_cell_and_no_farther():
    image = np.random.default_rng(0).normal(300, 25, (128, 200))
    image[20:36, 20:40] += 100

    def bands():
        yield image[:64]
        raise AssertionError("the second band was read")

    assert not are_noise(bands(), shape=image.shape)


def test_likeness_in_bands_is_the_correlation_of_neighbours():
    squares = np.random.default_rng(0).normal(5, 1, (40, 30)).cumsum(axis=0).cumsum(axis=1)
    seen = Likeness().and_of(squares[:17]).and_of(squares[17:18]).and_of(squares[18:])
    across = np.corrcoef(squares[:, :-1].ravel(), squares[:, 1:].ravel())[0, 1]
    down = np.corrcoef(squares[:-1].ravel(), squares[1:].ravel())[0, 1]
    assert seen.value == pytest.approx(min(across, down), rel=1e-9)
    assert Likeness().and_of(np.ones((40, 30))).value == 0

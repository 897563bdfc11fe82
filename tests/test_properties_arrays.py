"""What holds for any array: tiles, symmetries, preprocessing, resizing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from by_chance import images, labels, some
from coverslip.preprocessing import (
    Preprocess,
    preprocess,
    replace_nonfinite,
    resize_image,
    resize_labels,
    stretch,
    to_grey,
)
from coverslip.tiling import blend, lay_tiles, round_up
from coverslip.tiling.symmetry import SYMMETRIES
from coverslip.tiling.tiles import cut

sizes = st.tuples(st.integers(1, 50), st.integers(1, 50))


@some
@given(sizes, st.integers(1, 40), st.integers(0, 40), st.integers(1, 9), st.integers(1, 3))
def test_tiles_cut_and_blended_are_the_image(shape, tile, overlap, multiple, channels):
    if round_up(overlap, multiple) >= round_up(tile, multiple):
        with pytest.raises(ValueError, match="must be smaller"):
            lay_tiles(shape, tile=tile, overlap=overlap, multiple=multiple)
        return
    grid = lay_tiles(shape, tile=tile, overlap=overlap, multiple=multiple)
    image = np.random.default_rng(0).random((channels + 1, *shape), dtype=np.float32)
    image[0] = 1
    canvas = np.zeros_like(image)
    for index in grid.indices:
        part = cut(image, grid=grid, index=index)
        assert part.shape[-2:] == grid.tile
        assert all(side % multiple == 0 for side in (*grid.tile, *grid.corner(index)))
        blend(canvas, part, grid=grid, index=index)
    assert (canvas[0] == 1).all()  # the weights of a pixel sum to one exactly
    assert abs(canvas - image).max() < 1e-6


@some
@given(st.sampled_from(sorted(SYMMETRIES)), array_shapes(min_dims=2, max_dims=4, max_side=6))
def test_symmetries_undo_themselves_and_lose_nothing(name, shape):
    image = torch.arange(int(np.prod(shape))).reshape(shape)
    symmetry = SYMMETRIES[name]
    turned = symmetry.forward(image)
    assert torch.equal(symmetry.inverse(turned), image)
    assert torch.equal(symmetry.forward(symmetry.inverse(image)), image)
    assert turned.shape[:-2] == image.shape[:-2]
    assert turned.ravel().sort().values.tolist() == image.ravel().tolist()
    assert (turned.shape[-2:] == image.shape[-2:][::-1]) or not symmetry.transposes


@some
@given(st.sampled_from(sorted(SYMMETRIES)), st.sampled_from(sorted(SYMMETRIES)))
def test_one_symmetry_after_another_is_a_third(first, second):
    image = torch.arange(12).reshape(3, 4)
    both = SYMMETRIES[second].forward(SYMMETRIES[first].forward(image)).tolist()
    assert [s.forward(image).tolist() for s in SYMMETRIES.values()].count(both) == 1


def has_numbers(image: np.ndarray) -> bool:
    return bool(np.isfinite(image).any())


@some
@given(images(), st.floats(0, 100), st.floats(0, 100))
def test_stretched_images_lie_between_0_and_1_and_keep_their_order(image, one, other):
    low, high = sorted((one, other))
    if not has_numbers(image):
        with pytest.raises(ValueError, match="nothing but NaN"):
            stretch(image, low_percentile=low, high_percentile=high)
        return
    before = image.copy()
    stretched = stretch(image, low_percentile=low, high_percentile=high)
    np.testing.assert_array_equal(image, before)
    assert stretched.shape == image.shape and stretched.dtype == np.float32
    assert np.isfinite(stretched).all() and stretched.min() >= 0 and stretched.max() <= 1
    order = np.argsort(replace_nonfinite(image)[0].ravel(), kind="stable")
    assert (np.diff(stretched.ravel()[order]) >= 0).all()
    finite = image[np.isfinite(image)]
    assert stretched.any() == (finite.min() < finite.max())


@some
@given(images())
def test_grey_images_lie_between_0_and_1(image):
    if has_numbers(image):
        grey = to_grey(image)
        assert grey.shape == image.shape[:2] and np.isfinite(grey).all()
        assert grey.min() >= 0 and grey.max() <= 1


@some
@given(images())
def test_what_a_network_sees_is_finite(image):
    if has_numbers(image):
        seen = preprocess(image, Preprocess())
        assert seen.shape == (3, *image.shape[:2]) and abs(seen).max() < 3


@some
@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=3, max_side=9),
        elements=st.floats(0, 1, width=32),
    ),
    sizes,
)
def test_resized_images_stay_in_their_range(image, shape):
    resized = resize_image(image, shape)
    assert resized.shape == (*shape, *image.shape[2:])
    assert resized.min() >= image.min() - 1e-6 and resized.max() <= image.max() + 1e-6
    flat = resize_image(np.full_like(image, 0.25), shape)
    assert abs(flat - 0.25).max() < 1e-6


@some
@given(labels, sizes, st.integers(1, 4))
def test_resized_labels_have_no_new_number_and_whole_factors_repeat_pixels(image, shape, factor):
    assert set(np.unique(resize_labels(image, shape))) <= set(np.unique(image))
    larger = resize_labels(image, tuple(factor * length for length in image.shape))
    np.testing.assert_array_equal(larger, np.kron(image, np.ones((factor, factor), int)))
    np.testing.assert_array_equal(resize_labels(larger, image.shape), image)

"""Tiles cover, overlap, and blend back to exactly what was cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from coverslip.tiling import blend, cut_from, lay_tiles, round_up, tiles_in
from coverslip.tiling.tiles import cut, even_starts, shortest_side, weights_1d


def there_and_back(image: np.ndarray, **how: int) -> np.ndarray:
    grid = lay_tiles(image.shape[-2:], **how)
    canvas = np.zeros_like(image)
    for index in grid.indices:
        blend(canvas, cut(image, grid=grid, index=index), grid=grid, index=index)
    return canvas


@pytest.mark.parametrize(
    ("length", "tile", "overlap", "starts"),
    [
        (1, 4, 2, [0]),
        (4, 4, 2, [0]),
        (5, 4, 2, [0, 1]),
        (6, 4, 2, [0, 2]),
        (10, 4, 2, [0, 2, 4, 6]),
        (11, 4, 1, [0, 2, 4, 7]),
        (12, 4, 0, [0, 4, 8]),
    ],
)
def test_even_starts_by_hand(length: int, tile: int, overlap: int, starts: list[int]) -> None:
    assert even_starts(length, tile=tile, overlap=overlap) == starts


@pytest.mark.parametrize("multiple", [1, 4])
@pytest.mark.parametrize(("tile", "overlap"), [(8, 0), (12, 4), (16, 12), (20, 8)])
def test_even_starts_cover_overlap_and_waste_nothing(
    tile: int, overlap: int, multiple: int
) -> None:
    for length in range(1, 120):
        starts = even_starts(length, tile=tile, overlap=overlap, multiple=multiple)
        steps = [after - before for before, after in pairwise(starts)]
        assert starts[0] == 0
        assert starts[-1] + tile >= length
        assert len(starts) == 1 or starts[-1] + tile - length < multiple
        assert all(start % multiple == 0 for start in starts)
        assert all(0 < step <= tile - overlap for step in steps)
        assert not steps or max(steps) - min(steps) <= multiple
        # one tile fewer would leave a pixel uncovered
        assert len(starts) == 1 or (len(starts) - 1) * (tile - overlap) + overlap < length


@pytest.mark.parametrize(
    ("tile", "overlap", "multiple", "words"),
    [
        (8, 8, 1, "must be smaller than the tile"),
        (8, -4, 1, "must be smaller than the tile"),
        (10, 4, 4, "must be multiples of 4"),
        (8, 3, 4, "must be multiples of 4"),
    ],
)
def test_even_starts_refuses(tile: int, overlap: int, multiple: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        even_starts(100, tile=tile, overlap=overlap, multiple=multiple)


def test_weights_by_hand() -> None:
    # Two tiles of 8 overlap by 4; the ramp is 2 wide, so t is 1/4 and 3/4 at its two pixels, and
    # 3t² - 2t³ is 5/32 and 27/32.
    weights = weights_1d([0, 4], tile=8, overlap=4)
    assert weights.dtype == np.float32
    assert weights[0].tolist() == [1, 1, 1, 1, 1, 27 / 32, 5 / 32, 0]
    assert weights[1].tolist() == [0, 5 / 32, 27 / 32, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(("tile", "overlap"), [(8, 0), (16, 4), (32, 8), (32, 28), (64, 32)])
@pytest.mark.parametrize("length", [33, 65, 100, 257])
def test_weights_are_zero_at_inner_edges_and_rise_smoothly(
    length: int, tile: int, overlap: int
) -> None:
    starts = even_starts(length, tile=tile, overlap=overlap)
    weights = weights_1d(starts, tile=min(tile, length), overlap=overlap)
    band = overlap // 4
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert (weights[1:, :band] == 0).all()
    assert (weights[:-1, tile - band :] == 0).all()
    if overlap > 2:
        steepest = 1.5 / (overlap / 2) + 1 / 4096
        assert abs(np.diff(weights, axis=1)).max() <= steepest


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (17, 33), (64, 64), (65, 64), (30, 201)])
@pytest.mark.parametrize(
    ("tile", "overlap", "multiple"), [(64, 16, 1), (16, 5, 1), (16, 15, 1), (16, 0, 1), (32, 8, 8)]
)
def test_weights_sum_to_one_exactly(
    shape: tuple[int, int], tile: int, overlap: int, multiple: int
) -> None:
    ones = np.ones(shape, dtype=np.float32)
    assert (there_and_back(ones, tile=tile, overlap=overlap, multiple=multiple) == 1.0).all()


def test_cut_and_blend_give_the_image_back_in_every_channel() -> None:
    image = np.random.default_rng(0).random((3, 45, 71), dtype=np.float32)
    back = there_and_back(image, tile=24, overlap=8, multiple=4)
    assert abs(back - image).max() < 1e-6


def test_all_tiles_have_the_rounded_shape() -> None:
    grid = lay_tiles((10, 50), tile=30, overlap=5, multiple=8)
    assert grid.tile == (16, 32)
    assert grid.starts == ((0,), (0, 24))
    assert grid.indices == [(0, 0), (0, 1)]
    assert grid.corner((0, 1)) == (0, 24)


def test_cut_reflects_over_the_lower_and_right_edge() -> None:
    image = np.array([[1, 2, 3], [4, 5, 6]])
    grid = lay_tiles((2, 3), tile=8, overlap=0, multiple=8)
    tile = cut(image, grid=grid, index=(0, 0))
    assert tile[0].tolist() == [1, 2, 3, 2, 1, 2, 3, 2]
    assert tile[:, 0].tolist() == [1, 4, 1, 4, 1, 4, 1, 4]
    assert np.array_equal(tile, np.pad(image, ((0, 6), (0, 5)), mode="reflect"))


def test_cut_repeats_a_single_pixel() -> None:
    grid = lay_tiles((1, 1), tile=4, overlap=0, multiple=4)
    assert (cut(np.array([[7]]), grid=grid, index=(0, 0)) == np.full((4, 4), 7)).all()


def test_cut_is_a_copy() -> None:
    image = np.zeros((4, 4))
    cut(image, grid=lay_tiles((4, 4), tile=4, overlap=0), index=(0, 0))[:] = 1
    assert not image.any()


@pytest.mark.parametrize(("number", "rounded"), [(0, 0), (1, 32), (32, 32), (33, 64)])
def test_round_up(number: int, rounded: int) -> None:
    assert round_up(number, 32) == rounded


def test_tiles_in_a_window_are_those_with_a_weight_there():
    grid = lay_tiles((8, 20), tile=8, overlap=4)
    assert grid.starts[1] == (0, 4, 8, 12)
    assert tiles_in(grid, slice(0, 8), slice(0, 20)) == grid.indices
    assert tiles_in(grid, slice(0, 1), slice(0, 3)) == [(0, 0)]
    for column in range(20):  # no more, and no fewer, than have a say
        there = [
            j for j, start in enumerate(grid.starts[1])
            if start <= column < start + 8 and grid.weights[1][j, column - start] > 0
        ]  # fmt: skip
        found = tiles_in(grid, slice(0, 8), slice(column, column + 1))
        assert found == [(0, j) for j in there]


@pytest.mark.parametrize("shape", [(23, 31), (5, 7), (1, 40)])
def test_a_window_is_blended_as_it_is_in_the_whole(shape):
    image = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    grid = lay_tiles(shape, tile=12, overlap=4, multiple=4)
    window = slice(shape[0] // 3, shape[0]), slice(shape[1] // 4, shape[1] - 2)

    def read(rows, columns):
        part = image[:, rows, columns]
        assert part.shape[1:] == (rows.stop - rows.start, columns.stop - columns.start)
        return part

    canvas = np.zeros_like(image[:, window[0], window[1]])
    for index in tiles_in(grid, *window):
        tile = cut_from(read, shape=shape, grid=grid, index=index)
        np.testing.assert_array_equal(tile, cut(image, grid=grid, index=index))
        origin = window[0].start, window[1].start
        blend(canvas, tile, grid=grid, index=index, origin=origin)
    np.testing.assert_allclose(canvas, image[:, window[0], window[1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("length", "side"),
    [
        (100, 112),  # one tile of the axis' own length, in multiples of 16
        (1024, 1024),
        (1025, 592),  # two: (1040 + 128) / 2 = 584, in multiples of 16
        (2048, 768),  # three: (2048 + 2 * 128) / 3
        (4096, 928),  # five: (4096 + 4 * 128) / 5 = 921.6
    ],
)
def test_tiles_are_no_longer_than_they_must_be(length, side):
    how = {"overlap": 128, "multiple": 16}
    assert shortest_side(length, tile=1024, **how) == side
    longest, shortest = (
        even_starts(length, tile=tile, overlap=min(128, side - 16), multiple=16)
        for tile in (1024, side)
    )
    assert len(shortest) == len(longest)

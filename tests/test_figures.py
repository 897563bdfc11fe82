from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from coverslip.figures import (
    colour_cells,
    error_map,
    overlay,
    probability_to_rgb,
    side_by_side,
    thumbnail,
    to_picture,
)
from coverslip.figures.colours import N_USUAL, PALETTE
from coverslip.figures.overlays import Pen, draw_outlines, outline_thickness

GREY = np.full((9, 9, 3), 100, dtype=np.uint8)

# Linear RGB as three kinds of colour-blind eyes see it (Machado et al. 2009, severity 1).
VISION = {
    "usual": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def square(*, low: int = 2, high: int = 7, size: int = 9) -> np.ndarray:
    labels = np.zeros((size, size), dtype=np.uint16)
    labels[low:high, low:high] = 1
    return labels


def tiling(cells: int, *, side: int) -> np.ndarray:
    """A chessboard of cells that touch each other."""
    ids = np.arange(1, cells**2 + 1).reshape(cells, cells)
    return np.kron(ids, np.ones((side, side), dtype=int))


def as_seen(colours: np.ndarray, vision: str) -> np.ndarray:
    """sRGB (N, 3) in 0..255 → CIELAB of what such an eye sees."""
    linear = np.where(
        colours / 255 <= 0.04045, colours / 255 / 12.92, ((colours / 255 + 0.055) / 1.055) ** 2.4
    )
    seen = np.clip(linear @ VISION[vision].T, 0, 1)
    srgb = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    return rgb2lab(srgb[None])[0]


# to_picture


def test_a_ramp_is_stretched_to_the_range_of_the_screen():
    ramp = np.linspace(1000, 3000, 1001, dtype=np.float32).reshape(7, 143)
    picture = to_picture(ramp)
    assert picture.shape == (7, 143, 3)
    assert picture.dtype == np.uint8
    assert picture.min() == 0
    assert picture.max() == 255
    assert picture[3, 71].tolist() == [128, 128, 128]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_a_constant_image_of_any_type_is_black(dtype):
    assert not to_picture(np.ones((3, 4), dtype=dtype)).any()


def test_colours_share_one_stretch():
    image = np.zeros((10, 10, 3), dtype=np.uint8)
    image[..., 0] = 200
    image[5:, :, 2] = 100
    assert to_picture(image)[9, 9].tolist() == [255, 0, 128]


def test_a_mostly_dark_image_is_lifted_and_keeps_its_order():
    dark = np.zeros((10, 10), dtype=np.uint16)
    dark[0, :4] = (100, 200, 300, 400)
    levels = to_picture(dark)[0, :5, 0].tolist()
    assert levels[0] > 255 * 0.25
    assert levels[0] < levels[1] < levels[2] < levels[3]
    assert levels[4] == 0


# overlay


def test_an_outline_lies_inside_its_cell_with_a_dark_rim_around():
    drawn = draw_outlines(GREY, square())
    inner = np.zeros((9, 9), dtype=bool)
    inner[2:7, 2:7] = True
    inner[3:6, 3:6] = False
    colour = drawn[2, 2].tolist()
    assert colour in PALETTE.tolist()
    assert (drawn[inner] == colour).all()
    assert drawn[1, 4].tolist() == drawn[3, 4].tolist() == [40, 40, 40]
    assert drawn[4, 4].tolist() == drawn[0, 0].tolist() == [100, 100, 100]


def test_the_inputs_stay_as_they_are():
    image, labels = np.arange(81).reshape(9, 9), square()
    overlay(image, labels)
    assert (image == np.arange(81).reshape(9, 9)).all()
    assert (labels == square()).all()
    assert (draw_outlines(GREY, labels) != GREY).any()
    assert (GREY == 100).all()


def test_touching_cells_show_two_lines():
    drawn = draw_outlines(np.full((20, 20, 3), 100, dtype=np.uint8), tiling(2, side=10))
    left, right = drawn[5, 9].tolist(), drawn[5, 10].tolist()
    assert left in PALETTE.tolist()
    assert right in PALETTE.tolist()
    assert left != right


def test_without_cells_the_image_is_shown_as_it_is():
    image = np.arange(81, dtype=np.uint8).reshape(9, 9)
    assert (overlay(image, np.zeros((9, 9), dtype=np.uint8)) == to_picture(image)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1)])
@pytest.mark.parametrize("value", [0, 1])
def test_the_smallest_images_are_drawn(shape, value):
    drawn = overlay(np.zeros(shape), np.full(shape, value, dtype=np.int32))
    assert drawn.shape == (*shape, 3)


def test_ids_in_the_billions_and_masks_are_drawn_like_small_ids():
    small = draw_outlines(GREY, square())
    huge = np.where(square() > 0, np.uint32(4_000_000_000), np.uint32(0))
    assert (draw_outlines(GREY, huge) == small).all()
    assert (draw_outlines(GREY, square() > 0) == small).all()


def test_rgb_images_are_drawn_over():
    image = np.zeros((9, 9, 3), dtype=np.uint8)
    image[4, 4] = (200, 0, 0)
    assert overlay(image, square())[4, 4].tolist() == [255, 0, 0]


def test_thickness_follows_the_image_unless_cells_are_small():
    pen = Pen(of_image=1 / 100, of_cell=1 / 10)
    assert outline_thickness(square(low=0, high=100, size=100), pen) == 1
    assert outline_thickness(square(low=0, high=400, size=500), pen) == 5
    assert outline_thickness(square(low=0, high=18, size=500), pen) == 2  # its diameter is 20
    assert outline_thickness(square(low=0, high=2, size=500), pen) == 1
    assert outline_thickness(np.zeros((500, 500), dtype=int), pen) == 1


# colours


def test_neighbours_differ_and_the_usual_colours_are_used_evenly():
    labels = tiling(8, side=20)
    colours = colour_cells(labels)[labels]
    for a, b, ids in (
        (colours[1:], colours[:-1], (labels[1:], labels[:-1])),
        (colours[:, 1:], colours[:, :-1], (labels[:, 1:], labels[:, :-1])),
    ):
        assert (a != b)[ids[0] != ids[1]].all()
    counts = np.bincount(colour_cells(labels)[1:], minlength=len(PALETTE))
    assert counts[:N_USUAL].min() >= 12


def test_cells_near_each_other_differ_without_touching():
    labels = np.zeros((400, 400), dtype=int)
    labels[100:120, 100:120] = 1
    labels[100:120, 124:144] = 5  # as far apart as 1 from 5 = 1 + N_USUAL, a step of equal colours
    colours = colour_cells(labels)
    assert colours[1] != colours[5]


@pytest.mark.parametrize("vision", VISION)
def test_the_palette_is_told_apart_by_colour_blind_eyes(vision):
    seen = as_seen(PALETTE.astype(float), vision)
    distance = {
        (i, j): float(deltaE_ciede2000(seen[i], seen[j]))
        for i, j in combinations(range(len(PALETTE)), 2)
    }
    assert min(distance.values()) > 15
    assert min(d for (i, j), d in distance.items() if max(i, j) < N_USUAL) > 20
    assert seen[:, 0].min() > 45  # light enough for a black background


# thumbnail, error_map, probability_to_rgb, side_by_side


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((960, 1280), (480, 640)),
        ((100, 200), (320, 640)),
        ((10, 20), (40, 80)),
        ((1, 5000), (1, 640)),
    ],
)
def test_a_thumbnail_keeps_proportions(shape, wanted):
    assert thumbnail(np.zeros(shape), np.zeros(shape, dtype=int)).shape == (*wanted, 3)


def test_a_thumbnail_shows_the_cell_where_it_is():
    labels = square(low=40, high=80, size=160)
    drawn = thumbnail(labels, labels, side_px=80)
    outlined = (drawn == drawn[20, 20]).all(axis=2)
    rows, columns = np.nonzero(outlined)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 39, 20, 39)


def test_errors_are_magenta_and_green_as_in_the_paper():
    truth = np.array([[1, 1], [0, 0]])
    pred = np.array([[7, 0], [7, 0]])
    image = np.array([[0, 0], [255, 255]], dtype=np.uint8)
    drawn = error_map(image, truth, pred, opacity=1)
    assert drawn.tolist() == [[[0, 0, 0], [255, 0, 255]], [[0, 255, 0], [255, 255, 255]]]
    half = error_map(image, truth > 0, pred > 0, opacity=0.5)
    assert half[1, 0].tolist() == [128, 255, 128]


def test_probabilities_rise_in_lightness():
    picture = probability_to_rgb(np.linspace(0, 1, 33).reshape(1, 33))
    lightness = rgb2lab(picture)[0, :, 0]
    assert picture.dtype == np.uint8
    assert (np.diff(lightness) > 0).all()
    assert (probability_to_rgb(np.array([[0.5, 0.9]]), top=0.5) == picture[0, -1]).all()


def test_pictures_stand_in_a_row_on_white():
    row = side_by_side([np.zeros((2, 3, 3), np.uint8), np.ones((4, 1, 3), np.uint8)], gap_px=2)
    assert row[..., 0].tolist() == [
        [0, 0, 0, 255, 255, 1],
        [0, 0, 0, 255, 255, 1],
        [255, 255, 255, 255, 255, 1],
        [255, 255, 255, 255, 255, 1],
    ]

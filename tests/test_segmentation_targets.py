"""What a network learns of cells, on cells whose maps are known."""

import numpy as np
import pytest

from coverslip.errors import SettingsError
from coverslip.segmentation import MAPS, check_maps, labels_to_maps
from coverslip.segmentation.targets import label_depth

TWO = np.zeros((9, 12), dtype=np.int32)  # two touching squares of 5 x 5
TWO[2:7, 1:6] = 7
TWO[2:7, 6:11] = 3
DEPTH_5 = [[1, 1, 1, 1, 1], [1, 2, 2, 2, 1], [1, 2, 3, 2, 1], [1, 2, 2, 2, 1], [1, 1, 1, 1, 1]]


def test_depth_ends_at_the_neighbour():
    depth = label_depth(TWO)
    assert depth[2:7, 1:6].tolist() == DEPTH_5
    assert depth[2:7, 6:11].tolist() == DEPTH_5
    assert depth.dtype == np.float32 and not depth[TWO == 0].any()


def test_a_cell_goes_on_beyond_the_edge_of_the_image():
    labels = np.zeros((5, 5), dtype=np.uint32)
    labels[:, :3] = 1
    assert label_depth(labels).tolist() == [[3, 2, 1, 0, 0]] * 5


def test_a_cell_that_fills_the_image_has_some_depth_everywhere():
    assert (label_depth(np.ones((4, 6), dtype=np.uint8)) == 6).all()
    assert (labels_to_maps(np.ones((4, 6), dtype=np.uint8), ["mask", "distance"]) == 1).all()


def test_the_mask_and_the_rim():
    mask, rim = labels_to_maps(TWO, ["mask", "boundary"])
    assert np.array_equal(mask, TWO > 0)
    assert rim[4].tolist() == [0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0]
    assert rim.sum() == 2 * 24  # all but the middle pixel of each


def test_the_distance_is_a_share_of_the_cell_s_own():
    (distance,) = labels_to_maps(TWO, ["distance"])
    np.testing.assert_allclose(distance[2:7, 1:6], np.array(DEPTH_5) / 3)
    large = np.kron(TWO, np.ones((4, 4), dtype=np.int32))
    (four_times,) = labels_to_maps(large, ["distance"])
    assert four_times.max() == 1 and abs(four_times.mean() - distance.mean()) < 0.08


@pytest.mark.parametrize("name", MAPS)
def test_nothing_to_learn_of_an_empty_image(name):
    assert not labels_to_maps(np.zeros((6, 5), dtype=np.uint32), [name]).any()


@pytest.mark.parametrize("name", MAPS)
def test_numbers_do_not_matter(name):
    again = np.where(TWO == 7, 4_000_000_000, TWO.astype(np.int64))
    np.testing.assert_array_equal(labels_to_maps(TWO, [name]), labels_to_maps(again, [name]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mask", "halo"], "'halo' is unknown; wanted of mask, boundary"),
        (["distance"], "maps are distance; wanted mask first"),
        (["mask", "distance", "distance"], "each one once"),
        ([], "maps are none"),
    ],
)
def test_a_list_of_maps_that_makes_no_sense(names, message):
    with pytest.raises(SettingsError, match=message):
        check_maps(names)

"""Regions cover a frame once, and parts of one thing get one number."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.errors import SettingsError
from coverslip.tiling import RegionSettings, beyond, join, lay_regions, meet, seen_from


@pytest.mark.parametrize("shape", [(7, 9), (8, 8), (4, 9), (3, 2), (1, 1)])
def test_cores_cover_every_pixel_once(shape):
    times = np.zeros(shape, int)
    for region in lay_regions(shape, core=4):
        times[region.core] += 1
    assert (times == 1).all()


def test_regions_are_numbered_in_reading_order():
    regions = lay_regions((5, 9), core=4)
    assert [one.number for one in regions] == list(range(6))
    assert [one.place for one in regions] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert regions[5].core == (slice(4, 5), slice(8, 9))


def test_a_window_ends_where_the_frame_does():
    regions = lay_regions((12, 12), core=4)
    assert regions[0].window(3) == (slice(0, 7), slice(0, 7))
    assert regions[4].window(3) == (slice(1, 11), slice(1, 11))
    assert beyond(regions[0].window(3), (12, 12)) == (False, True, False, True)
    assert beyond(regions[4].window(4), (12, 12)) == (False, False, False, False)


def test_what_two_windows_share():
    one, other = (slice(0, 5), slice(2, 6)), (slice(4, 9), slice(0, 3))
    assert meet(one, other) == (slice(4, 5), slice(2, 3))
    assert meet(one, (slice(5, 9), slice(0, 3))) is None
    assert seen_from((slice(4, 5), slice(2, 3)), one) == (slice(4, 5), slice(0, 1))


def test_what_is_the_same_gets_one_number_in_the_order_of_the_first():
    assert join([(4, 1), (1, 3), (0, 0)], n=6).tolist() == [0, 1, 2, 1, 1, 3]
    assert join([], n=2).tolist() == [0, 1]
    assert join([], n=0).tolist() == []


def test_the_limit_is_four_regions_and_none_without_regions():
    assert RegionSettings().most_px == 4096 * 4096
    assert RegionSettings(core_px=0).most_px == float("inf")


@pytest.mark.parametrize("values", [{"core_px": -1}, {"margin_px": 0}, {"most_margin_px": 8}])
def test_regions_that_cannot_be_are_refused(values):
    with pytest.raises(SettingsError, match="wanted a region"):
        RegionSettings(**values)

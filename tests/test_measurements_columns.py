"""The data dictionary, and what is asked for by its names."""

from __future__ import annotations

import numpy as np
import pytest

from coverslip.errors import SettingsError
from coverslip.measurements import COLUMNS, MeasureSettings, column_of, in_order, measure
from coverslip.measurements.columns import GROUPS
from shapes import rectangle

LABELS = rectangle(3, 4, top=1, left=1)
IMAGE = np.ones(LABELS.shape)


def columns(*properties: str, size: tuple[float, float] | None = (1.0, 1.0)) -> list[str]:
    settings = MeasureSettings(properties=properties)
    table = measure(LABELS, IMAGE, pixel_size_um=size, probs=IMAGE, spread=IMAGE, settings=settings)
    return list(table.columns)


def test_the_columns_are_those_of_the_dictionary_in_its_order() -> None:
    assert columns("all") == list(COLUMNS)
    in_px = [name for name in COLUMNS if not name.endswith(("_um", "_um2"))]
    assert columns("all", size=None) == in_px


def test_every_entry_is_whole() -> None:
    for name, column in COLUMNS.items():
        assert column.group in GROUPS or name == "label"
        assert column.text.endswith(".") and column.source and column.unit
        for ending, unit in (("_px", "px"), ("_um", "µm"), ("_um2", "µm²"), ("_rad", "rad")):
            if name.endswith(ending) and name != "area_px":
                assert column.unit == unit, name


def test_groups_and_single_columns_can_be_asked_for() -> None:
    assert columns("area_px", "skeleton") == [
        "label", "area_px", "skeleton_length_px", "skeleton_ends", "skeleton_length_um",
    ]  # fmt: skip
    assert columns("n_near") == ["label", "n_near"]
    assert columns("label") == ["label"]
    short = [name for name, column in COLUMNS.items() if column.basic]
    assert columns("basic") == short and 20 < len(short) < len(COLUMNS) - 20
    assert columns("basic", "uncertainty")[-3:] == ["spread_mean", "spread_max", "intensity_mean"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_says_what_it_says_in_the_whole_table(group: str) -> None:
    settings = MeasureSettings(properties=(group,))
    maps = {"probs": IMAGE, "spread": IMAGE, "pixel_size_um": (0.5, 2.0)}
    alone = measure(LABELS, IMAGE, settings=settings, **maps)
    whole = measure(LABELS, IMAGE, **maps)
    assert len(alone.columns) > 1 and alone.equals(whole[alone.columns])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"properties": ("area",)}, "properties area: wanted all, basic, place"),
        ({"properties": ()}, "that are none"),
        ({"ring_px": 0}, "ring_px is 0; wanted 1 or more"),
        ({"near_px": -1}, "near_px is -1; wanted 0 or more"),
    ],
)
def test_what_cannot_be_measured_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        MeasureSettings(**options)


def test_a_channels_column_is_that_of_its_dictionary_entry() -> None:
    assert column_of("intensity_corrected_mean_GFP") == COLUMNS["intensity_corrected_mean"]
    assert column_of("intensity_q05") == COLUMNS["intensity_q05"]
    assert column_of("file") is None and column_of("area_px_GFP") is None


def test_columns_of_several_images_are_put_in_order() -> None:
    names = ["area_um2", "intensity_mean_b", "intensity_sd_b", "intensity_mean_a", "area_px"]
    assert in_order([*names, "intensity_sd_a", "label"]) == [
        "label", "area_px", "area_um2",
        "intensity_mean_b", "intensity_sd_b", "intensity_mean_a", "intensity_sd_a",
    ]  # fmt: skip

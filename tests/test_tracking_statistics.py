"""What is told of tracks, on tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from coverslip.tracking.events import find_events
from coverslip.tracking.statistics import (
    count_cells,
    find_displacements,
    find_doubling_time,
    find_exponent,
    still_places,
    sum_drifts,
)
from coverslip.tracking.tree import colour_tracks, lay_out_tree


def cells_of(*rows, **columns):
    """(frame, track, y, x, area) of each cell."""
    names = ["frame", "track_id", "centroid_y_px", "centroid_x_px", "area_px"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(label=table["track_id"], speed_px_per_frame=np.nan).assign(**columns)


def lineage_of(*rows):
    """(begin, end, parent, lineage, fate) of each track."""
    names = ["begin_frame", "end_frame", "parent_track_id", "lineage_id", "fate"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(track_id=np.arange(1, len(rows) + 1))


def test_a_mother_lies_between_her_daughters_and_families_follow_each_other():
    #  1 → 3, 4;  3 → 5, 6;  2 alone
    parents = pd.DataFrame({"parent_track_id": [0, 0, 1, 1, 3, 3]})
    assert lay_out_tree(parents).tolist() == [1.25, 3, 0.5, 2, 0, 1]


def test_a_long_line_of_mothers_needs_no_deep_stack():
    parents = [0] + [t for mother in range(1, 6000, 2) for t in (mother, mother)]
    rows = lay_out_tree(pd.DataFrame({"parent_track_id": parents}))
    assert sorted(rows[rows % 1 == 0].astype(int).tolist())[-1] == 3000


def test_a_family_has_shades_of_one_colour():
    lineage = lineage_of((0, 1, 0, 1, "divides"), (0, 3, 0, 2, "end"), (2, 3, 1, 1, "end"),
                         (2, 3, 1, 1, "end"))  # fmt: skip
    colours = colour_tracks(lineage, lay_out_tree(lineage)).astype(int)
    assert len({tuple(one) for one in colours}) == 4
    own = np.abs(colours[2] - colours[3]).sum()
    assert own < np.abs(colours[2] - colours[1]).sum()


def test_the_doubling_time_follows_from_divisions_alone():
    # 2 cells for 10 frames, each divides once; one more comes in later, and is no daughter
    lineage = pd.DataFrame({"parent_track_id": [0, 0, 1, 1, 2, 2, 0]})
    counts = [2] * 10 + [4, 5]
    found = find_doubling_time(lineage, counts)
    assert found.frames == pytest.approx(np.log(2) / np.log(1 + 2 / 24))
    assert found.low < found.frames < found.high
    assert found.n_divisions == 2
    none = find_doubling_time(lineage.iloc[:2], [2] * 20)
    assert (none.frames, none.high, none.n_divisions) == (np.inf, np.inf, 0)
    assert 5 < none.low < 20
    assert find_doubling_time(lineage, [4]) is None


@pytest.mark.parametrize(
    ("n_cells", "n_frames", "doubling"), [(4, 30, 10), (50, 20, 10), (80, 37, 150), (10, 12, 3)]
)
def test_the_interval_holds_the_doubling_time_in_19_of_20_films(n_cells, n_frames, doubling):
    """Cells that divide at random, at one rate whatever their age."""
    rng = np.random.default_rng(0)
    stays = 2 ** (-1 / doubling)
    within = 0
    for _ in range(2000):
        counts = [n_cells]
        for _ in range(n_frames - 1):
            counts.append(counts[-1] + rng.negative_binomial(counts[-1], stays))
        born = counts[-1] - counts[0]
        # each division adds one: pairs of daughters, and a mother for each
        lineage = pd.DataFrame({"parent_track_id": np.repeat(np.arange(1, born + 1), 2)})
        found = find_doubling_time(lineage, counts)
        within += found.low <= doubling <= found.high
    assert 0.93 <= within / 2000 <= 0.97


def test_squared_displacements_in_micrometres_count_each_side_of_a_pixel():
    cells = cells_of(*((t, 1, 3 * t, 4 * t, 5) for t in range(12)))
    found = find_displacements(cells, pixel_size_um=(2.0, 0.5), max_lag=2)
    assert found["msd_um2"].tolist() == [36 + 4, 4 * (36 + 4)]
    assert find_exponent(found) == pytest.approx(2)


def test_counts_name_frames_without_cells():
    cells = cells_of((0, 1, 0, 0, 5), (2, 1, 0, 0, 5), (2, 2, 9, 9, 5))
    assert count_cells(cells, 4).tolist() == [1, 0, 2, 0]


def test_a_straight_way_has_a_squared_displacement_that_grows_with_the_square():
    cells = cells_of(*((t, 1, 3 * t, 4 * t, 5) for t in range(12)))
    found = find_displacements(cells, max_lag=3)
    assert found["msd_px2"].tolist() == [25, 100, 225]
    assert found["n"].tolist() == [11, 10, 9]
    assert find_exponent(found) == pytest.approx(2)


def test_a_drift_of_the_view_is_no_motion():
    cells = cells_of(*((t, 1, 10 + 3 * t, 10, 5) for t in range(6)))
    drifts = np.tile([3.0, 0.0], (5, 1))
    assert still_places(cells, drifts).tolist() == [[10, 10]] * 6
    assert find_displacements(cells, drifts)["msd_px2"].tolist() == [0, 0, 0]
    assert np.isnan(find_exponent(find_displacements(cells, drifts)))
    assert sum_drifts(drifts, 6)[-1].tolist() == [15, 0]


def test_a_gap_in_a_track_joins_no_others():
    cells = cells_of((0, 1, 0, 0, 5), (3, 1, 0, 6, 5), (0, 2, 50, 0, 5), (1, 2, 50, 1, 5))
    found = find_displacements(cells, max_lag=3)
    assert found.to_numpy().tolist() == [[1, 1, 1], [3, 36, 1]]


def test_random_steps_have_an_exponent_of_one():
    steps = np.random.default_rng(0).normal(size=(4000, 2)).cumsum(axis=0)
    cells = cells_of(*((t, 1, y, x, 5) for t, (y, x) in enumerate(steps)))
    assert find_exponent(find_displacements(cells, max_lag=10)) == pytest.approx(1, abs=0.1)


def test_suspicious_events_are_found_and_the_usual_are_not():
    lineage = lineage_of(
        (0, 4, 0, 1, "divides"),  # 1 → three daughters
        (5, 9, 1, 1, "end"), (5, 9, 1, 1, "end"), (5, 5, 1, 1, "lost"),
        (0, 6, 0, 5, "lost"),
        (0, 3, 0, 6, "leaves"),
    )  # fmt: skip
    cells = cells_of(*((t, 5, 50, 50 + t, 100) for t in range(7)))
    events = find_events(cells, lineage)
    assert events[["kind", "frame", "track_id"]].to_numpy().tolist() == [
        ["daughters", 4, 1], ["sister", 5, 4], ["lost", 6, 5],
    ]  # fmt: skip


def test_a_jump_is_measured_against_the_motion_of_the_film():
    rows = [(t, 1, 0, t, 100) for t in range(10)]
    cells = cells_of(*rows, speed_px_per_frame=[np.nan, 1, 1, 2, 1, 30, 1, 2, 1, 1])
    events = find_events(cells, lineage_of((0, 9, 0, 1, "end")))
    assert events[["kind", "frame"]].to_numpy().tolist() == [["jump", 5]]
    assert "30.0 px" in events["text"][0]


def test_an_area_that_doubles_without_a_division_is_told_and_slow_growth_is_not():
    areas = [100, 110, 121, 260, 130, 140]
    cells = cells_of(*((t, 1, 0, 0, area) for t, area in enumerate(areas)))
    events = find_events(cells, lineage_of((0, 5, 0, 1, "end")))
    assert sorted(zip(events["kind"], events["frame"], strict=True)) == [("area", 3), ("area", 4)]


def test_a_mended_mask_is_named_by_its_track():
    cells = cells_of((0, 7, 0, 0, 10), (1, 7, 0, 0, 10)).assign(label=[3, 4])
    mends = [{"kind": "join", "frame": 1, "label": 4, "other": 5}]
    events = find_events(cells, lineage_of((0, 1, 0, 1, "end")), mends=mends)
    assert events[["kind", "frame", "track_id"]].to_numpy().tolist() == [["mend", 1, 7]]

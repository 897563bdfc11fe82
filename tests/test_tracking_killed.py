"""coverslip track, killed at random moments until one start comes through."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from coverslip.io import Ledger
from coverslip.tracking import files, find_cells, open_films
from coverslip.tracking.files import track_film
from coverslip.tracking.kept import FOLDER, keep_work
from swimming import crowd

if sys.platform != "linux":
    pytest.skip("forks with all loaded, which others do not bear", allow_module_level=True)

from killed import Order, contents, differing, run_killed


@pytest.fixture
def labels(tmp_path):
    film, *_ = crowd(36, seed=1, n=9, size=160)
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, film.astype(np.uint16), imagej=True, metadata={"axes": "TYX"})
    return path


def test_the_result_is_that_of_an_undisturbed_run(labels, tmp_path):
    (tmp_path / "track").mkdir()
    order = Order(str(tmp_path / "track"), ["track", str(labels)], 8, 40_000, most_events=30)
    story = run_killed([order])[0]
    assert story.status == 0 and len(story.kills) >= 4
    # starts that were killed leave older entries in the ledger, but the same last ones
    assert [name for name in differing(order) if name != "records/written.jsonl"] == []
    whole, killed = (Ledger(order.out(name)).last() for name in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    names_its_folder = {"report.html", "methods.txt", "track.json"}  # the command does
    assert {name for name in whole if whole[name] != killed[name]} <= names_its_folder
    assert not any(FOLDER in name or ".part" in name for name in contents(order.out("killed")))


def test_what_was_found_and_linked_is_taken_from_where_a_run_ended(labels, tmp_path, monkeypatch):
    found = []
    find = files.find_cells

    def stop_at(most):
        def count(*given, **named):
            found.append(1)
            if len(found) > most:
                raise KeyboardInterrupt
            return find(*given, **named)

        return count

    with open_films([labels])[0] as film:
        track_film(film, tmp_path / "whole")
        monkeypatch.setattr(files, "find_cells", stop_at(25))
        with pytest.raises(KeyboardInterrupt):
            track_film(film, tmp_path / "out")
        assert len(list((tmp_path / "out" / FOLDER).glob("*/cells_*.npz"))) == 2
        found.clear()
        monkeypatch.setattr(files, "find_cells", stop_at(99))
        track_film(film, tmp_path / "out")
    assert len(found) == 36 - 20
    for name in ("tracks.csv", "lineage.csv", "tracked_labels.tif"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "out" / FOLDER).exists()


def test_what_was_kept_with_other_settings_or_is_broken_is_not_taken(tmp_path):
    work = keep_work(tmp_path, {"max_gap": 1})
    assert [one.label.tolist() for one in work.cells(range(2), find_numbered)] == [[0], [1]]
    assert work.cells(range(2), None)[1].size == (4, 5)
    next(work.folder.glob("cells_*")).write_bytes(b"PK")
    assert work.cells(range(2), find_numbered)[0].label.tolist() == [0]
    other = keep_work(tmp_path, {"max_gap": 2})
    assert not work.folder.exists() and list(other.folder.iterdir()) == []


def find_numbered(number):
    """A cell that is called as its frame."""
    return replace(find_cells(np.pad([[7]], ((0, 3), (0, 4)))), label=np.array([number]))

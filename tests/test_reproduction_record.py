import json

import numpy as np
import pytest

from coverslip.errors import DataError, FileError
from coverslip.metrics import Counts
from coverslip.reproduction.result_file import (
    read_masks,
    read_run,
    read_runs,
    write_masks,
    write_run,
)
from handmade_run import make_run


def written(folder, run):
    path = folder / f"{run.id}.json"
    write_run(path, run)
    return path


def change(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}))
    return path


def test_a_run_comes_back_as_it_was(tmp_path):
    run = make_run("unet", {"a": 80, "ä b": 60})
    assert read_run(written(tmp_path, run)) == run


def test_every_entry_has_a_line(tmp_path):
    lines = written(tmp_path, make_run("unet", {"a": 80})).read_text().splitlines()
    assert lines[:3] == ["{", '"format": "coverslip-run-1",', '"id": "dsb2018.seed0.full.unet",']


def test_the_loss_of_a_training_that_diverged_is_null(tmp_path):
    history = [{"epoch": 1, "train_loss": float("nan")}]
    path = written(tmp_path, make_run("unet", {"a": 80}, history=history))
    assert "NaN" not in path.read_text()
    assert read_run(path).history == [{"epoch": 1, "train_loss": None}]


def test_entries_of_a_later_version_are_passed_over(tmp_path):
    run = make_run("unet", {"a": 80})
    assert read_run(change(written(tmp_path, run), more=1)) == run


def test_a_file_is_named_as_its_run(tmp_path):
    with pytest.raises(ValueError, match=r"wanted in dsb2018\.seed0\.full\.unet\.json"):
        write_run(tmp_path / "x.json", make_run("unet", {"a": 80}))
    assert list(tmp_path.iterdir()) == []


def test_counts_by_image():
    run = make_run("unet", {"a": 80})
    assert run.counts(size="resized", tta="none") == {"a": Counts(80, 0, 20, 50)}
    assert run.counts(size="native", tta="paper") == {"a": Counts(72, 0, 28, 50)}
    assert run.counts(size="resized", tta="d4") == {}


def test_a_classical_method_answers_the_same_with_augmentation():
    run = make_run("egt", {"a": 40})
    assert run.counts(size="resized", tta="paper") == {"a": Counts(40, 0, 60, 50)}


@pytest.mark.parametrize(
    ("outcomes", "diverged"),
    [((), False), (("diverged",), True), (("diverged", "converged"), False)],
)
def test_the_last_attempt_counts(outcomes, diverged):
    attempts = [{"lr": 0.1, "outcome": outcome, "reason": ""} for outcome in outcomes]
    assert make_run("unet", {"a": 80}, attempts=attempts).diverged is diverged


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "x"}, "no run of this version"),
        ({"id": "x"}, "renamed or a copy"),
        ({"split": "seed1"}, "renamed or a copy"),
        ({"budget": {}}, "damaged"),
        ({"scores": []}, "damaged"),
        ({"scores": {"resized": {"none": {"a": [1, 2, 3]}}}}, "four pixel counts"),
        ({"scores": {"resized": {"none": {"a": [1, 2, 3, -4]}}}}, "four pixel counts"),
        ({"scores": {"resized": {"none": {"a": [1, 2, 3, 4.5]}}}}, "four pixel counts"),
        ({"attempts": [{"lr": 1}]}, "damaged"),
        ({"attempts": [{"lr": 1, "outcome": "?"}]}, "converged or diverged"),
        ({"attempts": [{"outcome": "converged"}]}, "damaged"),
    ],
)
def test_a_damaged_run_is_named(tmp_path, changes, message):
    path = change(written(tmp_path, make_run("unet", {"a": 80})), **changes)
    with pytest.raises(DataError, match=message) as error:
        read_run(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("text", ['{"format": ', "[]", "3", "null"])
def test_a_file_that_is_no_run(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"x\.json"):
        read_run(path)


def test_a_run_that_lacks_an_entry(tmp_path):
    path = written(tmp_path, make_run("unet", {"a": 80}))
    contents = json.loads(path.read_text())
    del contents["scores"], contents["device"]
    path.write_text(json.dumps(contents))
    with pytest.raises(DataError, match="it lacks device, scores"):
        read_run(path)


def test_a_run_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        read_run(tmp_path / "x.json")


def test_one_bad_file_does_not_cost_the_others(tmp_path):
    runs = [make_run(system, {"a": 80}) for system in ("unet", "egt")]
    for run in runs:
        written(tmp_path, run)
    copy = tmp_path / "dsb2018.seed0.full.unet (1).json"
    copy.write_text((tmp_path / "dsb2018.seed0.full.unet.json").read_text())
    (tmp_path / "notes.json").write_text("{")
    skipped = []
    assert read_runs(tmp_path, on_skipped=skipped.append) == [runs[1], runs[0]]
    assert [text.split(": ")[0] for text in skipped] == [str(copy), str(tmp_path / "notes.json")]


def test_a_folder_of_runs_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match="no such folder"):
        read_runs(tmp_path / "x", on_skipped=print)


def test_masks_come_back_under_any_name(tmp_path):
    masks = {name: np.eye(3, dtype=bool) for name in ("a", "file", "allow_pickle", "ä.b/c")}
    masks["none"] = np.zeros((2, 5), dtype=bool)
    write_masks(tmp_path / "m.npz", masks)
    found = read_masks(tmp_path / "m.npz")
    assert list(found) == list(masks)
    assert all(np.array_equal(found[name], masks[name]) for name in masks)


def test_masks_are_those_of_numpy_and_the_same_bytes_twice(tmp_path):
    masks = {"a": np.eye(3, dtype=bool)}
    np.savez_compressed(tmp_path / "numpy.npz", **masks)
    assert np.array_equal(read_masks(tmp_path / "numpy.npz")["a"], masks["a"])
    for name in ("one.npz", "two.npz"):
        write_masks(tmp_path / name, masks)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_no_masks_at_all(tmp_path):
    write_masks(tmp_path / "m.npz", {})
    assert read_masks(tmp_path / "m.npz") == {}


def test_probabilities_are_no_masks(tmp_path):
    with pytest.raises(TypeError, match="a bool mask was wanted"):
        write_masks(tmp_path / "m.npz", {"a": np.zeros((2, 2))})
    assert list(tmp_path.iterdir()) == []
    np.savez_compressed(tmp_path / "m.npz", a=np.zeros((2, 2)))
    with pytest.raises(FileError, match=r"m\.npz: a is float64"):
        read_masks(tmp_path / "m.npz")


@pytest.mark.parametrize("contents", [None, b"", b"x", b"PK\x03\x04 and no more"])
def test_masks_that_cannot_be_read(tmp_path, contents):
    path = tmp_path / "m.npz"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(FileError, match=r"m\.npz: cannot be read as masks"):
        read_masks(path)


def test_masks_cut_short_or_altered(tmp_path):
    path = tmp_path / "m.npz"
    write_masks(path, {"a": np.eye(300, dtype=bool)})
    data = path.read_bytes()
    for damaged in (data[:-40], data[:60] + bytes(20) + data[80:]):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match="cannot be read as masks"):
            read_masks(path)


def test_an_array_is_no_archive(tmp_path):
    np.save(tmp_path / "m.npy", np.eye(3, dtype=bool))
    (tmp_path / "m.npy").rename(tmp_path / "m.npz")
    with pytest.raises(FileError, match="cannot be read as masks"):
        read_masks(tmp_path / "m.npz")

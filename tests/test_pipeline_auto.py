from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import coverslip
from coverslip.cli.command_line import app
from coverslip.pipeline import Serial, Threads, auto, make_job, segment_files
from coverslip.pipeline.auto import Choice, FolderModels, choose_job
from coverslip.pipeline.fit import Trial
from coverslip.pipeline.summary import join_settings

EXAMPLES = Path(__file__).parent.parent / "examples"
JOBS = {name: make_job(name) for name in ("general", "nuclei", "phase")}


def save(path: Path, example: str, window: tuple[slice, slice]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(Image.open(EXAMPLES / example))[window]).save(path)
    return path


def save_nuclei(path: Path) -> Path:
    return save(path, "nuclei/fluorescence_culture.png", (slice(0, 200), slice(0, 200)))


def save_phase(path: Path) -> Path:
    return save(path, "phase/phase_sparse.png", (slice(300, 620), slice(300, 620)))


@pytest.fixture
def scores(monkeypatch):
    """Scores of fit by model, in place of what the networks would find; and what was tried."""
    found: dict[str, float] = {}
    tried: list[str] = []

    def try_model(pieces, model, *, settings):
        tried.append(model.name)
        return Trial(model.name, found[model.name], 1.0)

    monkeypatch.setattr(auto, "try_model", try_model)
    return found, tried


def test_the_model_with_the_highest_score_is_taken(scores, tmp_path):
    scores[0].update(general=0.5, nuclei=0.9, phase=0.2)
    choice = choose_job(save_nuclei(tmp_path / "a.png"), JOBS)
    assert choice == (
        "nuclei",
        "model nuclei fits best: score of fit 0.90 (general 0.50, phase 0.20)",
    )
    assert scores[1] == ["general", "nuclei", "phase"]


@pytest.mark.parametrize(("general", "taken"), [(0.81, "phase"), (0.83, "general")])
def test_a_model_made_for_one_kind_is_taken_rather_than_one_for_all(
    scores, tmp_path, general, taken
):
    scores[0].update(general=general, nuclei=0.2, phase=0.77)
    choice = choose_job(save_nuclei(tmp_path / "a.png"), JOBS)
    assert choice.name == taken
    assert ("fits as well, and is made for fewer kinds" in choice.why) == (taken == "phase")


@pytest.mark.parametrize(
    ("of_folder", "others", "taken", "n_tried"),
    [
        (0.85, 0.99, "phase", 1),  # at home: no other is tried
        (0.70, 0.74, "phase", 3),  # not, but none fits better than by a little
        (0.70, 0.76, "nuclei", 3),
        (0.10, 0.93, "nuclei", 3),  # another kind of image
    ],
)
def test_the_model_of_the_folder_is_kept_where_it_fits_as_well(
    scores, tmp_path, of_folder, others, taken, n_tried
):
    path = save_nuclei(tmp_path / "a.png")
    models = FolderModels(JOBS)
    models.note(path, Choice("phase"))
    scores[0].update(general=0.0, nuclei=others, phase=of_folder)
    choice = models.choose(path)
    assert choice.name == taken and len(scores[1]) == n_tried and scores[1][0] == "phase"
    assert ("as others of its folder" in choice.why) == (taken == "phase")
    assert models.chosen[tmp_path][taken] == 1 + (taken == "phase")
    elsewhere = save_nuclei(tmp_path / "b" / "a.png")
    assert models.choose(elsewhere).name == ("phase" if others < of_folder else "nuclei")


def test_what_shows_nothing_or_cannot_be_read_has_no_say(tmp_path):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "black.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    models = FolderModels(JOBS)
    for name in ("black.png", "broken.png", "missing.png"):
        assert models.choose(tmp_path / name) == ("general", "")
    assert models.chosen == {}
    models.note(tmp_path / "other.png", Choice("nuclei"))
    assert models.choose(tmp_path / "black.png") == ("nuclei", "")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A folder of fluorescence and phase contrast, segmented with "auto", and what was said."""
    folder = tmp_path_factory.mktemp("mixed")
    paths = [
        save_nuclei(folder / "in" / "a_nuclei.png"),
        save_phase(folder / "in" / "c_phase.png"),
        save_nuclei(folder / "in" / "b_nuclei.png"),
    ]
    said: list[str] = []
    result = segment_files(paths, folder / "out", model="auto", on_note=said.append)
    return folder, paths, result, said


def test_each_image_of_a_mixed_folder_gets_the_model_that_fits_it(mixed):
    folder, paths, result, said = mixed
    table = pd.read_csv(folder / "out" / "images.csv")
    assert list(result.done) == paths and list(table["file"]) == list(map(str, paths)), "in order"
    models = dict(zip(paths, table["model"], strict=True))
    assert [models[path] for path in paths] == ["nuclei", "phase", "nuclei"]
    assert (table["fit"] > 0.5).all()
    assert any(line.startswith("model chosen for each image: ") for line in said)
    report = (folder / "out" / "report.html").read_text("utf-8")
    for path, model in models.items():
        (why,) = [line for line in said if line.startswith(f"{path}: model ")]
        reasons = ("fits best", "as others of its folder", "fits as well")
        assert f"model {model}" in why and any(reason in why for reason in reasons)
        assert why.removeprefix(f"{path}: ") in report
    methods = (folder / "out" / "methods.txt").read_text("utf-8")
    assert all(f"(model {model}, a network" in methods for model in models.values())
    assert ("by the one of 2 models" in methods) == (len(set(models.values())) == 2)


def test_the_labels_are_those_of_the_model_named_alone(mixed, tmp_path):
    folder, paths, result, _ = mixed
    record = result.done[paths[0]]
    segment_files([paths[0]], tmp_path, model=record.model)
    name = record.labels[0]
    assert (tmp_path / name).read_bytes() == (folder / "out" / name).read_bytes()


def test_what_was_chosen_stays_at_the_next_start(mixed, monkeypatch):
    folder, paths, result, _ = mixed

    def fail(*args: object, **options: object) -> None:
        raise AssertionError("a model was tried again")

    monkeypatch.setattr(auto, "try_model", fail)
    said: list[str] = []
    again = segment_files(paths, folder / "out", model="auto", on_note=said.append)
    assert again.skipped == paths
    assert [one.model for one in again.done.values()] == [r.model for r in result.done.values()]
    assert sum("score of fit" in line for line in said) == 3
    with pytest.raises(AssertionError):
        segment_files(paths, folder / "out", model="auto", overwrite=True)


def test_settings_that_differ_are_shown_for_each_model():
    shown = join_settings([JOBS["nuclei"], JOBS["phase"]])
    assert shown["separate"] is True
    assert shown["threshold"].startswith("nuclei: 0.") and "; phase: 0." in shown["threshold"]


@pytest.mark.parametrize("executor", [Serial(), Threads(1)])
def test_an_executor_does_one_job_after_the_other(executor, tmp_path):
    path = save_nuclei(tmp_path / "in" / "a.png")
    for name in ("nuclei", "general"):
        result = segment_files([path], tmp_path / name, model=name, executor=executor)
        assert result.done[path].model == name


def test_the_command_chooses_for_each_image(tmp_path):
    save_nuclei(tmp_path / "in" / "a.png")
    out = str(tmp_path / "out")
    said = CliRunner().invoke(app, ["segment", str(tmp_path / "in"), "-o", out, "--model", "auto"])
    assert said.exit_code == 0, said.output
    assert "model auto (of general, nuclei, phase)" in said.stderr
    assert set(pd.read_csv(tmp_path / "out" / "images.csv")["model"]) <= set(JOBS)
    assert coverslip.shipped_models() == tuple(JOBS) or set(coverslip.shipped_models()) == set(JOBS)

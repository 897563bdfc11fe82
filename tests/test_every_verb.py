"""What every verb has: settings in a file, a log, silence, JSON lines, Methods."""

from __future__ import annotations

import json
import shlex
import tomllib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bright import write_bright
from coverslip.cli import config, listeners
from coverslip.progress import Progress
from drawn import squares


@pytest.fixture
def model(tmp_path, monkeypatch):
    return write_bright(tmp_path / "models" / "bright.safetensors", monkeypatch)


@pytest.fixture
def images(tmp_path):
    """A folder of an image with 2 squares and one with 3."""
    folder = tmp_path / "my images"
    folder.mkdir()
    for n in (2, 3):
        Image.fromarray(squares(n)[0]).save(folder / f"{n}.png")
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of the user's presets."""
    folder = tmp_path / "home"
    monkeypatch.setattr(config, "preset_folder", lambda: folder)
    return folder


# --- settings in a file


def test_what_is_saved_does_the_same_again(coverslip, images, model, tmp_path):
    out, file = tmp_path / "out", tmp_path / "run.toml"
    options = ["--model", model, "--min-area", 9, "--fill-holes"]
    coverslip("segment", images, "-o", out, *options, "--save-config", file)
    saved = tomllib.loads(file.read_text("utf-8"))["segment"]
    assert saved["images"] == [str(images)] and saved["out"] == str(out)
    assert (saved["min-area"], saved["fill-holes"], saved["tile"]) == (9, True, 1024)
    again = coverslip("segment", "--config", file)
    assert again.status == 0 and "2 were done before with the same settings" in again.err
    assert f"min-area = 9, fill-holes = true" in again.err  # noqa: F541


def test_the_command_line_wins_and_this_is_said(coverslip, images, model, tmp_path):
    file = tmp_path / "run.toml"
    file.write_text(f'[segment]\nmodel = "{model}"\nmin_area = 37\ntable = "parquet"\n')
    none = coverslip("segment", images, "-o", tmp_path / "a", "--config", file, "--table", "csv")
    assert none.out.startswith("0 cells in 2 files")  # squares have 36 px
    assert "min-area = 37" in none.err and "the command line says otherwise of table" in none.err
    all_of_them = coverslip(
        "segment", images, "-o", tmp_path / "b", "--config", file, "--table", "csv",
        "--min-area", 36,
    )  # fmt: skip
    assert all_of_them.out.startswith("5 cells in 2 files")


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("[segment]\ntreshold = 1", "treshold: no such option of segment. Did you mean threshold?"),
        ("[segmen]\nscale = 1", "[segmen] is no verb. Did you mean segment?"),
        ("scale = 1", "scale is outside of any section. Put a line [segment] above it."),
        ("[track]\nmax-gap = 1", "has no section [segment], but [track]"),
        ("[segment]\ntile = 0.5", "[segment] tile = 0.5: "),
        ("[segment]\nregion = -1", "[segment] region = -1: "),
        ("[segment]\nprobs = 1", "[segment] probs = 1: wanted true or false."),
        ("[segment]\nmodel = true", "[segment] model = true: wanted a text or a number."),
        ('[segment]\nmodel = ["a"]', "wanted one value, not a list."),
        ("[segment]\ndiameter = 3\ncell-size = 4", "is there twice"),
        ("[segment]\nconfig = 'x'", "config: no such option of segment."),
        ("[segment", "cannot be read as a file of settings"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_cure(coverslip, tmp_path, text, cure):
    file = tmp_path / "run.toml"
    file.write_text(text)
    said = coverslip("segment", "images", "-o", tmp_path / "out", "--config", file)
    assert said.status == 2 and said.out == ""
    assert str(file) in said.err and cure in said.err
    assert not (tmp_path / "out").exists()


def test_a_preset_is_found_by_its_name(coverslip, images, model, tmp_path, home):
    labels = tmp_path / "labels"
    labels.mkdir()
    Image.fromarray(squares(2)[1].astype(np.uint8)).save(labels / "2.png")
    coverslip("measure", labels, "-o", tmp_path / "a.csv", "--ring", 3, "--save-config", "wells")
    assert (home / "wells.toml").is_file()
    said = coverslip("measure", labels, "-o", tmp_path / "b.csv", "--config", "wells", "--json")
    assert '"command": "coverslip measure' in said.out and "--ring 3" in said.out
    assert len(pd.read_csv(tmp_path / "b.csv")) == 2
    wrong = coverslip("measure", labels, "-o", tmp_path / "b.csv", "--config", "well")
    assert wrong.status == 2 and "Did you mean wells?" in wrong.err


def test_a_file_of_settings_is_never_replaced(coverslip, images, model, tmp_path):
    file = tmp_path / "run.toml"
    mine = "# by hand\n[track]\nmax-gap = 3\n"
    file.write_text(mine)
    command = ["segment", images, "-o", tmp_path / "out", "--model", model, "--save-config", file]
    assert coverslip(*command).status == 0
    assert file.read_text().startswith(mine)
    assert set(tomllib.loads(file.read_text())) == {"track", "segment"}
    before = file.read_bytes()
    assert coverslip(*command).status == 0 and file.read_bytes() == before
    other = coverslip(*command, "--min-area", 5)
    assert other.status == 2 and "a section [segment] with other settings" in other.err
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ['a "b" \\ c', "tab\tµ", "\x7f", "line\nend", "'"])
def test_a_text_is_the_same_after_toml(text):
    assert tomllib.loads(f"a = {config.write_value(text)}")["a"] == text


# --- the report and Methods


def test_the_report_says_how_it_was_made(coverslip, images, model, tmp_path):
    out, file = tmp_path / "out", tmp_path / "run.toml"
    file.write_text(f'[segment]\nmodel = "{model}"\nthreshold = 0.625\n')
    coverslip("segment", images, "-o", out, "--config", file)
    text = (out / "methods.txt").read_text("utf-8")
    page = (out / "report.html").read_text("utf-8")
    (command,) = [line.strip() for line in text.splitlines() if line.startswith("  coverslip ")]
    assert shlex.split(command)[:3] == ["coverslip", "segment", str(images)]
    assert "--threshold 0.625" in command
    for one in (text, page):
        assert "Cells were segmented with coverslip" in one and "threshold 0.625" in one
        assert "5 cells were found in 2 images" in one
        assert "@software{coverslip," in one
        assert "min-area" not in one and "threshold = 0.625" in one
    again = coverslip(*shlex.split(command)[1:])
    assert "2 were done before with the same settings" in again.err


def test_a_model_is_cited_with_its_data(tmp_path):
    import coverslip
    from coverslip.pipeline.job import make_job
    from coverslip.pipeline.methods import describe_jobs

    said = describe_jobs([make_job("nuclei")], n_images=1, n_cells=7)
    sha = coverslip.load_model("nuclei").hash[:16]
    assert f"(model nuclei, a network swift, SHA-256 {sha}; prob" in said.text
    assert "probability threshold 0.55" in said.text
    assert "trained on Data Science Bowl 2018" in said.text and "(Caicedo et al. 2019)" in said.text
    assert "doi = {10.1038/s41592-019-0612-7}" in said.bibtex
    assert "Chalfoun et al. 2015" in describe_jobs([make_job("egt")], n_images=1, n_cells=7).text


def test_a_tracked_film_says_how(coverslip, tmp_path):
    film = np.zeros((3, 40, 40), np.uint16)
    film[:, 10:20, 10:20] = 1
    from coverslip.io import write_labels

    write_labels(tmp_path / "film.tif", list(film), shape=film.shape, axes="TYX")
    out = tmp_path / "out"
    assert coverslip("track", tmp_path / "film.tif", "-o", out, "--max-gap", 1).status == 0
    for name in ("methods.txt", "report.html"):
        text = (out / name).read_text("utf-8")
        assert "missed in up to 1 frames running were bridged" in text and "--max-gap 1" in text
        assert "The film of 3 frames gave 1 tracks with 0 divisions" in text


# --- a log, silence, JSON


def test_json_lines_tell_all_of_a_run(coverslip, images, model, tmp_path):
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    out = tmp_path / "out"
    said = coverslip("segment", images, "-o", out, "--model", model, "--json")
    events = [json.loads(line) for line in said.out.splitlines()]
    kinds = [one["event"] for one in events]
    assert said.status == 1 and said.err == ""
    assert (kinds[0], kinds[-1]) == ("start", "end") and {"note", "progress", "result"} <= {*kinds}
    last = [one for one in events if one["event"] == "progress"][-1]
    assert (last["what"], last["n_done"], last["n_all"]) == ("segmenting", 3, 3)
    end = events[-1]
    report = str(out / "report.html")
    assert end["results"] == [{"n_cells": 5, "n_files": 2, "n_skipped": 0, "report": report}]
    assert (end["status"], end["error"]) == (1, None)
    assert list(end["failed"]) == [str(images / "broken.png")]


def test_json_lines_end_with_the_mistake(coverslip, tmp_path):
    said = coverslip("segment", tmp_path / "none", "-o", tmp_path / "out", "--json")
    end = json.loads(said.out.splitlines()[-1])
    assert said.status == end["status"] == 2
    assert "none: no such file" in end["error"] and end["error"] in said.err


def test_a_table_is_an_event(coverslip, tmp_path):
    for name in ("pred", "truth"):
        (tmp_path / name).mkdir()
        Image.fromarray(squares(2)[1].astype(np.uint8)).save(tmp_path / name / "a.png")
    said = coverslip("evaluate", tmp_path / "pred", tmp_path / "truth", "--json")
    events = [json.loads(line) for line in said.out.splitlines()]
    tables = [one["rows"] for one in events if one["event"] == "table"]
    assert tables and "100.0" in str(tables)
    assert [one["rows"] for one in events[-1]["results"] if "rows" in one] == tables


def test_quiet_says_results_and_failures_only(coverslip, images, model, tmp_path):
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    said = coverslip("segment", images, "-o", tmp_path / "out", "--model", model, "--quiet")
    assert said.out.startswith("5 cells in 2 files")
    assert said.err.startswith("failed: ") and said.err.count("\n") == 1
    both = coverslip("models", "--quiet", "--json")
    assert both.status == 2 and "wanted one of the two" in both.err


def test_a_log_has_all_that_was_said_and_goes_on(coverslip, images, model, tmp_path):
    log = tmp_path / "logs" / "run.log"
    command = ["segment", images, "-o", tmp_path / "out", "--model", model, "--quiet"]
    coverslip(*command, "--log-file", log)
    lines = log.read_text("utf-8").splitlines()
    kinds = [line.split(" ")[1] for line in lines if line[0] != " "]
    assert kinds[0] == "start" and kinds[-1] == "end"
    assert any(" note 2 files, model " in line for line in lines)
    assert any(" result 5 cells in 2 files" in line for line in lines)
    coverslip(*command, "--log-file", log)
    more = log.read_text("utf-8").splitlines()
    assert more[: len(lines)] == lines and len(more) > len(lines)


def test_no_other_file_is_taken_for_a_log(coverslip, tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("my notes\n")
    said = coverslip("models", "--log-file", other)
    assert said.status == 2 and "no log of coverslip" in said.err
    assert other.read_text() == "my notes\n"


def test_progress_is_told_once_a_second_and_at_the_end(capsys):
    clock = iter([0.0, 0.2, 0.9, 1.1, 1.2, 1.3])
    one = listeners.Listeners(json_lines=True, clock=lambda: next(clock))
    for n in range(1, 7):
        one.hear_progress(Progress("scoring", n, 6, seconds=0.0, seconds_left=None))
    told = [json.loads(line)["n_done"] for line in capsys.readouterr().out.splitlines()]
    assert told == [1, 4, 6]


def test_what_was_done_before_is_counted(coverslip, images, model, tmp_path):
    command = ["segment", images, "-o", tmp_path / "out", "--model", model, "--json"]
    coverslip(*command)
    events = [json.loads(line) for line in coverslip(*command).out.splitlines()]
    progress = [one for one in events if one["event"] == "progress"]
    assert progress[-1]["n_done"] == 2
    assert events[-1]["results"][0]["n_skipped"] == 2

"""Every verb of the command line, with exit status 0, 1 or 2 and never a traceback."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from bright import write_bright
from coverslip import cli
from coverslip.checkpoints import load_checkpoint, shipped_models
from coverslip.io import read_labels
from drawn import squares, write_dataset
from pages import Page

VERBS = (
    "segment",
    "measure",
    "train",
    "tune",
    "suggest",
    "evaluate",
    "score",
    "robustness",
    "export-model",
    "models",
    "demo",
)


@pytest.fixture
def model(tmp_path, monkeypatch):
    return write_bright(tmp_path / "models" / "bright.safetensors", monkeypatch)


@pytest.fixture
def small(model, monkeypatch):
    """Options of a training of no time: four weights, and no curves drawn after each epoch."""
    monkeypatch.setattr("coverslip.training.validation.curves", lambda table: b"")
    return "--model bright --device cpu --epochs 2 --steps-per-epoch 2 --batch 2 --crop 32".split()


@pytest.fixture
def images(tmp_path):
    """A folder of three images of 1, 2 and 3 squares."""
    folder = tmp_path / "my images"
    folder.mkdir()
    for n in (1, 2, 3):
        Image.fromarray(squares(n)[0]).save(folder / f"{n}.png")
    return folder


@pytest.fixture
def data(tmp_path):
    return write_dataset(tmp_path / "data", n=5)


@pytest.fixture
def known(tmp_path):
    """A data set that the network of the tests knows: bright squares, and where they are."""
    for kind in ("images", "labels"):
        (tmp_path / "known" / kind).mkdir(parents=True)
    for n in (1, 2, 3):
        for kind, picture in zip(("images", "labels"), squares(n), strict=True):
            Image.fromarray(picture).save(tmp_path / "known" / kind / f"s{n}.png")
    return tmp_path / "known"


def in_a_new_process(code: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(cli.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {source!r}); {code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_help_waits_for_nothing_heavy():
    heavy = "{'torch', 'numpy', 'pandas', 'scipy', 'matplotlib', 'tifffile', 'PIL'}"
    for arguments in ("['coverslip', '--help']", "['coverslip', 'segment', '--help']"):
        process = in_a_new_process(
            f"sys.argv = {arguments}; import atexit; import coverslip.cli;"
            f"atexit.register(lambda: print('HEAVY', sorted({heavy} & set(sys.modules))));"
            "coverslip.cli.main()"
        )
        assert "Usage: coverslip" in process.stdout
        assert "HEAVY []" in process.stdout


def test_a_new_process_ends_with_the_status():
    process = in_a_new_process(
        "sys.argv = ['coverslip', 'segment']; from coverslip.cli import main; main()"
    )
    assert process.returncode == 2
    assert "Usage: coverslip segment" in process.stderr and "Traceback" not in process.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(coverslip, verb):
    assert verb in coverslip("--help").out
    said = coverslip(verb, "--help")
    assert said.status == 0 and f"Usage: coverslip {verb}" in said.out


def test_segment(coverslip, images, model, tmp_path):
    said = coverslip("segment", images, "-o", tmp_path / "out", "--model", model)
    assert said.status == 0
    assert said.out == f"6 cells in 3 files: {tmp_path / 'out' / 'report.html'}\n"
    assert "3 files" in said.err
    assert pd.read_csv(tmp_path / "out" / "images.csv").n_cells.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(read_labels(tmp_path / "out" / "2_labels.tif"), squares(2)[1])


def test_segment_again(coverslip, images, model, tmp_path):
    command = ("segment", images, "-o", tmp_path / "out", "--model", model)
    first = coverslip(*command)
    second = coverslip(*command)
    assert (second.status, second.out) == (0, first.out)
    assert "3 were done before" in second.err and "done before" not in first.err
    assert "done before" not in coverslip(*command, "--overwrite").err
    assert "done before" not in coverslip(*command, "--threshold", 0.6).err


def test_segment_with_every_option(coverslip, images, model, tmp_path):
    options = (
        "--tta paper --threshold 0.4 --min-area 4 --fill-holes --scale 1 --axes YX --channel 0 "
        "--project max --probs --uncertainty --tile 16 --device cpu --overwrite"
    ).split()
    out = tmp_path / "out"
    said = coverslip("segment", images / "2.png", "-o", out, "--model", model, *options)
    assert said.status == 0 and said.out.startswith("2 cells in 1 file:")
    assert (out / "2_probs.tif").is_file() and (out / "2_uncertainty.tif").is_file()
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    facts = dict(zip(page.text_of("dt"), page.text_of("dd", "time"), strict=True))
    wanted = {"tta": "paper", "threshold": "0.4", "min area px": "4", "tile px": "16"}
    assert facts | wanted == facts


def test_one_unreadable_image_is_exit_status_1(coverslip, images, model, tmp_path):
    (images / "2.png").write_bytes(b"")
    said = coverslip("segment", images, "-o", tmp_path / "out", "--model", model)
    assert said.status == 1
    assert said.out.startswith("4 cells in 2 files")
    assert f"failed: {images / '2.png'}: the file is empty" in said.err


def test_ctrl_c_is_exit_status_130(coverslip, images, model, tmp_path, monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("coverslip.pipeline.pictures.write_image", interrupt)
    said = coverslip("segment", images, "-o", tmp_path / "out", "--model", model)
    assert said.status == 130 and "stopped" in said.err


def test_what_the_system_refuses_is_told_without_a_traceback(
    coverslip, images, model, tmp_path, monkeypatch
):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error", "/mnt/share/a.png")

    monkeypatch.setattr("coverslip.pipeline.segment_files", fail)
    said = coverslip("segment", images, "-o", tmp_path / "out", "--model", model)
    assert said.status == 2
    assert said.err.splitlines()[-1].startswith("error: /mnt/share/a.png: Input/output error. The")
    assert "share does not answer: check it" in said.err


def test_a_request_to_end_is_exit_status_143(coverslip, images, model, tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)

    asked = []

    def end(*_: object, **__: object) -> None:
        if not asked:  # of several threads, the first one that comes here
            asked.append(os.kill(os.getpid(), signal.SIGTERM))
        time.sleep(2)

    monkeypatch.setattr("coverslip.pipeline.pictures.write_image", end)
    said = coverslip("segment", images, "-o", tmp_path / "out", "--model", model)
    assert said.status == 143 and "the same command goes on" in said.err
    assert (tmp_path / "out" / "report.html").exists()
    assert signal.getsignal(signal.SIGTERM) == before


def test_marks_in_names_are_no_markup(coverslip, model, tmp_path):
    path = tmp_path / "a[" / "b]" / "[red]:cat:.png"
    path.parent.mkdir(parents=True)
    path.write_text("no image")
    said = coverslip("segment", path, "-o", tmp_path / "out", "--model", model)
    assert said.status == 1 and "a[/b]/[red]:cat:.png: not an image" in said.err


def test_train_and_use_the_result(coverslip, data, images, small, tmp_path):
    run = tmp_path / "run"
    said = coverslip("train", data, "-o", run, "--argument", "steepness=9", *small)
    assert said.status == 0
    assert said.out == f"{run / 'best.safetensors'}\n"
    assert "4 images to learn from, 1 to validate on" in said.err
    assert "epoch    2" in said.err
    card = load_checkpoint(run / "best.safetensors").card
    settings = card["settings"]
    assert settings["epochs"] == 2 and settings["arguments"] == {"steepness": 9}
    used = coverslip("segment", images, "-o", tmp_path / "out", "--model", run)
    assert used.status == 0


def test_train_resume_goes_on_to_the_same_weights(coverslip, data, small, tmp_path, monkeypatch):
    command = ["train", data, *small]
    assert coverslip(*command, "-o", tmp_path / "whole").status == 0

    from coverslip.training import loop

    whole, calls = loop.save_state, []

    def kill(*arguments: object) -> None:
        calls.append(whole(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "save_state", kill)
    assert coverslip(*command, "-o", tmp_path / "killed").status == 130
    monkeypatch.setattr(loop, "save_state", whole)
    refused = coverslip(*command, "-o", tmp_path / "killed")
    assert refused.status == 2 and "--resume continues it" in refused.err
    over = coverslip("train", data, "-o", tmp_path / "whole", "--resume")
    assert over.status == 0 and "it is over already" in over.err
    # What else is asked for does not count: a run goes on with the settings it was begun with.
    said = coverslip("train", data, "-o", tmp_path / "killed", "--resume", "--epochs", 9)
    assert said.status == 0 and "with the settings it was begun with" in said.err

    first, second = (
        load_checkpoint(tmp_path / name / "best.safetensors").network.state_dict()
        for name in ("whole", "killed")
    )
    assert all(torch.equal(first[key], second[key]) for key in first)
    history = [pd.read_csv(tmp_path / name / "history.csv") for name in ("whole", "killed")]
    pd.testing.assert_frame_equal(*(h.drop(columns="seconds") for h in history))


def test_train_on_a_fold_of_a_list(coverslip, data, small, tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("name,kind\n" + "\n".join(f"d{n},{'ab'[n % 2]}" for n in range(5)))
    options = ["--list", table, "--where", "kind=a", "--balance", "kind", "--fold", "1/3"]
    said = coverslip("train", data, "-o", tmp_path / "run", *small, *options)
    assert said.status == 0 and "2 images to learn from, 1 to validate on" in said.err
    record = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert set(record["train"] + record["val"]) == {"d0", "d2", "d4"}
    assert len(record["weights"]) == 2


def test_evaluate(coverslip, tmp_path):
    for n, name in ((2, "pred"), (4, "truth")):
        (tmp_path / name).mkdir()
        Image.fromarray(squares(n)[1]).save(tmp_path / name / "a.png")
    table = tmp_path / "scores.csv"
    said = coverslip("evaluate", tmp_path / "pred", tmp_path / "truth", "-o", table)
    assert said.status == 0
    assert "jaccard" in said.out and "50.0" in said.out
    (row,) = pd.read_csv(table).to_dict("records")
    assert (row["name"], row["tp"], row["fp"], row["fn"]) == ("a", 72, 0, 72)
    assert row["jaccard"] == 0.5 and row["precision"] == 1


def test_evaluate_what_segment_wrote(coverslip, known, model, tmp_path):
    out = tmp_path / "out"
    coverslip("segment", known / "images", "-o", out, "--model", model, "--probs")
    said = coverslip("evaluate", out, known / "labels", "-o", tmp_path / "scores.csv")
    assert said.status == 0
    assert pd.read_csv(tmp_path / "scores.csv").jaccard.tolist() == [1, 1, 1]


def test_evaluate_draws_the_errors(coverslip, known, model, tmp_path):
    out, errors = tmp_path / "out", tmp_path / "errors"
    coverslip("segment", known / "images", "-o", out, "--model", model)
    said = coverslip(
        "evaluate", out, known / "labels", "--images", known / "images", "--errors", errors
    )
    assert said.status == 0
    assert sorted(p.name for p in errors.glob("*.png")) == [f"s{n}_errors.png" for n in (1, 2, 3)]


def test_score(coverslip, known, model, tmp_path):
    table, scores = tmp_path / "list.csv", tmp_path / "scores.csv"
    table.write_text("name,kind\ns1,few [a]\ns2,many\ns3,many\n")
    said = coverslip(
        "score", model, known, "--list", table, "--by", "kind", "-o", scores, "--tta", "d4"
    )
    assert said.status == 0
    assert "all images" in said.out and "kind: few [a]" in said.out and "kind: many" in said.out
    rows = pd.read_csv(scores)
    assert rows.jaccard.tolist() == [1, 1, 1]
    assert rows.kind.tolist() == ["few [a]", "many", "many"]


def test_score_some_at_another_size_with_their_errors(coverslip, known, model, tmp_path):
    table, scores = tmp_path / "list.csv", tmp_path / "scores.csv"
    table.write_text("name,kind\ns1,few\ns2,many\ns3,many\n")
    options = ["--list", table, "--where", "kind!=few", "--size", 64, "-o", scores]
    said = coverslip("score", model, known, *options, "--errors", tmp_path / "errors")
    assert said.status == 0
    rows = pd.read_csv(scores)
    assert rows.name.tolist() == ["s2", "s3"]
    assert (rows.tp + rows.fp + rows.fn + rows.tn == 64 * 64).all()
    with Image.open(tmp_path / "errors" / "s3_errors.png") as picture:
        assert picture.size == (64, 64)


def test_robustness_twice(coverslip, known, model, tmp_path):
    out = tmp_path / "out"
    command = ["robustness", model, known, "-o", out, "--device", "cpu", "--only"]
    said = coverslip(*command, "inversion")
    assert said.status == 0
    assert "Jaccard index, median over images in percent; undisturbed 100.0" in said.out
    assert "Mean average precision, median over images in percent" in said.out
    assert "inversion" in said.out and "robustness_cells.pdf" in said.out
    assert "gamma" not in said.out
    more = coverslip(*command, "gamma")
    assert "inversion" in more.out and "gamma" in more.out
    pictures = {
        f"{stem}.{form}" for stem in ("robustness", "robustness_cells") for form in ("pdf", "png")
    }
    assert {path.name for path in out.iterdir()} == {
        "robustness.csv",
        "request.json",
        "records",
        *pictures,
    }
    assert set(pd.read_csv(out / "robustness.csv", keep_default_na=False).degradation) == {
        "none",
        "inversion",
        "gamma",
    }
    wrong = coverslip(*command, "inverse")
    assert wrong.status == 2 and "Did you mean inversion?" in wrong.err


def test_suggest_and_train_on_what_was_copied(coverslip, images, model, small, tmp_path):
    csv, copies = tmp_path / "suggestions.csv", tmp_path / "copies"
    command = ["suggest", images, "-o", csv, "--model", model, "--copy", copies]
    said = coverslip(*command, "-n", 2)
    assert said.status == 0
    assert "of 3 frames, annotate next" in said.out and "the most uncertain of 3" in said.out
    assert pd.read_csv(csv)["rank"].tolist() == [1, 2]
    assert len(list(copies.glob("*_labels.tif"))) == 2
    again = coverslip(*command, "-n", 2)
    assert again.status == 2 and "not empty" in again.err
    assert coverslip("train", copies, "-o", tmp_path / "run", *small, "--faults", 0).status == 0


def test_models(coverslip):
    said = coverslip("models")
    assert said.status == 0
    for name in [*shipped_models(), "swift", "resnet18_unet_rp"]:
        assert name in said.out


def test_demo(coverslip, images, model, tmp_path, monkeypatch):
    weights = tmp_path / "weights"
    weights.mkdir()
    for name in ("one", "two"):
        shutil.copy(model, weights / f"{name}.safetensors")
        shutil.copytree(images, tmp_path / "examples" / name)
    monkeypatch.setattr("coverslip.checkpoints.zoo.FOLDER", weights)
    out = tmp_path / "demo"
    said = coverslip("demo", "-o", out, "--examples", tmp_path / "examples")
    assert said.status == 0 and str(out / "report.html") in said.out
    assert pd.read_csv(out / "images.csv").n_cells.tolist() == [1, 2, 3, 1, 2, 3]
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert len(page.all("img")) >= 6
    for link in {str(a["href"]) for a in page.all("a") if not str(a["href"]).startswith("#")}:
        assert (out / link).is_file()
    links = pd.read_csv(out / "images.csv")[["overlay", "labels"]].to_numpy().ravel()
    assert len(set(links)) == 12 and all((out / link).is_file() for link in links)
    tables = {name: (out / name).read_bytes() for name in ("cells.csv", "images.csv")}
    again = coverslip("demo", "-o", out, "--examples", tmp_path / "examples")
    assert again.status == 0 and "6 images done before, and not again" in again.err
    assert {name: (out / name).read_bytes() for name in tables} == tables
    anew = coverslip("demo", "-o", out, "--examples", tmp_path / "examples", "--overwrite")
    assert anew.status == 0 and "done before" not in anew.err


def test_the_demo_needs_no_folder(coverslip, tmp_path, monkeypatch):
    from coverslip.pipeline import demo, find_examples

    monkeypatch.chdir(tmp_path)
    found = find_examples()
    assert sorted(path.name for path in (found / "phase").iterdir())[0] == "phase_dense.png"
    monkeypatch.setattr(demo, "PACKAGE", tmp_path / "site-packages" / "coverslip")
    assert "Install coverslip again" in coverslip("demo").err
    (tmp_path / "site-packages" / "coverslip" / "examples" / "nuclei").mkdir(parents=True)
    assert find_examples() == tmp_path / "site-packages" / "coverslip" / "examples"


def test_the_page_opens_where_there_is_a_screen(coverslip, images, model, tmp_path, monkeypatch):
    weights, opened = tmp_path / "weights", []
    weights.mkdir()
    shutil.copy(model, weights / "one.safetensors")
    shutil.copytree(images, tmp_path / "examples" / "one")
    monkeypatch.setattr("coverslip.checkpoints.zoo.FOLDER", weights)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for name in ("SSH_CONNECTION", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    command = ["demo", "-o", tmp_path / "demo", "--examples", tmp_path / "examples"]
    coverslip(*command, "--no-open")
    assert not opened
    coverslip(*command)
    assert opened == [(tmp_path / "demo" / "report.html").as_uri()]


@pytest.mark.parametrize(
    ("environment", "platform", "seen"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "10.0.0.1"}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "10.0.0.1"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_where_somebody_sees_it(environment, platform, seen):
    from coverslip.cli.demo import has_display

    assert has_display(environment, platform) is seen


def test_without_words_it_says_the_three_commands_to_begin_with(coverslip):
    said = coverslip()
    assert said.status == 0
    lines = [line.split() for line in said.out.splitlines() if line.startswith("  coverslip")]
    assert [words[1] for words in lines] == ["demo", "segment", "doctor"]
    assert len(said.out.splitlines()) <= 8


def test_a_failed_example_is_exit_status_1(coverslip, images, model, tmp_path, monkeypatch):
    weights, examples = tmp_path / "weights", tmp_path / "examples"
    weights.mkdir()
    shutil.copy(model, weights / "one.safetensors")
    shutil.copytree(images, examples / "one")
    (examples / "one" / "broken.png").write_text("no image")
    monkeypatch.setattr("coverslip.checkpoints.zoo.FOLDER", weights)
    said = coverslip("demo", "-o", tmp_path / "demo", "--examples", examples)
    assert said.status == 1 and "broken.png" in said.err and "report.html" in said.out
    assert said.out.startswith("6 cells in 3 frames\n") and "models one" in said.err
    assert len(pd.read_csv(tmp_path / "demo" / "images.csv")) == 3


def test_measure(coverslip, known, tmp_path):
    out = tmp_path / "cells.csv"
    said = coverslip("measure", known, known / "images", "-o", out, "--properties", "basic, n_near")
    assert (said.status, said.err) == (0, "")
    assert said.out == f"6 cells in 3 files: {out}\n"
    cells = pd.read_csv(out)
    assert cells.n_near.tolist() == [0, 1, 1, 2, 2, 2] and (cells.intensity_mean == 220).all()
    assert "skeleton_ends" not in cells and "area_um2" not in cells
    said = coverslip("measure", known, "-o", out, "--pixel-size", "0.5", "--near", "1")
    assert said.status == 0
    assert (pd.read_csv(out).area_um2 == 9).all() and (pd.read_csv(out).n_near == 0).all()


def test_measure_leaves_images_without_labels_out(coverslip, known, tmp_path):
    (known / "labels" / "s1.png").unlink()
    said = coverslip("measure", known, known / "images", "-o", tmp_path / "cells.csv")
    assert said.status == 0 and said.err == "1 file without labels left out\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "cells.xlsx"), "wanted csv or parquet"),
        (("-o", "cells.csv", "--pixel-size", "0"), "wanted more than 0 µm"),
        (("-o", "cells.csv", "--properties", "size"), "properties size: wanted all, basic"),
        (("-o", "cells.csv", "--ring", "0"), "ring_px is 0"),
        (("-o", "results"), "-o results: wanted a file for the table, such as results.csv"),
        (("-o", "cells.csv", "--properties", "aera_px"), "Did you mean area_px?"),
        (("-o", "cells.csv", "--properties", "shape,intensity"), "name them too"),
        (("-o", "cells.csv", "--properties", "intensity_mean"), "name them too"),
        (("-o", "cells.csv", "--properties", "confidence"), "coverslip segment measures it"),
        (("-o", "known.csv/cells.csv"), "cannot be written"),
    ],
)
def test_measure_refuses_what_cannot_be(coverslip, known, options, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "known.csv").write_text("in the way")
    said = coverslip("measure", known, *options)
    assert said.status == 2 and words in said.err
    assert not list(tmp_path.glob("cells.*"))


def test_measure_needs_no_pytorch(known, tmp_path):
    process = in_a_new_process(
        f"sys.argv = ['coverslip', 'measure', {str(known)!r}, '-o', {str(tmp_path / 'c.csv')!r}];"
        "import atexit; atexit.register(lambda: print('torch' in sys.modules));"
        "from coverslip.cli import main; main()"
    )
    assert process.returncode == 0 and process.stdout.endswith("False\n")


def test_segment_can_write_parquet_and_less(coverslip, images, model, tmp_path):
    pytest.importorskip("pyarrow")
    options = ("--table", "parquet", "--properties", "area_px")
    said = coverslip("segment", images, "-o", tmp_path / "out", "--model", model, *options)
    assert said.status == 0
    cells = pd.read_parquet(tmp_path / "out" / "cells.parquet")
    assert list(cells.columns) == ["file", "frame", "label", "area_px"] and len(cells) == 6
    said = coverslip("segment", images, "-o", tmp_path / "o", "--model", model, "--table", "xls")
    assert said.status == 2 and "wanted csv or parquet" in said.err
    assert not (tmp_path / "o").exists()


def test_no_such_projection_is_said_before_anything_is_done(coverslip, images, tmp_path):
    for verb in ("segment", "suggest"):
        said = coverslip(verb, images, "-o", tmp_path / "out.csv", "--project", "sum")
        assert said.status == 2 and "--project sum: wanted none, max, mean, middle" in said.err
        assert not (tmp_path / "out.csv").exists()

"""Mistakes of a user: exit status 2, a message with the cure, no traceback, and nothing written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from bright import bright_model, write_bright
from coverslip.checkpoints import read_tensors, save_checkpoint
from drawn import discs, squares, write_dataset

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mistake(coverslip, tmp_path):
    """Runs a command line that must be refused, and returns what it says."""

    def run(*arguments: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        said = coverslip(*arguments)
        assert said.status == 2, said.err
        assert said.out == ""
        assert sorted(tmp_path.rglob("*")) == before
        return said.err

    return run


@pytest.fixture
def model(tmp_path, monkeypatch):
    return write_bright(tmp_path / "bright.safetensors", monkeypatch)


@pytest.fixture
def image(tmp_path):
    Image.fromarray(squares(1)[0]).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.fixture
def data(tmp_path):
    return write_dataset(tmp_path / "data", n=3)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def tamper(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-2] ^= 1
    path.write_bytes(raw)


def rename_network(path: Path) -> None:
    tensors, metadata = read_tensors(path)
    save_file(tensors, path, metadata=metadata | {"model": "swift"})


def change_preprocess(path: Path) -> None:
    tensors, metadata = read_tensors(path)
    changed = metadata | {"preprocess": json.dumps({"low_percentile": 9})}
    save_file(tensors, path, metadata=changed)


def keep_weights_alone(path: Path) -> None:
    save_file(read_tensors(path)[0], path)


def pickle(path: Path) -> None:
    torch.save({"pixel.weight": torch.zeros(1)}, path)


def test_a_misspelt_model_suggests_the_nearest(mistake, image, data, out, tmp_path, monkeypatch):
    for name in ("nuclei", "phase"):
        save_checkpoint(tmp_path / f"{name}.safetensors", bright_model())
    monkeypatch.setattr("coverslip.checkpoints.zoo.FOLDER", tmp_path)
    said = mistake("segment", image, "-o", out, "--model", "nucleii")
    assert "no model 'nucleii': did you mean 'nuclei'? Shipped are nuclei, phase" in said
    assert "did you mean" not in mistake("segment", image, "-o", out, "--model", "best.pth")
    assert "did you mean 'phase'" in mistake("score", "phse", data)
    assert "did you mean 'egt'" in mistake("segment", image, "-o", out, "--model", "EGT")
    said = mistake("segment", image, "-o", out, "--model", "unet")
    assert "a network without weights: train it, `coverslip train DATA --model unet" in said


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "not readable as safetensors"),
        (tamper, "do not match its checksum: copy the file again"),
        (change_preprocess, "do not match its checksum"),
        (rename_network, "do not match its checksum"),
        (keep_weights_alone, "no coverslip checkpoint"),
        (pickle, "not readable as safetensors"),
        (lambda path: path.write_bytes(b""), "not readable as safetensors"),
        (lambda path: path.write_text("a text"), "not readable as safetensors"),
    ],
)
def test_a_damaged_checkpoint(mistake, image, model, out, damage, message):
    damage(model)
    said = mistake("segment", image, "-o", out, "--model", model)
    assert f"error: {model}: " in said and message in said


def test_a_checkpoint_of_another_network(mistake, image, model, out, monkeypatch):
    from coverslip.models import MODELS

    other = {"bright": MODELS["unet"]}
    monkeypatch.setattr("coverslip.checkpoints.checkpoint.MODELS", other)
    said = mistake("segment", image, "-o", out, "--model", model)
    assert f"{model}: made by another version of coverslip" in said
    assert len(said) < 2000  # and not every one of its weights
    monkeypatch.setattr("coverslip.checkpoints.checkpoint.MODELS", {"brighter": MODELS["unet"]})
    said = mistake("segment", image, "-o", out, "--model", model)
    assert "unknown network 'bright': did you mean 'brighter'" in said and str(model) in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--tta papper", "tta is 'papper'; it must be one of none, pair, paper, d4"),
        ("--device gpu", "device is 'gpu'; it must be one of auto, cpu, cuda, mps"),
        ("--threshold 50", "threshold is 50.0; it must lie in 0 to 1"),
        ("--threshold half", "Invalid value for '--threshold'"),
        ("--cell-size -3", "--cell-size -3: wanted a diameter in pixels"),
        ("--cell-size 20 --scale 0.5", "wanted one of the two"),
        ("--cell-size 20", "does not say how large its cells were"),
        ("--min-area -3", "least area is -3 px"),
        ("--scale 0", "scale is 0.0; wanted 0.05 to 20"),
        ("--tile 0", "tile_px is 0"),
        ("--tile 4", "use a tile_px over 4"),
        ("--uncertainty", "add --tta pair"),
        ("--thresold 0.4", "No such option"),
    ],
)
def test_option_values_of_segment(mistake, image, model, out, options, message):
    assert message in mistake("segment", image, "-o", out, "--model", model, *options.split())


def test_images_that_are_not_there(mistake, image, model, out, tmp_path):
    (tmp_path / "empty").mkdir()
    wanted = ("-o", out, "--model", model)
    said = mistake("segment", tmp_path / "b.png", tmp_path / "empty", image, *wanted)
    assert "b.png: no such file or folder. Did you mean" in said
    assert "empty: no image in this folder" in said
    assert "no image fits this pattern" in mistake("segment", tmp_path / "*.bmp", *wanted)
    assert "Missing argument" in mistake("segment", *wanted)
    assert "Missing option '--out'" in mistake("segment", image)


def test_where_results_cannot_go(mistake, image, model, tmp_path):
    said = mistake("segment", image, "-o", model, "--model", model)
    assert "cannot be written" in said and "choose another folder" in said
    said = mistake("segment", image, "-o", tmp_path, "--model", model)
    assert "choose a folder of its own" in said


def test_two_images_that_would_write_the_same_file(mistake, model, out, tmp_path):
    for day in ("1", "2"):
        (tmp_path / day / "raw").mkdir(parents=True)
        Image.fromarray(squares(1)[0]).save(tmp_path / day / "raw" / "a.png")
    said = mistake("segment", tmp_path / "*" / "raw" / "*", "-o", out, "--model", model)
    assert "another image would write the same" in said and "rename one" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--model swfit", "unknown network 'swfit': did you mean 'swift'"),
        ("--from nuclei --model unet", "--from nuclei is a swift: leave --model unet out"),
        ("--from nuclei --argument fine=8", "leave --argument fine out"),
        ("--from nuclei --encoder imagenet", "brings its own weights"),
        ("--from nucleii", "no model 'nucleii': did you mean 'nuclei'"),
        ("--maps mask,halo", "'halo' is unknown; wanted of mask, boundary, distance"),
        ("--maps distance", "wanted mask first"),
        ("--argument widht=3", "cannot be built with {'widht': 3}"),
        ("--argument widths", "--argument widths: wanted NAME=VALUE"),
        ("--argument out_channels=2", "gives 2 logits for each pixel"),
        ("--argument in_channels=1", "a picture in colour"),
        ("--encoder resnet.pth", "resnet.pth: not readable"),
        ("--model unet --encoder imagenet", "'unet' has no encoder"),
        ("--device gpu", "device is 'gpu'"),
        ("--fold 3", "--fold 3: wanted K/N"),
        ("--fold 3/3", "fold 3 of 3 for 3 images"),
        ("--fold 0/9", "fold 0 of 9 for 3 images"),
        ("--where split=train", "wanted --list CSV"),
        ("--balance kind", "wanted --list CSV"),
        ("--list no.csv --where a=b", "no.csv: not readable as CSV"),
        ("--epochs 0", "epochs is 0"),
        ("--steps-per-epoch 0", "steps_per_epoch is 0"),
        ("--batch 0", "batch is 0"),
        ("--patience 0", "patience is 0"),
        ("--workers -1", "workers is -1"),
        ("--lr -1", "lr is -1.0"),
        ("--lr nan", "lr is nan"),
        ("--zoom 0", "zoom is 0.0"),
        ("--size -5", "size_px is -5"),
        ("--crop 100", "crop_px is 100; swift wants a multiple of 16, such as 96 or 112"),
        ("--crop 0 --size 250", "size_px is 250; swift wants a multiple of 16, such as 240 or 256"),
        ("--crop 0", "add --size"),
        ("--val-fraction 1", "fraction for validation is 1.0"),
        ("--val-fraction -0.1", "fraction for validation is -0.1"),
        ("--batch three", "Invalid value for '--batch'"),
    ],
)
def test_option_values_of_train(mistake, data, out, options, message):
    assert message in mistake("train", data, "-o", out, *options.split())


def test_a_column_that_a_list_does_not_have(mistake, data, out, tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("name,kind\nd0,a\nd1,a\n")
    command = ("train", data, "-o", out, "--list", table)
    assert "no column 'sort'; it has kind" in mistake(*command, "--where", "sort=a")
    assert "no annotated image fulfils kind=c" in mistake(*command, "--where", "kind=c")
    assert "wanted COLUMN=VALUE" in mistake(*command, "--where", "kind")
    assert "no row for d2" in mistake(*command, "--balance", "kind")
    table.write_text("")
    assert "not readable as CSV" in mistake(*command, "--where", "kind=a")


def test_a_data_set_with_every_mistake_is_told_of_all_at_once(mistake, data, out):
    Image.fromarray(discs(0, size=20)[1]).save(data / "labels" / "d0.png")
    Image.fromarray(0 * discs(1)[1]).save(data / "labels" / "d1.png")
    (data / "images" / "d2.png").write_text("no image")
    said = mistake("train", data, "-o", out)
    assert "3 problems with the annotated images, nothing was trained" in said
    assert "d0.png: the mask is 20 × 20 pixels" in said
    assert "d1.png: no cell in the mask" in said
    assert "d2.png: not an image" in said
    (data / "labels" / "d0.png").unlink()
    assert "no mask of the name d0" in mistake("train", data, "-o", out)


def test_a_data_set_of_one_image(mistake, out, tmp_path):
    data = write_dataset(tmp_path / "one", n=1)
    assert "a training needs at least two" in mistake("train", data, "-o", out)


def test_folders_that_are_not_there(mistake, data, model, out, tmp_path, monkeypatch):
    no = tmp_path / "no"
    monkeypatch.setattr("coverslip.checkpoints.zoo.FOLDER", tmp_path)
    assert f"{no}: no such folder" in mistake("train", no, "-o", out)
    assert f"{no}: no such folder" in mistake("train", data, "--masks", no, "-o", out)
    assert f"{no}: no such file or folder" in mistake("evaluate", no, data / "labels")
    assert f"{no}: no such file or folder" in mistake("evaluate", data / "labels", no)
    assert f"{no}: no such folder" in mistake("score", model, no)
    assert f"{no}: no such folder of example images" in mistake("demo", "-o", out, "--examples", no)
    assert f"{data / 'bright'}: no such file" in mistake("demo", "-o", out, "--examples", data)


def test_a_run_that_cannot_be_begun_or_resumed(mistake, data, model, out, tmp_path):
    assert "no training to resume there" in mistake("train", data, "-o", out, "--resume")
    said = mistake("train", data, "-o", model, "--model", "bright")
    assert "cannot be written" in said and "choose another folder" in said
    out.mkdir()
    (out / "settings.json").write_text("{}")
    assert "--resume continues it" in mistake("train", data, "-o", out)
    assert "no training to resume there" in mistake("train", data, "-o", out, "--resume")


def test_predictions_that_do_not_fit_the_truth(mistake, coverslip, data, tmp_path):
    pred = tmp_path / "pred"
    pred.mkdir()
    for n in (0, 1):
        Image.fromarray(discs(n, size=48 - 8 * n)[1]).save(pred / f"d{n}.png")
    said = mistake("evaluate", pred, data / "labels")
    assert "d2.png: no prediction of the name d2" in said
    Image.fromarray(discs(2)[0]).save(pred / "d2.jpg")
    said = coverslip("evaluate", pred, data / "labels")
    assert said.status == 1  # d0 is scored
    assert "d1" in said.err and "40" in said.err and "48" in said.err
    assert "d2.jpg: a JPEG cannot hold labels" in said.err
    assert "2 images that failed are not in the scores" in said.err


def test_errors_drawn_on_images_that_do_not_fit(mistake, coverslip, data, out, tmp_path):
    command = ("evaluate", data / "labels", data / "labels", "--errors", out)
    assert "wanted --images FOLDER" in mistake(*command)
    (tmp_path / "images").mkdir()
    for n in (0, 1):
        Image.fromarray(discs(n, size=20 * n + 20)[0]).save(tmp_path / "images" / f"d{n}.png")
    said = mistake(*command, "--images", tmp_path / "images")
    assert "no image of the name d2" in said
    Image.fromarray(discs(2)[0]).save(tmp_path / "images" / "d2.png")
    said = coverslip(*command, "--images", tmp_path / "images")
    assert said.status == 1  # errors of d2 are drawn
    assert "d0.png" in said.err and "20 × 20" in said.err and "48 × 48" in said.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--by kind", "wanted --list CSV"),
        ("--where a=b", "wanted --list CSV"),
        ("--size 0", "--size"),
        ("--tta d5", "tta is 'd5'"),
        ("--threshold 2", "threshold is 2.0"),
        ("--device gpu", "device is 'gpu'"),
    ],
)
def test_option_values_of_score(mistake, model, data, options, message):
    assert message in mistake("score", model, data, *options.split())


def test_score_of_a_mask_of_another_size(coverslip, model, data):
    Image.fromarray(discs(1, size=20)[1]).save(data / "labels" / "d1.png")
    said = coverslip("score", model, data)
    assert said.status == 1  # the others are scored
    assert "d1.png" in said.err and "20 × 20" in said.err and "48 × 48" in said.err


def test_a_model_that_ships_and_is_damaged(mistake, model, tmp_path, monkeypatch):
    monkeypatch.setattr("coverslip.checkpoints.zoo.FOLDER", tmp_path)
    model.write_bytes(model.read_bytes()[:50])
    assert f"{model}: not readable" in mistake("models")


def test_a_verb_that_there_is_not(mistake):
    assert "No such command 'segmnt'" in mistake("segmnt")
    assert "Usage: coverslip" in mistake("segmnt")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--use_gpu", "--device auto"),
        ("--chan", "counted from 0"),
        ("--prob_thresh", "--threshold"),
        ("-i", "Images come after the verb"),
        ("--cell_size", "--cell-size"),  # the parser's own guess
    ],
)
def test_an_option_of_another_tool_is_answered_with_its_name_here(coverslip, option, said):
    found = coverslip("segment", "a.png", "-o", "out", option, "1")
    assert found.status == 2 and f"No such option: {option}" in found.err and said in found.err


def test_every_answer_names_an_option_that_there_is():
    import re

    import typer

    from coverslip.cli import app
    from coverslip.cli.other_words import WORDS

    verbs = typer.main.get_command(app).commands.values()
    ours = {opt for verb in verbs for it in verb.params for opt in it.opts}
    for name, text in WORDS.items():
        assert name not in ours
        assert set(re.findall(r"--[\w-]+", text)) <= ours, name


@pytest.mark.parametrize("verb", ["segment", "score", "robustness", "suggest", "train"])
def test_diameter_is_cell_size(verb):
    import typer

    from coverslip.cli import app

    command = typer.main.get_command(app).commands[verb]
    words = ["nuclei", "a"] if verb in ("score", "robustness") else ["a"]
    sizes = [
        command.make_context(verb, [*words, "-o", "out", option, "31"]).params["cell_size"]
        for option in ("--diameter", "--cell-size")
    ]
    assert sizes[0] == sizes[1] and float(sizes[0]) == 31

"""Which channel, depth and axes are meant, said of every file and known by every verb."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import tifffile

from bright import write_bright
from coverslip.checkpoints import load_checkpoint
from coverslip.errors import FileError, SettingsError
from coverslip.io import (
    Reading,
    check_pairs,
    dict_to_reading,
    find_channel,
    find_pairs,
    open_reading,
)
from coverslip.training import hash_pairs, prepare_labelled
from drawn import squares

TRAINED = ("--epochs", "1", "--steps-per-epoch", "1", "--batch", "2", "--crop", "32", "--device")


def save_channels(path, *channels, names=("dapi", "gfp"), axes="CYX"):
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"axes": axes} | ({"Channel": {"Name": list(names)}} if axes == "CYX" else {})
    options = {"ome": True, "photometric": "minisblack", "metadata": metadata}
    tifffile.imwrite(path, np.stack(channels), **options)
    return path


@pytest.fixture
def data(tmp_path):
    """Two images whose cells are in the second channel, and their labels."""
    rng = np.random.default_rng(0)
    for number in (3, 4):
        image, labels = squares(number)
        other = rng.integers(90, 110, image.shape).astype(np.uint8)
        save_channels(tmp_path / "data" / "images" / f"d{number}.ome.tif", other, image)
        (tmp_path / "data" / "labels").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "data" / "labels" / f"d{number}.tif", labels)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("reading", "number", "words"),
    [
        (Reading(), 0, "the first is read unless another is named"),
        (Reading(channel=1), 1, "channel 1 (gfp) is read, as asked for"),
        (Reading(channel="GFP"), 1, "channel 1 (gfp) is read, as asked for"),
        (Reading(learnt="gfp"), 1, "channel 1 (gfp) is read, which the model has learnt"),
        (Reading(channel=0, learnt="gfp"), 0, "channel 0 (dapi) is read, as asked for"),
        (Reading(learnt="dic"), 0, "none is dic, which the model has learnt: the first"),
        (Reading(learnt=7), 0, "none is 7"),
    ],
)
def test_the_channel_and_what_is_said_of_it(data, reading, number, words):
    file = open_reading(data / "images" / "d3.ome.tif", reading)
    assert find_channel(file, reading) == number
    (note,) = [note for note in file.notes if "channels" in note]
    assert words in note


def test_a_channel_that_there_is_not(data):
    with pytest.raises(FileError, match="no channel dic; it has 2"):
        open_reading(data / "images" / "d3.ome.tif", Reading(channel="dic"))
    with pytest.raises(SettingsError, match="--project sum"):
        Reading(project="sum")


def test_a_learnt_channel_says_nothing_of_a_file_with_one(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", squares(1)[0])
    file = open_reading(tmp_path / "a.tif", Reading(learnt="gfp"))
    assert find_channel(file, Reading(learnt="gfp")) == 0
    assert not any("channel" in note for note in file.notes)


def test_a_reading_is_kept_in_json():
    reading = Reading("gfp", "CYX", "max")
    assert dict_to_reading(json.loads(json.dumps(asdict(reading)))) == reading
    assert Reading(learnt=1).is_plain and not reading.is_plain


def test_a_pair_reads_the_picture_that_is_meant(data):
    pair = find_pairs(data, reading=Reading(channel=1))[0]
    image, labels = prepare_labelled(pair, np.asarray, size_px=None)
    np.testing.assert_array_equal(image, squares(3)[0])
    np.testing.assert_array_equal(labels, squares(3)[1])
    plain = replace(pair, reading=Reading())
    assert hash_pairs([pair]) != hash_pairs([plain])


def test_a_stack_is_one_picture_by_its_projection(tmp_path):
    image, labels = squares(3)
    save_channels(tmp_path / "a.ome.tif", 0 * image, image, axes="ZYX")
    tifffile.imwrite(tmp_path / "a_mask.tif", labels)
    (problem,) = check_pairs(find_pairs(tmp_path))
    assert "2 frames" in problem and "--project max" in problem
    (pair,) = find_pairs(tmp_path, reading=Reading(project="max"))
    assert check_pairs([pair]) == []
    np.testing.assert_array_equal(prepare_labelled(pair, np.asarray, size_px=None)[0], image)


def test_train_says_and_keeps_the_channel(coverslip, data, tmp_path):
    run = tmp_path / "run"
    said = coverslip("train", data, "-o", run, "--channel", "gfp", *TRAINED, "cpu")
    assert said.status == 0, said.err
    assert "and 1 more: it has 2 channels; channel 1 (gfp) is read, as asked for" in said.err
    settings = json.loads((run / "settings.json").read_text())["settings"]
    assert settings["reading"]["channel"] == "gfp"
    model = run / "best.safetensors"
    assert load_checkpoint(model).channel == "gfp"
    image = data / "images" / "d3.ome.tif"
    said = coverslip("segment", image, "-o", tmp_path / "out", "--model", model)
    assert "channel 1 (gfp) is read, which the model has learnt" in said.err
    said = coverslip("score", model, data)
    assert "channel 1 (gfp) is read, which the model has learnt" in said.err
    said = coverslip("train", data, "-o", run, "--resume")
    assert said.status == 0 and "is over already" in said.err


def test_train_keeps_the_first_of_several_channels(coverslip, data, tmp_path):
    said = coverslip("train", data, "-o", tmp_path / "run", *TRAINED, "cpu")
    assert "the first is read unless another is named" in said.err
    assert load_checkpoint(tmp_path / "run" / "best.safetensors").channel == 0


def test_score_finds_the_cells_in_the_channel_that_is_named(coverslip, data, tmp_path, monkeypatch):
    model = write_bright(tmp_path / "bright.safetensors", monkeypatch)
    scores = []
    for channel in ("0", "1"):
        out = tmp_path / f"{channel}.csv"
        said = coverslip("score", model, data, "--channel", channel, "-o", out)
        assert f"channel {channel}" in said.err
        scores.append(pd.read_csv(out)["jaccard"].mean())
    assert scores[0] < 0.3 < 0.7 < scores[1]


def test_the_other_verbs_say_it_too(coverslip, data, tmp_path, monkeypatch):
    model = write_bright(tmp_path / "bright.safetensors", monkeypatch)
    images, labels = data / "images", data / "labels"
    table = tmp_path / "a.csv"
    for command in (
        ("evaluate", labels, labels, "--images", images, "--errors", tmp_path / "errors"),
        ("measure", labels, images, "-o", table),
        ("export", labels, "--images", images, "--to", "svg", "-o", tmp_path / "svg"),
        ("suggest", images, "-o", tmp_path / "next.csv", "--model", model),
        ("robustness", model, data, "-o", tmp_path / "robust", "--only", "gamma"),
    ):
        said = coverslip(*command, "--channel", "gfp")
        assert said.status == 0, said.err
        assert "it has 2 channels; channel 1 (gfp) is read, as asked for" in said.err, command
    assert set(pd.read_csv(table)["intensity_mean"]) == {220}
    assert "intensity_mean_gfp" not in pd.read_csv(table)


def test_train_lists_what_are_no_masks(coverslip, data, tmp_path):
    photo = np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8)
    tifffile.imwrite(data / "labels" / "d3.tif", photo)
    said = coverslip("train", data, "-o", tmp_path / "run", *TRAINED, "cpu")
    assert said.status == 2 and "d3.tif: a photograph and no labels" in said.err
    assert not (tmp_path / "run" / "settings.json").exists()


def test_pixels_to_be_ignored_in_a_mask_leave_its_pieces_cells(data):
    from coverslip.preprocessing import Preprocess
    from coverslip.training import load_labelled

    path = data / "labels" / "d4.tif"
    mask = (tifffile.imread(path) > 0).astype(np.uint16)
    mask[:, -4:] = 32768
    tifffile.imwrite(path, mask)
    pair = find_pairs(data, reading=Reading(channel=1))[1]
    _, labels = load_labelled(pair, Preprocess(), size_px=None, ignored_from=32768)
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4, 32768}

"""Methods without learning on the way of every model: command line, records, report and scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bright import bright_model, write_bright
from coverslip.checkpoints import Method, build_network, find_model, load_model
from coverslip.checkpoints.method import build_method
from coverslip.cli.job import load_job
from coverslip.errors import CoverslipError, ModelError, SettingsError
from coverslip.evaluation import score_model
from coverslip.inference import PredictSettings
from coverslip.io import find_pairs, read_labels
from coverslip.pipeline import Job, SegmentSettings, prepare_image, segment
from coverslip.preprocessing import resize_image, to_grey
from coverslip.report.values import in_words
from coverslip.segmentation import mask_to_labels
from coverslip.segmentation.classical import (
    METHODS,
    EGTSettings,
    PhantastSettings,
    segment_egt,
    segment_phantast,
)
from pages import Page
from textured import cells

ALL = SegmentSettings(min_area_px=0)


def drawn(n: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """The textured cells as a camera stores them, uint8, and their mask."""
    image, truth = cells(n)
    return (255 * image).round().astype(np.uint8), truth


@pytest.fixture
def data(tmp_path):
    """Two pairs, in folders images and labels."""
    for kind in ("images", "labels"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for n in (2, 3):
        image, truth = drawn(n)
        Image.fromarray(image).save(tmp_path / "data" / "images" / f"c{n}.png")
        Image.fromarray(255 * truth.astype(np.uint8)).save(tmp_path / "data/labels" / f"c{n}.png")
    return tmp_path / "data"


# --- a method beside the checkpoints


def test_every_method_is_a_model_by_its_name():
    for name, (_, settings) in METHODS.items():
        assert load_model(name) == Method(name, settings)
    assert load_model("egt", {"greedy": 2}).settings == EGTSettings(greedy=2)
    assert load_model("egt").threshold == 0.5


def test_the_hash_is_of_name_and_settings():
    assert build_method("egt", {}).hash == build_method("egt", {"greedy": 0.0}).hash
    models = [build_method(name, {}) for name in METHODS]
    models += [build_method("egt", {"greedy": 1}), build_method("phantast", {"sigma": 1})]
    assert len({model.hash for model in models}) == len(models)


def test_settings_that_a_method_does_not_have():
    with pytest.raises(SettingsError, match="no setting 'epsilom': did you mean 'epsilon'"):
        build_method("phantast", {"epsilom": 1})
    with pytest.raises(SettingsError, match="It has greedy, max_hole_px, min_cell_px"):
        build_method("egt", {"epsilon": 1})
    with pytest.raises(SettingsError, match="epsilon is 'x'; wanted a number"):
        load_model("phantast", {"epsilon": "x"})


def test_names_that_are_nearly_a_method():
    with pytest.raises(ModelError, match="did you mean 'phantast'"):
        find_model("fantast")
    with pytest.raises(ModelError, match="'egt' is a method without learning and needs no train"):
        build_network("egt", {})


def test_a_network_takes_no_arguments(tmp_path, monkeypatch):
    path = write_bright(tmp_path / "bright.safetensors", monkeypatch)
    with pytest.raises(SettingsError, match=r"which takes no arguments \(epsilon\)"):
        load_model(str(path), {"epsilon": 1})


# --- segment


@pytest.mark.parametrize("name", METHODS)
def test_segment_is_the_method_and_then_the_cells(name):
    image, truth = drawn()
    function, settings = METHODS[name]
    mask = function(to_grey(image), settings=settings)
    result = segment(image, load_model(name), settings=ALL)
    np.testing.assert_array_equal(result.labels, mask_to_labels(mask))
    np.testing.assert_array_equal(result.probs, mask.astype(np.float32))
    assert result.spread is None and len(result.cells) == result.labels.max()
    assert (mask & truth).sum() / (mask | truth).sum() > 0.6


@pytest.mark.parametrize("name", METHODS)
def test_any_number_type_and_colour(name):
    image, _ = drawn()
    expected = segment(image, load_model(name)).labels
    assert expected.any()
    colour = np.repeat(image[..., None], 3, axis=2)
    grey_16 = image.astype(np.uint16) * 257
    for same in (grey_16, grey_16.astype(np.int32), colour, image / 255, image.astype(np.float32)):
        np.testing.assert_array_equal(segment(same, load_model(name)).labels, expected)


def test_the_image_of_a_method_is_not_stretched():
    image, _ = drawn()
    np.testing.assert_array_equal(prepare_image(image, load_model("phantast")), to_grey(image))
    stretched = prepare_image(image, bright_model())
    assert stretched.min() == 0 and stretched.max() == 1
    # Fog over the image halves its contrast, and PHANTAST, unlike a network, must see that.
    fog = (image // 2 + 127).astype(np.uint8)
    faint = PhantastSettings(epsilon=0.15)
    assert segment(image, Method("phantast", faint)).labels.any()
    assert not segment(fog, Method("phantast", faint)).labels.any()


def test_scale_is_what_the_method_sees_and_not_what_the_user_gets():
    image, truth = drawn()
    large, large_truth = (np.kron(a, np.ones((2, 2), a.dtype)) for a in (image, truth))
    result = segment(large, load_model("phantast"), settings=replace(ALL, scale=0.5))
    seen = segment_phantast(resize_image(to_grey(large), truth.shape), settings=PhantastSettings())
    assert result.labels.shape == large_truth.shape
    assert np.mean((result.labels > 0) == np.kron(seen, np.ones((2, 2), bool))) > 0.97


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (30, 40), (2, 2, 3)])
def test_tiny_and_constant_images(name, shape):
    result = segment(np.full(shape, 7, np.uint8), load_model(name))
    assert result.labels.shape == shape[:2] and not result.labels.any() and len(result.cells) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SegmentSettings(predict=PredictSettings(tta="paper")), "leave --tta paper out"),
        (SegmentSettings(predict=PredictSettings(tta="d4")), "leave --tta d4 out"),
        (SegmentSettings(threshold=0.4), "leave --threshold 0.4 out"),
    ],
)
def test_what_is_for_networks_is_refused(settings, message, data):
    model = load_model("egt")
    with pytest.raises(SettingsError, match=message):
        segment(drawn()[0], model, settings=settings)
    with pytest.raises(SettingsError, match=message):
        Job(model=model, model_name="egt", model_hash="", settings=settings)
    with pytest.raises(SettingsError, match=message):
        score_model(model, find_pairs(data), settings=settings)


def test_no_uncertainty():
    with pytest.raises(SettingsError, match="leave --uncertainty out"):
        load_job("egt", settings=ALL, keep_spread=True)


# --- the command line


@pytest.mark.parametrize("name", METHODS)
def test_segment_on_the_command_line(coverslip, data, tmp_path, name):
    out = tmp_path / "out"
    command = ("segment", data / "images", "-o", out, "--model", name, "--min-area", 0, "--probs")
    status, said, _ = coverslip(*command)
    assert status == 0 and "cells in 2 files" in said
    function, settings = METHODS[name]
    for n in (2, 3):
        mask = function(to_grey(drawn(n)[0]), settings=settings)
        np.testing.assert_array_equal(read_labels(out / f"c{n}_labels.tif"), mask_to_labels(mask))
        assert (out / f"c{n}_overlay.png").is_file() and (out / f"c{n}_probs.tif").is_file()
    assert len(pd.read_csv(out / "cells.csv")) == pd.read_csv(out / "images.csv").n_cells.sum()
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    facts = dict(zip(page.text_of("dt"), page.text_of("dd", "time"), strict=True))
    wanted = {"Model": name, "min area px": "0"}
    wanted |= {key.replace("_", " "): in_words(value) for key, value in vars(settings).items()}
    assert facts | wanted == facts
    assert not facts.keys() & {"tta", "tile px", "method", "threshold"}
    assert "2 were done before" in coverslip(*command)[2]


def test_arguments_set_the_method_and_count_as_another_job(coverslip, data, tmp_path):
    command = ("segment", data / "images", "-o", tmp_path / "out", "--model", "egt")
    coverslip(*command)
    more = (*command, "--argument", "greedy=20", "--argument", "min_cell_px=30")
    status, _, err = coverslip(*more)
    assert status == 0 and "done before" not in err
    mask = segment_egt(to_grey(drawn()[0]), settings=EGTSettings(greedy=20, min_cell_px=30))
    assert (read_labels(tmp_path / "out" / "c3_labels.tif") > 0).sum() == mask.sum()
    assert "2 were done before" in coverslip(*more)[2]
    # Where nothing is computed in tiles, their size changes nothing.
    assert "2 were done before" in coverslip(*more, "--tile", 512)[2]
    assert "done before" not in coverslip(*command, "--argument", "max_hole_px=null")[2]


def test_score_on_the_command_line(coverslip, data, tmp_path):
    table, errors = tmp_path / "scores.csv", tmp_path / "errors"
    options = ("--argument", "epsilon=0.1", "-o", table, "--errors", errors)
    status, out, _ = coverslip("score", "phantast", data, *options)
    assert status == 0 and "jaccard" in out
    rows = pd.read_csv(table)
    for n, jaccard in zip((2, 3), rows.jaccard, strict=True):
        image, truth = drawn(n)
        mask = segment_phantast(to_grey(image), settings=PhantastSettings(epsilon=0.1))
        assert jaccard == pytest.approx((mask & truth).sum() / (mask | truth).sum())
    assert sorted(path.name for path in errors.glob("*.png")) == ["c2_errors.png", "c3_errors.png"]


def test_score_at_another_size_is_of_the_resized_image(coverslip, data, tmp_path):
    assert coverslip("score", "egt", data, "--size", 64, "-o", tmp_path / "scores.csv")[0] == 0
    image = resize_image(to_grey(drawn(2)[0]), (64, 64))
    row = pd.read_csv(tmp_path / "scores.csv").iloc[0]
    assert row.tp + row.fp == segment_egt(image, settings=EGTSettings()).sum()
    assert row.tp + row.fp + row.fn + row.tn == 64 * 64


def test_models_lists_them(coverslip):
    status, out, _ = coverslip("models")
    assert status == 0
    for name in METHODS:
        assert f"\n{name}: a method without learning" in out
    assert "sigma=1.4, epsilon=0.03" in out and "greedy=0.0, max_hole_px=null" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("segment IMAGES --model egt --tta d4", "leave --tta d4 out"),
        ("segment IMAGES --model egt --uncertainty", "leave --uncertainty out"),
        ("segment IMAGES --model phantast --threshold 0.3", "leave --threshold 0.3 out"),
        ("segment IMAGES --model phantast --argument epsilon", "wanted NAME=VALUE"),
        ("segment IMAGES --model phantast --argument epsilon=-1", "epsilon is -1; wanted"),
        ("segment IMAGES --model phantast --argument greedy=1", "has no setting 'greedy'"),
        ("segment IMAGES --model BRIGHT --argument epsilon=1", "takes no arguments (epsilon)"),
        ("segment IMAGES --model phantasm", "did you mean 'phantast'?"),
        ("score BRIGHT DATA --argument epsilon=1", "takes no arguments (epsilon)"),
        ("score egt DATA --tta paper", "leave --tta paper out"),
        ("train DATA --model egt", "'egt' is a method without learning and needs no training"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    coverslip, data, tmp_path, monkeypatch, words, message
):
    path = write_bright(tmp_path / "bright.safetensors", monkeypatch)
    places = {"IMAGES": data / "images", "DATA": data, "BRIGHT": path}
    out = tmp_path / "out"
    status, _, err = coverslip(*(places.get(word, word) for word in words.split()), "-o", out)
    assert status == 2 and message in err
    assert not out.exists()


def test_what_is_refused_is_an_error_that_a_user_can_mend():
    with pytest.raises(CoverslipError):
        load_job("egt", settings=ALL, arguments={"greedy": None})

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import coverslip
from coverslip.checkpoints import load_model
from coverslip.pipeline import SegmentSettings, segment, segment_files
from coverslip.pipeline.choose import choice_message, choose_model, mean_trials
from coverslip.pipeline.fit import Trial, misfit_message, misfit_reasons
from coverslip.pipeline.scale import busiest, sample_frames, sample_pieces, scale_messages
from coverslip.pipeline.sureness import JACCARD, SURENESS, fit_score, sum_sureness
from coverslip.preprocessing import stretch
from coverslip.value_range import is_noise

EXAMPLES = Path(__file__).parent.parent / "examples"
NOISES = {
    "white": lambda rng: rng.normal(100, 10, (96, 96)),
    "closed shutter": lambda rng: rng.integers(3, 6, (96, 96)),
    "few photons": lambda rng: rng.poisson(0.3, (96, 96)),
    "colour": lambda rng: rng.integers(0, 256, (96, 96, 3)),
    "nothing": lambda rng: np.zeros((96, 96)),
}


@pytest.fixture(scope="module")
def culture():
    """Nuclei in fluorescence, 512 x 512, of which a corner is enough."""
    return np.asarray(Image.open(EXAMPLES / "nuclei" / "fluorescence_culture.png"))[:256, :256]


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("kind", NOISES)
def test_noise_alone_is_noise_and_gives_no_cells(kind):
    image = NOISES[kind](rng()).astype(np.uint16 if kind != "colour" else np.uint8)
    said: list[str] = []
    found = segment(image, "nuclei", on_message=said.append)
    assert is_noise(image) and len(found.cells) == 0 and math.isnan(found.fit)
    assert said == ["shows nothing but noise, or nothing at all: no cells were looked for in it"]


def test_one_dim_cell_in_a_large_noisy_image_is_no_noise():
    image = rng().normal(0, 1, (512, 512))
    y, x = np.mgrid[:512, :512]
    image[(y - 200) ** 2 + (x - 300) ** 2 < 100] += 2.5
    assert not is_noise(image)
    assert not is_noise(rng().normal(0, 1, (16, 16))), "too small to say"


def test_the_score_of_fit_is_that_of_images_as_sure():
    assert sum_sureness(np.array([[0.2, 0.5, 0.6, 1.0]], np.float32)) == pytest.approx([1.6, 2])
    assert fit_score(np.array([0.9, 1.0])) == 0.8
    assert fit_score(np.array([99.0, 100.0])) == JACCARD[-1]
    assert math.isnan(fit_score(np.zeros(2)))
    assert list(SURENESS) == sorted(SURENESS) and list(JACCARD) == sorted(JACCARD)


def test_a_model_fits_what_it_learnt_and_not_what_it_never_saw(culture):
    assert segment(culture, "nuclei").fit > 0.8
    assert segment(culture, "phase").fit < 0.5


def test_auto_chooses_the_model_that_fits(culture, tmp_path):
    Image.fromarray(culture).save(tmp_path / "nuclei.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    trials = choose_model([tmp_path / "broken.png", tmp_path / "nuclei.png"])
    assert {trial.name for trial in trials} == set(coverslip.shipped_models())
    assert trials[0].name == "nuclei" and trials[-1].name == "phase"
    assert choice_message(trials).startswith(f"model {trials[0].name} fits ")
    with pytest.raises(coverslip.errors.FileError, match="none of the images"):
        choose_model([tmp_path / "broken.png"])


def test_the_mean_of_several_images_decides():
    one = [Trial("a", 0.9, 1.0), Trial("b", 0.5, 1.0)]
    other = [Trial("b", 0.8, 0.5), Trial("a", 0.1, 0.5)]
    assert [(t.name, t.score) for t in mean_trials([one, other])] == [("b", 0.65), ("a", 0.5)]


def test_of_a_film_too_the_model_made_for_one_kind_is_taken():
    frame = [Trial("general", 0.81, 1.0), Trial("phase", 0.77, 1.0), Trial("nuclei", 0.2, 1.0)]
    assert [t.name for t in mean_trials([frame, frame])] == ["phase", "general", "nuclei"]
    assert "fits as well, and is made for fewer kinds" in choice_message(mean_trials([frame]))
    clear = [Trial("general", 0.9, 1.0), Trial("phase", 0.77, 1.0)]
    assert mean_trials([clear])[0].name == "general"


def frames(**values) -> pd.DataFrame:
    usual = {"n_cells": 20, "confluence": 0.2, "median_area_px": 600.0, "fit": 0.9}
    return pd.DataFrame([{**usual, **values}])


def reasons(scale: float = 1.0, **values) -> list[str]:
    return misfit_reasons(frames(**values), load_model("nuclei"), SegmentSettings(scale=scale))


def test_what_says_that_a_model_does_not_fit():
    assert reasons() == []
    assert reasons(n_cells=0, fit=np.nan, median_area_px=np.nan) == ["no cell was found"]
    assert reasons(fit=0.3) == ["about 30 % of what it calls cell is likely to be right"]
    assert "limits of the search (2.5)" in reasons(scale=2.5)[0]
    assert reasons(n_cells=300, confluence=0.01)[0].startswith("it finds 300 specks")
    assert reasons(median_area_px=70.0)[0].endswith("smaller than those that the model has learnt")


def test_the_user_is_told_what_to_do():
    own = Trial("phase", 0.2, 1.0)
    better = misfit_message(["x"], name="phase", own=own, trials=[Trial("nuclei", 0.8, 1), own])
    assert better.endswith(
        "nuclei fits better (score of fit 0.80 against 0.20): try --model nuclei"
    )
    assert "has learnt such images" not in better
    of_ones_own = misfit_message(["x"], name="mine", own=own, trials=[Trial("nuclei", 0.8, 1), own])
    assert "If it has learnt such images" in of_ones_own and "--model nuclei" in of_ones_own
    none = misfit_message(["x"], name="phase", own=own, trials=[own, Trial("nuclei", 0.1, 1)])
    assert "--model general, --cell-size or --threshold" in none and "train one" in none
    limit = scale_messages(SegmentSettings(scale=0.125), load_model("nuclei"))
    assert "the limit of the search: they may be larger still" in limit[0]


def test_the_table_the_command_and_the_report_say_it(culture, tmp_path):
    Image.fromarray(culture).save(tmp_path / "nuclei.png")
    said: list[str] = []
    result = segment_files(
        [tmp_path / "nuclei.png"], tmp_path / "out", model="phase", on_note=said.append
    )
    (record,) = result.done.values()
    assert record.images["fit"][0] < 0.5
    assert "fit" in pd.read_csv(tmp_path / "out" / "images.csv")
    (words,) = [line for line in said if "does not seem to fit" in line]
    assert "fits better" in words
    assert "does not seem to fit" in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize("first", ["black", "shutter"])
def test_a_film_s_dark_first_frame_does_not_decide_its_scale(culture, tmp_path, first):
    big = np.kron(culture, np.ones((2, 2), np.uint8))
    dark = {"black": np.zeros_like(big), "shutter": rng().integers(3, 6, big.shape, np.uint8)}
    rows = {}
    for name, film in (("alone", [big]), ("film", [dark[first], big])):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, np.stack(film), imagej=True, metadata={"axes": "TYX"})
        result = segment_files([path], tmp_path / name, model="nuclei")
        rows[name] = result.done[path].images
    assert rows["film"]["n_cells"].tolist() == [0, *rows["alone"]["n_cells"]]
    assert rows["film"]["median_area_px"][1] == rows["alone"]["median_area_px"][0]


def test_frames_of_a_film_are_looked_at_from_first_to_last():
    assert sample_frames(1) == [0] and sample_frames(2) == [0, 1]
    assert sample_frames(101) == [0, 25, 50, 75, 100]


def test_pieces_of_several_frames_are_together_about_one_frame(culture):
    image = stretch(culture, low_percentile=1, high_percentile=99.8)
    noise = rng().normal(0, 1, (256, 256)).astype(np.float32)
    assert [piece.shape for piece in sample_pieces([noise, image])] == [(256, 256)]
    assert sum(piece.size for piece in sample_pieces([image] * 4)) == 256 * 256
    assert sample_pieces([noise]) == []
    corner = np.zeros((512, 512), np.float32)
    corner[256:, 256:] = image
    assert np.array_equal(busiest(corner, share=0.25), image)


def test_settings_that_are_given_are_not_looked_for(culture):
    fixed = replace(SegmentSettings(), scale=1.0)
    assert segment(culture, "general", settings=fixed).fit > 0.5

"""A tiny network is really trained here, on drawn discs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from coverslip.augment import AugmentSettings
from coverslip.checkpoint import load_checkpoint
from coverslip.data import SampleSettings
from coverslip.errors import ModelError, SettingsError, TrainingError
from coverslip.files import find_pairs
from coverslip.train import Plan, TrainSettings, fit, one_cycle, resume_plan, start_run
from coverslip.train.settings import dict_to_settings, settings_to_dict
from drawn import write_dataset

SMALL = TrainSettings(
    epochs=4,
    steps_per_epoch=2,
    batch=2,
    sample=SampleSettings(crop_px=32),
    augment=AugmentSettings(elastic_px=1),
    device="cpu",
)


class Killed(Exception):
    """Stands for a kill."""


@pytest.fixture
def pairs(tmp_path):
    return find_pairs(write_dataset(tmp_path / "set"))


@pytest.fixture
def plan(pairs):
    return Plan(SMALL, pairs[:4], pairs[4:])


def weights_of(path):
    return load_checkpoint(path).network.state_dict()


def test_it_learns(pairs, tmp_path):
    settings = replace(SMALL, epochs=6, steps_per_epoch=10, batch=4, lr=3e-3)
    plan = Plan(settings, pairs[:4], pairs[4:])
    start_run(tmp_path / "run", plan)
    best = fit(plan, tmp_path / "run")
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert history.train_loss.iloc[-1] < 0.6 * history.train_loss.iloc[0]
    assert history.val_jaccard.max() > 0.6
    card = load_checkpoint(best).card
    assert card["val_jaccard"] == pytest.approx(history.val_jaccard.max())
    assert card["epoch"] == history.val_jaccard.idxmax() + 1


def test_a_run_leaves_everything_that_was_promised(plan, tmp_path):
    run = tmp_path / "run"
    steps, rows = [], []
    start_run(run, plan)
    fit(plan, run, on_step=lambda *step: steps.append(step[:2]), on_epoch=rows.append)
    assert sorted(path.name for path in run.iterdir()) == [
        "best.safetensors", "curves.png", "history.csv", "samples", "settings.json",
        "state.safetensors",
    ]  # fmt: skip
    assert len(list((run / "samples").iterdir())) == 4
    assert steps == [(n, 8) for n in range(1, 9)]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    record = json.loads((run / "settings.json").read_text())
    assert record["val"] == ["d4"] and len(record["fingerprint"]) == 64
    assert record["settings"]["seed"] == 0 and "torch" in record["packages"]


@pytest.mark.parametrize("killed_at", [1, 4, 7])
def test_a_killed_run_goes_on_to_the_same_bits(plan, tmp_path, killed_at):
    start_run(tmp_path / "whole", plan)
    fit(plan, tmp_path / "whole")

    def kill(step: int, n_steps: int, loss: float) -> None:
        if step == killed_at:
            raise Killed

    run = tmp_path / "killed"
    start_run(run, plan)
    with pytest.raises(Killed):
        fit(plan, run, on_step=kill)
    fit(resume_plan(run, [*plan.train, *plan.val]), run)

    for name in ("best.safetensors", "state.safetensors"):
        assert (tmp_path / "whole" / name).exists()
    whole, resumed = (
        weights_of(tmp_path / "whole/best.safetensors"),
        weights_of(run / "best.safetensors"),
    )
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    history = [pd.read_csv(tmp_path / r / "history.csv") for r in ("whole", "killed")]
    pd.testing.assert_frame_equal(
        history[0].drop(columns="seconds"), history[1].drop(columns="seconds"), check_exact=True
    )


def test_another_seed_gives_another_network(plan, tmp_path):
    results = []
    for seed in (0, 1):
        other = replace(plan, settings=replace(SMALL, seed=seed, epochs=1))
        start_run(tmp_path / str(seed), other)
        results.append(weights_of(fit(other, tmp_path / str(seed))))
    assert not torch.equal(results[0]["head.bias"], results[1]["head.bias"])


def test_a_finished_run_is_not_trained_again(plan, tmp_path):
    run = tmp_path / "run"
    start_run(run, plan)
    fit(plan, run)
    steps = []
    fit(resume_plan(run, [*plan.train, *plan.val]), run, on_step=lambda *step: steps.append(step))
    assert steps == []


def test_it_stops_early_when_nothing_is_gained(plan, tmp_path):
    patient = replace(plan, settings=replace(SMALL, epochs=50, steps_per_epoch=1, patience=2, lr=0))
    start_run(tmp_path / "run", patient)
    fit(patient, tmp_path / "run")
    assert len(pd.read_csv(tmp_path / "run" / "history.csv")) < 10


def test_a_second_training_does_not_overwrite_the_first(plan, tmp_path):
    start_run(tmp_path / "run", plan)
    with pytest.raises(SettingsError, match="--resume continues it"):
        start_run(tmp_path / "run", plan)


def test_resuming_needs_the_same_data(plan, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(SettingsError, match="no training to resume"):
        resume_plan(run, plan.train)
    start_run(run, plan)
    with pytest.raises(SettingsError, match="not in the data given, such as d4"):
        resume_plan(run, plan.train)
    Image.fromarray(np.ones((48, 48), np.uint8)).save(plan.train[0].masks[0])
    with pytest.raises(SettingsError, match="have changed"):
        resume_plan(run, [*plan.train, *plan.val])


def test_a_loss_that_is_no_number_names_the_images(plan, tmp_path, monkeypatch):
    nan = torch.tensor(math.nan)
    monkeypatch.setattr("coverslip.train.loop.bce_dice_loss", lambda logits, truth: nan)
    start_run(tmp_path / "run", plan)
    with pytest.raises(TrainingError, match=r"nan at step 1, on .*d\d\.png.*--lr"):
        fit(plan, tmp_path / "run")


def test_encoder_weights_for_a_network_without_such_an_encoder(plan, tmp_path):
    wrong = replace(plan, settings=replace(SMALL, model="unet", encoder="imagenet"))
    with pytest.raises(SettingsError, match="'unet' has no encoder"):
        fit(wrong, tmp_path / "run")


def test_unknown_network(plan, tmp_path):
    with pytest.raises(ModelError, match="did you mean 'swift'"):
        fit(replace(plan, settings=replace(SMALL, model="swiff")), tmp_path / "run")


def test_settings_survive_json():
    settings = replace(SMALL, arguments={"widths": [8, 8, 8]}, sample=SampleSettings(size_px=64))
    assert dict_to_settings(json.loads(json.dumps(settings_to_dict(settings)))) == settings


def test_one_cycle_rises_to_its_peak_and_falls_to_almost_nothing():
    rates = [one_cycle(step, 100, peak=1.0) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 25)
    assert max(rates) == rates[25] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(1e-4)
    assert rates[:26] == sorted(rates[:26]) and rates[25:] == sorted(rates[25:], reverse=True)

"""A tiny network is really trained here, on drawn discs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.optim.optimizer import register_optimizer_step_pre_hook

from coverslip.checkpoints import load_checkpoint, read_tensors
from coverslip.errors import ModelError, SettingsError, TrainingError
from coverslip.io import Pair, find_pairs
from coverslip.training import (
    Plan,
    SampleSettings,
    TrainSettings,
    loop,
    one_cycle,
    resume_plan,
    start_run,
    train,
)
from coverslip.training.augment import AugmentSettings
from coverslip.training.loop import one_behind
from coverslip.training.losses import LOSSES
from coverslip.training.settings import dict_to_settings, settings_to_dict
from coverslip.training.step import Inputs, inputs_to_loss
from drawn import write_dataset

if TYPE_CHECKING:
    from pathlib import Path

SMALL = TrainSettings(
    epochs=3,
    steps_per_epoch=2,
    batch=2,
    clip_norm=0.01,  # shorter than any gradient here; Adam does not mind
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


@dataclass
class Whole:
    """A training that nothing stopped, and what was seen of it."""

    run: Path
    pairs: list[Pair]
    steps: list[tuple[int, int]] = field(default_factory=list)
    rows: list[dict[str, float]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)  # as the optimizer used them
    lengths: list[float] = field(default_factory=list)  # of the gradients it was given

    def see(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        (group,) = optimizer.param_groups
        gradients = [p.grad.flatten() for p in group["params"] if p.grad is not None]
        self.rates.append(group["lr"])
        self.lengths.append(float(torch.cat(gradients).norm()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    pairs = find_pairs(write_dataset(folder / "set"))
    seen = Whole(folder / "run", pairs)
    plan = Plan(SMALL, pairs[:4], pairs[4:])
    start_run(seen.run, plan)
    hook = register_optimizer_step_pre_hook(seen.see)
    train(
        plan,
        seen.run,
        on_step=lambda *step: seen.steps.append(step[:2]),
        on_epoch=seen.rows.append,
    )
    hook.remove()
    return seen


def weights_of(path):
    return load_checkpoint(path).network.state_dict()


def count_steps(run: Path, pairs: list[Pair]) -> int:
    """How many steps are done when the run is resumed."""
    steps = []
    train(resume_plan(run, pairs), run, on_step=lambda *step: steps.append(step))
    return len(steps)


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    return read_tensors(path)[0]


def test_it_learns(pairs, tmp_path):
    settings = replace(SMALL, epochs=3, steps_per_epoch=12, batch=4, lr=3e-3)
    plan = Plan(settings, pairs[:4], pairs[4:])
    start_run(tmp_path / "run", plan)
    best = train(plan, tmp_path / "run")
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert history.train_loss.iloc[-1] < 0.6 * history.train_loss.iloc[0]
    assert history.val_jaccard.max() > 0.6
    card = load_checkpoint(best).card
    assert card["val_jaccard"] == pytest.approx(history.val_jaccard.max())
    assert card["epoch"] == history.val_jaccard.idxmax() + 1


def test_a_run_leaves_everything_that_was_promised(whole):
    assert sorted(path.name for path in whole.run.iterdir()) == [
        "best.safetensors", "curves.png", "history.csv", "samples", "settings.json",
        "state.safetensors",
    ]  # fmt: skip
    assert len(list((whole.run / "samples").iterdir())) == 3
    assert whole.steps == [(n, 6) for n in range(1, 7)]
    assert [row["epoch"] for row in whole.rows] == [1, 2, 3]
    record = json.loads((whole.run / "settings.json").read_text())
    assert record["val"] == ["d4"] and len(record["fingerprint"]) == 64
    assert record["settings"]["seed"] == 0 and "torch" in record["packages"]


def test_the_optimizer_uses_the_rates_of_the_schedule(whole):
    assert whole.rates == [one_cycle(step, 6, peak=SMALL.lr) for step in range(6)]
    history = pd.read_csv(whole.run / "history.csv")
    assert history.lr.tolist() == pytest.approx(whole.rates[1::2], rel=1e-12)


def test_long_gradients_are_cut(whole):
    assert whole.lengths == pytest.approx([SMALL.clip_norm] * 6, rel=0.01)


@pytest.mark.parametrize(
    ("where", "call"),
    [("step", 3), ("write_progress", 2), ("save_state", 1), ("save_state", 2), ("epoch", 2)],
)
def test_a_killed_run_goes_on_to_the_same_bits(whole, plan, tmp_path, monkeypatch, where, call):
    calls = count(1)

    def kill(*_: object) -> None:
        if next(calls) == call:
            raise Killed

    run = tmp_path / "killed"
    start_run(run, plan)
    hooks = {f"on_{where}": kill} if where in ("step", "epoch") else {}
    with monkeypatch.context() as patch, pytest.raises(Killed):
        if not hooks:
            original = getattr(loop, where)
            patch.setattr(loop, where, lambda *given: (kill(), original(*given)))
        train(plan, run, **hooks)
    train(resume_plan(run, [*plan.train, *plan.val]), run)

    for name in ("best.safetensors", "state.safetensors"):
        expected, tensors = tensors_of(whole.run / name), tensors_of(run / name)
        assert expected.keys() == tensors.keys()
        assert all(torch.equal(expected[key], tensors[key]) for key in expected)
    history = [pd.read_csv(r / "history.csv").drop(columns="seconds") for r in (whole.run, run)]
    pd.testing.assert_frame_equal(*history, check_exact=True)


def test_another_seed_gives_another_network(plan, tmp_path):
    results = []
    for seed in (0, 1):
        other = replace(plan, settings=replace(SMALL, seed=seed, epochs=1))
        start_run(tmp_path / str(seed), other)
        results.append(weights_of(train(other, tmp_path / str(seed))))
    assert not torch.equal(results[0]["head.bias"], results[1]["head.bias"])


def test_a_finished_run_is_not_trained_again(whole):
    assert count_steps(whole.run, whole.pairs) == 0


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_best_model_that_was_damaged_is_not_handed_on(
    plan, tmp_path, monkeypatch, is_last, damage
):
    start_run(tmp_path / "run", plan)
    path = train(plan, tmp_path / "run")
    before = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(before[: len(before) // 2])
    if is_last:  # the state that is kept is that of the best epoch
        monkeypatch.setattr("coverslip.training.loop.epochs_since_best", lambda history: 0)
        said: list[str] = []
        again = resume_plan(path.parent, [*plan.train, *plan.val])
        assert train(again, path.parent, on_note=said.append) == path
        assert "written anew from the last epoch" in said[-1]
        load_checkpoint(path)
        return
    monkeypatch.setattr("coverslip.training.loop.epochs_since_best", lambda history: 1)
    with pytest.raises(ModelError, match=r"best\.safetensors: .* damaged or gone"):
        train(resume_plan(path.parent, [*plan.train, *plan.val]), path.parent)


def test_it_stops_early_when_nothing_is_gained(plan, tmp_path, monkeypatch):
    scores = iter([0.1, 0.5, 0.3, 0.5, 0.9, 0.9])  # 0.5 again is no gain
    picture = np.zeros((8, 8, 3), np.uint8)
    monkeypatch.setattr(
        loop,
        "validate",
        lambda *_, **__: ({"val_loss": 0.0, "val_jaccard": next(scores)}, picture),
    )
    run = tmp_path / "run"
    patient = replace(plan, settings=replace(SMALL, epochs=6, steps_per_epoch=1, patience=2))
    start_run(run, patient)
    best = train(patient, run)
    assert pd.read_csv(run / "history.csv").val_jaccard.tolist() == [0.1, 0.5, 0.3, 0.5]
    assert load_checkpoint(best).card["epoch"] == 2
    assert count_steps(run, [*plan.train, *plan.val]) == 0


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
    monkeypatch.setitem(LOSSES, "bce_dice", lambda logits, truth: nan * logits.sum())
    start_run(tmp_path / "run", plan)
    with pytest.raises(
        TrainingError, match=r"loss is no longer a number at step 1, on .*d\d\.png.*--lr"
    ):
        train(plan, tmp_path / "run")


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_can_be_trained_with(plan, tmp_path, loss):
    plan = replace(plan, settings=replace(plan.settings, loss=loss, epochs=1, steps_per_epoch=1))
    start_run(tmp_path / "run", plan)
    assert train(plan, tmp_path / "run").is_file()


def test_an_unknown_loss_is_refused():
    with pytest.raises(SettingsError, match="loss is 'dicee'; it must be one of bce, bce_dice"):
        TrainSettings(loss="dicee")


def test_a_network_with_auxiliary_outputs_has_its_own_loss():
    class Two(torch.nn.Module):
        def training_loss(self, inputs, masks, *, grey, criterion):
            return criterion(inputs, masks) + grey.mean()

    inputs = Inputs(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2), torch.full((1, 1, 2, 2), 3.0))
    loss = inputs_to_loss(Two(), inputs, criterion=lambda logits, masks: (masks - logits).sum())
    assert loss == 4 + 3


def test_each_step_is_handed_on_when_the_next_is_taken():
    taken = []

    def take():
        for number in range(3):
            taken.append(number)
            yield number

    assert [(step, len(taken)) for step in one_behind(take())] == [(0, 2), (1, 3), (2, 3)]


def test_a_batch_of_one_where_one_value_is_left(plan, tmp_path):
    one = replace(SMALL, batch=1, sample=SampleSettings(size_px=16, crop_px=None))
    with pytest.raises(SettingsError, match="cannot learn from a batch of 1 at 16 x 16"):
        start_run(tmp_path / "run", replace(plan, settings=one))


def test_encoder_weights_for_a_network_without_such_an_encoder(plan, tmp_path):
    wrong = replace(plan, settings=replace(SMALL, model="unet", encoder="imagenet"))
    with pytest.raises(SettingsError, match="'unet' has no encoder"):
        train(wrong, tmp_path / "run")


def test_unknown_network(plan, tmp_path):
    with pytest.raises(ModelError, match="did you mean 'swift'"):
        train(replace(plan, settings=replace(SMALL, model="swiff")), tmp_path / "run")


def test_settings_survive_json():
    settings = replace(SMALL, arguments={"widths": [8, 8, 8]}, sample=SampleSettings(size_px=64))
    assert dict_to_settings(json.loads(json.dumps(settings_to_dict(settings)))) == settings


def test_one_cycle_rises_to_its_peak_and_falls_to_almost_nothing():
    rates = [one_cycle(step, 100, peak=1.0) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 25)
    assert max(rates) == rates[25] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(1e-4)
    assert rates[:26] == sorted(rates[:26]) and rates[25:] == sorted(rates[25:], reverse=True)

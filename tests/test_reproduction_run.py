"""Tasks are really run here: tiny trainings, killed, diverging, out of time."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from coverslip.checkpoints import load_checkpoint
from coverslip.errors import DataError, FileError, SettingsError, TrainingError
from coverslip.evaluation import score_model
from coverslip.inference import PredictSettings
from coverslip.io import only_here
from coverslip.models.encoders import ResNet18Encoder
from coverslip.pipeline import SegmentSettings
from coverslip.preprocessing import Preprocess
from coverslip.reproduction import (
    BUDGETS,
    Budget,
    RunContext,
    Task,
    is_finished,
    open_dataset,
    run_queue,
)
from coverslip.reproduction import train_at_lr as learning
from coverslip.reproduction.cache_key import hash_data, make_cache_key
from coverslip.reproduction.queue import ending_as_interrupt, receive
from coverslip.reproduction.result_file import read_masks, read_run
from coverslip.reproduction.run_context import OutOfTime
from coverslip.reproduction.run_task import run_task
from coverslip.reproduction.score_sizes import score_at_both_sizes
from coverslip.reproduction.task import split_task
from coverslip.training import load_pair
from drawn import write_dataset

TINY = Budget("tiny", size_px=32, crop_px=32, batch=2, epochs=2, steps_per_epoch=2, images=4)


@pytest.fixture
def dataset(tmp_path):
    return open_dataset(write_dataset(tmp_path / "cells", n=9))


@pytest.fixture
def task(dataset):
    return Task(dataset, dataset.splits[0], "swift", TINY)


@pytest.fixture
def context(tmp_path):
    return RunContext(runs=tmp_path / "runs", device="cpu")


def ignore(text: str) -> None:
    pass


def run(task, context, on_message=ignore):
    return read_run(run_task(task, context, on_message=on_message))


def test_a_run_says_how_it_came_about(task, context, monkeypatch):
    monkeypatch.setattr(learning, "jaccard_of_all", lambda plan: -1.0)  # so short, anything goes
    done = run(task, context)
    assert done.id == "cells.fold0.tiny.swift"
    assert done.images == {"train": 3, "val": 1, "test": 3}
    assert (done.pretrained, done.parameters) == ("none", 3_219_105)
    assert [(a["lr"], a["outcome"]) for a in done.attempts] == [(1e-3, "converged")]
    assert [row["epoch"] for row in done.history] == [1, 2]
    assert done.settings["loss"] == "bce_dice" and done.settings["steps_per_epoch"] == 2
    assert done.peak_memory_mb is None or done.peak_memory_mb > 50
    assert done.provenance["packages"]["torch"]


def test_the_scores_are_those_of_the_kept_checkpoint(task, context):
    done = run(task, context)
    folder = context.runs / task.id
    assert sorted(path.name for path in folder.iterdir()) == ["best.safetensors"]
    model = load_checkpoint(folder / "best.safetensors")
    pairs = split_task(task).test
    for tta in ("none", "paper"):
        how = SegmentSettings(min_area_px=0, predict=PredictSettings(tta=tta, device="cpu"))
        table = score_model(model, pairs, settings=how, size_px=32)
        counts = done.counts(size="resized", tta=tta)
        for row in table.itertuples():
            # kept as float16: a pixel at the threshold may fall on the other side
            assert abs(row.tp - counts[row.name].tp) + abs(row.fp - counts[row.name].fp) <= 4


def test_masks_and_counts_are_of_the_same_prediction(task, context):
    done = run(task, context)
    masks = read_masks(context.runs / f"{task.id}.npz")
    for pair in split_task(task).test:
        _, truth = load_pair(pair, Preprocess(), size_px=32)
        counts = done.counts(size="resized", tta="paper")[pair.name]
        assert counts.tp == np.count_nonzero(masks[pair.name] & truth)
        assert counts.fp == np.count_nonzero(masks[pair.name] & ~truth)


class Bright(torch.nn.Module):
    """Cell is what is bright: knows the answer at any size."""

    stride = 1

    def forward(self, x):
        return 100 * x[:, :1]


def test_native_scores_are_of_the_images_own_size(dataset, task, context):
    model = replace(load_checkpoint(kept(task, context)), network=Bright())
    pair = dataset.splits[0].test[0]
    scores, masks = score_at_both_sizes(model, [pair], size_px=24, ttas=["none"], device="cpu")
    assert sum(scores["resized"]["none"][pair.name]) == 24 * 24
    assert sum(scores["native"]["none"][pair.name]) == 48 * 48
    assert masks[pair.name].shape == (24, 24)


def kept(task, context):
    run_task(task, context, on_message=ignore)
    return context.runs / task.id / "best.safetensors"


def test_what_is_done_is_not_done_again(task, context):
    path = run_task(task, context, on_message=ignore)
    before = path.stat().st_mtime_ns
    notes = []
    outcome = run_queue([task], context, on_message=notes.append)
    assert outcome.done == [task.id] and notes == []
    assert path.stat().st_mtime_ns == before


def test_out_of_time_costs_nothing(task, context, tmp_path):
    whole = run(task, context)
    late = replace(context, runs=tmp_path / "late")
    with pytest.raises(OutOfTime):
        run_task(task, stop_after(late, epochs=1), on_message=ignore)
    assert not is_finished(task, late)
    resumed = run(task, late)
    assert resumed.scores == whole.scores
    same = ("epoch", "train_loss", "val_jaccard")
    assert [[row[k] for k in same] for row in resumed.history] == [
        [row[k] for k in same] for row in whole.history
    ]


def stop_after(context, *, epochs):
    """RunContext whose time is over when so many epochs are done; two looks go before the first."""
    calls = []
    epochs += 1

    class Stopping(RunContext):
        def check_time(self, *, needed_s=0.0):
            calls.append(needed_s)
            if len(calls) > epochs:
                raise OutOfTime

    return Stopping(runs=context.runs, weights=context.weights, device="cpu")


def test_a_deadline_looks_ahead():
    RunContext(runs=None, deadline=None).check_time(needed_s=1e9)
    soon = RunContext(runs=None, deadline=time.time() + 100)
    soon.check_time(needed_s=50)
    with pytest.raises(OutOfTime):
        soon.check_time(needed_s=150)


def test_what_diverges_gets_the_next_lower_rate(task, context, monkeypatch):
    fit = learning.fit

    def picky(plan, run, **calls):
        if plan.settings.lr > 2e-4:
            raise TrainingError("the loss is no longer a number at step 1")
        return fit(plan, run, **calls)

    monkeypatch.setattr(learning, "fit", picky)
    monkeypatch.setattr(learning, "jaccard_of_all", lambda plan: -1.0)
    notes = []
    done = run(task, context, on_message=notes.append)
    assert [(a["lr"], a["outcome"]) for a in done.attempts] == [
        (1e-3, "diverged"),
        (3e-4, "diverged"),
        (1e-4, "converged"),
    ]
    assert done.settings["lr"] == 1e-4
    assert len(notes) == 2 and "0.001: the loss is no longer a number" in notes[0]


def test_what_diverges_at_every_rate_is_a_result_too(task, context, monkeypatch):
    tries = []

    def never(plan, run, **calls):
        tries.append(plan.settings.lr)
        raise TrainingError("the loss is no longer a number at step 1")

    monkeypatch.setattr(learning, "fit", never)
    done = run(task, context)
    assert tries == [1e-3, 3e-4, 1e-4]
    assert done.diverged and [a["outcome"] for a in done.attempts] == ["diverged"] * 3
    assert done.scores == {} and done.counts(size="resized", tta="none") == {}
    assert run_queue([task], context).done == [task.id]


def test_calling_everything_cell_is_not_learning(task, context, monkeypatch):
    monkeypatch.setattr(learning, "jaccard_of_all", lambda plan: 1.0)
    done = run(task, context)
    assert done.diverged
    assert "calling every pixel cell" in done.attempts[-1]["reason"]


def test_the_trivial_jaccard_is_the_share_of_cell(task):
    parts = split_task(task)
    settings = learning.task_to_settings(task, lr=1e-3, device="cpu")
    plan = learning.Plan(settings, parts.train, parts.val)
    _, mask = load_pair(parts.val[0], Preprocess(), size_px=32)
    assert learning.jaccard_of_all(plan) == pytest.approx(mask.sum() / 32**2)


def test_weights_that_cannot_be_had_are_told_of(dataset, context, tmp_path):
    task = Task(dataset, dataset.splits[0], "resnet18_unet_rp", TINY)
    notes = []
    parts = split_task(task)
    with_weights = replace(context, weights=str(tmp_path))
    plan = learning.start_or_resume(
        task, parts, with_weights, lr=1e-3, run=tmp_path / "run", on_message=notes.append
    )
    assert plan.settings.encoder == "none" and learning.name_pretrained(plan.settings) == "none"
    assert "starts without ImageNet weights" in notes[0]


@pytest.mark.parametrize("system", ["egt", "phantast_tuned"])
def test_methods_without_learning_go_the_same_way(dataset, context, system):
    done = run(Task(dataset, dataset.splits[0], system, TINY), context)
    assert (done.pretrained, done.parameters, done.gflop) == ("no learning", None, None)
    assert done.attempts == done.history == []
    assert set(done.scores["resized"]) == {"none"}
    assert len(done.scores["native"]["none"]) == 3


def test_the_queue_outlives_a_task_that_fails(dataset, context):
    broken = dataset.splits[1].test[0].image
    tasks = [Task(dataset, split, "egt", BUDGETS["trial"]) for split in dataset.splits[:2]]
    broken.write_bytes(b"no image")
    notes = []
    outcome = run_queue(tasks, context, jobs=2, on_message=notes.append)
    # the broken image is reported on in fold 1, and learnt from (but not read) in fold 0
    assert outcome.done == [tasks[0].id]
    assert str(broken) in outcome.failed[tasks[1].id]
    again = run_queue(tasks, context, on_message=notes.append)
    assert again.done == [tasks[0].id] and list(again.failed) == [tasks[1].id]


def test_no_time_leaves_all_waiting(task, context):
    over = replace(context, deadline=time.time() - 1)
    assert run_queue([task], over).waiting == [task.id]


def test_a_process_that_dies_is_told_of():
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=os._exit, args=(3,))
    process.start()
    there.close()
    message = receive(here, process)
    assert message == ("failed", "its process ended with exit code 3")


def test_the_json_holds_no_folder(task, context):
    text = run_task(task, context, on_message=ignore).read_text()
    assert str(context.runs.parent) not in text
    assert json.loads(text)["format"] == "coverslip-run-1"


def test_masks_missing_is_an_error_that_names_the_file(task, context):
    with pytest.raises(FileError, match="npz"):
        read_masks(context.runs / f"{task.id}.npz")


# --- stopped, at the worst of moments


@pytest.mark.parametrize("where", ["score_at_both_sizes", "write_masks", "write_run"])
def test_stopped_after_training_the_same_network_is_scored(task, context, monkeypatch, where):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(learning, "jaccard_of_all", lambda plan: -1.0)
    with monkeypatch.context() as patch:
        patch.setattr(f"coverslip.reproduction.run_task.{where}", stop)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                run_task(task, context, on_message=ignore)
    monkeypatch.setattr(learning, "fit", None)  # nothing is trained again
    done = run(task, context)
    assert [attempt["lr"] for attempt in done.attempts] == [1e-3]


def test_stopped_between_two_rates_the_next_is_tried(task, context, monkeypatch):
    def diverge(plan, run, **calls):
        raise TrainingError("the loss is no longer a number")

    def stop(text):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(learning, "fit", diverge)
        with pytest.raises(KeyboardInterrupt):
            run_task(task, context, on_message=stop)
    monkeypatch.setattr(learning, "jaccard_of_all", lambda plan: -1.0)
    assert [attempt["lr"] for attempt in run(task, context).attempts] == [1e-3, 3e-4]


def test_weights_that_are_gone_when_the_training_goes_on(dataset, context, tmp_path):
    weights = tmp_path / "resnet18-made.safetensors"
    save_file(ResNet18Encoder(n_stages=3).state_dict(), weights)
    task = Task(dataset, dataset.splits[0], "resnet18_unet_rp", TINY)
    with pytest.raises(OutOfTime):
        run_task(
            task, stop_after(replace(context, weights=str(tmp_path)), epochs=1), on_message=ignore
        )
    weights.unlink()
    done = run(task, replace(context, weights=str(tmp_path)))
    assert done.pretrained == "ImageNet, not layer4"
    assert done.settings["encoder"] == "resnet18-made.safetensors"


def test_a_device_that_is_gone_when_the_training_goes_on(task, context):
    parts, run_folder = split_task(task), context.runs / task.id / "lr_0.001"
    learning.start_or_resume(task, parts, context, lr=1e-3, run=run_folder, on_message=ignore)
    text = (run_folder / "settings.json").read_text()
    (run_folder / "settings.json").write_text(text.replace('"device": "cpu"', '"device": "cuda"'))
    plan = learning.start_or_resume(
        task, parts, context, lr=1e-3, run=run_folder, on_message=ignore
    )
    assert plan.settings.device == "cpu"


# --- the same name for another question


def test_other_images_are_another_question(dataset, task, context):
    run_task(task, context, on_message=ignore)
    image = dataset.splits[0].test[0].image
    image.write_bytes(dataset.splits[0].test[1].image.read_bytes())
    hash_data.cache_clear()
    with pytest.raises(SettingsError, match=r"swift\.json: made of other images .* Delete it"):
        run_queue([task], context)


@pytest.mark.parametrize(
    "change",
    [
        {"budget": replace(TINY, epochs=3)},
        {"budget": replace(TINY, crop_px=None)},
    ],
)
def test_another_budget_of_the_same_name_is_another_question(task, context, change):
    with pytest.raises(OutOfTime):
        run_task(task, stop_after(context, epochs=1), on_message=ignore)
    with pytest.raises(SettingsError, match=r"made with \{'budget'"):
        run_task(replace(task, **change), context, on_message=ignore)


def test_pre_training_is_another_question_for_a_network_that_has_it(dataset, context, tmp_path):
    with_weights = replace(context, weights=str(tmp_path))
    requests = {
        key: [
            make_cache_key(Task(dataset, dataset.splits[0], key, TINY), m)
            for m in (context, with_weights)
        ]
        for key in ("unet", "resnet18_unet_rp")
    }
    assert requests["unet"][0] == requests["unet"][1]
    assert requests["resnet18_unet_rp"][0] != requests["resnet18_unet_rp"][1]


def test_a_damaged_result_is_told_of_before_anything_is_run(task, context):
    run_task(task, context, on_message=ignore).write_text("{")
    with pytest.raises(DataError, match=r"swift\.json: no JSON"):
        run_queue([task], context)


# --- one at a time


def test_two_at_work_in_one_folder_are_refused(task, context):
    with (
        only_here(context.runs),
        pytest.raises(SettingsError, match="another coverslip reproduce is at work here"),
    ):
        run_queue([task], context)


def test_a_request_to_end_is_taken_as_an_interrupt():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), ending_as_interrupt():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_process_whose_parent_is_gone_stops(monkeypatch):
    class Gone:
        def is_alive(self):
            return False

    monkeypatch.setattr(multiprocessing, "parent_process", Gone)
    with pytest.raises(OutOfTime):
        RunContext(runs=None).check_time()

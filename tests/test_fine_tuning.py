"""Fine-tuning without options: what is chosen by the images, held out, compared and kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import coverslip as cs
from coverslip.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from coverslip.errors import DataError
from coverslip.io import Reading, find_pairs, read_rectangles, rectangles_file
from coverslip.metrics import count_cells, mean_average_precision
from coverslip.models import MODELS
from coverslip.training import (
    Choice,
    Comparison,
    PairDataset,
    Plan,
    SampleSettings,
    StopTraining,
    TrainSettings,
    Watch,
    fit_to_images,
    loop,
    settings_from,
    start_run,
    train,
)
from coverslip.training.bootstrap import mean_ap, middle_of, resample_ap
from coverslip.training.effort import count_epochs, fit_to_time
from coverslip.training.held_out import divide
from coverslip.training.validation import CellHits, find_hits, picture_errors
from drawn import write_dataset
from tiny import Tiny

WHOLE = (slice(0, 40), slice(0, 60))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", Tiny)
    monkeypatch.setattr("coverslip.training.validation.curves", lambda table: b"")


@pytest.fixture
def pairs(tmp_path):
    return find_pairs(write_dataset(tmp_path / "set"))


@pytest.fixture
def start(tmp_path):
    """A model that knows cells of 11 px in channel 1."""
    torch.manual_seed(0)
    card = {"cell_size_px": 11.0, "channel": 1}
    maps = ("mask", "distance")
    network = Tiny(out_channels=2)
    path = tmp_path / "start.safetensors"
    arguments = {"out_channels": 2}
    save_checkpoint(
        path, Checkpoint(network, model="tiny", arguments=arguments, maps=maps, card=card)
    )
    return path


def settings(start, **more):
    sample = SampleSettings(crop_px=16, cell_size_px=11.0, held_out=0.2)
    asked = TrainSettings(epochs=2, steps_per_epoch=1, batch=2, sample=sample, device="cpu", **more)
    return settings_from(str(start), asked)


def test_the_parts_of_an_image_are_whole_and_apart():
    cells = np.ones((40, 60), np.int32)
    for seed in range(8):
        seen = np.zeros((40, 60), int)
        for window in divide(cells, WHOLE, share=0.2, seed=(0, seed)):
            seen[window] += 1
        assert (seen == 1).all()
        assert np.isclose(cells[divide(cells, WHOLE, share=0.2, seed=(0, seed))[1]].mean(), 1)


def test_the_part_that_validates_has_its_share_of_the_cells():
    cells = np.zeros((40, 60), np.int32)
    cells[:, :15] = 1  # at the left alone: the strips above and below have a fifth of them
    for seed in range(8):
        _, validate = divide(cells, WHOLE, share=0.2, seed=(0, seed))
        assert (cells[validate] > 0).sum() / cells.sum() == pytest.approx(0.2)


def test_both_data_sets_cut_the_same_image_at_the_same_line(pairs):
    parts = {
        part: PairDataset(
            pairs,
            preprocess=cs.Preprocess(),
            settings=SampleSettings(held_out=0.25, part=part),
        )
        for part in ("learn", "validate")
    }
    for n in range(len(pairs)):
        sizes = {part: data.whole(n).labels.size for part, data in parts.items()}
        assert sizes == {"learn": 48 * 36, "validate": 48 * 12}


def test_outside_of_finished_rectangles_nothing_is_learnt(pairs):
    file = rectangles_file(pairs[0])
    file.write_text(json.dumps({"rectangles": [[4, 4, 20, 24], [30, 10, 40, 20]]}))
    assert find_pairs(file.parent.parent) == pairs  # it is no annotation by itself
    data = PairDataset(pairs, preprocess=cs.Preprocess(), settings=SampleSettings())
    whole, other = data.whole(0), data.whole(1)
    assert whole.labels.shape == (36, 20)  # their bounding box
    assert (~whole.ignored).sum() == 16 * 20 + 10 * 10
    assert (whole.maps[-1] > 0).tolist() == (~whole.ignored).tolist()  # weights of the loss
    assert len(other.maps) == len(whole.maps)
    assert (other.maps[-1] > 0).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not readable"),
        ('{"rectangles": [[1, 2, 3]]}', "not readable"),
        ('{"rectangles": []}', "no rectangle"),
        ('{"rectangles": [[0, 0, 90, 9]]}', "does not lie in the image"),
    ],
)
def test_rectangles_that_cannot_be(pairs, text, said):
    rectangles_file(pairs[0]).write_text(text)
    with pytest.raises(DataError, match=said):
        PairDataset(pairs, preprocess=cs.Preprocess(), settings=SampleSettings()).whole(0)


def test_without_a_file_the_whole_image_is_annotated(pairs):
    assert read_rectangles(pairs[0]) is None


def test_what_follows_from_the_number_of_images_and_the_size_of_cells():
    few = fit_to_images(TrainSettings(), 5, cell_size_px=32, choice=Choice())
    many = fit_to_images(TrainSettings(), 40, cell_size_px=60, choice=Choice())
    assert few.epochs * few.steps_per_epoch == 800
    assert (few.sample.cell_size_px, few.sample.crop_px, few.sample.held_out) == (32, 160, 0.2)
    assert many.epochs * many.steps_per_epoch == 2200
    assert (many.sample.cell_size_px, many.sample.crop_px, many.sample.held_out) == (60, 256, 0)


def test_what_the_user_says_stays():
    asked = TrainSettings(epochs=3, batch=2, sample=SampleSettings(crop_px=64, cell_size_px=20))
    said = Choice(False, False, False, False, False, False)
    assert fit_to_images(asked, 5, cell_size_px=32, choice=said) == asked


def test_validation_costs_a_fifth_of_the_time_at_the_most():
    for look in (1, 5, 10, 12):
        epochs = count_epochs(400, look)
        cost = (epochs + 3) * look
        assert cost <= 0.2 * (400 + cost)


def test_minutes_bound_the_steps(pairs, start, monkeypatch):
    monkeypatch.setattr("coverslip.training.effort.time_step", lambda plan: 0.5)
    fitted = fit_to_images(settings(start), 5, cell_size_px=11, choice=Choice(crop=False))
    plan, seconds = fit_to_time(Plan(fitted, pairs, pairs), minutes=1)
    assert plan.settings.epochs * plan.settings.steps_per_epoch <= 90
    assert 30 < seconds < 60
    plan, seconds = fit_to_time(Plan(fitted, pairs, pairs), minutes=None)
    assert plan.settings.epochs * plan.settings.steps_per_epoch >= 800
    assert seconds > 400


def test_the_channel_that_a_model_has_learnt_is_learnt_from(start):
    assert settings(start).reading == Reading(learnt=1)
    assert settings(start, reading=Reading(channel=2)).reading == Reading(channel=2)


def test_a_model_that_is_not_better_is_not_kept(pairs, start, tmp_path, monkeypatch):
    scores = iter([0.5, 0.4, 0.3])
    seen = loop.validate

    def validate(*args, **options):
        return seen(*args, **options)[0] | {"val_ap": next(scores)}, np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr(loop, "validate", validate)
    plan = Plan(settings(start), pairs, pairs)
    start_run(tmp_path / "run", plan)
    best = load_checkpoint(train(plan, tmp_path / "run"))
    assert best.card["epoch"] == 0
    assert best.card["val_ap"] == 0.5
    old = load_checkpoint(start).network.state_dict()
    assert all(torch.equal(v, old[k]) for k, v in best.network.state_dict().items())


def test_a_better_model_is_kept(pairs, start, tmp_path, monkeypatch):
    scores = iter([0.5, 0.6, 0.55])
    seen = loop.validate

    def validate(*args, **options):
        return seen(*args, **options)[0] | {"val_ap": next(scores)}, np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr(loop, "validate", validate)
    plan = Plan(settings(start), pairs, pairs)
    start_run(tmp_path / "run", plan)
    assert load_checkpoint(train(plan, tmp_path / "run")).card["epoch"] == 1


def test_a_stop_keeps_the_best_so_far(pairs, start, tmp_path):
    asked, rows = [], []
    plan = Plan(replace(settings(start), epochs=9), pairs, pairs)
    start_run(tmp_path / "run", plan)

    def on_step(step, n_steps, loss):
        asked.append((step, n_steps))
        if step == 3:
            raise StopTraining

    train(plan, tmp_path / "run", on_step=on_step, on_epoch=rows.append)
    assert len(rows) < 9
    assert max(asked) == (3, 9)
    assert load_checkpoint(tmp_path / "run" / "best.safetensors").maps == ("mask", "distance")


def test_progress_tells_the_time_left_and_minutes_end_it(monkeypatch):
    clock = iter([10.0 + step for step in range(100)])
    monkeypatch.setattr("coverslip.training.fine_tuning.time.monotonic", lambda: next(clock))
    seen = []
    watch = Watch(10.0, 100.0, 0.5, lambda *one: seen.append(one[:3]), lambda: False)
    with pytest.raises(StopTraining):
        for step in range(1, 101):
            watch.on_step(step, 100, 0.1)
    assert seen[0] == (1, 100, 99.0)  # as planned
    assert seen[19] == (20, 100, pytest.approx(80, rel=0.06))  # a second a step
    assert len(seen) == 30  # 95 % of half a minute are over


def test_fine_tuning_goes_through(pairs, start, tmp_path, monkeypatch):
    monkeypatch.setattr("coverslip.training.effort.LEAST_STEPS", 3)
    monkeypatch.setattr("coverslip.training.effort.STEPS_PER_IMAGE", 0)
    seen = []
    tuned = cs.fine_tune(
        pairs, tmp_path / "run", start=str(start), on_progress=lambda *one: seen.append(one)
    )
    assert [one[0] for one in seen] == [1, 2, 3]
    assert tuned.comparison.table["name"].tolist() == [pair.name for pair in pairs]
    before, after = tuned.comparison.means()
    assert after > before if tuned.improved else after == before
    assert tuned.command.startswith("coverslip segment IMAGES -o OUT --model ")
    assert (tmp_path / "run" / "before_after.csv").exists()
    assert (tmp_path / "run" / "samples" / "before_after.png").exists()


def test_the_command_needs_no_option(coverslip, start, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr("coverslip.training.effort.LEAST_STEPS", 3)
    monkeypatch.setattr("coverslip.training.effort.STEPS_PER_IMAGE", 0)
    run = tmp_path / "run"
    said = coverslip("train", tmp_path / "set", "-o", run, "--from", start)
    assert (said.status, said.out) == (0, f"{run / 'best.safetensors'}\n")
    assert "5 images: less than a minute" in said.err
    assert "20% of each, along one side, is held out to validate" in said.err
    assert "before and after on the held-out parts of your images" in said.err
    assert "use it: coverslip segment IMAGES -o OUT --model" in said.err
    record = json.loads((run / "settings.json").read_text())
    assert record["train"] == record["val"] == [pair.name for pair in pairs]
    assert record["settings"]["sample"]["cell_size_px"] == 11.0
    assert load_checkpoint(run / "best.safetensors").channel == 1


def test_a_comparison_says_how_sure_it_is():
    table = pd.DataFrame({"ap_before": [0.1, 0.2, 0.3], "ap_after": [0.4, 0.4, 0.9]})
    low, high = Comparison(table, "ap").interval()
    assert 0.2 <= low < (0.3 + 0.2 + 0.6) / 3 < high <= 0.6 + 1e-9
    assert Comparison(table[:2], "ap").interval() is None


def hits_of(found, wrong=0):
    """Cells that are found or not, at both of two thresholds, and so many that are none."""
    true = np.repeat(np.array(found, bool)[:, None], 2, axis=1)
    pred = np.concatenate([true[true[:, 0]], np.zeros((wrong, 2), bool)])
    return CellHits(true, pred)


def test_resampled_cells_say_how_sure_a_score_is():
    half = hits_of([1, 0] * 50)
    draws = resample_ap([half], [half])
    assert (draws[:, 0] == draws[:, 1]).all()  # the same cells are drawn before and after
    # A share of 100 cells of which half are found: binomial, of deviation 5 %.
    assert draws[:, 0].mean() == pytest.approx(0.5, abs=0.01)
    assert draws[:, 0].std() == pytest.approx(0.05, abs=0.005)
    few = resample_ap([hits_of([1, 0] * 8)], [hits_of([1, 1] * 8)])
    low, high = middle_of(few[:, 0])
    assert high - low > 0.35 and (few[:, 1] == 1).all()
    assert resample_ap([hits_of([1] * 9)], [hits_of([1] * 9)]) is None


def test_cells_that_are_none_count_and_images_are_drawn_where_there_are_three():
    every = hits_of([1] * 30, wrong=30)
    assert resample_ap([every], [every]).mean() == pytest.approx(0.5, abs=0.01)
    good, bad = hits_of([1] * 30), hits_of([0] * 30)
    three = resample_ap([good, good, bad], [good, good, good])[:, 0]
    shares, counts = np.unique(three.round(6), return_counts=True)
    assert shares.tolist() == [0, 0.333333, 0.666667, 1]  # 0 to 3 good ones of three
    assert counts / len(three) == pytest.approx([1 / 27, 6 / 27, 12 / 27, 8 / 27], abs=0.04)
    assert (resample_ap([good, bad], [good, bad])[:, 0] == 0.5).all()


def test_hits_add_up_to_the_counts_of_cells():
    truth = np.zeros((20, 60), np.int32)
    truth[5:15, 5:15], truth[5:15, 15:25], truth[5:15, 35:55] = 1, 2, 3
    pred = np.zeros_like(truth)
    pred[5:14, 5:15], pred[5:15, 35:45], pred[0:3, 0:3] = 7, 8, 9
    hits, counts = find_hits(truth, pred), count_cells(truth, pred)
    assert tuple(hits.true.sum(axis=0)) == tuple(hits.pred.sum(axis=0)) == counts.tp
    one = np.ones((1, 3), int)
    assert mean_ap(hits, one, one)[0] == pytest.approx(mean_average_precision(counts))


def test_merged_and_split_cells_are_seen_in_the_picture():
    from coverslip.figures import MERGED, SPLIT

    truth = np.zeros((20, 60), np.int32)
    truth[5:15, 5:15], truth[5:15, 15:25], truth[5:15, 35:55] = 1, 2, 3
    pred = np.zeros_like(truth)
    pred[5:15, 5:25], pred[5:15, 35:45], pred[5:15, 45:55] = 1, 2, 3
    picture = picture_errors(np.zeros(truth.shape, np.float32), truth, pred)
    assert picture[10, 14].tolist() == list(MERGED)
    assert picture[10, 44].tolist() == list(SPLIT)
    right = picture_errors(np.zeros(truth.shape, np.float32), truth, truth)
    assert not right.any()

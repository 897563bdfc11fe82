from __future__ import annotations

import re
from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from coverslip.checkpoints import Checkpoint, load_model, save_checkpoint
from coverslip.inference import PredictSettings, predict
from coverslip.io import find_pairs
from coverslip.metrics import count_pixels
from coverslip.models import MODELS
from coverslip.preprocessing import Preprocess, normalise
from coverslip.reproduction import SYSTEMS, DataSet, Split
from coverslip.reproduction.figures import make_figures, save_figure
from coverslip.reproduction.figures.figure1 import figure1, read_cells
from coverslip.reproduction.figures.figure3 import predict_views
from coverslip.reproduction.figures.figure7 import figure7
from coverslip.reproduction.figures.make import draw_contrast, draw_grid, draw_tta, grid_stems
from coverslip.reproduction.figures.pick_images import at_quantiles, median, pick_images
from coverslip.reproduction.result_file import read_runs, write_masks, write_run
from coverslip.reproduction.systems import RP
from coverslip.training import load_pair
from handmade_run import CLASSICAL, make_run
from printed import pictures, texts

if TYPE_CHECKING:
    from pathlib import Path

SIZE_PX = 32
N_IMAGES = 5


@pytest.fixture
def dataset(tmp_path: Path) -> DataSet:
    """Five images: in image i, i + 1 cells of 4 x 4 pixels."""
    folder = tmp_path / "bowl"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(N_IMAGES):
        labels = np.zeros((SIZE_PX, SIZE_PX), dtype=np.uint8)
        for cell in range(i + 1):
            labels[2 + 6 * (cell // 4) :, 2 + 6 * (cell % 4) :][:4, :4] = cell + 1
        image = np.where(labels > 0, 200, 30) + rng.integers(0, 20, labels.shape)
        Image.fromarray(labels).save(folder / "labels" / f"i{i}.png")
        Image.fromarray(image.astype(np.uint8)).save(folder / "images" / f"i{i}.png")
    pairs = find_pairs(folder)
    modality = {pair.name: "stained-colour" if pair.name > "i3" else "dark" for pair in pairs}
    splits = tuple(Split(f"seed{n}", n, pairs, pairs, [""] * N_IMAGES) for n in range(2))
    return DataSet("dsb2018", "DSB2018", SIZE_PX, splits, modality)


def run_system(
    system: str,
    dataset: DataSet,
    runs: Path,
    *,
    shift: int = 0,
    split: str = "seed0",
    with_masks: bool = True,
    diverged: bool = False,
) -> str:
    """Write a run whose masks are the truth moved down, the more the later the image."""
    masks, counts = {}, {}
    for i, pair in enumerate(dataset.splits[0].test):
        _, truth = load_pair(pair, Preprocess(), size_px=SIZE_PX)
        masks[pair.name] = np.roll(truth, min(i, shift), axis=0)
        counts[pair.name] = list(astuple(count_pixels(truth, masks[pair.name])))
    outcome = "diverged" if diverged else "converged"
    run = make_run(
        system,
        {},
        split=split,
        attempts=[] if system in CLASSICAL else [{"lr": 1, "outcome": outcome, "reason": ""}],
        scores={"resized": {"none": counts, "paper": counts}},
    )
    run.budget["size_px"] = SIZE_PX
    write_run(runs / f"{run.id}.json", run)
    if with_masks:
        write_masks(runs / f"{run.id}.npz", masks)
    return run.id


def draw(dataset: DataSet, runs: Path, notes: list[str] | None = None):
    """Figure 5 from what lies in a folder."""
    found = read_runs(runs, on_skipped=pytest.fail)
    on_message = pytest.fail if notes is None else notes.append
    return draw_grid(dataset, found, runs, stem="figure5", on_message=on_message)


# shown: which images


def test_quantiles_are_ranks_that_nobody_can_bend():
    values = {f"i{n:02}": n / 100 for n in range(21)}
    assert [one.name for one in at_quantiles(values, of="x")] == ["i02", "i10", "i18"]
    assert [one.why for one in at_quantiles(values, of="x")] == [
        "10 % quantile of x",
        "50 % quantile of x",
        "90 % quantile of x",
    ]
    assert [one.name for one in at_quantiles({"b": 1.0, "a": 1.0}, of="x")] == ["a", "b"]
    assert [one.name for one in at_quantiles({"a": 1.0}, of="x")] == ["a"]


def test_the_order_of_the_names_changes_nothing():
    values = {"a": 0.5, "b": 0.1, "c": 0.9}
    assert at_quantiles(values, of="x") == at_quantiles(dict(reversed(values.items())), of="x")
    assert median(values) == "a"


def test_every_modality_shows_its_median_the_most_frequent_first():
    values = {"a": 0.1, "b": 0.2, "c": 0.9, "d": 0.5}
    shown, rule = pick_images(values, {"a": "x-y", "b": "w", "c": "w", "d": "w"}, of="x")
    assert [(one.name, one.why) for one in shown] == [
        ("d", "w, median of 3"),
        ("a", "x y, median of 1"),
    ]
    assert "modality" in rule
    shown, rule = pick_images(values, {}, of="x")
    assert len(shown) == 3
    assert "quantiles" in rule


# Figure 1


def test_figure_1_shows_few_to_many_cells_of_every_modality(dataset):
    drawn = figure1([dataset])
    said = texts(drawn.figure)
    assert said[:4] == ["(a) DSB2018, dark", "1 cell", "3 cells", "4 cells"]
    assert said[4:] == ["(b) DSB2018, stained colour", "5 cells"]
    assert drawn.images == [f"dsb2018/i{i}" for i in (0, 2, 3, 4)]
    assert "10, 50 and 90 %" in drawn.caption


def test_the_pieces_of_a_mask_are_its_cells(tmp_path):
    mask = np.zeros((8, 8), dtype=np.uint8)
    mask[0, 0] = mask[5, 5] = 255
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
        Image.fromarray(mask).save(tmp_path / name / "a.png")
    assert read_cells(find_pairs(tmp_path)[0]).max() == 2


# Figure 3


def test_the_views_are_those_that_predict_averages():
    model = load_model("phase")
    rng = np.random.default_rng(0)
    image = rng.random((SIZE_PX, SIZE_PX), dtype=np.float32)
    views = predict_views(image, model)
    turned = np.stack([view.turned for view in views])
    whole = predict(
        model.network,
        normalise(image, model.preprocess),
        settings=PredictSettings(tta="paper", device="cpu"),
    )
    assert np.allclose(turned.mean(axis=0), whole.probs[0], atol=1e-5)
    assert np.allclose(turned.std(axis=0), whole.spread[0], atol=1e-5)
    assert [view.name for view in views][:2] == ["as it is", "quarter turn"]
    assert np.allclose(views[1].image[..., 0], np.rot90(image))


def test_without_a_run_figure_3_is_of_the_model_that_ships(dataset, tmp_path):
    drawn = draw_tta([dataset], [], tmp_path)
    assert texts(drawn.figure)[0] == (
        "DSB2018, predicted by the model “nuclei” that ships with coverslip"
    )
    assert drawn.images == ["i2"]  # 3 cells, the median of 1 to 5
    assert "median number of cells among the 5 test images" in drawn.caption


def test_the_papers_network_is_taken_where_it_was_kept(dataset, tmp_path):
    run_id = run_system(RP, dataset, tmp_path, shift=3)
    network = MODELS["unet"]().eval()  # any network will do
    path = tmp_path / run_id / "best.safetensors"
    save_checkpoint(path, Checkpoint(network=network, model="unet"))
    drawn = draw_tta([dataset], read_runs(tmp_path, on_skipped=pytest.fail), tmp_path)
    assert texts(drawn.figure)[0].endswith("ResNet18-UNet+RP (split seed0, budget full)")
    assert "median of its Jaccard index among 5 test images" in drawn.caption


# Figures 4 and 5


def test_systems_stand_in_the_order_of_the_tables(dataset, tmp_path):
    for system, shift in (("swift", 2), (RP, 1), ("egt", 3)):
        run_system(system, dataset, tmp_path, shift=shift)
    drawn = draw(dataset, tmp_path)
    labels = [system.label for system in SYSTEMS.values()]
    named = [words for words in texts(drawn.figure) if words.replace("\n", "") in labels]
    assert named == ["EGT", "ResNet18-UNet+RP", "swift (ours)"] * 2
    assert len(pictures(drawn.figure)) == 2 * (2 + 3)
    assert "(a) Dark, median of 4" in texts(drawn.figure)
    assert drawn.images == ["i3", "i4"]  # of i1, i2, i3 (0.6) and i0 (1.0), the third
    assert "ResNet18-UNet+RP's Jaccard index among its 5 test images" in drawn.caption


def test_the_scores_below_are_those_of_the_masks_shown(dataset, tmp_path):
    run_system(RP, dataset, tmp_path, shift=1)
    numbers = [words for words in texts(draw(dataset, tmp_path).figure) if re.match(r"\d\.", words)]
    assert numbers == ["0.600", "0.600"]  # 4 x 4 moved by one row: 12 of 20 pixels


def test_who_is_not_shown_is_named_with_the_reason(dataset, tmp_path):
    run_system(RP, dataset, tmp_path)
    run_system("unet", dataset, tmp_path, with_masks=False)
    run_system("segnet", dataset, tmp_path, diverged=True)
    run_system("bcdu_net_d1", dataset, tmp_path)
    caption = draw(dataset, tmp_path).caption
    assert "variants of those shown (BCDU-Net, D1);" in caption
    assert "diverged (SegNet);" in caption
    assert "no masks kept (U-Net)." in caption
    assert re.search(r"not run \(EGT; PHANTAST; .*DDANet", caption)


def test_a_damaged_file_of_masks_costs_its_column_alone(dataset, tmp_path):
    run_system(RP, dataset, tmp_path)
    run_id = run_system("unet", dataset, tmp_path)
    (tmp_path / f"{run_id}.npz").write_bytes(b"PK no more")
    notes: list[str] = []
    assert "no masks kept (U-Net)" in draw(dataset, tmp_path, notes).caption
    assert len(notes) == 1
    assert run_id in notes[0]


def test_the_split_with_the_papers_network_is_shown(dataset, tmp_path):
    run_system("unet", dataset, tmp_path, split="seed0")
    assert "split seed0" in draw(dataset, tmp_path).caption
    run_system(RP, dataset, tmp_path, split="seed1")
    assert "split seed1" in draw(dataset, tmp_path).caption


# Figure 6


def test_the_images_where_two_systems_differ_most(dataset, tmp_path):
    run_system(RP, dataset, tmp_path, shift=0)
    run_system("resnet18_unet", dataset, tmp_path, shift=4)  # image i moved by i rows
    runs = read_runs(tmp_path, on_skipped=pytest.fail)
    drawn = draw_contrast(dataset, runs, tmp_path, on_message=pytest.fail)
    assert drawn is not None and drawn.stem == "figure6_dsb2018"
    assert drawn.images[:2] == ["i4", "i3"] and drawn.images[-1] == "i0"
    assert "(d) 0.0 points, dark" in texts(drawn.figure)
    # 4 x 4 moved by three rows: 4 of 28 pixels
    assert "(b) +85.7 points, dark" in texts(drawn.figure) and "0.143" in texts(drawn.figure)
    assert "Of 5 test images, 4 are better with ResNet18-UNet+RP" in drawn.caption
    assert "0 worse" in drawn.caption


def test_one_of_two_systems_is_no_comparison(dataset, tmp_path):
    run_system(RP, dataset, tmp_path)
    run_system("resnet18_unet", dataset, tmp_path, split="seed1")
    runs = read_runs(tmp_path, on_skipped=pytest.fail)
    assert draw_contrast(dataset, runs, tmp_path, on_message=pytest.fail) is None


# Figure 7


def test_points_are_of_the_trainings_that_all_networks_have(dataset, tmp_path):
    for system, split in ((RP, "seed0"), (RP, "seed1"), ("unet", "seed0"), ("egt", "seed0")):
        run_system(system, dataset, tmp_path, split=split)
    drawn = figure7([dataset], read_runs(tmp_path, on_skipped=pytest.fail), budget="full")
    assert drawn is not None and "DSB2018: seed0." in drawn.caption
    assert {"U-Net", "ResNet18-UNet+RP", "without learning: EGT 100.0"} < set(texts(drawn.figure))


def test_without_a_network_there_is_no_cost_to_draw(dataset, tmp_path):
    run_system("egt", dataset, tmp_path)
    assert figure7([dataset], read_runs(tmp_path, on_skipped=pytest.fail), budget="full") is None


# all of them


def test_data_sets_have_the_papers_numbers(dataset):
    stand_in, own = (DataSet(name, name, 512, ()) for name in ("phase_contrast", "mine"))
    assert grid_stems([stand_in, dataset]) == ["figure4", "figure5"]
    assert grid_stems([stand_in, own, dataset]) == ["figure4", "figure4_mine", "figure5"]


def test_what_cannot_be_drawn_yet_is_said(dataset, tmp_path):
    notes: list[str] = []
    out = tmp_path / "out"
    paths = make_figures([dataset], tmp_path / "none", out, budget="full", on_message=notes.append)
    wanted = [f"figure{n}.{form}" for n in (1, 2, 3) for form in ("pdf", "png")]
    assert [path.name for path in paths] == [*wanted, "figures.md"]
    assert all(path.is_file() for path in paths)
    assert notes == ["figure5 is not drawn: no finished run on DSB2018 with masks to show."]


def test_a_page_holds_every_figure_with_its_caption(dataset, tmp_path):
    run_system(RP, dataset, tmp_path / "runs")
    out = tmp_path / "out"
    make_figures([dataset], tmp_path / "runs", out, budget="full", on_message=pytest.fail)
    page = (out / "figures.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", page, re.M) == [f"Figure {n}" for n in (1, 2, 3, 5, 7)]
    links = re.findall(r"\]\((.*?)\)", page)
    assert len(links) == 5
    assert all((out / link).is_file() for link in links)
    assert "17,651,937 parameters" in page


def test_another_budget_is_another_figure(dataset, tmp_path):
    run_system(RP, dataset, tmp_path / "runs")
    notes: list[str] = []
    make_figures([dataset], tmp_path / "runs", tmp_path, budget="cpu", on_message=notes.append)
    assert not (tmp_path / "figure5.pdf").exists()
    assert len(notes) == 1


def test_a_figure_is_saved_twice_as_the_same_files(dataset, tmp_path):
    for name in ("a", "b"):
        assert save_figure(figure1([dataset]).figure, tmp_path / name) == [
            tmp_path / f"{name}.pdf",
            tmp_path / f"{name}.png",
        ]
    for form in ("pdf", "png"):
        assert (tmp_path / f"a.{form}").read_bytes() == (tmp_path / f"b.{form}").read_bytes()

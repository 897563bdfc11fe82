"""Data sets, budgets, systems and weights → tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coverslip.errors import DataError, ModelError, SettingsError
from coverslip.models import MODELS
from coverslip.reproduction import (
    ABLATIONS,
    BUDGETS,
    SYSTEMS,
    Task,
    find_budget,
    find_datasets,
    open_dataset,
    plan_part,
    plan_tasks,
)
from coverslip.reproduction.network_cost import count_gflop, count_parameters
from coverslip.reproduction.task import URGENCY, split_task
from coverslip.reproduction.train_at_lr import find_weights
from coverslip.segmentation.classical import METHODS
from coverslip.tiling import TTA
from coverslip.training.losses import LOSSES
from drawn import write_dataset


@pytest.fixture
def folder(tmp_path):
    return write_dataset(tmp_path / "My cells", n=9)


@pytest.fixture
def bowl(tmp_path):
    folder = write_dataset(tmp_path / "DSB2018", n=9)
    rows = [
        f"d{i},{'train' if i < 6 else 'val'},{'stained' if i % 3 else 'grey'}" for i in range(9)
    ]
    (folder / "split.csv").write_text("name,split,modality\n" + "\n".join(rows))
    return folder


def names(pairs):
    return [pair.name for pair in pairs]


def test_folds_are_made_where_there_is_no_list(folder):
    dataset = open_dataset(folder)
    assert (dataset.name, dataset.title, dataset.size_px) == ("my_cells", "my cells", 512)
    assert [split.name for split in dataset.splits] == ["fold0", "fold1", "fold2"]
    tested = sorted(name for split in dataset.splits for name in names(split.test))
    assert tested == [f"d{i}" for i in range(9)]
    for split in dataset.splits:
        assert not set(names(split.train)) & set(names(split.test))
        assert len(split.train) == len(split.groups) == 6


def test_folds_are_those_of_the_list(folder):
    rows = "\n".join(f"d{i},{i // 3}" for i in range(9))
    (folder / "folds.csv").write_text("name,fold\n" + rows)
    tests = [names(split.test) for split in open_dataset(folder).splits]
    assert tests == [["d0", "d1", "d2"], ["d3", "d4", "d5"], ["d6", "d7", "d8"]]


def test_a_fixed_split_is_done_with_three_seeds(bowl):
    dataset = open_dataset(bowl)
    assert (dataset.name, dataset.title, dataset.size_px) == ("dsb2018", "DSB2018", 256)
    assert [split.seed for split in dataset.splits] == [0, 1, 2]
    assert {tuple(names(split.test)) for split in dataset.splits} == {("d6", "d7", "d8")}
    assert dataset.modality["d0"] == "grey" and dataset.modality["d7"] == "stained"


def test_the_inner_split_takes_nothing_that_is_reported(bowl):
    dataset = open_dataset(bowl)
    parts = split_task(Task(dataset, dataset.splits[1], "unet", BUDGETS["cpu"]))
    assert parts.sizes() == {"train": 5, "val": 1, "test": 3}
    learnt_from = set(names(parts.train)) | set(names(parts.val))
    assert learnt_from == {f"d{i}" for i in range(6)}
    assert names(parts.test) == ["d6", "d7", "d8"]


def test_a_trial_takes_few_images(folder):
    dataset = open_dataset(folder)
    few = replace(BUDGETS["trial"], images=4)
    parts = split_task(Task(dataset, dataset.splits[0], "unet", few))
    assert len(parts.train) + len(parts.val) == 4 and len(parts.test) == 3


def test_too_few_images_for_folds(tmp_path):
    folder = write_dataset(tmp_path / "set", n=8)
    with pytest.raises(DataError, match="8 annotated images; 3 folds want 9"):
        open_dataset(folder)


def test_a_folder_of_data_sets_is_all_of_them(folder, bowl):
    (folder / "folds.csv").write_text("name,fold\n" + "\n".join(f"d{i},{i % 3}" for i in range(9)))
    assert [d.name for d in find_datasets([folder.parent])] == ["dsb2018", "my_cells"]
    assert [d.name for d in find_datasets([bowl, folder])] == ["dsb2018", "my_cells"]
    with pytest.raises(SettingsError, match="two data sets are named dsb2018"):
        find_datasets([bowl, bowl])


def test_every_system_can_be_built_and_scored():
    for key, system in (SYSTEMS | ABLATIONS).items():
        assert system.model in MODELS or system.model in METHODS, key
        assert system.loss in LOSSES and set(system.tta) <= set(TTA), key
    assert set(URGENCY) == set(SYSTEMS | ABLATIONS) and len(URGENCY) == len(set(URGENCY))


def test_methods_without_learning_have_no_views_to_average():
    for system in SYSTEMS.values():
        assert (system.tta == ("none",)) == (system.model in METHODS)


def test_first_splits_come_first_and_ablations_last(folder, bowl):
    sets = [open_dataset(bowl), open_dataset(folder)]
    tasks = plan_tasks(sets, ["rp_loss_bce", "swift", "resnet18_unet_rp"], BUDGETS["full"])
    assert len({task.id for task in tasks}) == len(tasks) == 18
    assert [task.id for task in tasks[:3]] == [
        "dsb2018.seed0.full.resnet18_unet_rp",
        "my_cells.fold0.full.resnet18_unet_rp",
        "dsb2018.seed0.full.swift",
    ]
    assert all(task.system == "rp_loss_bce" for task in tasks[12:])


def test_parts_of_the_paper_take_their_data_sets_and_systems(folder, bowl):
    sets, budget = [open_dataset(bowl), open_dataset(folder)], BUDGETS["full"]
    assert {t.dataset.name for t in plan_part("table1", sets, budget)} == {"my_cells"}
    assert {t.dataset.name for t in plan_part("table4", sets, budget)} == {"dsb2018"}
    assert {t.system for t in plan_part("table3", sets, budget)} == set(SYSTEMS)
    assert {t.system for t in plan_part("all", sets, budget)} == set(SYSTEMS | ABLATIONS)
    assert {t.split.name for t in plan_part("figures", sets, budget)} == {"seed0", "fold0"}
    ablations = {t.system for t in plan_part("ablations", sets, budget)}
    assert ablations == {"resnet18_unet_rp", "resnet18_unet", *ABLATIONS}
    few = plan_part("all", sets, budget, systems=["unet"], splits=["seed2", "fold1"])
    assert [t.id for t in few] == ["my_cells.fold1.full.unet", "dsb2018.seed2.full.unet"]


@pytest.mark.parametrize(
    ("part", "chosen", "message"),
    [
        ("table5", {}, "table5: wanted one of table1"),
        ("table1", {}, "table1 is of phase contrast"),
        ("all", {"systems": ["u-net"]}, "--systems u-net: wanted of egt"),
        ("all", {"splits": ["fold0"]}, "--splits fold0: wanted of seed0, seed1, seed2"),
    ],
)
def test_what_does_not_exist_is_refused(bowl, part, chosen, message):
    with pytest.raises(SettingsError, match=message):
        plan_part(part, [open_dataset(bowl)], BUDGETS["full"], **chosen)


def test_another_number_of_steps_is_another_budget():
    budget = find_budget("full", steps=1000)
    assert (budget.name, budget.epochs * budget.steps_per_epoch) == ("full-1000", 1000)
    assert find_budget("cpu", steps=3).steps_per_epoch == 1
    assert find_budget("full") == BUDGETS["full"]
    with pytest.raises(SettingsError, match="--budget gpu: wanted one of trial, cpu, long, full"):
        find_budget("gpu")
    with pytest.raises(SettingsError, match="--steps 0"):
        find_budget("cpu", steps=0)


def test_weights_are_found_by_their_encoders_name(tmp_path):
    for name in (
        "vgg11_bn-6002323d.pth",
        "vgg11-8a719046.pth",
        "resnet18_imagenet_a.safetensors",
    ):
        (tmp_path / name).touch()
    where = str(tmp_path)
    assert find_weights(SYSTEMS["ternausnet11"], where).endswith("vgg11-8a719046.pth")
    assert find_weights(SYSTEMS["resnet18_fpn"], where).endswith("a.safetensors")
    assert find_weights(SYSTEMS["unet"], where) == "none"
    assert find_weights(SYSTEMS["segnet"], "imagenet") == "imagenet"
    assert find_weights(SYSTEMS["segnet"], "none") == "none"
    with pytest.raises(ModelError, match="no ImageNet weights of vgg16_bn in it"):
        find_weights(SYSTEMS["segnet"], where)
    with pytest.raises(ModelError, match="no such folder"):
        find_weights(SYSTEMS["segnet"], str(tmp_path / "no"))


def test_operations_are_counted_without_doing_them():
    # a 3x3 convolution from 3 to 64 channels alone is 2 · 9 · 3 · 64 · 256² / 1e9 = 0.226
    assert count_gflop("unet", {}, size_px=256) == pytest.approx(96.3, abs=0.1)
    four_times = 4 * count_gflop("swift", {}, size_px=64)
    assert count_gflop("swift", {}, size_px=128) == pytest.approx(four_times)
    assert count_parameters("unet", {}) == 31_037_633


# --- folders that could be taken for something else


def test_a_folder_called_dsb2018_without_its_split_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"no split\.csv in it"):
        open_dataset(write_dataset(tmp_path / "DSB2018", n=9))


@pytest.mark.parametrize(
    ("fold_of", "message"),
    [(lambda i: i % 5, "its folds are 0, 1, 2, 3, 4; wanted 0, 1, 2"), (lambda i: i % 2, "0, 1;")],
)
def test_other_folds_than_three_are_refused(folder, fold_of, message):
    rows = "\n".join(f"d{i},{fold_of(i)}" for i in range(9))
    (folder / "folds.csv").write_text("name,fold\n" + rows)
    with pytest.raises(SettingsError, match=message):
        open_dataset(folder)


def test_an_image_without_a_fold_is_refused(folder):
    (folder / "folds.csv").write_text("name,fold\n" + "\n".join(f"d{i},{i % 3}" for i in range(8)))
    with pytest.raises(SettingsError, match="no row for d8"):
        open_dataset(folder)


def test_a_data_set_without_a_list_is_found_in_a_folder_too(folder, bowl):
    assert [d.name for d in find_datasets([folder.parent])] == ["dsb2018", "my_cells"]
    (bowl / "split.csv").unlink()
    bowl.rename(bowl.parent / "empty")
    for path in (bowl.parent / "empty" / "labels").iterdir():
        path.unlink()
    (bowl.parent / "empty" / "labels").rmdir()
    assert [d.name for d in find_datasets([folder.parent])] == ["my_cells"]


def test_the_layout_of_a_folder_for_each_image_is_one_data_set(folder, tmp_path):
    for number in range(9):
        for kind, inner in (("images", "images"), ("labels", "masks")):
            target = tmp_path / "bowl" / f"b{number}" / inner / "a.png"
            target.parent.mkdir(parents=True)
            (folder / kind / f"d{number}.png").rename(target)
    assert [d.name for d in find_datasets([tmp_path / "bowl"])] == ["bowl"]


def test_other_images_with_a_split_keep_their_name(bowl):
    dataset = open_dataset(bowl.rename(bowl.parent / "Wells"))
    assert (dataset.name, dataset.tables) == ("wells", (3, 4))
    tasks = plan_part("table3", [dataset], BUDGETS["full"])
    assert {task.dataset.name for task in tasks} == {"wells"}


def test_two_sets_for_the_same_tables_are_refused(folder, tmp_path):
    other = write_dataset(tmp_path / "others" / "more", n=9)
    with pytest.raises(SettingsError, match="my_cells and more are both for tables 1 and 2"):
        find_datasets([folder, other])


def test_without_weights_there_is_nothing_to_do_without(bowl):
    sets = [open_dataset(bowl)]
    tasks = plan_part("ablations", sets, BUDGETS["full"], pretrained=False)
    assert "rp_from_scratch" not in {task.system for task in tasks}

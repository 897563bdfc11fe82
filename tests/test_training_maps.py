"""Networks that learn more than a mask, and trainings that go on from a trained model."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from coverslip.checkpoints import (
    Checkpoint,
    build_network,
    load_checkpoint,
    load_model,
    save_checkpoint,
    shipped_models,
)
from coverslip.checkpoints.method import build_method
from coverslip.cli.job import choose_scale
from coverslip.cli.train_plan import Split, make_plan
from coverslip.errors import DataError, ModelError, SettingsError
from coverslip.inference import Prediction
from coverslip.io import find_pairs
from coverslip.models import MODELS
from coverslip.pipeline import SegmentSettings, own_settings, segment
from coverslip.preprocessing import Preprocess
from coverslip.training import (
    PairDataset,
    Plan,
    SampleSettings,
    TrainSettings,
    median_cell_size,
    settings_from,
    start_run,
    train,
)
from coverslip.training.augment import AugmentSettings, augment
from coverslip.training.losses import bce_dice_loss, maps_loss
from coverslip.training.network import HEADS, new_network
from coverslip.training.validation import look_at
from drawn import discs, write_dataset

BOTH = ("mask", "distance")
SMALL = TrainSettings(
    maps=BOTH,
    epochs=1,
    steps_per_epoch=2,
    batch=2,
    sample=SampleSettings(crop_px=32),
    augment=AugmentSettings(elastic_px=1),
    device="cpu",
)


@pytest.fixture
def plan(tmp_path):
    pairs = find_pairs(write_dataset(tmp_path / "set"))
    return Plan(SMALL, pairs[:4], pairs[4:])


@pytest.fixture
def trained(plan, tmp_path):
    start_run(tmp_path / "first", plan)
    return train(plan, tmp_path / "first")


def save_mask_model(path, value=0.0):
    """A swift that learnt a mask alone, its last layer's weights all of one value."""
    network = build_network("swift", {})
    torch.nn.init.constant_(network.head.weight, value)
    save_checkpoint(path, Checkpoint(network, "swift", preprocess=Preprocess(low_percentile=2.0)))
    return network


def test_a_network_has_a_logit_for_each_map(trained):
    model = load_checkpoint(trained)
    assert model.maps == BOTH and model.arguments == {"out_channels": 2}
    history = pd.read_csv(trained.parent / "history.csv")
    assert {"val_ap", "val_jaccard"} < set(history)
    assert model.card["val_ap"] == pytest.approx(history.val_ap.max())
    found = segment(discs(0)[0], model, settings=SegmentSettings())
    assert found.probs.shape == found.labels.shape


def test_the_best_epoch_is_the_one_whose_cells_are_best(plan, tmp_path, monkeypatch):
    scores = iter([(0.2, 0.9), (0.6, 0.1), (0.3, 0.95)])
    picture = np.zeros((4, 4, 3), np.uint8)

    def validate(*_, **__):
        ap, jaccard = next(scores)
        return {"val_loss": 0.0, "val_jaccard": jaccard, "val_ap": ap}, picture

    monkeypatch.setattr("coverslip.training.loop.validate", validate)
    plan = replace(plan, settings=replace(SMALL, epochs=3))
    start_run(tmp_path / "run", plan)
    assert load_checkpoint(train(plan, tmp_path / "run")).card["epoch"] == 2


def test_samples_carry_every_map(plan):
    data = PairDataset(
        plan.train, preprocess=Preprocess(), settings=SampleSettings(crop_px=None), maps=BOTH
    )
    whole = data.whole(0)
    assert whole.maps.shape == (2, *whole.labels.shape) and whole.maps.dtype == np.uint8
    assert np.array_equal(whole.maps[0] > 0, whole.labels > 0)
    assert whole.maps[1].max() == 255 and (whole.maps[1] <= whole.maps[0]).all()


def test_a_mask_without_numbers_is_taken_apart(tmp_path):
    folder = write_dataset(tmp_path / "set")
    for path in folder.glob("labels/*"):
        from PIL import Image

        labels = np.asarray(Image.open(path))
        Image.fromarray((255 * (labels > 0)).astype(np.uint8)).save(path)
    data = PairDataset(find_pairs(folder), preprocess=Preprocess(), settings=SampleSettings())
    assert data.whole(0).labels.max() > 1


def test_only_the_mask_is_made_hard_again_by_augmentation():
    maps = torch.zeros(1, 2, 32, 32)
    maps[:, :, 8:24, 8:24] = 0.7
    _, moved = augment(
        torch.rand(1, 3, 32, 32),
        maps,
        settings=AugmentSettings(rotation_deg=45),
        generator=torch.Generator().manual_seed(0),
    )
    assert set(moved[:, 0].unique().tolist()) <= {0.0, 1.0}
    assert moved[:, 1].max() == pytest.approx(0.7, abs=1e-4) and len(moved[:, 1].unique()) > 5


def test_the_loss_of_maps_is_least_at_their_values():
    maps = torch.full((1, 2, 4, 4), 0.3)
    maps[:, 0] = 1.0

    def loss(prob: float) -> float:
        logits = torch.logit(torch.tensor([0.999, prob])).view(1, 2, 1, 1).expand(1, 2, 4, 4)
        return float(maps_loss(logits, maps, criterion=bce_dice_loss))

    assert loss(0.3) < min(loss(0.25), loss(0.35))
    mask = maps[:, :1]
    assert maps_loss(mask, mask, criterion=bce_dice_loss) == bce_dice_loss(mask, mask)


def test_maps_that_make_no_sense_are_refused():
    with pytest.raises(SettingsError, match="wanted mask first"):
        TrainSettings(maps=("distance",))
    with pytest.raises(SettingsError, match="gives 3 logits for each pixel; mask and distance"):
        new_network(replace(SMALL, arguments={"out_channels": 3}))


def test_a_checkpoint_with_maps_from_the_future(tmp_path):
    path = tmp_path / "a.safetensors"
    network = build_network("swift", {"out_channels": 2})
    save_checkpoint(path, Checkpoint(network, "swift", {"out_channels": 2}, maps=("mask", "flow")))
    with pytest.raises(ModelError, match="maps: 'flow' is unknown; wanted of mask"):
        load_checkpoint(path)


# --- --from


def test_a_training_goes_on_from_a_model(tmp_path):
    path = tmp_path / "a.safetensors"
    network = save_mask_model(path, value=0.25)
    settings = settings_from(str(path), SMALL)
    assert settings.model == "swift" and settings.preprocess.low_percentile == 2.0
    assert settings.maps == BOTH, "more maps are wanted than the model has"
    begun, _ = new_network(settings)
    assert torch.equal(begun.encoder.conv1.weight, network.encoder.conv1.weight)
    assert (begun.head.weight[0] == 0.25).all() and not (begun.head.weight[1] == 0.25).any()


def test_a_model_with_maps_hands_them_on(trained):
    settings = settings_from(str(trained), replace(SMALL, maps=("mask",)))
    assert settings.maps == BOTH
    begun, _ = new_network(settings)
    for name, tensor in load_checkpoint(trained).network.state_dict().items():
        assert torch.equal(begun.state_dict()[name], tensor), name


def test_the_mask_alone_can_be_asked_for(trained):
    settings = settings_from(str(trained), replace(SMALL, maps=("mask",)), more=False)
    assert settings.maps == ("mask",)
    begun, _ = new_network(settings)
    head = load_checkpoint(trained).network.head.weight
    assert torch.equal(begun.head.weight, head[:1])


@pytest.mark.parametrize("model", MODELS)
def test_a_map_that_the_model_has_not_learnt_begins_anew(model, tmp_path):
    path = tmp_path / "a.safetensors"
    network = build_network(model, {"out_channels": 2})
    save_checkpoint(path, Checkpoint(network, model, {"out_channels": 2}, maps=BOTH))
    wanted = replace(SMALL, maps=("mask", "boundary"), seed=1)
    begun, _ = new_network(settings_from(str(path), wanted))
    heads = [name for name in begun.state_dict() if name.startswith(HEADS) and "weight" in name]
    assert heads
    for name in heads:
        old, new = network.state_dict()[name], begun.state_dict()[name]
        assert torch.equal(old[0], new[0]) and not torch.equal(old[1], new[1])


def test_maps_go_by_their_names(trained):
    settings = settings_from(str(trained), replace(SMALL, maps=("mask", "boundary", "distance")))
    begun, _ = new_network(settings)
    head = load_checkpoint(trained).network.head.weight
    assert torch.equal(begun.head.weight[0], head[0])
    assert torch.equal(begun.head.weight[2], head[1])
    assert not torch.equal(begun.head.weight[1], head[1])


def test_a_start_that_does_not_fit(tmp_path):
    path = tmp_path / "a.safetensors"
    save_mask_model(path)
    with pytest.raises(SettingsError, match="brings its own weights: leave --encoder imagenet"):
        settings_from(str(path), replace(SMALL, encoder="imagenet"))
    with pytest.raises(ModelError, match="did you mean 'phase'"):
        settings_from("phse", SMALL)
    with pytest.raises(SettingsError, match="is a swift: leave --model unet out"):
        settings_from(str(path), SMALL, model="unet")
    with pytest.raises(SettingsError, match="leave --argument fine out"):
        settings_from(str(path), replace(SMALL, arguments={"fine": 8}))
    other = replace(SMALL, start=str(path), model="unet")
    with pytest.raises(SettingsError, match="is a swift, and the network to train a unet"):
        new_network(other)
    narrow = replace(SMALL, start=str(path), arguments={"fine": 8})
    with pytest.raises(SettingsError, match="leave the network's arguments out"):
        new_network(narrow)


# --- the size of cells


def test_the_size_of_cells_is_their_median_diameter(plan):
    data = PairDataset(plan.train, preprocess=Preprocess(), settings=SampleSettings(crop_px=None))
    areas = np.concatenate(
        [np.unique(data.whole(i).labels, return_counts=True)[1][1:] for i in range(len(data))]
    )
    assert median_cell_size(data) == pytest.approx(np.median(2 * np.sqrt(areas / np.pi)))


def test_the_scale_makes_cells_as_large_as_the_model_knows(trained):
    model = load_checkpoint(trained)
    learnt = model.card["cell_size_px"]
    assert 3 < learnt < 40
    assert choose_scale(model, scale=None, cell_size=f"{2 * learnt}") == pytest.approx(0.5)


def test_a_size_of_cells_that_cannot_be_used(trained):
    model = load_checkpoint(trained)
    for size in ("0", "-3", "nan", "inf", "large"):
        with pytest.raises(SettingsError, match=f"--cell-size {size}: wanted a diameter .* auto"):
            choose_scale(model, scale=None, cell_size=size)
    with pytest.raises(SettingsError, match=r"a cell size of 100000.*: the model's cells have"):
        choose_scale(model, scale=None, cell_size="100000")
    for size in ("10", "auto"):
        with pytest.raises(SettingsError, match="wanted one of the two"):
            choose_scale(model, scale=0.5, cell_size=size)
        with pytest.raises(SettingsError, match="does not say how large its cells were"):
            choose_scale(build_method("egt", {}), scale=None, cell_size=size)


def test_the_scale_is_left_to_the_image_where_the_model_has_learnt_one_size(trained):
    model = load_checkpoint(trained)
    assert choose_scale(model, scale=None, cell_size=None) is None  # the model's own
    assert choose_scale(model, scale=None, cell_size="auto") == "auto"
    sized = replace(model, card=model.card | {"one_size": True})
    assert choose_scale(sized, scale=1.0, cell_size=None) == 1
    assert own_settings(None, sized).scale == "auto" and own_settings(None, model).scale == 1


def test_a_training_on_cells_of_one_size_says_so(tmp_path, plan):
    sized = replace(SMALL, sample=SampleSettings(cell_size_px=20, crop_px=32), epochs=1)
    start_run(tmp_path / "run", replace(plan, settings=sized))
    model = load_checkpoint(train(replace(plan, settings=sized), tmp_path / "run"))
    assert model.one_size and model.cell_size_px == pytest.approx(20, abs=1)


@pytest.mark.parametrize("name", shipped_models())
def test_what_ships_knows_the_size_of_its_cells(name):
    model = load_model(name)
    half = f"{model.cell_size_px / 2}"
    assert choose_scale(model, scale=None, cell_size=half) == pytest.approx(2)
    assert 16 <= model.min_area_px < math.pi / 4 * model.cell_size_px**2


def test_large_numbers_have_a_size_too(tmp_path):
    pairs = find_pairs(write_dataset(tmp_path / "set"))
    data = PairDataset(pairs, preprocess=Preprocess(), settings=SampleSettings(crop_px=None))
    size = median_cell_size(data)
    for index, whole in [(i, data.whole(i)) for i in range(len(data))]:
        data.cache[index] = whole._replace(labels=whole.labels * 100_000_000)
    assert median_cell_size(data) == size


def test_what_is_not_known_counts_neither_for_nor_against_a_model(tmp_path, monkeypatch):
    labels = np.zeros((40, 60), np.uint16)
    labels[10:20, 8:50] = 1
    labels[14:16, 20:40] = 32769  # the middle of a cell, all of its height but for thin bridges
    labels[11:19, 26:30] = 32769
    labels[30:38, 5:15] = 32768  # something that nobody labelled
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    Image.fromarray((labels % 256).astype(np.uint8)).save(tmp_path / "images/a.png")
    Image.fromarray(labels).save(tmp_path / "labels/a.png")
    sample = SampleSettings(crop_px=32, ignored_from=32768, touching_weight=3)
    settings = replace(SMALL, sample=sample)
    data = PairDataset(
        find_pairs(tmp_path), preprocess=Preprocess(), settings=sample, maps=settings.maps
    )

    class All:
        """Finds all that has a label."""

        def predict(self, image: np.ndarray) -> Prediction:
            seen = (labels > 0).astype(np.float32)
            return Prediction(probs=np.stack([seen, 0.5 * seen]), spread=None)

    scores = look_at(All(), data, 0, settings).scores
    assert scores["val_ap"] == scores["val_jaccard"] == 1
    assert scores["val_loss"] < 1


def test_a_training_that_weighs_its_pixels_goes_through(plan, tmp_path):
    sample = SampleSettings(crop_px=32, ignored_from=32768, touching_weight=3, tries=2)
    start_run(tmp_path / "weighed", replace(plan, settings=replace(SMALL, sample=sample)))
    best = train(replace(plan, settings=replace(SMALL, sample=sample)), tmp_path / "weighed")
    card = load_checkpoint(best).card
    assert card["settings"]["sample"]["ignored_from"] == 32768
    assert math.isfinite(card["val_ap"])


def test_a_list_says_which_images_validate(plan, tmp_path):
    pairs = [*plan.train, *plan.val]
    table = tmp_path / "list.csv"
    rows = [f"{pair.name},{'val' if i == 2 else 'train'}" for i, pair in enumerate(pairs)]
    table.write_text("name,split\n" + "\n".join(rows))
    split = Split(table, None, None, 0.15, val_where="split=val")
    made = make_plan(pairs, SMALL, split)
    assert made.val == [pairs[2]] and made.train == [pair for pair in pairs if pair != pairs[2]]
    with pytest.raises(DataError, match="none is left to learn from"):
        make_plan(pairs, SMALL, replace(split, val_where="split!=nobody"))
    with pytest.raises(SettingsError, match="--val-where split=val: wanted --list"):
        make_plan(pairs, SMALL, replace(split, table=None))
    with pytest.raises(SettingsError, match="and no --fold"):
        make_plan(pairs, SMALL, replace(split, fold="0/2"))

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from coverslip.errors import DataError, SettingsError
from coverslip.io import Pair, find_pairs
from coverslip.preprocessing import Preprocess
from coverslip.training import (
    Draw,
    PairDataset,
    ResidentPairs,
    SampleSettings,
    balance_weights,
    epoch_batches,
    fold_pairs,
    hash_pairs,
    random_crop,
    read_groups,
    select_pairs,
    split_pairs,
    stack_samples,
)
from coverslip.training.sampling import shuffled_pass
from coverslip.training.splits import names_in_list, read_list
from drawn import discs, write_dataset


@pytest.fixture
def pairs(tmp_path):
    return find_pairs(write_dataset(tmp_path / "set", n=6))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "list.csv"
    rows = [f"d{i},{'train' if i < 4 else 'val'},{'rare' if i == 0 else 'usual'}" for i in range(6)]
    path.write_text("name,split,kind\n" + "\n".join(rows))
    return path


def dataset(pairs: list[Pair], **settings: int | None) -> PairDataset:
    return PairDataset(pairs, preprocess=Preprocess(), settings=SampleSettings(**settings), seed=1)


def test_a_sample_is_an_image_in_range_and_a_mask(pairs):
    sample = dataset(pairs, crop_px=32)[Draw(2, 0)]
    assert sample.image.shape == (3, 32, 32) and sample.maps.shape == (1, 32, 32)
    assert 0 <= float(sample.image.min()) < float(sample.image.max()) <= 1
    assert set(sample.maps.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("side", [8, 24, 40])
def test_cells_of_any_size_are_brought_to_the_wanted_one(tmp_path, side):
    labels = np.zeros((120, 90), np.uint8)
    labels[10 : 10 + side, 20 : 20 + side] = 1
    labels[60 : 60 + side, 30 : 30 + side] = 2
    Image.fromarray(100 * labels).save(tmp_path / "image.png")
    Image.fromarray(labels).save(tmp_path / "mask.png")
    pairs = [Pair("one", tmp_path / "image.png", (tmp_path / "mask.png",))]
    whole = dataset(pairs, cell_size_px=20, crop_px=None).whole(0)
    diameter = 2 * side / np.sqrt(np.pi)
    zoom = min(20 / diameter, 4)
    assert whole.image.shape == whole.labels.shape == (round(120 * zoom), round(90 * zoom))
    assert np.bincount(whole.labels.ravel())[1:] == pytest.approx((zoom * side) ** 2, rel=0.1)
    assert set(np.unique(whole.image[whole.labels == 2]).tolist()) >= {1.0}  # the two stay together


def test_an_image_without_cells_keeps_its_size_whatever_theirs_should_be(tmp_path):
    Image.fromarray(np.arange(600, dtype=np.uint8).reshape(30, 20)).save(tmp_path / "image.png")
    Image.fromarray(np.zeros((30, 20), np.uint8)).save(tmp_path / "mask.png")
    pairs = [Pair("none", tmp_path / "image.png", (tmp_path / "mask.png",))]
    assert dataset(pairs, cell_size_px=20, crop_px=None).whole(0).labels.shape == (30, 20)


def test_images_of_one_size_or_cells_of_one_size():
    with pytest.raises(SettingsError, match="Images of one size, or cells of one size"):
        SampleSettings(size_px=64, cell_size_px=20)
    for size in (0.5, float("nan")):
        with pytest.raises(SettingsError, match="cell_size_px is"):
            SampleSettings(cell_size_px=size)


def test_resized_samples_keep_every_cell_in_its_place(tmp_path):
    labels = np.zeros((24, 48), np.uint8)
    labels[4:10, 30:42] = 1  # not square, in a picture that is not square
    paths = [tmp_path / name for name in ("image.png", "mask.png")]
    for path, pixels in zip(paths, (200 - 100 * labels, labels), strict=True):
        Image.fromarray(pixels).save(path)
    pair = Pair("one", paths[0], (paths[1],))
    sample = dataset([pair], size_px=96, crop_px=None)[Draw(0, 0)]
    expected = torch.zeros(1, 96, 96)
    expected[:, 16:40, 60:84] = 1  # 4 times as high, twice as wide
    assert torch.equal(sample.maps, expected)
    wrong = (sample.image[:1] < 0.5) != (expected > 0)
    assert wrong.float().mean() < 0.001  # corners, rounded


def test_image_and_mask_are_cropped_at_the_same_place(pairs):
    sample = dataset(pairs, crop_px=16)[Draw(1, 5)]
    inside = sample.maps[0] > 0
    assert inside.any() and not inside.all()
    assert sample.image[0][inside].mean() < sample.image[0][~inside].mean()  # cells are dark


def test_what_is_smaller_than_the_crop_is_reflected():
    image, labels = discs(0, size=20)
    maps = np.stack([labels > 0, labels > 1]).astype(np.uint8)
    crop, cut = random_crop(image.astype(np.float32), maps, size=32, rng=np.random.default_rng(0))
    assert crop.shape == cut.shape[1:] == (32, 32)
    assert np.array_equal(cut[:, :20, :20], maps)
    assert np.array_equal(crop[20:, :20], image[-2:-14:-1])


def test_each_epoch_goes_on_with_the_stream_of_shuffled_passes():
    draws = [
        draw
        for epoch in range(3)
        for batch in epoch_batches(4, epoch=epoch, steps=2, batch=2, seed=0)
        for draw in batch
    ]
    assert [draw.number for draw in draws] == list(range(12))
    for start in (0, 4, 8):
        assert sorted(draw.pair for draw in draws[start : start + 4]) == [0, 1, 2, 3]
    assert len({tuple(draw.pair for draw in draws[s : s + 4]) for s in (0, 4, 8)}) > 1


def test_weights_show_rare_images_more_often():
    weights = balance_weights(["rare"] + ["usual"] * 9)
    draws = epoch_batches(10, epoch=0, steps=500, batch=4, seed=0, weights=weights)
    counts = Counter(draw.pair for batch in draws for draw in batch)
    # √1 : √9, so a quarter of all draws go to the one rare image
    assert counts[0] / 2000 == pytest.approx(0.25, abs=0.03)


def test_the_number_of_workers_changes_nothing(pairs):
    batches = list(epoch_batches(6, epoch=0, steps=3, batch=2, seed=4))
    loaded = [
        [
            images
            for images, _, _ in DataLoader(
                dataset(pairs, crop_px=24), batch_sampler=batches, num_workers=workers
            )
        ]
        for workers in (0, 2)
    ]
    for alone, shared in zip(*loaded, strict=True):
        assert torch.equal(alone, shared)


@pytest.mark.parametrize("crop_px", [None, 24, 40])
def test_images_that_stay_on_the_device_give_the_same_batches(pairs, crop_px):
    data = dataset(pairs, size_px=40, crop_px=crop_px)
    draws = list(epoch_batches(6, epoch=1, steps=3, batch=2, seed=4))
    read = [stack_samples([data[draw] for draw in batch]) for batch in draws]
    for one, other in zip(
        read, ResidentPairs(data, torch.device("cpu")).batches(draws), strict=True
    ):
        assert torch.equal(one.images, other.images)
        assert torch.equal(one.maps, other.maps)
        assert one.pairs == other.pairs


def test_split_takes_its_share_of_every_group(pairs):
    groups = ["a", "a", "a", "b", "b", "b"]
    train, val = split_pairs(pairs, fraction=1 / 3, seed=0, groups=groups)
    assert len(train) == 4 and len(val) == 2
    assert {groups[pairs.index(pair)] for pair in val} == {"a", "b"}
    assert split_pairs(pairs, fraction=1 / 3, seed=0, groups=groups) == (train, val)


def test_one_image_cannot_be_split(pairs):
    with pytest.raises(DataError, match="at least two"):
        split_pairs(pairs[:1], fraction=0.5, seed=0)


def test_a_small_set_still_keeps_one_image_for_validation(pairs):
    train, val = split_pairs(pairs[:2], fraction=0.1, seed=0)
    assert (len(train), len(val)) == (1, 1)


def test_something_is_always_left_to_learn_from(pairs):
    train, val = split_pairs(pairs[:2], fraction=0.9, seed=0)
    assert len(train) == len(val) == 1


def test_folds_share_out_all_pairs(pairs):
    vals = [fold_pairs(pairs, fold=k, n_folds=3, seed=0)[1] for k in range(3)]
    assert sorted(pair.name for val in vals for pair in val) == [f"d{i}" for i in range(6)]
    with pytest.raises(SettingsError, match="fold 3 of 3"):
        fold_pairs(pairs, fold=3, n_folds=3, seed=0)


def test_selection_by_a_list(pairs, table):
    assert [p.name for p in select_pairs(pairs, table, where="split=val")] == ["d4", "d5"]
    assert len(select_pairs(pairs, table, where="split!=val")) == 4
    assert read_groups(pairs[:2], table, column="kind") == ["rare", "usual"]


@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_values_of_a_list_are_what_stands_there(tmp_path, sep, end):
    words = ["NA", "None", "null", "n/a", "nan", "", "1e5", "=1+1", "007"]
    lines = [["name", "group"], *([f"d{n}", f"{word} "] for n, word in enumerate(words))]
    text = end.join(sep.join(line) for line in [*lines, ["", ""], ["", ""]]) + end * 3
    path = tmp_path / "list.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_list(path)["group"].to_dict() == {f"d{n}": w for n, w in enumerate(words)}


def test_names_in_a_list_are_compared_as_those_of_files(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("name,group\nzellen u\u0308ber,a\n", encoding="utf-8")
    assert read_list(path).index.tolist() == ["zellen \u00fcber"]


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        (["001", "002"], ["001", "002"]),
        (["1", "2"], ["1", "2"]),  # as a spreadsheet writes them
        (["001.tif", "002.ome.TIF"], ["001.tif", "002.ome.TIF"]),
        (["002", "1", "01"], [None, "002"]),  # which one?
        (["001", "1"], ["001", None]),
        (["001.txt", "2.0"], [None, None]),
    ],
)
def test_an_image_is_found_in_a_list_by_its_file_and_by_its_number(listed, found):
    assert names_in_list(["001", "002"], listed) == found


def test_names_that_a_spreadsheet_made_numbers_of_choose_the_same_images(tmp_path):
    pairs = [Pair(f"{n:03}", tmp_path, (tmp_path,)) for n in (1, 2, 10)]
    (tmp_path / "list.csv").write_text("name,split\n1,val\n2,train\n10,val\n")
    chosen = select_pairs(pairs, tmp_path / "list.csv", where="split=val")
    assert [pair.name for pair in chosen] == ["001", "010"]
    groups = read_groups(pairs, tmp_path / "list.csv", column="split")
    assert groups == ["val", "train", "val"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name,group\na,1\n,2\n", "row 3 has no name"),
        (b"name,group\na,1,2\n", "not readable as CSV"),
        ("name,group\n\u00fc,1\n".encode("latin-1"), "save it again as CSV UTF-8"),
        ("name,group\na,1\n".encode("utf-16"), "save it again as CSV UTF-8"),
        (b"", "not readable as CSV"),
    ],
)
def test_lists_that_cannot_be_read(tmp_path, data, said):
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=said):
        read_list(path)


def test_a_name_that_occurs_twice_is_refused(pairs, table):
    table.write_text(table.read_text() + "\nd3,val,rare\n")
    with pytest.raises(SettingsError, match=r"list\.csv: d3 occurs more than once"):
        select_pairs(pairs, table, where="split=val")


def test_a_pass_is_shuffled_once_and_not_for_each_image():
    shuffled_pass.cache_clear()
    list(epoch_batches(50, epoch=0, steps=10, batch=10, seed=0))
    assert shuffled_pass.cache_info().misses == 2


@pytest.mark.parametrize(
    ("where", "error", "message"),
    [
        ("split", SettingsError, "COLUMN=VALUE"),
        ("colour=red", SettingsError, "no column 'colour'; it has split, kind"),
        ("split=test", DataError, "no annotated image fulfils"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(pairs, table, where, error, message):
    with pytest.raises(error, match=message):
        select_pairs(pairs, table, where=where)


def test_a_hash_sees_a_changed_mask(pairs):
    before = hash_pairs(pairs)
    assert hash_pairs(list(reversed(pairs))) == before
    pairs[0].masks[0].write_bytes(pairs[1].masks[0].read_bytes())
    assert hash_pairs(pairs) != before


def test_pixels_without_loss_and_gaps_between_cells_have_weights_of_their_own(tmp_path):
    labels = np.zeros((9, 12), np.uint16)
    labels[2:7, 1:5], labels[2:7, 6:11] = 1, 2  # a gap of one pixel, column 5
    labels[:, 0] = 32768  # background that is not known
    labels[2:7, 10] = 32770  # the rim of cell 2
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    Image.fromarray(labels.astype(np.uint8) * 100).save(tmp_path / "images/a.png")
    Image.fromarray(labels).save(tmp_path / "labels/a.png")
    data = PairDataset(
        find_pairs(tmp_path),
        preprocess=Preprocess(),
        settings=SampleSettings(crop_px=None, size_px=None, ignored_from=32768, touching_weight=3),
        maps=("mask", "distance"),
    )
    whole = data.whole(0)
    assert np.array_equal(np.unique(whole.labels), [0, 1, 2])
    assert (whole.labels[2:7, 10] == 2).all() and (whole.labels[:, 0] == 0).all()
    assert np.array_equal(whole.ignored, labels >= 32768)
    weights = np.rint(whole.maps[2] / 255 * 5)
    assert (weights[3, :]).tolist() == [0, 1, 1, 1, 3, 3, 3, 1, 1, 1, 0, 1]
    plain = PairDataset(
        find_pairs(tmp_path), preprocess=Preprocess(), settings=SampleSettings(crop_px=None)
    )
    assert plain.whole(0).maps.shape == (1, 9, 12)


def test_a_square_without_a_cell_is_cut_again():
    mask = np.zeros((1, 80, 80), np.uint8)
    mask[0, 30:40, 30:40] = 255
    image = np.zeros((80, 80), np.float32)

    def share_with_cells(tries: int) -> float:
        rng = np.random.default_rng(0)
        cut = [random_crop(image, mask, size=16, rng=rng, tries=tries)[1] for _ in range(200)]
        return float(np.mean([maps.any() for maps in cut]))

    once, thrice = share_with_cells(1), share_with_cells(3)
    assert thrice == pytest.approx(1 - (1 - once) ** 3, abs=0.08) and 0.05 < once < 0.4


@pytest.mark.parametrize(
    "senseless",
    [{"tries": 0}, {"ignored_from": 1}, {"touching_weight": 9}, {"touching_weight": -1}],
)
def test_senseless_samples_are_refused(senseless):
    with pytest.raises(SettingsError, match=next(iter(senseless))):
        SampleSettings(**senseless)

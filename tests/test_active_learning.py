"""Which image is to be annotated next, where a person sees it at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from bright import bright_job, bright_model
from coverslip.active_learning import (
    SUGGESTION_COLUMNS,
    choose,
    copy_frames,
    image_to_features,
    measure_uncertainty,
    suggest_frames,
)
from coverslip.active_learning.features import describe
from coverslip.active_learning.rank import border_length, entropy
from coverslip.checkpoints import load_model
from coverslip.checkpoints.method import build_method
from coverslip.errors import FileError, SettingsError
from coverslip.inference import Prediction
from coverslip.io import find_pairs, open_image, read_frame, read_labels
from coverslip.preprocessing import stretch
from drawn import discs, squares


def make_job(model=None, **settings):
    """A network that is less sure than that of the other tests."""
    return bright_job(model or bright_model(steepness=10.0), **settings)


def near_copies(folder, *, n: int = 6):
    """n nearly equal images of squares and one of stripes, odd.png; their paths."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    image = squares(3, size=48)[0]
    for number in range(n):
        noisy = (image + rng.integers(0, 3, image.shape)).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"copy{number}.png")
    stripes = np.tile(np.linspace(0, 8 * np.pi, 48), (48, 1))
    Image.fromarray((127 + 120 * np.sin(stripes)).astype(np.uint8)).save(folder / "odd.png")
    return sorted(folder.glob("*.png"))


# --- uncertainty


def test_entropy_is_one_bit_in_the_middle_and_none_at_the_ends():
    bits = entropy(np.array([[0, 0.25, 0.5, 0.75, 1]], np.float32))
    np.testing.assert_allclose(bits, [[0, 0.8113, 1, 0.8113, 0]], atol=1e-4)


def test_a_border_is_counted_by_the_sides_of_pixels():
    mask = np.zeros((20, 20), bool)
    mask[5:9, 5:12] = True
    assert border_length(mask) == 2 * (4 + 7)
    assert border_length(np.zeros((20, 20), bool)) == 10  # a square of an eighth: 4 · 20 / 8


def test_uncertainty_is_the_width_of_the_seam_and_not_the_number_of_cells():
    def strips(n: int, width: int) -> np.ndarray:
        """n borders between 0 and 1, each with a seam of that width."""
        probs = np.zeros((1, 40, 120), np.float32)
        for number in range(n):
            probs[..., 30 * number + 10 : 30 * number + 25] = 1
            probs[..., 30 * number + 10 : 30 * number + 10 + width] = 0.5
        return probs

    one, three = (
        measure_uncertainty(Prediction(strips(n, 2), None), threshold=0.4) for n in (1, 3)
    )
    wide = measure_uncertainty(Prediction(strips(3, 4), None), threshold=0.4)
    assert one.total == three.total == 1.0  # 40 x 2 px of doubt, two borders of 40 px
    assert wide.total == 2.0
    assert one.spread_px is None


def test_the_spread_counts_as_much_as_the_entropy():
    probs = np.zeros((1, 40, 40), np.float32)
    spread = np.zeros_like(probs)
    spread[0, :5] = 0.5  # half of the views say cell: 5 x 40 px, over a border of at least 20
    found = measure_uncertainty(Prediction(probs, spread), threshold=0.5)
    assert (found.entropy_px, found.spread_px, found.total) == (0, 10, 5)


# --- choice


def test_the_farthest_is_taken_and_no_duplicate():
    features = np.array([[0.0], [0.0], [0.1], [1.0], [0.6]])
    chosen = choose(features, np.ones(5), n=5)
    # 0, then 1.0 (the farthest); 0.6 is 0.4 from it, 0.1 is 0.1 from 0; a second 0 never
    assert [choice.index for choice in chosen] == [0, 3, 4, 2]
    assert [choice.distance for choice in chosen] == pytest.approx([1, 1, 0.4, 0.1])
    assert [choice.nearest for choice in chosen] == [None, 0, 3, 0]


def test_the_most_uncertain_is_the_first_and_of_two_equally_far_the_more_uncertain_the_next():
    features = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    chosen = choose(features, np.array([0.5, 0.2, 1.0]), n=2)
    assert [choice.index for choice in chosen] == [2, 0]
    assert chosen[1].gain == pytest.approx(chosen[1].distance * (0.1 + 0.9 * 0.5))


def test_a_network_that_is_sure_of_all_leaves_the_distance():
    features = np.array([[0.0], [0.2], [1.0]])
    assert [choice.index for choice in choose(features, np.zeros(3), n=2)] == [0, 2]


# --- features


def test_features_of_an_encoder_are_alike_for_images_that_look_alike():
    model = load_model("phase")
    images = [discs(0)[0], discs(0)[0] + np.uint8(1), squares(4, size=48)[0]]
    prepared = [stretch(i, low_percentile=1, high_percentile=99.8) for i in images]
    first, like, other = (image_to_features(image, model) for image in prepared)
    assert first.shape == (512,) and np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(first - like) < 0.1 * np.linalg.norm(first - other)
    colour = np.repeat(prepared[0][..., None], 3, axis=2)
    np.testing.assert_allclose(image_to_features(colour, model), first, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (7, 600), (33, 20, 3)])
def test_features_of_any_size(shape):
    image = np.random.default_rng(1).random(shape).astype(np.float32)
    for features in (image_to_features(image, load_model("phase")), describe(image)):
        assert np.isfinite(features).all()


def test_texture_is_told_at_its_scale():
    y, x = np.mgrid[:64, :64]
    fine = ((x // 1 + y // 1) % 2).astype(np.float32)
    coarse = 0.5 + 0.5 * np.sin(x * np.pi / 8).astype(np.float32)
    assert np.argmax(describe(fine)[3:]) == 0
    assert np.argmax(describe(coarse)[3:]) == 3  # of 1, 2, 4, 8, 16 px; half a wave is 8


# --- from files


def test_the_odd_one_among_near_copies_is_chosen(tmp_path):
    paths = near_copies(tmp_path / "images")
    found = suggest_frames(paths, make_job(tta="paper"), n=2)
    assert any(file.endswith("odd.png") for file in found.table["file"])
    assert found.n_frames == 7 and not found.failed
    assert list(found.table.columns) == list(SUGGESTION_COLUMNS)
    assert found.table["rank"].tolist() == [1, 2]
    assert found.table["spread_px"].notna().all()


def test_equal_images_are_not_chosen_twice(tmp_path):
    for name, n in {"a": 1, "b": 1, "c": 1, "d": 4}.items():
        Image.fromarray(squares(n)[0]).save(tmp_path / f"{name}.png")
    found = suggest_frames(sorted(tmp_path.glob("*.png")), make_job(), n=4)
    assert len(found.table) == 2
    assert found.table["spread_px"].isna().all()


def test_frames_of_a_film_count_as_images_and_some_may_be_left_out(tmp_path):
    film = np.stack([squares(n)[0] for n in (1, 1, 1, 1, 7, 1)])
    tifffile.imwrite(tmp_path / "film.tif", film, metadata={"axes": "TYX"}, ome=True)
    seen = []
    found = suggest_frames(
        [tmp_path / "film.tif"],
        make_job(),
        n=3,
        every=2,
        on_frame=lambda path, frame, n: seen.append((frame, n)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert sorted(found.table["frame"]) == [0, 4]
    assert "film.tif frame" in found.table["reason"][1]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(tmp_path):
    paths = near_copies(tmp_path / "images", n=1)
    (tmp_path / "images" / "broken.png").write_bytes(b"no image")
    found = suggest_frames([tmp_path / "images" / "broken.png", *paths], make_job(), n=1)
    assert len(found.table) == 1 and list(found.failed) == [tmp_path / "images" / "broken.png"]
    with pytest.raises(FileError, match=r"broken\.png"):
        suggest_frames([tmp_path / "images" / "broken.png"], make_job(), n=1)


def test_what_makes_no_sense_is_refused(tmp_path):
    paths = near_copies(tmp_path / "images", n=1)
    with pytest.raises(SettingsError, match="n is 0"):
        suggest_frames(paths, make_job(), n=0)
    with pytest.raises(SettingsError, match="without learning"):
        suggest_frames(paths, make_job(build_method("egt", {})), n=1)


def test_the_page_explains_every_column_in_the_words_of_the_code():
    page = (Path(__file__).parent.parent / "docs" / "suggest.md").read_text(encoding="utf-8")
    for column, text in SUGGESTION_COLUMNS.items():
        assert f"| `{column}` | {text} |" in page


# --- copies


def test_copies_are_annotated_images_that_only_want_correction(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    grey = squares(3)[0].astype(np.uint16) * 100
    tifffile.imwrite(
        tmp_path / "a" / "x.tif",
        np.stack([grey, grey]),
        ome=True,
        metadata={"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5},
    )
    colour = np.repeat(squares(2)[0][..., None], 3, axis=2)
    for folder in ("a", "b"):
        Image.fromarray(colour).save(tmp_path / folder / "y.png")
    files = [tmp_path / "a" / "x.tif", tmp_path / "a" / "y.png", tmp_path / "b" / "y.png"]
    table = pd.DataFrame({"file": list(map(str, files)), "frame": [1, 0, 0]})
    written = copy_frames(table, tmp_path / "out", job=make_job())
    assert [path.name for path in written] == ["x_frame_00001.tif", "y.tif", "y_2.tif"]
    pairs = find_pairs(tmp_path / "out")
    assert [pair.name for pair in pairs] == ["x_frame_00001", "y", "y_2"]
    film = open_image(pairs[0].image)
    assert film.pixel_size_um == (0.5, 0.5)
    assert np.array_equal(read_frame(film), grey)
    assert np.array_equal(read_frame(open_image(pairs[1].image)), colour)
    assert read_labels(pairs[0].masks[0]).max() == 3
    with pytest.raises(SettingsError, match="not empty"):
        copy_frames(table, tmp_path / "out", job=make_job())


def test_a_type_that_ome_does_not_know_becomes_float(tmp_path):
    tifffile.imwrite(tmp_path / "half.tif", squares(1)[0].astype(np.float16))
    table = pd.DataFrame({"file": [str(tmp_path / "half.tif")], "frame": [0]})
    (path,) = copy_frames(table, tmp_path / "out", job=make_job())
    assert read_frame(open_image(path)).dtype == np.float32

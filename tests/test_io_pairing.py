"""Images and the masks that belong to them, and every way in which they do not."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from coverslip.errors import DataError, FileError
from coverslip.evaluation import match_files
from coverslip.file_measurements import match_labels
from coverslip.io import Pair, check_pairs, find_pairs, pair_images, read_truth

MASK = np.array([[0, 255], [255, 0]], np.uint8)


def draw(path, values=MASK):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, values, photometric="minisblack")
    else:
        Image.fromarray(values).save(path)
    return path


def problems(*arguments):
    with pytest.raises(DataError) as error:
        find_pairs(*arguments)
    return str(error.value).splitlines()[1:]


def test_two_folders(tmp_path):
    image = draw(tmp_path / "in" / "b.tif")
    mask = draw(tmp_path / "out" / "b.png")
    draw(tmp_path / "in" / "a.png")
    draw(tmp_path / "out" / "a_cp_masks.tif")
    pairs = find_pairs(tmp_path / "in", tmp_path / "out")
    assert [pair.name for pair in pairs] == ["a", "b"]
    assert pairs[1] == Pair("b", image, (mask,))


@pytest.mark.parametrize("inner", ["labels", "masks"])
def test_one_folder_with_two_inside(tmp_path, inner):
    image, mask = draw(tmp_path / "images" / "a.png"), draw(tmp_path / inner / "a.png")
    assert find_pairs(tmp_path) == [Pair("a", image, (mask,))]


def test_labels_and_masks_both_there(tmp_path):
    for inner in ("images", "labels", "masks"):
        draw(tmp_path / inner / "a.png")
    assert "are both there" in problems(tmp_path)[0]
    pair = find_pairs(tmp_path / "images", tmp_path / "labels")[0]
    assert pair.masks[0].parent.name == "labels"


@pytest.mark.parametrize("ending", ["_mask", "_masks", "_labels", "_cp_masks", "_seg", "_MASK"])
@pytest.mark.parametrize("apart", [False, True])
def test_masks_beside_the_images(tmp_path, ending, apart):
    image = draw(tmp_path / "well 1.tif")
    mask = draw(tmp_path / f"well 1{ending}.png")
    second = tmp_path if apart else None
    assert find_pairs(tmp_path, second) == [Pair("well 1", image, (mask,))]


def test_ome_tiff_counts_as_one_suffix(tmp_path):
    image, mask = draw(tmp_path / "a.ome.tif"), draw(tmp_path / "a_mask.ome.tif")
    assert find_pairs(tmp_path) == [Pair("a", image, (mask,))]


def test_an_image_whose_own_name_ends_like_a_mask(tmp_path):
    image, mask = draw(tmp_path / "i" / "face_mask.png"), draw(tmp_path / "m" / "face_mask.png")
    assert find_pairs(tmp_path / "i", tmp_path / "m") == [Pair("face_mask", image, (mask,))]


def test_bowl_layout(tmp_path):
    for name in ("id10", "id2"):
        draw(tmp_path / name / "images" / f"{name}.png")
        for cell in ("c2.png", "c1.png"):
            draw(tmp_path / name / "masks" / cell)
    pairs = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["id2", "id10"]
    assert [path.name for path in pairs[0].masks] == ["c1.png", "c2.png"]


def test_umlauts_in_one_and_in_two_characters(tmp_path):
    draw(tmp_path / "i" / "K\u00f6rper.png")
    draw(tmp_path / "m" / "Ko\u0308rper.png")
    assert [pair.name for pair in find_pairs(tmp_path / "i", tmp_path / "m")] == ["Körper"]


def test_all_problems_of_two_folders_at_once(tmp_path):
    images, masks = tmp_path / "images", tmp_path / "masks"
    for name in ("a.png", "a.tif", "b.png", "c.png"):
        draw(images / name)
    for name in ("a.png", "c.png", "c_mask.png", "d.png"):
        draw(masks / name)
    lines = problems(tmp_path)
    expected = [
        (images / "a.png", "another image has the same name: a.tif", "rename"),
        (masks / "c.png", "another mask has the same name: c_mask.png", "rename"),
        (images / "b.png", "no mask of the name b", "Add it"),
        (masks / "d.png", "no image of the name d", "Add it"),
    ]
    assert len(lines) == len(expected)
    for line, words in zip(lines, expected, strict=True):
        for word in words:
            assert str(word) in line


def test_all_problems_of_the_bowl_layout_at_once(tmp_path):
    draw(tmp_path / "one" / "images" / "a.png")
    draw(tmp_path / "two" / "images" / "a.png")
    draw(tmp_path / "two" / "images" / "b.png")
    draw(tmp_path / "fine" / "images" / "a.png")
    draw(tmp_path / "fine" / "masks" / "1.png")
    first, second = problems(tmp_path)
    assert "no mask in" in first
    assert "2 images, where one is wanted" in second


def test_missing_partner_beside(tmp_path):
    draw(tmp_path / "a.png")
    draw(tmp_path / "b_mask.png")
    assert len(problems(tmp_path)) == 2


def test_nothing_to_pair(tmp_path):
    draw(tmp_path / "a.png")
    with pytest.raises(DataError, match="no pair"):
        find_pairs(tmp_path)
    with pytest.raises(FileError, match="no such folder"):
        find_pairs(tmp_path / "nowhere")


def pair_of(tmp_path, mask, *, image=None):
    first = draw(tmp_path / "a.png", np.zeros((2, 2), np.uint8) if image is None else image)
    return Pair("a", first, (draw(tmp_path / "a_mask.tif", mask),))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int64"])
def test_truth_of_ids(tmp_path, dtype):
    ids = np.array([[0, 3], [120, 3]], dtype)
    truth = read_truth(pair_of(tmp_path, ids))
    assert truth.dtype == np.int32
    np.testing.assert_array_equal(truth, ids)


@pytest.mark.parametrize("high", [1, 255])
def test_truth_of_a_mask_is_0_and_1(tmp_path, high):
    np.testing.assert_array_equal(
        read_truth(pair_of(tmp_path, np.array([[0, high], [high, 0]], np.uint8))), [[0, 1], [1, 0]]
    )


def test_255_among_other_ids_is_an_id(tmp_path):
    ids = np.array([[0, 254], [255, 1]], np.uint8)
    np.testing.assert_array_equal(read_truth(pair_of(tmp_path, ids)), ids)


def test_one_file_per_cell_and_the_later_wins(tmp_path):
    first = draw(tmp_path / "1.png", np.array([[255, 255, 0]], np.uint8))
    second = draw(tmp_path / "2.png", np.array([[0, 255, 0]], np.uint8))
    third = draw(tmp_path / "3.png", np.array([[0, 0, 255]], np.uint8))
    pair = Pair("a", tmp_path / "a.png", (first, second, third))
    np.testing.assert_array_equal(read_truth(pair), [[1, 2, 3]])


def test_cells_of_different_sizes(tmp_path):
    first = draw(tmp_path / "1.png")
    second = draw(tmp_path / "2.png", np.zeros((3, 2), np.uint8))
    with pytest.raises(DataError, match=r"2\.png: 3 × 2 pixels"):
        read_truth(Pair("a", first, (first, second)))


def test_id_beyond_32_bits(tmp_path):
    with pytest.raises(DataError, match="beyond"):
        read_truth(pair_of(tmp_path, np.array([[0, 2**31]], np.uint32)))


def test_film_as_truth(tmp_path):
    with pytest.raises(DataError, match="3 frames"):
        read_truth(pair_of(tmp_path, np.ones((3, 2, 2), np.int32)))


def test_good_pairs_have_no_problem(tmp_path):
    assert check_pairs([pair_of(tmp_path, MASK)]) == []


def test_all_problems_of_a_data_set_at_once(tmp_path):
    good = np.zeros((2, 2), np.uint8)
    other_size = pair_of(tmp_path / "size", np.ones((3, 2), np.uint8))
    empty = pair_of(tmp_path / "empty", np.zeros((2, 2), np.uint8))
    broken = pair_of(tmp_path / "broken", MASK)
    broken.image.write_text("no picture")
    broken.masks[0].write_bytes(b"")
    film = Pair("f", draw(tmp_path / "film" / "f.tif", np.ones((5, 2, 2), np.int32)), empty.masks)
    fine = pair_of(tmp_path / "fine", MASK, image=good)
    lines = check_pairs([other_size, empty, broken, film, fine])
    expected = [
        (other_size.masks[0], "3 × 2", "2 × 2", "Export the mask again"),
        (empty.masks[0], "no cell"),
        (broken.image, "not an image"),
        (broken.masks[0], "empty (0 bytes)"),
        (film.image, "5 frames"),
        (empty.masks[0], "no cell"),
    ]
    assert len(lines) == len(expected)
    for line, words in zip(lines, expected, strict=True):
        for word in words:
            assert str(word) in line


# --- the Cell Tracking Challenge


def draw_film(folder, *, kind="GT", annotated=(0, 2)):
    """Three frames, of which some have labels; and those of a tracker."""
    for number in range(3):
        draw(folder / "01" / f"t{number:03d}.tif")
        draw(folder / "01_RES" / f"mask{number:03d}.tif", MASK // 255)
        draw(folder / "01_GT" / "TRA" / f"man_track{number:03d}.tif", MASK // 255)
    for number in annotated:
        draw(folder / f"01_{kind}" / "SEG" / f"man_seg{number:03d}.tif", MASK // 255)


@pytest.mark.parametrize("kind", ["GT", "ST"])
def test_films_of_the_cell_tracking_challenge(tmp_path, kind):
    draw_film(tmp_path, kind=kind)
    pairs = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["01_t000", "01_t002"]
    assert pairs[1].image == tmp_path / "01" / "t002.tif"
    assert pairs[1].masks == (tmp_path / f"01_{kind}" / "SEG" / "man_seg002.tif",)
    named = find_pairs(tmp_path / "01", tmp_path / f"01_{kind}")
    assert [pair.name for pair in named] == ["t000", "t002"]


def test_an_annotated_frame_without_an_image_is_listed(tmp_path):
    draw_film(tmp_path, annotated=(0, 7))
    (problem,) = problems(tmp_path)
    assert "man_seg007.tif: no image of the name man_seg007 in" in problem


def test_predictions_and_labels_of_the_challenge_find_their_frames(tmp_path):
    draw_film(tmp_path)
    found = match_files(tmp_path / "01_RES", tmp_path / "01_GT")
    assert [(pair.pred.name, pair.truth.name) for pair in found.pairs] == [
        ("mask000.tif", "man_seg000.tif"), ("mask002.tif", "man_seg002.tif"),
    ]  # fmt: skip
    assert [path.name for path in found.without_truth] == ["mask001.tif"]
    measured = match_labels(tmp_path / "01_RES", tmp_path / "01").files
    assert [(file.labels.name, file.image.name) for file in measured][1] == (
        "mask001.tif",
        "t001.tif",
    )


def test_names_like_those_of_the_challenge_stay_names(tmp_path):
    for folder in ("i", "m"):
        for name in ("mask001.png", "t002.png"):
            draw(tmp_path / folder / name)
    assert [pair.name for pair in find_pairs(tmp_path / "i", tmp_path / "m")] == [
        "mask001",
        "t002",
    ]


def test_two_images_for_one_picture_of_errors_are_refused(tmp_path):
    draw(tmp_path / "i" / "a.png")
    draw(tmp_path / "i" / "a.tif")
    images = [tmp_path / "i" / "a.png", tmp_path / "i" / "a.tif"]
    with pytest.raises(DataError, match=r"another image has the same name: a\.tif"):
        pair_images({"a": tmp_path / "a.png"}, images, where="i", option="--errors")

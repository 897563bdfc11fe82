"""Label and mask files of many kinds: the numbers as they are."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from coverslip.errors import DataError, FileError
from coverslip.io import check_labels, open_image, read_frame, read_labels
from drawn import soft_mask
from handmade_png import png_bytes

EXAMPLES = Path(__file__).parents[1] / "examples"
IDS = np.array([[0, 1, 1], [0, 0, 200], [7, 7, 0]])


def written(path, values, **options):
    if path.suffix == ".tif":
        tifffile.imwrite(path, values, **options)
    else:
        Image.fromarray(values).save(path)
    return read_labels(path)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_ids_in_png(tmp_path, dtype):
    labels = written(tmp_path / "a.png", IDS.astype(dtype))
    assert labels.dtype == dtype
    np.testing.assert_array_equal(labels, IDS)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "int32", "float32"])
def test_ids_in_tiff(tmp_path, dtype):
    labels = written(tmp_path / "a.tif", IDS.astype(dtype))
    assert labels.dtype.kind in "ui"
    np.testing.assert_array_equal(labels, IDS)


def test_ids_beyond_16_bits(tmp_path):
    assert written(tmp_path / "a.tif", np.array([[0, 70_000]], np.uint32)).max() == 70_000


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_mask_of_0_and_255_stays_so(tmp_path, suffix):
    mask = np.array([[0, 255], [255, 0]], np.uint8)
    np.testing.assert_array_equal(written(tmp_path / f"a.{suffix}", mask), mask)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_one_bit_is_0_and_1(tmp_path, suffix):
    mask = np.array([[True, False], [False, True]])
    np.testing.assert_array_equal(written(tmp_path / f"a.{suffix}", mask), [[1, 0], [0, 1]])


def test_zero_as_white_changes_no_id(tmp_path):
    """What tifffile says of every bool mask, and ImageJ of its inverted display."""
    labels = written(tmp_path / "a.tif", IDS.astype(np.uint8), photometric="miniswhite")
    np.testing.assert_array_equal(labels, IDS)


def test_entries_of_a_colour_table_are_ids(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), [[0, 1], [2, 1]])
    table = np.random.default_rng(0).integers(0, 65536, (3, 65536), dtype=np.uint16)
    ids = np.array([[0, 300]], np.uint16)
    labels = written(tmp_path / "a.tif", ids, photometric="palette", colormap=table)
    np.testing.assert_array_equal(labels, ids)


def test_four_bits_are_not_spread(tmp_path):
    """Pillow spreads 0..15 over 0..255."""
    two_ids_a_byte = np.array([[0x12], [0xF0]], np.uint8)
    data = png_bytes(two_ids_a_byte, depth=4, colour_type=0, width=2)
    (tmp_path / "a.png").write_bytes(data)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), [[1, 2], [15, 0]])


@pytest.mark.parametrize("samples", [3, 4])
def test_grey_stored_as_rgb(tmp_path, samples):
    values = np.repeat(IDS.astype(np.uint8)[..., None], samples, axis=2)
    if samples == 4:
        values[..., 3] = 255
    for suffix in ("png", "tif"):
        options = {"photometric": "rgb"} if suffix == "tif" else {}
        np.testing.assert_array_equal(written(tmp_path / f"a.{suffix}", values, **options), IDS)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_colours_are_refused_with_the_cure(tmp_path, suffix):
    values = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    with pytest.raises(FileError, match=rf"a\.{suffix}: a colour picture.*16-bit"):
        written(tmp_path / f"a.{suffix}", values)


def test_jpeg_is_refused_with_the_cure(tmp_path):
    Image.fromarray(IDS.astype(np.uint8)).save(tmp_path / "a.jpg")
    with pytest.raises(FileError, match=r"a\.jpg.*PNG or TIFF"):
        read_labels(tmp_path / "a.jpg")


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_fractions_are_refused(tmp_path, value):
    with pytest.raises(FileError, match=r"a\.tif: holds fractions or NaN.*Threshold"):
        written(tmp_path / "a.tif", np.array([[0, 0.25, value]], np.float32))


def test_negative_ids_are_refused(tmp_path):
    with pytest.raises(FileError, match="negative number -1"):
        written(tmp_path / "a.tif", np.array([[0, -1]], np.int16))


def test_channels_are_refused(tmp_path):
    values = np.zeros((2, 3, 3), np.uint8)
    with pytest.raises(FileError, match="2 channels"):
        written(tmp_path / "a.tif", values, imagej=True, metadata={"axes": "CYX"})


def test_film_and_hyperstack(tmp_path):
    film = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
    options = {"ome": True, "photometric": "minisblack"}
    labels = written(tmp_path / "a.tif", film[0], metadata={"axes": "TYX"}, **options)
    np.testing.assert_array_equal(labels, film[0])
    labels = written(tmp_path / "b.tif", film, metadata={"axes": "TZYX"}, **options)
    np.testing.assert_array_equal(labels, film)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_a_mask_with_soft_edges_is_no_label_image(dtype):
    with pytest.raises(DataError, match=r"x: grey values between 0 and 255.*nearest"):
        check_labels(soft_mask().astype(dtype), what="x")
    check_labels(np.where(soft_mask() > 99, 255, 0).astype(dtype), what="x")


def test_ids_up_to_255_are_no_soft_mask():
    check_labels(np.arange(256, dtype=np.uint8).reshape(16, 16), what="x")


def test_probabilities_are_no_label_image_and_a_bool_mask_is():
    with pytest.raises(DataError, match=r"x: holds fractions.*Threshold"):
        check_labels(np.eye(2) / 2 + 0.1, what="x")
    check_labels(np.eye(2) > 0, what="x")
    check_labels(np.zeros((0, 3), int), what="x")


def is_refused(labels) -> bool:
    try:
        check_labels(labels, what="x")
    except DataError as error:
        assert "x: a photograph and no labels" in str(error)
        return True
    return False


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("[np]*/*.*")), ids=lambda path: path.name)
def test_a_photograph_is_no_label_image(path):
    image = read_frame(open_image(path))
    grey = image if image.ndim == 2 else image[..., 0]
    assert is_refused(grey)
    assert is_refused(np.stack([0 * grey, grey]))  # a film that begins black
    assert is_refused(grey.astype(np.uint16) * 16)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("truth/*/*")), ids=lambda path: path.name)
def test_true_labels_are_labels(path):
    labels = read_labels(path)
    assert not is_refused(labels)
    cut = labels.copy()
    cut[::7] = 0  # every cell in many strips
    assert not is_refused(cut)
    assert not is_refused(labels[::4, ::4])  # and in smaller ones


def test_a_photograph_of_16_bits_has_nearly_as_many_values_as_pixels():
    noise = np.random.default_rng(0).integers(1, 65536, (100, 100), dtype=np.uint16)
    assert is_refused(noise)


def test_labels_without_background_of_many_small_or_ragged_cells_are_labels():
    y, x = np.mgrid[:120, :120]
    assert not is_refused(1 + y // 3 * 40 + x // 3)  # 1600 cells of 9 px, no background
    rng = np.random.default_rng(0)
    cells = 1 + y // 12 * 10 + x // 12
    holes = np.where(rng.random(cells.shape) < 0.3, 0, cells)  # cells of specks
    assert not is_refused(holes)
    stray = np.where(
        rng.random(cells.shape) < 0.1, rng.permuted(cells.ravel()).reshape(120, 120), cells
    )
    assert not is_refused(stray)  # every number has specks all over
    tissue = rng.integers(0, 12, (12, 12)).repeat(10, axis=0).repeat(10, axis=1)
    assert not is_refused(tissue)  # of twelve kinds

"""Label files of any tool, with their images → one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tifffile

from coverslip.errors import DataError, FileError, SettingsError
from coverslip.file_measurements import match_labels, measure_files
from coverslip.io import Reading, write_label_regions
from coverslip.measurements import COLUMNS, MeasureSettings, measure
from coverslip.tables import write_table
from drawn import save_picture, soft_mask, squares
from shapes import drawn

if TYPE_CHECKING:
    from pathlib import Path

BASIC = MeasureSettings(properties=("basic",))
TWO = drawn("110\n110\n002")


def names(labels: Path, images: Path | None = None) -> list[tuple[str, str | None]]:
    files = match_labels(labels, images).files
    return [(file.labels.name, file.image and file.image.name) for file in files]


def measured(labels: Path, images: Path | None = None, **options: object) -> pd.DataFrame:
    return measure_files(match_labels(labels, images).files, **options)


# --- which belongs to which


def test_labels_find_their_images_by_name(tmp_path):
    for name in ("a_labels.tif", "b_cp_masks.png", "c.png", "a_overlay.png"):
        save_picture(tmp_path / "found" / name, TWO)
    for name in ("a.png", "b.tif", "c.tif", "d.png"):
        save_picture(tmp_path / "images" / name, TWO)
    assert names(tmp_path / "found", tmp_path / "images") == [
        ("a_labels.tif", "a.png"), ("b_cp_masks.png", "b.tif"), ("c.png", "c.tif"),
    ]  # fmt: skip
    assert names(tmp_path / "found")[0] == ("a_labels.tif", None)
    (left,) = match_labels(tmp_path / "found", tmp_path / "images").without_labels
    assert left.name == "d.png"


def test_labels_beside_their_images(tmp_path):
    for name in ("a.tif", "a_masks.tif", "b.tif", "b_masks.tif"):
        save_picture(tmp_path / name, TWO)
    found = match_labels(tmp_path, tmp_path)
    assert names(tmp_path, tmp_path) == [("a_masks.tif", "a.tif"), ("b_masks.tif", "b.tif")]
    assert found.without_labels == ()


def test_of_images_that_share_a_stem_the_suffix_tells(tmp_path):
    for name in ("a.png", "a.tif"):
        save_picture(tmp_path / "images" / name, TWO)
        save_picture(tmp_path / "found" / f"{name.replace('.', '_')}_labels.tif", TWO)
    assert names(tmp_path / "found", tmp_path / "images") == [
        ("a_png_labels.tif", "a.png"), ("a_tif_labels.tif", "a.tif"),
    ]  # fmt: skip
    save_picture(tmp_path / "other" / "a.png", TWO)
    with pytest.raises(DataError, match=r"a\.png: another image has the same name: a\.tif"):
        match_labels(tmp_path / "other", tmp_path / "images")


def test_two_files_belong_together_whatever_their_names(tmp_path):
    labels, image = save_picture(tmp_path / "x.png", TWO), save_picture(tmp_path / "y.png", TWO)
    assert names(labels, image) == [("x.png", "y.png")]


def test_all_that_is_missing_is_listed_at_once(tmp_path):
    for name in ("a_labels.tif", "b_labels.tif", "c_labels.tif"):
        save_picture(tmp_path / "found" / name, TWO)
    save_picture(tmp_path / "images" / "b.png", TWO)
    with pytest.raises(
        DataError, match=r"leave IMAGES out \(2\):\n.*image of the name a .*\n.*name c "
    ):
        match_labels(tmp_path / "found", tmp_path / "images")
    save_picture(tmp_path / "found" / "a_masks.png", TWO)
    with pytest.raises(DataError, match=r"Keep one label file of each name \(1\)"):
        match_labels(tmp_path / "found", None)
    with pytest.raises(FileError, match="no such file or folder"):
        match_labels(tmp_path / "nowhere", None)


# --- what is measured


def test_the_table_is_that_of_measure(tmp_path):
    image, labels = squares(3)
    save_picture(tmp_path / "found" / "a_labels.png", labels * 20)
    save_picture(tmp_path / "images" / "a.png", image)
    table = measured(tmp_path / "found", tmp_path / "images")
    assert (table.pop("file") == str(tmp_path / "found" / "a_labels.png")).all()
    assert (table.pop("frame") == 0).all()
    pd.testing.assert_frame_equal(table, measure(labels.astype(int) * 20, image))
    assert table["label"].tolist() == [20, 40, 60] and (table["intensity_mean"] == 220).all()


def test_a_film_has_rows_of_every_frame(tmp_path):
    film, labels = (np.stack([squares(n)[i] for n in (1, 0, 4)]) for i in (0, 1))
    tifffile.imwrite(tmp_path / "film.tif", film * 2, metadata={"axes": "TYX"}, imagej=True)
    tifffile.imwrite(tmp_path / "l.tif", labels, metadata={"axes": "TYX"}, imagej=True)
    table = measured(tmp_path / "l.tif", tmp_path / "film.tif", settings=BASIC)
    assert table["frame"].tolist() == [0, 2, 2, 2, 2]
    assert table["label"].tolist() == [1, 1, 2, 3, 4]
    assert (table["intensity_mean"] == 440 % 256).all()


def test_every_channel_of_an_image(tmp_path):
    image, labels = squares(2)
    both = np.stack([image, image // 2])
    tifffile.imwrite(tmp_path / "a.tif", both, ome=True, metadata={"axes": "CYX"})
    table = measured(save_picture(tmp_path / "l.png", labels), tmp_path / "a.tif", settings=BASIC)
    assert table["intensity_mean_c0"].tolist() == [220, 220]
    assert table["intensity_mean_c1"].tolist() == [110, 110]


def test_the_pixel_size_is_that_of_the_image_or_the_labels_or_the_callers(tmp_path):
    _, labels = squares(1)
    known = tmp_path / "known.tif"
    size = {"axes": "YX", "PhysicalSizeY": 0.5, "PhysicalSizeX": 0.25}
    tifffile.imwrite(known, labels, ome=True, metadata=size)
    plain = save_picture(tmp_path / "plain.png", labels)
    for pair in ((known, plain), (plain, known), (known, None)):
        assert measured(*pair, settings=BASIC)["area_um2"].tolist() == [36 * 0.125]
    assert "area_um2" not in measured(plain, settings=BASIC)
    table = measured(known, plain, settings=BASIC, pixel_size_um=(2.0, 2.0))
    assert table["area_um2"].tolist() == [36 * 4]


def test_the_pieces_of_a_mask_are_its_cells_and_the_user_is_told(tmp_path):
    notes = []
    mask = save_picture(tmp_path / "m.png", (squares(3)[1] > 0) * 255)
    table = measured(mask, settings=BASIC, on_note=notes.append)
    assert table["label"].tolist() == [1, 2, 3]
    assert notes == [
        f"{mask}: a mask, since all cells are 255; its connected pieces are taken for the cells"
    ]
    lonely = save_picture(tmp_path / "one.png", (squares(1)[1] > 0) * 7)
    assert measured(lonely, on_note=notes.append)["label"].tolist() == [7] and len(notes) == 1


def test_no_cell_gives_an_empty_table_with_its_columns(tmp_path):
    table = measured(save_picture(tmp_path / "l.png", TWO * 0))
    in_px = [name for name in COLUMNS if not name.endswith(("_um", "_um2"))]
    shapes = [n for n in in_px if COLUMNS[n].group not in ("intensity", "uncertainty")]
    assert len(table) == 0 and list(table.columns) == ["file", "frame", *shapes]


def test_what_does_not_fit_is_listed_and_nothing_is_measured(tmp_path):
    save_picture(tmp_path / "found" / "a.png", TWO)
    save_picture(tmp_path / "images" / "a.png", np.zeros((3, 4)))
    save_picture(tmp_path / "found" / "b.png", TWO)
    save_picture(tmp_path / "images" / "b.png", TWO)
    (tmp_path / "found" / "c.png").write_bytes(b"")
    save_picture(tmp_path / "images" / "c.png", TWO)
    with pytest.raises(DataError) as caught:
        measured(tmp_path / "found", tmp_path / "images")
    lines = str(caught.value).splitlines()
    assert lines[0] == "Nothing was measured: mend these, or leave them out (2):"
    assert "the labels are 3 × 3 pixels" in lines[1] and "a.png 3 × 4: wanted the same" in lines[1]
    assert "c.png" in lines[2]


def test_a_mask_with_soft_edges_is_refused(tmp_path):
    with pytest.raises(DataError, match="each would count as a cell"):
        measured(save_picture(tmp_path / "soft.png", soft_mask()))


# --- how it is written


def test_a_csv_has_eight_digits_and_empty_places(tmp_path):
    table = pd.DataFrame({"label": [4294967295], "area_um2": [0.1 + 0.2], "x": [float("nan")]})
    write_table(tmp_path / "t.CSV", table)
    assert (tmp_path / "t.CSV").read_text() == "label,area_um2,x\n4294967295,0.3,\n"


def test_parquet_keeps_every_digit_and_says_the_units(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = measure(TWO, {"GFP": np.full(TWO.shape, 1 / 3)}, pixel_size_um=(0.3, 0.1))
    write_table(tmp_path / "t.parquet", table)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table)
    schema = parquet.read_schema(tmp_path / "t.parquet")
    assert schema.field("perimeter_um").metadata[b"unit"].decode() == "µm"
    assert schema.field("intensity_mean_GFP").metadata[b"unit"] == b"grey value"


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.csv.gz"])
def test_another_ending_is_refused(tmp_path, name):
    with pytest.raises(SettingsError, match="wanted csv or parquet"):
        write_table(tmp_path / name, pd.DataFrame())
    assert not list(tmp_path.iterdir())


def test_the_depths_of_an_image_as_one_picture(tmp_path):
    """Labels that were made of a projection are measured in it."""
    labels = save_picture(tmp_path / "a_labels.tif", TWO)
    stack = np.stack([np.full(TWO.shape, value, np.uint8) for value in (10, 30)])
    options = {"photometric": "minisblack", "ome": True, "metadata": {"axes": "ZYX"}}
    tifffile.imwrite(tmp_path / "a.tif", stack, **options)
    for how, expected in (("max", 30), ("mean", 20), ("0", 10)):
        table = measured(labels, tmp_path / "a.tif", reading=Reading(project=how))
        assert table.intensity_mean.tolist() == [expected] * 2
    with pytest.raises(DataError, match="2 frames of 3 × 3"):
        measured(labels, tmp_path / "a.tif")


def test_labels_and_image_in_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    write_label_regions(
        tmp_path / "labels.ome.zarr",
        shape=TWO.shape,
        read=lambda rows, columns: TWO[rows, columns].astype(np.uint32),
        pixel_size_um=(0.5, 0.5),
    )
    image = zarr.create_array(tmp_path / "any.zarr", shape=TWO.shape, dtype="u1")
    image[...] = 7
    table = measured(tmp_path / "labels.ome.zarr", tmp_path / "any.zarr")
    assert table.area_px.tolist() == [4, 1] and table.intensity_mean.tolist() == [7, 7]
    assert table.area_um2.tolist() == [1, 0.25]

"""One bad file costs itself only: the others are done, it is named, and exit status 1 says it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tifffile

from bright import write_bright
from coverslip.errors import StoppedError, costs_itself, named_failure
from drawn import save_picture, squares

if TYPE_CHECKING:
    from pathlib import Path

GOOD = ("a", "b")


def cut(path: Path) -> Path:
    """Take the second half of a file away."""
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    return path


def cut_tiff(folder: Path) -> Path:
    tifffile.imwrite(folder / "bad.tif", squares(2)[1], compression="zlib")
    return cut(folder / "bad.tif")


def cut_film(folder: Path) -> Path:
    film = np.random.default_rng(0).integers(0, 9, (6, 64, 64)).astype(np.uint16)
    tifffile.imwrite(folder / "bad.tif", film, imagej=True, metadata={"axes": "TYX"})
    return cut(folder / "bad.tif")


def cut_png(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8)
    return cut(save_picture(folder / "bad.png", noise))


def empty_png(folder: Path) -> Path:
    (folder / "bad.png").write_bytes(b"")
    return folder / "bad.png"


def cut_seg(folder: Path) -> Path:
    np.save(folder / "bad_seg.npy", {"masks": squares(2)[1]}, allow_pickle=True)
    return cut(folder / "bad_seg.npy")


def odd_labelme(folder: Path) -> Path:
    shape = {"label": "cell", "points": [["x", 1], [2, None]], "shape_type": "polygon"}
    content = {"shapes": [shape], "imagePath": "bad.png", "imageHeight": 32, "imageWidth": 32}
    (folder / "bad.json").write_text(json.dumps(content))
    return folder / "bad.json"


def cut_zarr(folder: Path) -> Path:
    zarr = pytest.importorskip("zarr")
    store = zarr.open_array(
        folder / "bad.zarr", mode="w", shape=(32, 32), chunks=(32, 32), dtype="u2", zarr_format=2
    )
    store[:] = squares(2)[1]
    cut(folder / "bad.zarr" / "0.0")
    return folder / "bad.zarr"


def cut_hdf5(folder: Path) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "bad.h5", "w") as file:
        file["exported_data"] = squares(2)[1]
    return cut(folder / "bad.h5")


DAMAGED = (
    cut_tiff,
    cut_film,
    cut_png,
    empty_png,
    cut_seg,
    odd_labelme,
    cut_zarr,
    cut_hdf5,
)


def write_good(folder: Path, *, images: Path | None = None) -> None:
    """Two label files and, if wanted, their images."""
    for n, name in enumerate(GOOD, start=2):
        image, labels = squares(n)
        save_picture(folder / f"{name}.png", labels)
        if images is not None:
            save_picture(images / f"{name}.png", image)


@pytest.mark.parametrize("damage", DAMAGED, ids=lambda one: one.__name__)
def test_measure_goes_on_without_a_damaged_file(coverslip, tmp_path, damage):
    write_good(tmp_path / "labels")
    bad = damage(tmp_path / "labels")
    said = coverslip("measure", tmp_path / "labels", "-o", tmp_path / "t.csv")
    assert said.status == 1 and "Traceback" not in said.err
    assert f"failed: {bad}: " in said.err and "5 cells in 2 files" in said.out
    files = pd.read_csv(tmp_path / "t.csv")["file"].value_counts().to_dict()
    assert files == {f"{tmp_path}/labels/{name}.png": n for name, n in (("a", 2), ("b", 3))}


@pytest.mark.parametrize("damage", DAMAGED, ids=lambda one: one.__name__)
def test_evaluate_goes_on_without_a_damaged_file(coverslip, tmp_path, damage):
    write_good(tmp_path / "pred", images=tmp_path / "images")
    write_good(tmp_path / "truth")
    for folder in ("truth", "images"):
        save_picture(tmp_path / folder / "bad.png", squares(2)[1])
    bad = damage(tmp_path / "pred")
    options = ("--images", tmp_path / "images", "--errors", tmp_path / "errors")
    said = coverslip(
        "evaluate", tmp_path / "pred", tmp_path / "truth", "-o", tmp_path / "s.csv", *options
    )
    assert said.status == 1 and "Traceback" not in said.err
    assert f"failed: {bad}: " in said.err and "1 image that failed is not in the scores" in said.err
    scores = pd.read_csv(tmp_path / "s.csv")
    assert scores["name"].tolist() == ["a", "b"] and (scores["jaccard"] == 1).all()
    drawn = sorted(path.name for path in (tmp_path / "errors").glob("*.png"))
    assert drawn == ["a_errors.png", "b_errors.png"]


@pytest.mark.parametrize("damage", DAMAGED, ids=lambda one: one.__name__)
def test_export_goes_on_without_a_damaged_file(coverslip, tmp_path, damage):
    write_good(tmp_path / "labels")
    bad = damage(tmp_path / "labels")
    sources = [tmp_path / "labels" / "a.png", tmp_path / "labels" / "b.png", bad]
    said = coverslip("export", *sources, "--to", "geojson", "-o", tmp_path / "out")
    assert said.status == 1 and "Traceback" not in said.err and f"failed: {bad}: " in said.err
    written = sorted(path.name for path in (tmp_path / "out").glob("*.geojson"))
    assert written == ["a.geojson", "b.geojson"]


@pytest.mark.parametrize("damage", [cut_png, cut_film], ids=lambda one: one.__name__)
def test_an_image_that_cannot_be_drawn_on_costs_its_drawing(coverslip, tmp_path, damage):
    write_good(tmp_path / "pred", images=tmp_path / "images")
    write_good(tmp_path / "truth")
    save_picture(tmp_path / "pred" / "bad.png", squares(2)[1])
    save_picture(tmp_path / "truth" / "bad.png", squares(2)[1])
    bad = damage(tmp_path / "images")
    options = ("--images", tmp_path / "images", "--errors", tmp_path / "errors")
    said = coverslip(
        "evaluate", tmp_path / "pred", tmp_path / "truth", "-o", tmp_path / "s.csv", *options
    )
    assert said.status == 1 and f"failed: {bad}: " in said.err
    assert pd.read_csv(tmp_path / "s.csv")["name"].tolist() == ["a", "b", "bad"]


def test_of_a_film_with_a_damaged_frame_no_row_is_written(coverslip, tmp_path):
    labels = np.stack([squares(2)[1]] * 3)
    for folder in ("labels", "images"):
        (tmp_path / folder).mkdir()
    film = tmp_path / "images" / "film.tif"
    tifffile.imwrite(film, labels, photometric="minisblack", compression="zlib")
    tifffile.imwrite(tmp_path / "labels" / "film.tif", labels, photometric="minisblack")
    write_good(tmp_path / "labels", images=tmp_path / "images")
    with tifffile.TiffFile(film) as file:
        at = file.pages[1].dataoffsets[0]
    raw = bytearray(film.read_bytes())
    raw[at : at + 20] = bytes(20)
    film.write_bytes(raw)
    said = coverslip("measure", tmp_path / "labels", tmp_path / "images", "-o", tmp_path / "t.csv")
    assert said.status == 1 and f"failed: {film}: " in said.err
    files = set(pd.read_csv(tmp_path / "t.csv")["file"])
    assert files == {f"{tmp_path}/labels/{name}.png" for name in GOOD}


def test_where_every_file_is_damaged_no_table_is_written(coverslip, tmp_path):
    for folder in ("labels", "truth"):
        (tmp_path / folder).mkdir()
    bad = empty_png(tmp_path / "labels")
    save_picture(tmp_path / "truth" / "bad.png", squares(2)[1])
    for command in (
        ("measure", tmp_path / "labels"),
        ("evaluate", tmp_path / "labels", tmp_path / "truth"),
    ):
        said = coverslip(*command, "-o", tmp_path / "t.csv")
        assert said.status == 2 and "mend these, or leave them out (1)" in said.err
        assert str(bad) in said.err and not (tmp_path / "t.csv").exists()


# --- what no decoder of ours has foreseen


class LibraryError(Exception):
    """Of a library, and none of ours."""


def raise_for(monkeypatch, where: str, name: str = "bad") -> None:
    """Let a function raise something of a library once it meets a file of this name."""
    module, function = where.rsplit(".", 1)
    real = getattr(__import__(module, fromlist=[function]), function)

    def broken(first, *arguments, **options):
        if name in str(getattr(first, "image", first)):
            raise LibraryError("page 7 is upside down")
        return real(first, *arguments, **options)

    monkeypatch.setattr(where, broken)


@pytest.mark.parametrize(
    ("verb", "where"),
    [
        ("measure", "coverslip.file_measurements.read_checked"),
        ("evaluate", "coverslip.evaluation.label_files.read_checked"),
        ("export", "coverslip.cli.label_files.read_checked"),
    ],
)
def test_an_error_of_a_library_is_one_sentence_that_names_the_file(
    coverslip, tmp_path, monkeypatch, verb, where
):
    write_good(tmp_path / "labels")
    save_picture(tmp_path / "labels" / "bad.png", squares(2)[1])
    shutil.copytree(tmp_path / "labels", tmp_path / "truth")
    raise_for(monkeypatch, where, name="labels/bad")
    command = {
        "measure": ("-o", tmp_path / "t.csv"),
        "evaluate": (tmp_path / "truth", "-o", tmp_path / "t.csv"),
        "export": ("--to", "geojson", "-o", tmp_path / "out"),
    }[verb]
    said = coverslip(verb, tmp_path / "labels", *command)
    (line,) = [line for line in said.err.splitlines() if line.startswith("failed: ")]
    assert said.status == 1 and "Traceback" not in said.err
    assert line == (
        f"failed: {tmp_path}/labels/bad.png: something went wrong that coverslip did not expect "
        "(LibraryError: page 7 is upside down). Please report it."
    )


@pytest.fixture
def model(tmp_path, monkeypatch):
    return write_bright(tmp_path / "bright.safetensors", monkeypatch)


@pytest.fixture
def data(tmp_path):
    """Three images of squares and their truth; the one in the middle is damaged."""
    for n, name in ((2, "a"), (3, "b"), (4, "c")):
        image, labels = squares(n, size=40)
        save_picture(tmp_path / "data" / "images" / f"{name}.png", image)
        save_picture(tmp_path / "data" / "masks" / f"{name}.png", labels)
    return tmp_path / "data"


@pytest.mark.parametrize("part", ["images", "masks"])
def test_score_and_robustness_go_on_without_a_damaged_file(coverslip, data, model, tmp_path, part):
    bad = cut(data / part / "b.png")
    table = tmp_path / "list.csv"
    table.write_text("name,kind\na,one\nb,two\nc,two\n")
    groups = ("--list", table, "--by", "kind")
    said = coverslip("score", model, data, "-o", tmp_path / "s.csv", *groups)
    assert said.status == 1 and f"failed: {bad}: " in said.err and "Traceback" not in said.err
    scores = pd.read_csv(tmp_path / "s.csv")
    assert scores[["name", "kind"]].to_numpy().tolist() == [["a", "one"], ["c", "two"]]
    only = ("--only", "inversion")
    for _ in range(2):  # the second start measures nothing again, and says it again
        said = coverslip("robustness", model, data, "-o", tmp_path / "out", *only)
        assert said.status == 1 and f"failed: {bad}: " in said.err
        rows = pd.read_csv(tmp_path / "out" / "robustness.csv", keep_default_na=False)
        assert rows["name"].tolist() == ["a", "c", "a", "c"]


def test_score_of_damaged_images_alone_is_a_mistake(coverslip, data, model, tmp_path):
    for name in "abc":
        cut(data / "images" / f"{name}.png")
    for command in (("score", model, data), ("robustness", model, data, "-o", tmp_path / "out")):
        said = coverslip(*command)
        assert said.status == 2 and "Nothing was scored: mend these" in said.err
        assert said.err.count("/images/") == 3


def test_a_film_of_tracks_that_a_library_chokes_on_is_named(coverslip, tmp_path, monkeypatch):
    pytest.importorskip("ctc_metrics")
    for folder, name in (("01_RES", "mask"), ("01_GT", "man_track")):
        (tmp_path / folder).mkdir()
        for frame in range(2):
            labels = squares(2)[1].astype(np.uint16)
            tifffile.imwrite(tmp_path / folder / f"{name}00{frame}.tif", labels)
        table = "res_track.txt" if folder == "01_RES" else "man_track.txt"
        (tmp_path / folder / table).write_text("1 0 1 0\n2 0 1 0\n")
    command = ("evaluate-tracks", tmp_path / "01_RES", tmp_path / "01_GT")
    assert coverslip(*command).status == 0
    cut(tmp_path / "01_RES" / "mask001.tif")
    said = coverslip(*command)
    assert said.status == 2 and f"error: {tmp_path}/01_RES/mask001.tif: " in said.err

    def broken(*arguments, **options):
        raise LibraryError("page 7 is upside down")

    monkeypatch.setattr("coverslip.tracking.scores.score_film", broken)
    said = coverslip(*command)
    assert said.status == 2 and "LibraryError: page 7" in said.err
    assert said.err.startswith(f"error: {tmp_path}/01_RES: ")


def test_what_stops_all_work_is_not_caught(tmp_path):
    with pytest.raises(StoppedError), costs_itself(tmp_path, {}.__setitem__):
        raise StoppedError("the workers are gone")
    with pytest.raises(KeyboardInterrupt), costs_itself(tmp_path, {}.__setitem__):
        raise KeyboardInterrupt
    with pytest.raises(PermissionError), named_failure(tmp_path):
        raise PermissionError

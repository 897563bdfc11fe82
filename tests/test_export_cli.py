"""coverslip export and coverslip view: from label files on disk to files of other tools."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from bright import bright_model
from coverslip.inference import PredictSettings
from coverslip.io import open_image, read_labels, write_labels
from coverslip.pipeline import Job, SegmentSettings, segment_files
from drawn import soft_mask, squares


@pytest.fixture
def results(tmp_path):
    """What segment leaves: labels, and beside them what is none."""
    folder = tmp_path / "results"
    for n in (1, 2):
        image, labels = squares(n)
        shape = labels.shape
        path = folder / f"{n}_labels.tif"
        write_labels(path, [labels], shape=shape, axes="YX", pixel_size_um=(0.5, 0.5))
        Image.fromarray(np.stack([image] * 3, axis=2)).save(folder / f"{n}_overlay.png")
        tifffile.imwrite(folder / f"{n}_probs.tif", (labels / 2).astype(np.float32))
    return folder


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for n in (1, 2, 3):
        Image.fromarray(squares(n)[0]).save(folder / f"{n}.png")
    return folder


@pytest.fixture
def film(tmp_path):
    """Three frames of 1, 2 and 3 squares: the labels and the image."""
    labels = [squares(n)[1] for n in (1, 2, 3)]
    path = tmp_path / "film_labels.tif"
    write_labels(path, labels, shape=(3, 32, 32), axes="TYX", frame_interval_s=30.0)
    picture = np.stack([squares(n)[0] for n in (1, 2, 3)])
    tifffile.imwrite(tmp_path / "film.tif", picture, imagej=True, metadata={"axes": "TYX"})
    return path


def names(folder) -> list[str]:
    """What is in a folder beside the record of what was written there."""
    return sorted(path.name for path in folder.iterdir() if path.name != "records")


def test_a_result_folder_in_every_format(coverslip, results, images, tmp_path):
    pytest.importorskip("roifile")
    zarr = pytest.importorskip("zarr")
    out = tmp_path / "out"
    formats = "roi,geojson,coco,ome-tiff,ome-zarr,svg"
    said = coverslip("export", results, "--to", formats, "-o", out, "--images", images)
    assert (said.status, said.err) == (0, "")
    assert said.out == f"2 label files as {formats.replace(',', ', ')}: {out}\n"
    endings = (".geojson", ".ome.zarr", ".svg", "_labels.ome.tif", "_rois.zip")
    assert names(out) == sorted(["coco.json", *(f"{n}{end}" for n in (1, 2) for end in endings)])
    np.testing.assert_array_equal(read_labels(out / "2_labels.ome.tif"), squares(2)[1])
    assert open_image(out / "2_labels.ome.tif").pixel_size_um == (0.5, 0.5)
    coco = json.loads((out / "coco.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["1.png", "2.png"]
    assert [annotation["image_id"] for annotation in coco["annotations"]] == [1, 2, 2]
    root = zarr.open_group(out / "2.ome.zarr", mode="r")
    np.testing.assert_array_equal(root["0"][:], squares(2)[0])
    assert 'href="data:image/png;base64,' in (out / "2.svg").read_text()


def test_a_film_keeps_its_frames(coverslip, film, tmp_path):
    pytest.importorskip("zarr")
    out = tmp_path / "out"
    formats = "svg,geojson,ome-tiff,coco,ome-zarr"
    image = tmp_path / "film.tif"
    assert coverslip("export", film, "--to", formats, "-o", out, "--images", image).status == 0
    assert names(out / "film_svg") == [f"frame_{n:05d}.svg" for n in range(3)]
    features = json.loads((out / "film.geojson").read_text())["features"]
    assert [it["geometry"]["plane"]["t"] for it in features] == [0, 1, 1, 2, 2, 2]
    tiff = open_image(out / "film_labels.ome.tif")
    assert (tiff.axes, tiff.n_frames, tiff.frame_interval_s) == ("TYX", 3, 30.0)
    coco = json.loads((out / "coco.json").read_text())
    assert [it["image_id"] for it in coco["annotations"]] == [1, 2, 2, 3, 3, 3]
    assert {it["file_name"] for it in coco["images"]} == {"film.tif"}


def test_label_files_of_other_tools(coverslip, tmp_path):
    """A folder of Cellpose, with the images among the masks; and one of plain names."""
    for name in ("cellpose", "plain/masks"):
        (tmp_path / name).mkdir(parents=True)
    image, labels = squares(2)
    Image.fromarray(image).save(tmp_path / "cellpose" / "a.png")
    Image.fromarray(labels).save(tmp_path / "cellpose" / "a_cp_masks.png")
    Image.fromarray(labels).save(tmp_path / "plain" / "masks" / "b.png")
    out = tmp_path / "out"
    sources = (tmp_path / "cellpose", tmp_path / "plain")
    assert coverslip("export", *sources, "--to", " GeoJSON , geojson", "-o", out).status == 0
    assert names(out) == ["a.geojson", "b.geojson"]
    assert len(json.loads((out / "a.geojson").read_text())["features"]) == 2


def test_a_format_that_is_not_known(coverslip, results, tmp_path):
    said = coverslip("export", results, "--to", "roi,geojsn", "-o", tmp_path / "out")
    assert said.status == 2 and "Did you mean geojson?" in said.err
    said = coverslip("export", results, "--to", " ,", "-o", tmp_path / "out")
    assert said.status == 2 and "roi, geojson, coco, ome-tiff, ome-zarr, svg" in said.err
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_said_before_anything_is_written(
    coverslip, results, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "zarr", None)
    said = coverslip("export", results, "--to", "svg,ome-zarr", "-o", tmp_path / "out")
    assert said.status == 2 and "pip install '.[zarr]'" in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["fractions", "colour", "jpeg", "negative", "soft"])
def test_what_are_no_labels_is_refused_and_the_others_are_done(coverslip, results, kind, tmp_path):
    path = results / f"bad_labels.{'jpg' if kind == 'jpeg' else 'tif'}"
    if kind == "fractions":
        tifffile.imwrite(path, np.full((4, 4), 0.5, np.float32))
    elif kind == "negative":
        tifffile.imwrite(path, np.full((4, 4), -1, np.int16))
    elif kind == "soft":
        tifffile.imwrite(path, soft_mask())
    else:
        Image.fromarray(np.eye(12, dtype=np.uint8).reshape(4, 12, 3) * 200).save(path)
    said = coverslip("export", results, "--to", "geojson,coco", "-o", tmp_path / "out")
    assert said.status == 1 and f"failed: {path}: " in said.err
    assert said.out.startswith("2 label files")
    assert names(tmp_path / "out") == ["1.geojson", "2.geojson", "coco.json"]


def test_images_that_do_not_pair(coverslip, results, images, tmp_path):
    (images / "2.png").unlink()
    command = ("export", results, "--to", "svg", "-o", tmp_path / "out", "--images")
    said = coverslip(*command, images)
    assert said.status == 2 and "2_labels.tif: no image of the name 2 in" in said.err
    said = coverslip(*command, tmp_path / "none")
    assert said.status == 2 and "no such file or folder" in said.err
    for suffix in ("bmp", "png"):
        Image.fromarray(squares(2)[0]).save(images / f"2.{suffix}")
    said = coverslip(*command, images)
    assert said.status == 2 and "2.bmp: another image has the same name: 2.png" in said.err
    assert not (tmp_path / "out").exists()


def test_an_image_of_another_size_or_number_of_frames(coverslip, film, images, tmp_path):
    command = ("export", film, "--to", "svg", "-o", tmp_path / "out", "--images")
    said = coverslip(*command, images / "1.png")
    assert said.status == 1 and "3 frames of labels, and 1 of the image" in said.err
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(images / "1.png")
    said = coverslip(*command, images / "1.png")
    assert said.status == 1 and "9 × 9 pixels" in said.err and "32 × 32" in said.err


def test_one_label_file_and_one_image_are_a_pair_whatever_their_names(
    coverslip, results, images, tmp_path
):
    one = ("export", results / "1_labels.tif", "--to", "coco", "-o", tmp_path / "out")
    assert coverslip(*one, "--images", images / "3.png").status == 0
    coco = json.loads((tmp_path / "out" / "coco.json").read_text())
    assert coco["images"][0]["file_name"] == "3.png"


def test_names_that_segment_made_longer_find_their_images(coverslip, tmp_path):
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for n, suffix in ((1, "png"), (2, "bmp")):
        Image.fromarray(squares(n)[0]).save(tmp_path / "images" / f"a.{suffix}")
        Image.fromarray(squares(n)[1]).save(tmp_path / "labels" / f"a_{suffix}_labels.png")
    out = tmp_path / "out"
    command = ("export", tmp_path / "labels", "--to", "coco", "-o", out)
    assert coverslip(*command, "--images", tmp_path / "images").status == 0
    images = json.loads((out / "coco.json").read_text())["images"]
    assert [image["file_name"] for image in images] == ["a.bmp", "a.png"]


def test_two_files_of_one_name_and_results_among_labels_are_refused(coverslip, results, tmp_path):
    Image.fromarray(squares(1)[1]).save(results / "1_mask.png")
    said = coverslip("export", results, "--to", "svg", "-o", tmp_path / "out")
    assert said.status == 2 and "has the same name" in said.err
    (results / "1_mask.png").unlink()
    said = coverslip("export", results, "--to", "svg", "-o", results)
    assert said.status == 2 and "choose a folder of its own" in said.err


def test_a_folder_without_labels(coverslip, results, tmp_path):
    for path in results.glob("*_labels.tif"):
        path.unlink()
    said = coverslip("export", results, "--to", "svg", "-o", tmp_path / "out")
    assert said.status == 2 and "no label file in this folder" in said.err


def test_the_pieces_of_a_mask_are_exported_as_cells_and_that_is_said(coverslip, tmp_path):
    Image.fromarray((squares(3)[1] > 0) * np.uint8(255)).save(tmp_path / "a.png")
    said = coverslip("export", tmp_path / "a.png", "--to", "geojson", "-o", tmp_path / "out")
    assert said.status == 0 and "a mask, since all cells are 255" in said.err
    cells = json.loads((tmp_path / "out" / "a.geojson").read_text())
    assert len(cells["features"]) == 3


def test_no_torch_for_an_export():
    """The verb reads and writes files; it need not wait for a network's library."""
    import subprocess

    code = (
        "import sys, coverslip.cli.export; "
        "sys.exit('torch' in sys.modules or 'zarr' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


# --- napari


@dataclass
class Napari:
    """Stands for the module: keeps what it was asked to show."""

    layers: list[tuple[str, np.ndarray, dict[str, Any]]] = field(default_factory=list)
    is_run: bool = False

    def Viewer(self, title: str) -> SimpleNamespace:
        def add(kind: str):
            return lambda data, **about: self.layers.append((kind, data, about))

        self.viewer = SimpleNamespace(
            title=title,
            add_image=add("image"),
            add_labels=add("labels"),
        )
        return self.viewer

    def run(self) -> None:
        assert self.layers
        self.is_run = True


@pytest.fixture
def napari(monkeypatch):
    module = Napari()
    monkeypatch.setitem(sys.modules, "napari", module)
    return module


def test_view_shows_an_image_and_its_cells(coverslip, results, images, napari):
    assert coverslip("view", images / "2.png", results / "2_labels.tif").status == 0
    (kind, image, about), (also, labels, also_about) = napari.layers
    assert (kind, also, napari.is_run) == ("image", "labels", True)
    np.testing.assert_array_equal(image, squares(2)[0])
    np.testing.assert_array_equal(labels, squares(2)[1])
    assert about == {"name": "2", "scale": (0.5, 0.5), "rgb": False}
    assert also_about["scale"] == (0.5, 0.5) and labels.dtype.kind == "u"
    assert napari.viewer.title == "2 - coverslip"


def test_view_shows_a_film_and_a_colour_image(coverslip, film, results, tmp_path, napari):
    assert coverslip("view", tmp_path / "film.tif", film).status == 0
    (_, image, about), (_, labels, _) = napari.layers
    assert image.shape == labels.shape == (3, 32, 32) and about["scale"] == (1.0, 1.0, 1.0)
    napari.layers.clear()
    assert coverslip("view", results / "2_overlay.png", results / "2_labels.tif").status == 0
    assert napari.layers[0][1].shape == (32, 32, 3) and napari.layers[0][2]["rgb"]


def test_view_says_what_is_wrong(coverslip, film, images, napari):
    said = coverslip("view", images / "1.png", film)
    assert said.status == 2 and "3 frames of labels, and 1 of the image" in said.err
    said = coverslip("view", images / "1.png", film.parent / "none.tif")
    assert said.status == 2 and "no such file" in said.err
    said = coverslip("view", images / "1.png", images / "1.png", "--channel", 3)
    assert said.status == 2 and "no channel 3" in said.err
    assert not napari.is_run


def test_view_without_napari(coverslip, results, images, monkeypatch):
    monkeypatch.setitem(sys.modules, "napari", None)
    said = coverslip("view", images / "2.png", results / "2_labels.tif")
    assert said.status == 2 and "pip install '.[napari]'" in said.err


@pytest.fixture
def measured(tmp_path):
    """Results of segment: a film of three frames, the middle one of another size."""
    pages = [squares(4)[0], squares(5)[0][:-1], squares(6)[0]]
    with tifffile.TiffWriter(tmp_path / "film.tif") as writer:
        for page in pages:
            writer.write(page, metadata=None, contiguous=False)
    Image.fromarray(squares(3)[0]).save(tmp_path / "one.png")
    out = tmp_path / "measured"
    job = Job(
        model=bright_model(),
        model_name="bright",
        model_hash="1",
        settings=SegmentSettings(predict=PredictSettings(device="cpu")),
        pixel_size_um=(0.5, 0.5),
        frame_interval_s=300,
    )
    assert not segment_files([tmp_path / "film.tif", tmp_path / "one.png"], out, job=job).failed
    return out


def test_measurements_go_with_the_cells(coverslip, measured, tmp_path):
    roifile = pytest.importorskip("roifile")
    to = tmp_path / "exported"
    assert coverslip("export", str(measured), "--to", "geojson,coco,roi", "-o", str(to)).status == 0
    table = pd.read_csv(measured / "cells.csv")
    film = table[table.file.str.endswith("film.tif")]
    assert sorted(set(film.frame)) == [0, 2]
    features = json.loads((to / "film.geojson").read_text("utf-8"))["features"]
    assert len(features) == len(film) > 0
    for feature in features:
        said = feature["properties"]["measurements"]
        frame = feature["geometry"]["plane"]["t"]
        (row,) = film[(film.frame == frame) & (film.label == said["label"])].to_dict("records")
        for name in ("area_px", "confidence", "area_um2", "centroid_y_um"):
            if name in row and not np.isnan(row[name]):
                assert said[name] == pytest.approx(row[name], rel=1e-6)
        assert said["area_um2"] == pytest.approx(said["area_px"] / 4)
    coco = json.loads((to / "coco.json").read_text("utf-8"))
    for annotation in coco["annotations"]:
        assert annotation["measurements"]["area_px"] == annotation["area"]
        if "confidence" in annotation["measurements"]:
            assert annotation["score"] == annotation["measurements"]["confidence"]
    rois = {roi.name: roi for roi in roifile.roiread(to / "one_rois.zip")}
    one = table[table.file.str.endswith("one.png")]
    for row in one.to_dict("records"):
        lines = dict(line.split(": ") for line in rois[str(row["label"])].props.splitlines())
        assert float(lines["area_px"]) == row["area_px"]


def test_a_cell_that_was_changed_goes_without_measurements(coverslip, measured, tmp_path):
    labels = read_labels(measured / "one_labels.tif")
    labels[labels == 1] = 0
    labels[:2, :2] = 1
    tifffile.imwrite(measured / "one_labels.tif", labels)
    done = coverslip(
        "export", str(measured / "one_labels.tif"), "--to", "geojson", "-o", str(tmp_path / "e")
    )
    assert "1 of 3 cells are not as the table beside them says" in done.err
    features = json.loads((tmp_path / "e" / "one.geojson").read_text("utf-8"))["features"]
    known = {
        f["properties"]["measurements"]["label"]: f["properties"]["measurements"] for f in features
    }
    assert list(known[1]) == ["label"] and "area_px" in known[2]

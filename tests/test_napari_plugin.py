"""The plugin for napari, with layers that stand in for napari's: no window, no napari."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import coverslip as package
from coverslip import napari_plugin
from coverslip.errors import DataError
from coverslip.io import read_labels
from drawn import squares

MANIFEST = Path(package.__file__).parent / "napari.yaml"


@dataclass
class Layer:
    """What the plugin asks of a layer of napari."""

    data: Any
    name: str = "film"
    rgb: bool = False
    scale: tuple[float, ...] = (1.0, 1.0)
    features: Any = field(default=None)


def moving() -> np.ndarray:
    """Three frames of a square that moves to the right, and one that stays."""
    film = np.zeros((3, 48, 48), np.uint8)
    for t in range(3):
        film[t, 10:18, 6 + 4 * t : 14 + 4 * t] = 2 - t % 2
        film[t, 30:38, 30:38] = 1 + t % 2
    return film


def test_cells_of_an_image_are_a_layer_with_features():
    image = package.read_frame(package.open_image("examples/nuclei/fluorescence_small.png"))
    layer = Layer(image, name="nuclei", scale=(0.5, 0.5))
    labels, about, kind = napari_plugin.segment_layer(layer, "nuclei", threshold=0.6)
    wanted = package.segment(image, "nuclei", threshold=0.6)
    np.testing.assert_array_equal(labels, wanted.labels)
    assert (kind, about["name"], about["scale"]) == ("labels", "nuclei cells", (0.5, 0.5))
    assert about["features"]["index"].tolist() == list(range(1, labels.max() + 1))


def test_each_frame_of_a_film_is_segmented():
    film = np.stack([squares(n)[0] for n in (1, 2)])
    layer = Layer(film, scale=(1.0, 0.3, 0.3))
    labels, about, _ = napari_plugin.segment_layer(layer, "nuclei")
    assert labels.shape == film.shape and about["scale"] == (1.0, 0.3, 0.3)
    assert set(about["features"]["frame"]) <= {0, 1}


def test_a_cell_keeps_its_number_in_the_tracked_layer():
    film = moving()
    (labels, about, _), (rows, tracks, kind) = napari_plugin.track_layer(Layer(film))
    assert about["name"] == "film tracked" and kind == "tracks" and tracks["graph"] == {}
    numbers = {int(labels[t, 14, 8 + 4 * t]) for t in range(3)}
    assert len(numbers) == 1 and labels[:, 34, 34].tolist() == [labels[0, 34, 34]] * 3
    assert rows.shape == (6, 4)
    with pytest.raises(DataError, match="a film"):
        napari_plugin.track_layer(Layer(film[0]))


def test_corrected_labels_are_measured_in_place():
    picture, truth = squares(2)
    layer = Layer(truth)
    napari_plugin.measure_layer(layer, Layer(picture))
    assert layer.features["index"].tolist() == [1, 2]
    assert layer.features["area_px"].tolist() == [36, 36]
    assert "intensity_mean" in layer.features
    with pytest.raises(DataError, match="Take the image that it is of"):
        napari_plugin.measure_layer(layer, Layer(picture[:-1]))


def test_corrections_go_back_into_a_folder_of_results(tmp_path):
    Image.fromarray(squares(3)[0]).save(tmp_path / "a.png")
    out = tmp_path / "out"
    settings = package.SegmentSettings(scale=1.0)
    package.segment_files([tmp_path / "a.png"], out, model="nuclei", settings=settings)
    reader = napari_plugin.get_reader(str(out))
    assert reader is not None
    (pixels, picture, _), (labels, about, kind) = reader(str(out))
    assert (pixels.shape, picture["name"], about["name"], kind) == (
        (32, 32), "a", "a cells", "labels",
    )  # fmt: skip
    mine = np.zeros_like(labels)
    mine[4:10, 4:10] = 7
    path = about["metadata"]["path"]
    assert napari_plugin.write_layer(path, mine, about) == [path]
    np.testing.assert_array_equal(read_labels(path), mine)
    again = package.segment_files([tmp_path / "a.png"], out, model="nuclei", settings=settings)
    assert len(again.done) == 1
    assert pd.read_csv(out / "cells.csv").label.tolist() == [7]  # the correction is the truth


def test_a_film_of_a_file_has_an_axis_of_time(tmp_path):
    ((pixels, about, kind),) = napari_plugin.read_image("examples/phase/t98g_film.tif")
    assert (pixels.shape, kind, about["rgb"]) == ((6, 400, 400), "image", False)
    assert len(about["scale"]) == 3
    (tmp_path / "notes.txt").write_text("no image")
    assert napari_plugin.get_reader(str(tmp_path / "notes.txt")) is None
    assert napari_plugin.get_reader(["a.tif", "b.tif"]) is None


def test_the_manifest_names_functions_that_there_are():
    text = MANIFEST.read_text("utf-8")
    names = [line.split(":")[-1].strip() for line in text.splitlines() if "python_name:" in line]
    assert len(names) == 5
    assert all(inspect.isfunction(getattr(napari_plugin, name)) for name in names)


def test_the_manifest_is_valid():
    npe2 = pytest.importorskip("npe2")
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    widgets = [one.display_name for one in manifest.contributions.widgets]
    assert widgets == ["Segment cells", "Track cells", "Measure cells"]

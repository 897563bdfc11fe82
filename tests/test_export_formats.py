"""Every format gives back the very labels that went in."""

from __future__ import annotations

import base64
import io
import json
import sys
import uuid
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from PIL import Image

from coverslip.contours import find_outlines
from coverslip.errors import DataError, FileError, SettingsError
from coverslip.export import (
    LabelImage,
    write_coco,
    write_geojson,
    write_ome_tiff,
    write_ome_zarr,
    write_roi_zip,
    write_svg,
)
from coverslip.io import open_image, read_labels
from rasterise import fill

if TYPE_CHECKING:
    from pathlib import Path

# A cell in two parts; a ring with a cell in its hole; a pixel alone; cells at all four borders.
DRAWN = np.array(
    [
        [1, 1, 0, 0, 0, 0, 0, 5],
        [1, 0, 3, 3, 3, 0, 0, 0],
        [0, 1, 3, 9, 3, 0, 7, 0],
        [0, 0, 3, 3, 3, 0, 0, 0],
        [2, 0, 0, 0, 0, 0, 4, 4],
        [2, 2, 0, 6, 6, 0, 4, 4],
    ],
    np.uint16,
)
FILM = np.stack([DRAWN, DRAWN[::-1], np.zeros_like(DRAWN)])
TALL = np.arange(0, 60_000, 1000, dtype=np.uint32).reshape(4, 15)[:, ::-1] * 1000


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (17, 23)).astype(np.uint8)


ALL = pytest.mark.parametrize(
    "labels", [DRAWN, FILM, TALL, noise(0), noise(1), np.zeros((3, 4), np.uint8)]
)


# --- ImageJ


def read_rois(path: Path, source: LabelImage) -> np.ndarray:
    """The label image, as ROIs say it: a name, a position and rings each."""
    roifile = pytest.importorskip("roifile")
    labels = np.zeros_like(source.frames, dtype=np.int64)
    rois = roifile.roiread(path)
    for roi in rois if isinstance(rois, list) else [rois]:
        number = int(roi.name.split("-")[-1])
        inside = fill(roi.coordinates(multi=True), source.size)
        labels[max(roi.position - 1, 0)][inside] = number
    return labels


@ALL
def test_rois_come_back(labels, tmp_path):
    pytest.importorskip("roifile")
    source = LabelImage(labels)
    write_roi_zip(tmp_path / "a.zip", source)
    if labels.any():
        np.testing.assert_array_equal(read_rois(tmp_path / "a.zip", source), source.frames)
    else:
        assert zipfile.ZipFile(tmp_path / "a.zip").namelist() == []


def test_a_plain_cell_is_a_traced_roi_of_whole_corners(tmp_path):
    """ImageJ's own: traced ROIs count corners, and those with holes are composites."""
    roifile = pytest.importorskip("roifile")
    write_roi_zip(tmp_path / "a.zip", LabelImage(DRAWN))
    rois = {roi.name: roi for roi in roifile.roiread(tmp_path / "a.zip")}
    assert list(rois) == ["1", "2", "3", "4", "5", "6", "7", "9"]
    four = rois["4"]
    assert four.roitype == roifile.ROI_TYPE.TRACED and four.subpixel_coordinates is None
    assert (four.left, four.top, four.right, four.bottom) == (6, 4, 8, 6)
    assert four.coordinates().tolist() == [[6, 4], [8, 4], [8, 6], [6, 6]]
    assert [name for name, roi in rois.items() if roi.composite] == ["1", "3"]
    assert (rois["3"].left, rois["3"].top, rois["3"].right, rois["3"].bottom) == (2, 1, 5, 4)


def test_rois_of_a_film_have_their_slice_and_of_a_stack_in_time_both(tmp_path):
    roifile = pytest.importorskip("roifile")
    write_roi_zip(tmp_path / "t.zip", LabelImage(FILM))
    rois = roifile.roiread(tmp_path / "t.zip")
    assert [(roi.name, roi.position) for roi in rois[::8]] == [("0-1", 1), ("1-1", 2)]
    write_roi_zip(tmp_path / "tz.zip", LabelImage(np.stack([FILM[:2], FILM[:2]])))
    rois = roifile.roiread(tmp_path / "tz.zip")
    places = [(roi.name, roi.t_position, roi.z_position, roi.position) for roi in rois[::8]]
    assert places == [("0-1", 1, 1, 0), ("1-1", 1, 2, 0), ("2-1", 2, 1, 0), ("3-1", 2, 2, 0)]


def test_rois_far_to_the_right_keep_their_corners(tmp_path):
    """Corners are 16 bits wide, and half of them are negative numbers to those who forget it."""
    pytest.importorskip("roifile")
    labels = np.zeros((5, 40_000), np.uint8)
    labels[1:4, 39_990:39_999], labels[2, 39_995], labels[0, 33_000:34_000] = 1, 0, 2
    source = LabelImage(labels)
    write_roi_zip(tmp_path / "a.zip", source)
    np.testing.assert_array_equal(read_rois(tmp_path / "a.zip", source)[0], labels)


def test_an_image_too_wide_for_rois_is_refused(tmp_path):
    pytest.importorskip("roifile")
    with pytest.raises(DataError, match="a: 60536 pixels a side"):
        write_roi_zip(tmp_path / "a.zip", LabelImage(np.zeros((1, 60_536), np.uint8), name="a"))


def test_equal_labels_are_equal_bytes(tmp_path):
    pytest.importorskip("roifile")
    for name in "ab":
        write_roi_zip(tmp_path / f"{name}.zip", LabelImage(DRAWN))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize(
    ("write", "package", "extra"),
    [(write_roi_zip, "roifile", "roi"), (write_ome_zarr, "zarr", "zarr")],
)
def test_a_missing_package_is_said_with_its_cure(write, package, extra, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError, match=rf"pip install '\.\[{extra}\]'"):
        write(tmp_path / "a", LabelImage(DRAWN))
    assert not list(tmp_path.iterdir())


# --- GeoJSON


@ALL
def test_geojson_comes_back(labels, tmp_path):
    source = LabelImage(labels, name="a")
    write_geojson(tmp_path / "a.geojson", source)
    collection = json.loads((tmp_path / "a.geojson").read_text())
    assert collection["type"] == "FeatureCollection"
    found = np.zeros_like(source.frames, dtype=np.int64)
    for feature in collection["features"]:
        geometry = feature["geometry"]
        polygons = geometry["coordinates"]
        polygons = polygons if geometry["type"] == "MultiPolygon" else [polygons]
        assert (len(polygons) > 1) == (geometry["type"] == "MultiPolygon")
        frame = geometry["plane"]["t"] if "plane" in geometry else 0
        for rings in polygons:
            assert all(ring[0] == ring[-1] for ring in rings)
            inside = fill([ring[:-1] for ring in rings], source.size)
            found[frame][inside] = feature["properties"]["measurements"]["label"]
    np.testing.assert_array_equal(found, source.frames)


def test_a_feature_is_as_qupath_wants_it(tmp_path):
    labels = np.zeros((4, 9), np.uint32)
    labels[1, 5:7] = 70_000
    write_geojson(tmp_path / "a.geojson", LabelImage(labels))
    (feature,) = json.loads((tmp_path / "a.geojson").read_text())["features"]
    uuid.UUID(feature.pop("id"))
    assert feature == {
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[5, 1], [7, 1], [7, 2], [5, 2], [5, 1]]],
        },
        "properties": {
            "objectType": "detection",
            "name": "70000",
            "measurements": {"label": 70_000},
        },
    }


def test_features_of_a_film_have_ids_and_planes_of_their_own(tmp_path):
    source = LabelImage(np.stack([FILM, FILM]), axes="TZYX")
    write_geojson(tmp_path / "a.geojson", source, kind="annotation")
    features = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert len({feature["id"] for feature in features}) == len(features) == 32
    assert features[8]["geometry"]["plane"] == {"c": -1, "z": 1, "t": 0}
    assert features[-1]["properties"]["objectType"] == "annotation"
    with pytest.raises(SettingsError, match="detection or annotation"):
        write_geojson(tmp_path / "a.geojson", source, kind="cell")


# --- COCO


def coco_mask(segmentation: dict) -> np.ndarray:
    height, width = segmentation["size"]
    values = np.arange(len(segmentation["counts"])) % 2
    return np.repeat(values, segmentation["counts"]).reshape(width, height).T.astype(bool)


@ALL
def test_coco_comes_back(labels, tmp_path):
    source = LabelImage(labels, name="a")
    write_coco(tmp_path / "coco.json", [LabelImage(noise(3), image_name="b.png"), source])
    coco = json.loads((tmp_path / "coco.json").read_text())
    assert [image["id"] for image in coco["images"]] == list(range(1, len(source.frames) + 2))
    assert [it["id"] for it in coco["annotations"]] == list(range(1, len(coco["annotations"]) + 1))
    assert coco["images"][0] == {"id": 1, "file_name": "b.png", "width": 23, "height": 17}
    for image, wanted in zip(coco["images"][1:], source.frames, strict=True):
        found = np.zeros_like(wanted, dtype=np.int64)
        for annotation in coco["annotations"]:
            if annotation["image_id"] == image["id"]:
                mask = coco_mask(annotation["segmentation"])
                assert annotation["area"] == mask.sum() and annotation["iscrowd"] == 0
                y, x = np.nonzero(mask)
                box = [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
                assert annotation["bbox"] == box
                found[mask] = annotation["label"]
        np.testing.assert_array_equal(found, wanted)


def test_counts_run_down_the_columns_from_background_on(tmp_path):
    write_coco(tmp_path / "coco.json", [LabelImage(np.array([[1, 0, 2], [1, 2, 2]]))])
    one, two = json.loads((tmp_path / "coco.json").read_text())["annotations"]
    assert one["segmentation"] == {"size": [2, 3], "counts": [0, 2, 4]}
    assert two["segmentation"] == {"size": [2, 3], "counts": [3, 3]}
    assert (two["bbox"], two["area"]) == ([1, 0, 2, 2], 3)


def test_the_frames_of_a_film_are_images(tmp_path):
    write_coco(tmp_path / "coco.json", [LabelImage(FILM, image_name="film.tif")])
    images = json.loads((tmp_path / "coco.json").read_text())["images"]
    assert [(it["file_name"], it["frame"]) for it in images] == [("film.tif", n) for n in range(3)]


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # pycocotools on NumPy 2
def test_pycocotools_reads_the_same(tmp_path):
    coco_class = pytest.importorskip("pycocotools.coco").COCO
    write_coco(tmp_path / "coco.json", [LabelImage(DRAWN)])
    coco = coco_class(str(tmp_path / "coco.json"))
    found = np.zeros_like(DRAWN)
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=1, catIds=1)):
        found[coco.annToMask(annotation) > 0] = annotation["label"]
        encoded = coco.annToRLE(annotation)
        mask = pytest.importorskip("pycocotools.mask")
        assert mask.area(encoded) == annotation["area"]
        assert mask.toBbox(encoded).tolist() == annotation["bbox"]
    np.testing.assert_array_equal(found, DRAWN)


# --- OME-TIFF


@ALL
def test_tiffs_come_back(labels, tmp_path):
    path = tmp_path / "a.ome.tif"
    write_ome_tiff(path, LabelImage(labels, pixel_size_um=(0.5, 0.25), frame_interval_s=60.0))
    np.testing.assert_array_equal(read_labels(path), labels)
    file = open_image(path)
    assert file.axes == ("TYX" if labels.ndim == 3 else "YX")
    assert file.pixel_size_um == (0.5, 0.25)
    assert file.frame_interval_s == (60.0 if labels.ndim == 3 else None)


@pytest.mark.parametrize(
    ("largest", "dtype"),
    [(0, "u1"), (255, "u1"), (256, "u2"), (65_535, "u2"), (65_536, "u4"), (2**32 - 1, "u4")],
)
def test_a_tiff_has_the_smallest_type(largest, dtype, tmp_path):
    labels = np.array([[0, largest]], np.int64)
    write_ome_tiff(tmp_path / "a.ome.tif", LabelImage(labels))
    stored = tifffile.imread(tmp_path / "a.ome.tif")
    assert stored.dtype == np.dtype(dtype) and stored.tolist() == labels.tolist()


def test_a_stack_keeps_its_axes(tmp_path):
    source = LabelImage(np.stack([FILM, FILM]), axes="TZYX")
    write_ome_tiff(tmp_path / "a.ome.tif", source)
    assert open_image(tmp_path / "a.ome.tif").axes == "TZYX"
    np.testing.assert_array_equal(read_labels(tmp_path / "a.ome.tif"), source.labels)


# --- OME-Zarr


@ALL
def test_zarrs_come_back(labels, tmp_path):
    zarr = pytest.importorskip("zarr")
    source = LabelImage(labels)
    write_ome_zarr(tmp_path / "a.ome.zarr", source)
    cells = zarr.open_group(tmp_path / "a.ome.zarr" / "labels" / "cells", mode="r")
    np.testing.assert_array_equal(cells["0"][:], labels)
    assert cells["0"].dtype == source.smallest_dtype
    colours = cells.attrs["ome"]["image-label"].get("colors", [])
    assert [it["label-value"] for it in colours] == [int(n) for n in np.unique(labels) if n]


def test_the_metadata_of_a_zarr_are_those_of_0_5(tmp_path):
    zarr = pytest.importorskip("zarr")
    source = LabelImage(
        FILM,
        pixel_size_um=(0.5, 0.25),
        frame_interval_s=60.0,
        images=[np.full((6, 8, 3), frame, np.uint8) for frame in range(3)],
        image_name="film.tif",
    )
    write_ome_zarr(tmp_path / "a.ome.zarr", source)
    root = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert root["labels"].attrs["ome"] == {"version": "0.5", "labels": ["cells"]}
    ome = root["labels/cells"].attrs["ome"]
    assert ome["version"] == "0.5" and ome["image-label"]["source"] == {"image": "../../"}
    assert ome["multiscales"] == [
        {
            "name": "cells",
            "axes": [
                {"name": "t", "type": "time", "unit": "second"},
                {"name": "y", "type": "space", "unit": "micrometer"},
                {"name": "x", "type": "space", "unit": "micrometer"},
            ],
            "datasets": [
                {
                    "path": "0",
                    "coordinateTransformations": [{"type": "scale", "scale": [60.0, 0.5, 0.25]}],
                }
            ],
        }
    ]
    assert root["labels/cells/0"].metadata.dimension_names == ("t", "y", "x")
    (image,) = root.attrs["ome"]["multiscales"]
    assert [axis["name"] for axis in image["axes"]] == ["t", "c", "y", "x"]
    assert root["0"].shape == (3, 3, 6, 8) and root["0"][2].min() == 2
    channels = root.attrs["ome"]["omero"]["channels"]
    assert [channel["color"] for channel in channels] == ["FF0000", "00FF00", "0000FF"]


def test_a_pyramid_takes_every_second_number_and_the_mean_of_every_four_values(tmp_path):
    zarr = pytest.importorskip("zarr")
    labels = np.arange(3 * 601, dtype=np.uint32).reshape(3, 601)
    image = np.zeros((3, 601), np.uint16)
    image[:2, :4], image[2, 600] = [[0, 1, 5, 5], [2, 4, 5, 6]], 9
    source = LabelImage(labels, images=[image], pixel_size_um=(2.0, 2.0))
    write_ome_zarr(tmp_path / "a.ome.zarr", source)
    root = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert [root[f"labels/cells/{n}"].shape for n in range(3)] == [(3, 601), (2, 301), (1, 151)]
    assert sorted(root["labels/cells"].array_keys()) == ["0", "1", "2"]
    np.testing.assert_array_equal(root["labels/cells/2"][:], labels[::4, ::4])
    np.testing.assert_array_equal(root["1"][0, :2], [2, 5])  # 7/4 and 21/4
    assert root["1"][1, 300] == 9  # at odd edges, of what is there
    (multiscale,) = root["labels/cells"].attrs["ome"]["multiscales"]
    assert multiscale["datasets"][2]["coordinateTransformations"] == [
        {"type": "scale", "scale": [8.0, 8.0]},
        {"type": "translation", "translation": [3.0, 3.0]},  # the middle of four pixels of 2 µm
    ]


def test_an_older_zarr_is_replaced_and_nothing_else(tmp_path):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "a.ome.zarr"
    write_ome_zarr(path, LabelImage(DRAWN))
    write_ome_zarr(path, LabelImage(DRAWN[:3]))
    assert zarr.open_group(path, mode="r")["labels/cells/0"].shape == (3, 8)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(FileError, match="left as it is"):
        write_ome_zarr(tmp_path / "mine", LabelImage(DRAWN))
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


def test_a_zarr_that_fails_leaves_the_older_one(tmp_path):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "a.ome.zarr"
    write_ome_zarr(path, LabelImage(DRAWN))
    images = [np.zeros((6, 8)), np.zeros((6, 8)), np.zeros((5, 8))]
    with pytest.raises(DataError, match="5 × 8 pixels, its labels 6 × 8"):
        write_ome_zarr(path, LabelImage(FILM, images=images))
    assert zarr.open_group(path, mode="r")["labels/cells/0"].shape == (6, 8)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.ome.zarr"]


# --- SVG


def read_svg(path: Path) -> tuple[dict[int, list[np.ndarray]], ElementTree.Element]:
    """Rings by the cells' numbers, from M, H, V and Z."""
    root = ElementTree.parse(path).getroot()
    cells = {}
    for element in root.iter("{http://www.w3.org/2000/svg}path"):
        rings = []
        for text in element.get("d").removesuffix("Z").split("Z"):
            start, *steps = text.replace("H", "|H").replace("V", "|V").split("|")
            x, y = map(int, start.removeprefix("M").split())
            ring = [(x, y)]
            for step in steps:
                x, y = (int(step[1:]), y) if step[0] == "H" else (x, int(step[1:]))
                ring.append((x, y))
            rings.append(np.array(ring))
        cells[int(element.get("id").removeprefix("cell-"))] = rings
    return cells, root


@ALL
def test_svgs_come_back(labels, tmp_path):
    source = LabelImage(labels)
    for frame, wanted in enumerate(source.frames):
        write_svg(tmp_path / "a.svg", source, frame=frame)
        cells, root = read_svg(tmp_path / "a.svg")
        height, width = wanted.shape
        assert root.get("viewBox") == f"0 0 {width} {height}"
        found = np.zeros_like(wanted, dtype=np.int64)
        for number, rings in cells.items():
            found[fill(rings, wanted.shape)] = number
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3)])
def test_an_svg_holds_its_image(shape, tmp_path):
    image = np.random.default_rng(0).integers(0, 4000, shape).astype(np.uint16)
    write_svg(tmp_path / "a.svg", LabelImage(DRAWN, images=[image]))
    _, root = read_svg(tmp_path / "a.svg")
    (element,) = root.iter("{http://www.w3.org/2000/svg}image")
    assert (element.get("width"), element.get("height")) == ("8", "6")
    packed = base64.b64decode(element.get("href").removeprefix("data:image/png;base64,"))
    picture = np.asarray(Image.open(io.BytesIO(packed)))
    assert picture.shape == shape and picture.min() == 0 and picture.max() == 255
    assert picture.argmax() == image.argmax()


def test_neighbours_differ_in_colour_also_with_huge_numbers(tmp_path):
    labels = np.array([[1, 4_000_000_000], [1, 4_000_000_000]], np.uint32)
    write_svg(tmp_path / "a.svg", LabelImage(labels))
    _, root = read_svg(tmp_path / "a.svg")
    strokes = [path.get("stroke") for path in root.iter("{http://www.w3.org/2000/svg}path")]
    assert len(set(strokes)) == 2


# --- what goes in


@pytest.mark.parametrize(
    ("labels", "axes"),
    [
        (np.zeros((2, 2)), ""),
        (np.zeros((2, 2), bool), ""),
        (np.zeros((2, 2, 3), np.uint8), "YXS"),
        (np.zeros((2, 2), np.uint8), "TYX"),
        (np.zeros((0, 2), np.uint8), ""),
        (np.zeros(2, np.uint8), ""),
    ],
)
def test_what_are_no_labels_is_refused(labels, axes):
    with pytest.raises(ValueError, match="wanted"):
        LabelImage(labels, axes=axes)


@pytest.mark.parametrize("number", [-1, 2**32])
def test_numbers_that_cannot_be_stored_are_refused(number):
    with pytest.raises(DataError, match=str(number)):
        LabelImage(np.array([[0, number]]), name="a")


def test_as_many_images_as_frames_are_wanted():
    with pytest.raises(DataError, match="3 frames of labels, and 1 of the image"):
        LabelImage(FILM, images=[DRAWN])


def test_arrays_that_go_in_stay_as_they_are(tmp_path):
    before = DRAWN.copy()
    DRAWN.flags.writeable = False
    source = LabelImage(DRAWN)
    find_outlines(DRAWN)
    write_ome_tiff(tmp_path / "a.ome.tif", source)
    write_coco(tmp_path / "coco.json", [source])
    write_svg(tmp_path / "a.svg", source)
    np.testing.assert_array_equal(DRAWN, before)

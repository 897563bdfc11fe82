"""Annotations of other tools: the labels that were drawn, pixel by pixel."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given
from PIL import Image

from by_chance import labels as any_labels
from by_chance import some
from coverslip.contours import find_outlines
from coverslip.errors import CoverslipError, DataError, FileError
from coverslip.evaluation import evaluate_folders
from coverslip.export import LabelImage, write_coco, write_geojson, write_roi_zip
from coverslip.io import (
    PictureSize,
    check_pairs,
    find_pairs,
    label_files_in,
    read_labels,
    read_truth,
    write_labels,
)
from coverslip.io.annotations.rasterise import Canvas, Cell, box_ring, draw_cells, ellipse_ring
from drawn import squares

# A cell in two parts that touch at a corner, a ring around another cell, and a gap in the numbers.
DRAWN = np.array(
    [
        [1, 1, 0, 0, 0, 0, 5],
        [1, 0, 3, 3, 3, 0, 0],
        [0, 1, 3, 9, 3, 0, 7],
        [0, 0, 3, 3, 3, 0, 7],
    ],
    np.int32,
)
FILM = np.stack([DRAWN, DRAWN[::-1], np.zeros_like(DRAWN)])
SQUARE = [[2, 2], [5, 2], [5, 5], [2, 5]]  # x and y
IN_SQUARE = np.pad(np.ones((3, 3), np.int32), ((2, 3), (2, 4)))


def picture(path, shape=DRAWN.shape):
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, np.zeros(shape, np.uint8), photometric="minisblack")
    return path


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def labelme(*shapes, size=(8, 9)):
    return {"shapes": list(shapes), "imageHeight": size[0], "imageWidth": size[1]}


def shape(points, kind="polygon", **more):
    return {"label": "cell", "points": points, "group_id": None, "shape_type": kind, **more}


# Drawing


@some
@given(any_labels)
def test_drawing_is_the_inverse_of_outlines(labels):
    cells = [Cell(parts=one.parts, number=one.label) for one in find_outlines(labels)]
    assert (draw_cells("a", cells, Canvas(*labels.shape)) == labels).all()


def test_a_pixel_belongs_to_whom_its_centre_lies_in():
    ring = np.array([(0, 0), (4, 0), (4, 4)])  # y and x: below the diagonal
    drawn = draw_cells("a", [Cell(parts=[[ring]])], Canvas(4, 4))
    assert drawn.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]]


def test_two_that_share_an_edge_through_centres_share_no_pixel():
    left, right = (Cell(parts=[[box_ring(*box)]]) for box in ((0, 0, 1.5, 1), (1.5, 0, 3, 1)))
    for cells in ((left, right), (right, left)):
        counts = np.bincount(draw_cells("a", cells, Canvas(1, 3)).ravel(), minlength=3)
        assert counts.tolist() == ([0, 1, 2] if cells[0] is left else [0, 2, 1])


def test_what_lies_beyond_the_edge_is_cut_off():
    cell = Cell(parts=[[box_ring(-5, 1, 2, 99)]])
    assert draw_cells("a", [cell], Canvas(3, 4)).tolist() == [
        [0, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 0, 0],
    ]
    both = [cell, Cell(parts=[[box_ring(9, 9, 12, 12)]])]
    assert draw_cells("a", both, Canvas(3, 4)).max() == 1


def test_cells_of_another_picture_are_refused():
    far = Cell(parts=[[np.array([(90, 90), (99, 90), (99, 99)])]])
    near = Cell(parts=[[np.array([(0, 0), (9, 0), (9, 9)])]])
    with pytest.raises(FileError, match=r"a\.json: it has 1 cells, none of which has a pixel"):
        draw_cells("a.json", [far], Canvas(20, 30))
    assert draw_cells("a.json", [far, near], Canvas(20, 30)).max() == 2
    assert draw_cells("a.json", [], Canvas(20, 30)).max() == 0
    with pytest.raises(FileError, match="among its corners"):
        beyond = Cell(parts=[[np.array([(1e308, 0), (-1e308, 9), (9, 9)])]])
        draw_cells("a.json", [near, beyond], Canvas(20, 30))


def test_points_and_lines_alone_are_no_cells(tmp_path):
    shapes = [shape([[1, 1]], "point"), shape([[1, 1], [5, 5]], "line")]
    (tmp_path / "a.json").write_text(json.dumps(labelme(*shapes)))
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 3]}}
    (tmp_path / "a.geojson").write_text(json.dumps(point))
    for name in ("a.json", "a.geojson"):
        with pytest.raises(FileError, match="none of them an area"):
            read_labels(tmp_path / name, image=PictureSize(20, 30))


def test_a_collection_of_polygons_is_one_cell(tmp_path):
    corners = [[[2, 2], [6, 2], [6, 6], [2, 6], [2, 2]]], [[[12, 2], [16, 2], [16, 6], [12, 2]]]
    parts = [{"type": "Polygon", "coordinates": one} for one in corners]
    point = {"type": "Point", "coordinates": [3, 3]}
    whole = {"type": "GeometryCollection", "geometries": [*parts, point]}
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "Feature", "geometry": whole}))
    found = read_labels(tmp_path / "a.geojson", image=PictureSize(20, 30))
    assert found.max() == 1 and (found[:, :10] == 1).sum() == 16 and found[:, 10:].any()


def test_a_circle_has_its_area():
    cell = Cell(parts=[[ellipse_ring((50, 60), (40, 40))]])
    drawn = draw_cells("a", [cell], Canvas(100, 120))
    rows, columns = np.indices(drawn.shape) + 0.5
    assert (drawn == ((rows - 50) ** 2 + (columns - 60) ** 2 < 40**2)).mean() > 0.9995


def test_numbers_that_are_not_one_for_each_cell_are_given_anew():
    boxes = [Cell(parts=[[box_ring(x, 0, x + 1, 1)]], number=7) for x in range(3)]
    assert draw_cells("a", boxes, Canvas(1, 3)).tolist() == [[1, 2, 3]]
    boxes = [Cell(parts=cell.parts, number=9 - n) for n, cell in enumerate(boxes)]
    assert draw_cells("a", boxes, Canvas(1, 3)).tolist() == [[9, 8, 7]]


@pytest.mark.parametrize(
    "cell", [Cell(frame=2), Cell(parts=[[np.array([(0, 0), (0, np.nan), (1, 1)])]])]
)
def test_a_frame_or_a_corner_that_cannot_be(cell):
    with pytest.raises(FileError, match="film"):
        draw_cells("film", [cell], Canvas(3, 3, n_times=2))


# Our own exports give back the very labels


@pytest.mark.parametrize("labels", [DRAWN, FILM])
@pytest.mark.parametrize(
    ("write", "name"),
    [(write_geojson, "a.geojson"), (write_coco, "a.json"), (write_roi_zip, "a_rois.zip")],
)
def test_exports_are_read_back(tmp_path, write, name, labels):
    if name.endswith("zip"):
        pytest.importorskip("roifile")
    axes = "YX" if labels.ndim == 2 else "TYX"
    source = LabelImage(labels, name="a", axes=axes, image_name="a.tif")
    image = tmp_path / "images" / "a.tif"
    write_labels(image, labels.reshape(-1, *DRAWN.shape), shape=labels.shape, axes=axes)
    write(tmp_path / name, [source] if write is write_coco else source)
    assert (read_labels(tmp_path / name, image=image) == labels).all()


# Cellpose


def cellpose(masks, **more):
    """As Cellpose's `masks_flows_to_seg` writes it."""
    return {
        "outlines": np.zeros_like(masks),
        "masks": masks,
        "chan_choose": [0, 0],
        "ismanual": np.zeros(int(masks.max()), bool),
        "filename": "a.tif",
        "flows": [np.zeros((2, 2), np.float32), [], None],
        "diameter": np.float64(12.5),
        "manual_changes": [["2026-01-01", "added mask", [[1, 2], [3, 4]]]],
        "normalize_params": {"percentile": [1.0, 99.0], "invert": False},
        **more,
    }


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, ">u2"])
def test_cellpose(tmp_path, protocol, dtype):
    from pathlib import Path

    content = cellpose(DRAWN.astype(dtype), filename=Path("x") / "a.tif")
    path = tmp_path / "a_seg.npy"
    path.write_bytes(pickled(content, protocol))
    assert (read_labels(path) == DRAWN).all()


def pickled(content, protocol=4):
    """The bytes that numpy.save writes, by a pickle of any version."""
    packed = io.BytesIO()
    held = np.empty((), object)
    held[()] = content
    np.lib.format.write_array_header_1_0(packed, np.lib.format.header_data_from_array_1_0(held))
    return packed.getvalue() + pickle.dumps(held, protocol)


def test_cellpose_as_numpy_saves_it(tmp_path):
    np.save(tmp_path / "a_seg.npy", cellpose(np.asfortranarray(DRAWN)), allow_pickle=True)
    assert (read_labels(tmp_path / "a_seg.npy") == DRAWN).all()


def test_cellpose_of_numpy_before_2(tmp_path):
    path = tmp_path / "a_seg.npy"
    path.write_bytes(pickled(cellpose(DRAWN), 2).replace(b"numpy._core.", b"numpy.core."))
    assert (read_labels(path) == DRAWN).all()


class Runs:
    """What a pickle would run where it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("where", ["filename", "masks"])
def test_a_pickle_runs_nothing(tmp_path, where):
    path, mark = tmp_path / "a_seg.npy", tmp_path / "mark"
    path.write_bytes(pickled({**cellpose(DRAWN), where: Runs(mark)}))
    with pytest.raises(FileError, match=r"a_seg\.npy.*open, which is not run"):
        read_labels(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        {"flows": []},
        {"masks": [[1, 2]]},
        {"masks": np.array(["a"])},
        {"masks": np.array([[None]], object)},
        [1],
        np.datetime64(1, "s"),
    ],
)
def test_what_is_not_of_cellpose_is_refused(tmp_path, content):
    path = tmp_path / "a_seg.npy"
    path.write_bytes(pickled(content))
    with pytest.raises(FileError, match=r"a_seg\.npy"):
        read_labels(path)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_pickle_that_is_cut_off(tmp_path, share):
    data = pickled(cellpose(DRAWN))
    path = tmp_path / "a_seg.npy"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(FileError, match="cut off or damaged"):
        read_labels(path)


def test_a_plain_npy(tmp_path):
    np.save(tmp_path / "a.npy", DRAWN.astype(np.uint8))
    assert (read_labels(tmp_path / "a.npy") == DRAWN).all()


# ilastik


def ilastik(path, values, axes, name="exported_data"):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        data = file.create_dataset(name, data=values, compression="gzip")
        if axes is not None:
            data.attrs["axistags"] = json.dumps({"axes": [{"key": axis} for axis in axes]})
    return path


@pytest.mark.parametrize("axes", ["yx", "xy", "yxc", "cyx", "xyc", "tzyxc", "zcyx"])
def test_ilastik_says_which_axis_is_which(tmp_path, axes):
    order = ["yx".find(axis) for axis in axes if axis in "yx"]
    values = DRAWN.transpose(order)
    for place, axis in enumerate(axes):
        if axis not in "yx":
            values = np.expand_dims(values, place)
    path = ilastik(tmp_path / "a_Object Identities.h5", values.astype(np.uint32), axes)
    assert (read_labels(path) == DRAWN).all()


def test_a_film_of_ilastik(tmp_path):
    path = ilastik(tmp_path / "a.h5", FILM.transpose(2, 0, 1)[..., None], "xtyc")
    assert (read_labels(path) == FILM).all()
    assert (read_labels(ilastik(tmp_path / "b.h5", FILM, None, name="volume")) == FILM).all()
    assert [path.name for path in label_files_in(tmp_path / "*.h5")] == ["a.h5", "b.h5"]


def test_ilastiks_probabilities_are_no_labels(tmp_path):
    values = np.full((4, 5, 2), 0.5, np.float32)
    with pytest.raises(FileError, match="may be probabilities"):
        read_labels(ilastik(tmp_path / "a_Probabilities.h5", values, "yxc"))
    with pytest.raises(FileError, match="fractions"):
        read_labels(ilastik(tmp_path / "a.h5", values[..., :1], "yxc"))


def test_hdf5_of_others(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a"], file["b"] = np.zeros((2, 2)), np.zeros((2, 2))
    with pytest.raises(FileError, match="has a, b"):
        read_labels(path)
    path.unlink()
    with h5py.File(path, "w") as file:
        file.create_dataset("exported_data", (2**20, 2**20), "u4", chunks=(64, 64))
    with pytest.raises(FileError, match="its header claims"):
        read_labels(path)
    path.write_bytes(b"not HDF5")
    with pytest.raises(FileError, match="cut off or damaged"):
        read_labels(path)


# labelme


def test_labelme_counts_corners(tmp_path):
    path = put(tmp_path / "a.json", labelme(shape(SQUARE)))
    assert (read_labels(path) == IN_SQUARE).all()
    path = put(tmp_path / "a.json", labelme(shape([SQUARE[2], SQUARE[0]], "rectangle")))
    assert (read_labels(path) == IN_SQUARE).all()


def test_labelmes_own_script_draws_a_rim_more():
    """Its `shape_to_mask` is PIL's polygon with its outline: why ours is not."""
    from PIL import ImageDraw

    mask = Image.new("L", (9, 8))
    ImageDraw.Draw(mask).polygon([tuple(point) for point in SQUARE], outline=1, fill=1)
    assert np.array(mask).sum() == 16 and IN_SQUARE.sum() == 9


def test_labelmes_circles_masks_and_groups(tmp_path):
    png = io.BytesIO()
    Image.fromarray(np.array([[255, 0], [255, 255]], np.uint8)).save(png, "PNG")
    mask = base64.b64encode(png.getvalue()).decode()
    shapes = (
        shape([[2, 2], [2, 3]], "circle", group_id=1),
        shape([[6, 0], [7, 1]], "mask", mask=mask, group_id=1),
        shape([[0, 7], [1, 7], [1, 8], [0, 8]]),
        shape([[5, 5]], "point"),
        shape(SQUARE, label="_background_"),
    )
    drawn = read_labels(put(tmp_path / "a.json", labelme(*shapes)))
    wanted = np.zeros((8, 9), int)
    wanted[1:3, 1:3] = 1
    wanted[0, 6] = wanted[1, 6] = wanted[1, 7] = 1
    wanted[7, 0] = 2
    assert (drawn == wanted).all()


def test_labelme_without_a_size_asks_the_image(tmp_path):
    path = put(tmp_path / "a.json", {"shapes": [shape(SQUARE)]})
    image = picture(tmp_path / "a.tif", (8, 9))
    assert (read_labels(path, image=image) == IN_SQUARE).all()
    with pytest.raises(FileError, match="Name the image too"):
        read_labels(path)


# COCO


def coco(*annotations, names=("a.tif",), size=(8, 9)):
    images = [
        {"id": n, "file_name": name, "height": size[0], "width": size[1]}
        for n, name in enumerate(names)
    ]
    return {"images": images, "annotations": list(annotations), "categories": []}


def test_cocos_polygons_count_corners(tmp_path):
    flat = [number for point in SQUARE for number in point]
    path = put(tmp_path / "coco.json", coco({"image_id": 0, "segmentation": [flat]}))
    assert (read_labels(path) == IN_SQUARE).all()


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # pycocotools on NumPy 2
@pytest.mark.parametrize("seed", range(5))
def test_coco_as_pycocotools_draws_it(tmp_path, seed):
    """Packed run lengths to the bit; polygons but for centres nearly on an edge."""
    mask = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(seed)
    cell = random.random((37, 41)) < 0.4
    packed = mask.encode(np.asfortranarray(cell, np.uint8))
    one = {"size": packed["size"], "counts": packed["counts"].decode()}
    content = coco({"image_id": 0, "segmentation": one, "iscrowd": 1}, size=cell.shape)
    assert (read_labels(put(tmp_path / "a.json", content)) == cell).all()

    angle = np.sort(random.uniform(0, 2 * np.pi, 9))
    flat = np.stack([20 + 15 * np.cos(angle), 18 + 15 * np.sin(angle)], 1).ravel().tolist()
    theirs = mask.decode(mask.merge(mask.frPyObjects([flat], *cell.shape)))
    content = coco({"image_id": 0, "segmentation": [flat]}, size=cell.shape)
    ours = read_labels(put(tmp_path / "b.json", content))
    assert (theirs != ours).mean() < 0.01


def test_run_lengths_that_fall_short(tmp_path):
    """As numbers, the last background may be left out; what is packed into text was cut off."""
    short = {"image_id": 0, "segmentation": {"size": [20, 30], "counts": [1, 5]}}
    found = read_labels(put(tmp_path / "a.json", coco(short, size=(20, 30))))
    assert found.sum() == 5 and found[1:6, 0].all()
    for text in ("15", "15T", "zzz"):
        short["segmentation"]["counts"] = text
        with pytest.raises(FileError, match="run lengths that do not fit"):
            read_labels(put(tmp_path / "a.json", coco(short, size=(20, 30))))


def test_one_coco_file_for_many_images(tmp_path):
    names = ("a.tif", "b.tif")
    flat = [0, 0, 2, 0, 2, 1, 0, 1]
    cells = ({"image_id": 1, "segmentation": [flat]}, {"image_id": 1, "segmentation": [flat[::-1]]})
    path = put(tmp_path / "coco.json", coco(*cells, names=names, size=(2, 3)))
    for name in names:
        picture(tmp_path / "images" / name, (2, 3))
    pairs = find_pairs(tmp_path / "images", path)
    assert [pair.masks for pair in pairs] == [(path / name,) for name in names]
    assert read_truth(pairs[1]).tolist() == [[2, 1, 0], [2, 0, 0]]
    assert "no cell" in check_pairs(pairs)[0]
    with pytest.raises(FileError, match="annotations of 2 images"):
        read_labels(path)
    assert read_labels(path, image=tmp_path / "b.png").any()


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        ({"size": [8, 9], "counts": [0, 100]}, "do not fit"),
        ({"size": [8, 9], "counts": [-1, 3]}, "do not fit"),
        ({"size": [9, 8], "counts": [0, 3]}, "do not fit"),
        ([], "boxes alone"),
        (None, "boxes alone"),
        ([["x", "y", 1, 2]], "cut off or damaged"),
    ],
)
def test_segmentations_that_cannot_be(tmp_path, segmentation, said):
    path = put(tmp_path / "a.json", coco({"image_id": 0, "segmentation": segmentation}))
    with pytest.raises(FileError, match=said):
        read_labels(path)


# QuPath


def feature(kind, geometry="Polygon", corners=None, **properties):
    corners = corners or [[*SQUARE, SQUARE[0]]]
    return {
        "type": "Feature",
        "geometry": {"type": geometry, "coordinates": corners},
        "properties": {"objectType": kind, **properties},
    }


@pytest.mark.parametrize("as_list", [True, False])
def test_qupaths_regions_around_cells_are_no_cells(tmp_path, as_list):
    whole = [[[0, 0], [9, 0], [9, 8], [0, 8], [0, 0]]]
    features = [
        feature("annotation", corners=whole),
        feature("cell", measurements=[{"name": "label", "value": 4.0}]),
    ]
    content = features if as_list else {"type": "FeatureCollection", "features": features}
    path = put(tmp_path / "a.tif.geojson", content)
    image = picture(tmp_path / "a.tif", (8, 9))
    assert (read_labels(path, image=image) == 4 * IN_SQUARE).all()
    features = [feature("annotation"), feature("annotation", "Point", [1, 2])]
    path = put(path, {"type": "FeatureCollection", "features": features})
    assert (read_labels(path, image=image) == IN_SQUARE).all()


# ImageJ


@pytest.fixture
def roifile():
    return pytest.importorskip("roifile")


def rois(path, *some):
    with zipfile.ZipFile(path, "w") as archive:
        for n, roi in enumerate(some):
            archive.writestr(f"{n}.roi", roi.tobytes())
    return path


def test_rectangles_ovals_and_polygons_of_imagej(tmp_path, roifile):
    kinds = roifile.ROI_TYPE
    image = picture(tmp_path / "a.tif", (8, 9))
    box = {"left": 2, "top": 2, "right": 5, "bottom": 5}
    path = rois(tmp_path / "a.zip", roifile.ImagejRoi(roitype=kinds.RECT, **box))
    assert (read_labels(path, image=image) == IN_SQUARE).all()
    one = tmp_path / "a.roi"
    one.write_bytes(roifile.ImagejRoi.frompoints(np.array(SQUARE)).tobytes())
    assert (read_labels(one, image=image) == IN_SQUARE).all()
    oval = roifile.ImagejRoi(roitype=kinds.OVAL, left=0, top=0, right=4, bottom=4)
    wanted = np.ones((4, 4), int)
    wanted[::3, ::3] = 0
    found = read_labels(rois(path, oval), image=image)
    assert (found[:4, :4] == wanted).all() and found.sum() == 12


def test_fractions_and_names_of_imagej(tmp_path, roifile):
    image = picture(tmp_path / "a.tif", (8, 9))
    points = np.array(SQUARE) + 0.4
    some = [roifile.ImagejRoi.frompoints(points, name=name) for name in ("0003-0003", "b")]
    found = read_labels(rois(tmp_path / "a.zip", *some), image=image)
    assert (found == 2 * IN_SQUARE).all()  # the later one, and no number 3


def test_rois_without_an_area(tmp_path, roifile):
    image = picture(tmp_path / "a.tif")
    line = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.LINE)
    with pytest.raises(FileError, match="none of them an area"):
        read_labels(rois(tmp_path / "a.zip", line), image=image)


# Damaged


@pytest.mark.parametrize("name", ["a.json", "a.geojson", "a_seg.npy", "a.zip", "a.roi"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"PK", b"\x93NUMPY"])
def test_every_damaged_file_is_named(tmp_path, name, content):
    image = picture(tmp_path / "a.tif")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CoverslipError, match=rf"{name}"):
        read_labels(tmp_path / name, image=image)


# Where masks are looked for


def test_annotations_beside_their_images(tmp_path):
    for name in "abcd":
        picture(tmp_path / f"{name}.tif")
    np.save(tmp_path / "a_seg.npy", cellpose(DRAWN), allow_pickle=True)
    tifffile.imwrite(tmp_path / "a_cp_masks.tif", DRAWN.astype(np.uint16))
    np.save(tmp_path / "b_seg.npy", cellpose(DRAWN), allow_pickle=True)
    put(tmp_path / "c.json", labelme(shape(SQUARE), size=DRAWN.shape))
    put(tmp_path / "settings.json", {"shapes": "none"})
    write_geojson(tmp_path / "d.geojson", LabelImage(DRAWN))
    pairs = find_pairs(tmp_path)
    assert [pair.masks[0].name for pair in pairs] == [
        "a_cp_masks.tif",
        "b_seg.npy",
        "c.json",
        "d.geojson",
    ]
    assert check_pairs(pairs) == []
    assert (read_truth(pairs[3]) == DRAWN).all()


def test_two_annotations_of_one_image(tmp_path):
    picture(tmp_path / "a.tif")
    np.save(tmp_path / "a_seg.npy", cellpose(DRAWN), allow_pickle=True)
    write_geojson(tmp_path / "a.geojson", LabelImage(DRAWN))
    with pytest.raises(DataError, match=r"a\.geojson"):
        find_pairs(tmp_path)


def test_the_cell_tracking_challenge(tmp_path):
    for n in range(3):
        picture(tmp_path / "01" / f"t00{n}.tif")
    for n in (0, 2):
        path = tmp_path / "01_GT" / "SEG" / f"man_seg00{n}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, DRAWN.astype(np.uint16))
    pairs = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["01_t000", "01_t002"]
    assert (read_truth(pairs[1]) == DRAWN).all()
    result = tmp_path / "01_RES"
    result.mkdir()
    for n in range(3):
        tifffile.imwrite(result / f"mask00{n}.tif", DRAWN.astype(np.uint16))
    assert evaluate_folders(result, path.parent)["ap50"].tolist() == [1, 1]
    tifffile.imwrite(path.with_name("man_seg_001_007.tif"), DRAWN.astype(np.uint16))
    with pytest.raises(DataError, match="man_seg_001_007"):
        find_pairs(tmp_path)


# By the command line


@pytest.fixture
def folder(tmp_path):
    """Three images, their cells as Cellpose, QuPath and COCO have them, and as TIFF."""
    for n in (1, 2, 3):
        image, labels = squares(n)
        (tmp_path / "images").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "images" / f"{n}.tif", image)
        (tmp_path / "tiff").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "tiff" / f"{n}_labels.tif", labels.astype(np.uint16))
    for n in (1, 2):
        (tmp_path / "drawn").mkdir(exist_ok=True)
        labels = squares(n)[1]
        if n == 1:
            np.save(tmp_path / "drawn" / "1_seg.npy", cellpose(labels), allow_pickle=True)
        else:
            write_geojson(tmp_path / "drawn" / "2.geojson", LabelImage(labels, name="2"))
    three = LabelImage(squares(3)[1], name="3", image_name="3.tif")
    write_coco(tmp_path / "drawn" / "coco.json", [three])
    return tmp_path


def test_measure_and_evaluate(coverslip, folder):
    said = coverslip("measure", folder / "drawn", folder / "images", "-o", folder / "a.csv")
    assert said.status == 0, said.err
    said = coverslip("measure", folder / "tiff", folder / "images", "-o", folder / "b.csv")
    tables = [(folder / name).read_text().replace("_labels.tif", "") for name in ("a.csv", "b.csv")]
    rows = [[line.split(",", 1)[1] for line in table.splitlines()] for table in tables]
    assert rows[0] == rows[1]
    said = coverslip("evaluate", folder / "tiff", folder / "drawn", "-o", folder / "scores.csv")
    assert said.status == 0, said.err
    assert "100" in said.out


def test_measuring_outlines_without_their_image(coverslip, folder):
    said = coverslip("measure", folder / "drawn" / "2.geojson", "-o", folder / "a.csv")
    assert said.status == 2 and "2.geojson: does not say how large its image is" in said.err


def test_export(coverslip, folder):
    out = folder / "out"
    said = coverslip(
        "export", folder / "drawn", "--images", folder / "images", "--to", "ome-tiff", "-o", out
    )
    assert said.status == 0, said.err
    for n in (1, 2, 3):
        assert (read_labels(out / f"{n}_labels.ome.tif") == squares(n)[1]).all()
    one = coverslip("export", folder / "drawn/coco.json", "--to", "geojson", "-o", folder / "one")
    assert one.status == 0 and (folder / "one" / "3.geojson").is_file(), one.err


# --- annotations that do not say their size, without their image


def squares_as_geojson(path):
    """Two squares of 4 px, at (1, 2) and (10, 12)."""
    features = [
        {
            "type": "Feature",
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, y], [x + 4, y], [x + 4, y + 4], [x, y + 4], [x, y]]],
            },
            "properties": {"objectType": "detection"},
        }
        for y, x in ((1, 2), (10, 12))
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_a_size_that_is_given_stands_for_the_image(tmp_path):
    path = squares_as_geojson(tmp_path / "a.geojson")
    labels = read_labels(path, image=PictureSize(20, 30))
    truth = np.zeros((20, 30), int)
    truth[1:5, 2:6], truth[10:14, 12:16] = 1, 2
    np.testing.assert_array_equal(labels, truth)
    np.testing.assert_array_equal(read_labels(path, image=PictureSize(12, 30)), truth[:12])
    with pytest.raises(FileError, match="give its height and width"):
        read_labels(path)


def test_measure_and_export_take_a_size(coverslip, tmp_path):
    path = squares_as_geojson(tmp_path / "a.geojson")
    said = coverslip("measure", path, "-o", tmp_path / "t.csv", "--size", "20x30")
    assert said.status == 0 and "2 cells" in said.out
    table = pd.read_csv(tmp_path / "t.csv")
    assert table[["area_px", "centroid_y_px"]].to_numpy().tolist() == [[16, 2.5], [16, 11.5]]
    out = tmp_path / "out"
    assert coverslip("export", path, "--to", "ome-tiff", "-o", out, "--size", "20,30").status == 0
    assert read_labels(out / "a_labels.ome.tif").shape == (20, 30)
    for size in ("20", "0x30", "axb", "20x30x3", "-2x3"):
        said = coverslip("measure", path, "-o", tmp_path / "u.csv", f"--size={size}")
        assert said.status == 2 and "wanted height and width in pixels" in said.err
    said = coverslip("measure", path, "-o", tmp_path / "u.csv", "--size", "99999999x99999999")
    assert said.status == 2 and "too many to be read whole" in said.err

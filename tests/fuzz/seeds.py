"""small good files of every format that is read: their bytes by a file's name."""

from __future__ import annotations

import io
import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from PIL import Image
from safetensors.torch import save

from coverslip.checkpoints import save_checkpoint
from coverslip.export import LabelImage, coco_frames
from coverslip.export.coco import join_frames
from coverslip.export.geojson import labels_to_geojson
from coverslip.export.roi import labels_to_roi_zip
from coverslip.io import write_labels
from coverslip.tracking.ctc_writer import write_ctc
from coverslip.tracking.trackmate_writer import write_trackmate
from drawn import discs
from films import division
from fuzz.network import tiny_checkpoint
from handmade_png import png_bytes

GREY, LABELS = discs(0, size=24, n=2)
COLOUR = np.stack([GREY, GREY[::-1], GREY.T], axis=2)
DEEP = GREY.astype(np.uint16) * 257
FILM = np.stack([DEEP, DEEP[::-1], DEEP.T])
LISTED = "name,kind,count\na,few,1\nb,many,7\nc,many,12\n"


def make_seeds() -> dict[str, bytes]:
    """Every seed, by its name."""
    images = pngs() | photographs() | tiffs() | label_files()
    return images | annotations() | weights() | tracked() | {"list.csv": listed()}


def listed() -> bytes:
    """A list of images."""
    return LISTED.encode()


def pngs() -> dict[str, bytes]:
    """PNG: every depth and kind of colour."""
    return {
        **{f"grey{bits}.png": packed_png(bits) for bits in (1, 2, 4)},
        "grey8.png": pictured(GREY, "png"),
        "grey16.png": pictured(DEEP, "png"),
        "rgb.png": pictured(COLOUR, "png", dpi=(5000, 5000)),
        "rgb16.png": png_bytes(COLOUR.astype(np.uint16) * 257, depth=16, colour_type=2),
        "palette.png": pictured(Image.fromarray(COLOUR).convert("P", colors=7), "png"),
        "alpha.png": pictured(Image.fromarray(GREY).convert("LA"), "png"),
        "alpha16.png": png_bytes(np.stack([DEEP, DEEP], 2), depth=16, colour_type=4),
        "rgba.png": pictured(Image.fromarray(COLOUR).convert("RGBA"), "png"),
    }


def packed_png(bits: int) -> bytes:
    """A grey PNG of 1, 2 or 4 bits."""
    values = GREY >> (8 - bits)
    each = 8 // bits
    weights = 2 ** (bits * np.arange(each)[::-1])
    rows = (values.reshape(len(values), -1, each) * weights).sum(axis=2)
    return png_bytes(rows, depth=bits, colour_type=0, width=values.shape[1])


def photographs() -> dict[str, bytes]:
    """JPEG and BMP."""
    return {
        "grey.jpg": pictured(GREY, "jpeg"),
        "rgb.jpg": pictured(COLOUR, "jpeg", progressive=True),
        "cmyk.jpg": pictured(Image.fromarray(COLOUR).convert("CMYK"), "jpeg"),
        "bilevel.bmp": pictured(Image.fromarray(LABELS > 0), "bmp"),
        "grey.bmp": pictured(GREY, "bmp"),
        "rgb.bmp": pictured(COLOUR, "bmp"),
    }


def pictured(picture: np.ndarray | Image.Image, form: str, **options: Any) -> bytes:
    """What Pillow writes."""
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    packed = io.BytesIO()
    image.save(packed, form, **options)
    return packed.getvalue()


def tiffs() -> dict[str, bytes]:
    """TIFF: laid out, compressed and described in all the ways that are usual."""
    um = {"resolution": (2e4, 2e4), "resolutionunit": "CENTIMETER"}
    film = {"axes": "TYX", "finterval": 2.0, "unit": "um"}
    ome = {
        "axes": "TCYX",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeY": 0.5,
        "Channel": {"Name": ["a", "b"]},
    }
    made = {
        "strip.tif": tiff(DEEP, rowsperstrip=5, metadata=None, **um),
        "big.tif": tiff(DEEP, bigtiff=True, metadata=None),
        "motorola.tif": tiff(DEEP, byteorder=">", metadata=None),
        "tiled.tif": tiff(DEEP, tile=(16, 16), metadata=None),
        "deflate.tif": tiff(DEEP, compression="zlib", predictor=True, tile=(16, 16)),
        "float.tif": tiff(GREY.astype(np.float32) / 7, compression="zlib"),
        "bilevel.tif": tiff(LABELS > 0, metadata=None),
        "rgb.tif": tiff(COLOUR, photometric="rgb", metadata=None),
        "planes.tif": tiff(
            COLOUR.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", metadata=None
        ),
        "palette.tif": tiff(LABELS, photometric="palette", colormap=np.arange(768).reshape(3, 256)),
        "pages.tif": pages(FILM),
        "imagej.tif": tiff(FILM, imagej=True, metadata=film, **um),
        "ome.ome.tif": tiff(np.stack([FILM, FILM], 1), ome=True, metadata=ome, compression="zlib"),
        "shaped.tif": tiff(FILM[None], metadata={"axes": "ZTYX"}),
    }
    if find_spec("imagecodecs"):
        for compression in ("lzw", "packbits", "jpeg", "zstd", "lzma"):
            image = GREY if compression == "jpeg" else DEEP
            made[f"{compression}.tif"] = tiff(image, compression=compression, metadata=None)
    return made


def tiff(image: np.ndarray, *, bigtiff: bool = False, **options: Any) -> bytes:
    """What tifffile writes."""
    options = {"photometric": "minisblack"} | options
    keys = ("ome", "imagej", "byteorder")
    kind = {key: options.pop(key) for key in keys if key in options}
    packed = io.BytesIO()
    with tifffile.TiffWriter(packed, bigtiff=bigtiff, **kind) as writer:
        writer.write(image, **options)
    return packed.getvalue()


def pages(film: np.ndarray) -> bytes:
    """Pages written one by one, as a loop does."""
    packed = io.BytesIO()
    with tifffile.TiffWriter(packed) as writer:
        for frame in film:
            writer.write(frame, photometric="minisblack", contiguous=False)
    return packed.getvalue()


def label_files() -> dict[str, bytes]:
    """Labels as this package and others write them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "labels.ome.tif")
        frames = np.stack([LABELS, LABELS.T]).astype(np.uint32)
        write_labels(path, frames, shape=frames.shape, axes="TYX", pixel_size_um=(0.5, 0.5))
        return {
            "labels.ome.tif": path.read_bytes(),
            "labels.png": pictured(LABELS, "png"),
            "labels.bmp": pictured(LABELS, "bmp"),
        }


def annotations() -> dict[str, bytes]:
    """Labels as other tools write them; ROIs where their package is there."""
    held = {"masks": LABELS.astype(np.uint16), "filename": "a.png", "diameter": np.float64(7)}
    packed = io.BytesIO()
    np.save(packed, held, allow_pickle=True)  # type: ignore[arg-type]
    source = LabelImage(LABELS.astype(np.uint16), name="a", image_name="a.png")
    corners = [[2.5, 3], [11, 4], [9, 12.25]]
    shapes = [
        {"label": "cell", "points": corners, "shape_type": "polygon"},
        {"label": "cell", "points": corners[:2], "shape_type": "circle", "group_id": 3},
    ]
    flat = [number for corner in corners for number in corner]
    made: dict[str, Any] = {
        "qupath.geojson": labels_to_geojson(source),
        "labelme.json": {"shapes": shapes, "imageHeight": 24, "imageWidth": 24},
        "coco.json": join_frames(coco_frames(source)),
        "coco_polygon.json": {
            "images": [{"id": 1, "file_name": "a.png", "height": 24, "width": 24}],
            "annotations": [{"image_id": 1, "segmentation": [flat]}],
        },
    }
    texts = {name: json.dumps(content).encode() for name, content in made.items()}
    rois = {"a_rois.zip": labels_to_roi_zip(source)} if find_spec("roifile") else {}
    return {"a_seg.npy": packed.getvalue(), **texts, **rois}


def tracked() -> dict[str, bytes]:
    """Tracks as TrackMate's XML, and the table of the Cell Tracking Challenge."""
    frames, tracks = division()
    with tempfile.TemporaryDirectory() as folder:
        write_trackmate(Path(folder) / "film.xml", tracks, frames=frames)
        write_ctc(Path(folder), frames, tracks=tracks)
        names = ("film.xml", "res_track.txt")
        return {name: (Path(folder) / name).read_bytes() for name in names}


def weights() -> dict[str, bytes]:
    """A checkpoint, an encoder's weights, and these as PyTorch writes them."""
    encoder = {"conv1.weight": torch.zeros(2, 3, 3, 3), "bn1.num_batches_tracked": torch.tensor(1)}
    packed = io.BytesIO()
    torch.save(encoder, packed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tiny.safetensors")
        save_checkpoint(path, tiny_checkpoint())
        return {
            "tiny.safetensors": path.read_bytes(),
            "encoder.safetensors": save(encoder),
            "encoder.pth": packed.getvalue(),
        }

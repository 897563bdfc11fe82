"""network + its card + an image → a package of the BioImage Model Zoo: one ZIP file.

bioimage.io's model description (RDF 0.5): the network as ONNX, how its input is made and what its
output is, an image to test it by, a picture, a text, citations and the licence. Programs that run
such models (ilastik, deepImageJ, bioimageio.core) need nothing of coverslip.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from coverslip.checkpoints.onnx import save_onnx
from coverslip.figures import probability_to_rgb, side_by_side, to_picture
from coverslip.inference.runtime import count_threads, run_onnx
from coverslip.io import whole_or_nothing
from coverslip.provenance import package_version
from coverslip.report.methods import REFERENCES, find_references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from coverslip.checkpoints.checkpoint import Checkpoint

# Any newer specification of the same minor version reads it.
FORMAT_VERSION = "0.5.4"
OPERATOR_SET = 17
TEST_SIDE_PX = 256
EPS = 1e-6
MAX_DESCRIPTION = 128  # characters, of a tensor
PAPER = "ayanzadeh2021"
MAPS = {
    "mask": "probability of cell",
    "distance": "depth inside of its cell, 0 at the rim to 1",
    "boundary": "probability of a cell's rim",
}


def save_bioimageio(
    path: Path, checkpoint: Checkpoint, *, image: NDArray[Any], name: str = ""
) -> float | None:
    """Write a checkpoint as a package of bioimage.io, whole or not at all.

    Args:
        path: the file, by custom ``.zip``.
        checkpoint: a network in evaluation mode, on the CPU.
        image: (H, W) or (H, W, 3), what the model is tested by and its picture shows; a part of it
            is taken.
        name: what the model is called; the file's name without its ending where it is empty.

    Returns:
        The greatest difference of a logit, as `save_onnx`.

    Raises:
        SettingsError: the packages onnx and onnxruntime are not there.
        ModelError: no network of PyTorch, or its ONNX gives other logits.
        FileError: the file cannot be written.
    """
    with TemporaryDirectory() as folder:
        difference = save_onnx(Path(folder, "weights.onnx"), checkpoint)
        graph = Path(folder, "weights.onnx").read_bytes()
    given = to_test_image(image, stride=stride_of(checkpoint))
    forward = run_onnx(graph, backend="onnxruntime", threads=count_threads())
    logits = forward(prepare(given, checkpoint))
    found = (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
    contents = {
        "weights.onnx": graph,
        "test_input.npy": _npy(given),
        "test_output.npy": _npy(found),
        "cover.png": _cover(given, found),
        "README.md": describe_in_words(checkpoint).encode(),
    }
    digests = {file: hashlib.sha256(data).hexdigest() for file, data in contents.items()}
    described = describe_model(
        checkpoint, name=name or path.stem, digests=digests, n_maps=found.shape[1]
    )
    # JSON is YAML too.
    contents["rdf.yaml"] = json.dumps(described, indent=1, ensure_ascii=False).encode()
    with whole_or_nothing(path) as temporary, zipfile.ZipFile(temporary, "w") as package:
        for file, data in contents.items():
            about = zipfile.ZipInfo(file)  # of no date, so that the same model is the same file
            about.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(about, data)
    return difference


def to_test_image(image: NDArray[Any], *, stride: int) -> NDArray[np.float32]:
    """The middle of an image, (1, 3, h, w) in its own values, of a size that the network takes.

    Example:
        >>> import numpy as np
        >>> to_test_image(np.zeros((70, 400)), stride=32).shape
        (1, 3, 64, 256)
    """
    colours = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    sides = [min(length, TEST_SIDE_PX) // stride * stride for length in image.shape[:2]]
    top, left = ((n - side) // 2 for n, side in zip(image.shape[:2], sides, strict=True))
    part = colours[top : top + sides[0], left : left + sides[1], :3]
    return np.ascontiguousarray(part.transpose(2, 0, 1)[None].astype(np.float32))


def stride_of(checkpoint: Checkpoint) -> int:
    """Height and width of an image are multiples of it."""
    stride: Any = checkpoint.network.stride
    return int(stride)


def prepare(given: NDArray[np.float32], checkpoint: Checkpoint) -> NDArray[np.float32]:
    """What the description says is done to an image, step by step: `_preprocessing`."""
    how = checkpoint.preprocess
    low, high = np.percentile(given, (how.low_percentile, how.high_percentile))
    scaled = np.clip((given - low) / (high - low + EPS), 0, 1)
    mean, std = (np.reshape(values, (1, 3, 1, 1)) for values in (how.mean, how.std))
    normalised: NDArray[np.float32] = ((scaled - mean) / std).astype(np.float32)
    return normalised


def describe_model(
    checkpoint: Checkpoint, *, name: str, digests: Mapping[str, str], n_maps: int
) -> dict[str, Any]:
    """The model's description, as ``rdf.yaml`` has it.

    Args:
        checkpoint: the model.
        name: of the model.
        digests: SHA-256 by file.
        n_maps: how many maps its network gives.
    """
    card = checkpoint.card

    def file(source: str) -> dict[str, str]:
        return {"source": source, "sha256": digests[source]}

    described = {
        "type": "model",
        "format_version": FORMAT_VERSION,
        "name": f"coverslip {re.sub('[^A-Za-z0-9_+ ()-]+', ' ', name).strip() or 'model'}"[:128],
        "description": str(card.get("task", "cell segmentation"))[:1024],
        "authors": [{"name": "The coverslip developers"}],
        "cite": _citations(checkpoint),
        "documentation": file("README.md"),
        "covers": [file("cover.png")],
        "tags": ["segmentation", "instance-segmentation", "cells", "nuclei", "2d", "pytorch"],
        "inputs": [_input(checkpoint, file("test_input.npy"))],
        "outputs": [_output(checkpoint, file("test_output.npy"), n_maps=n_maps)],
        "weights": {"onnx": {**file("weights.onnx"), "opset_version": OPERATOR_SET}},
        "config": {
            "coverslip": {
                "version": package_version("coverslip"),
                "model_sha256": checkpoint.hash,
                "threshold": checkpoint.threshold,
                "cell_size_px": checkpoint.cell_size_px,
            }
        },
    }
    licence = licence_of(str(card.get("licence", "")))
    return described | ({"license": licence} if licence else {})


def licence_of(text: str) -> str:
    """The SPDX name of the weights' licence in a card's line; empty where it names none.

    Example:
        >>> licence_of("CC0 (data), BSD-3-Clause (weights)")
        'BSD-3-Clause'
    """
    found = re.search(r"([A-Za-z0-9.-]+) \(weights\)", text)
    return found[1] if found else ""


def _input(checkpoint: Checkpoint, test: dict[str, str]) -> dict[str, Any]:
    stride = stride_of(checkpoint)
    size = {"min": stride, "step": stride}
    return {
        "id": "image",
        "description": "a microscope image; grey repeated into three channels, or red, green, blue",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": ["red", "green", "blue"]},
            *({"type": "space", "id": axis, "size": size} for axis in "yx"),
        ],
        "test_tensor": test,
        "data": {"type": "float32"},
        "preprocessing": _preprocessing(checkpoint),
    }


def _preprocessing(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    how = checkpoint.preprocess
    stretch = {
        "axes": ["channel", "y", "x"],
        "min_percentile": how.low_percentile,
        "max_percentile": how.high_percentile,
        "eps": EPS,
    }
    normalise = {"mean": list(how.mean), "std": list(how.std), "axis": "channel"}
    return [
        {"id": "scale_range", "kwargs": stretch},
        {"id": "clip", "kwargs": {"min": 0.0, "max": 1.0}},
        {"id": "fixed_zero_mean_unit_variance", "kwargs": normalise},
    ]


def _output(checkpoint: Checkpoint, test: dict[str, str], *, n_maps: int) -> dict[str, Any]:
    names = [*checkpoint.maps, *(f"map_{n}" for n in range(len(checkpoint.maps), n_maps))]
    said = "; ".join(f"{name}: {MAPS[name]}" if name in MAPS else name for name in names)
    return {
        "id": "probabilities",
        "description": said[:MAX_DESCRIPTION],
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": names},
            *(
                {"type": "space", "id": axis, "size": {"tensor_id": "image", "axis_id": axis}}
                for axis in "yx"
            ),
        ],
        "test_tensor": test,
        "data": {"type": "float32", "range": [0.0, 1.0]},
        "postprocessing": [{"id": "sigmoid"}],
    }


def _citations(checkpoint: Checkpoint) -> list[dict[str, str]]:
    card = checkpoint.card
    texts = [str(card.get(name, "")) for name in ("data", "source")]
    keys = dict.fromkeys([PAPER, *find_references(*texts, checkpoint.model)])
    return [{"text": REFERENCES[key].title, "doi": REFERENCES[key].doi} for key in keys]


def describe_in_words(checkpoint: Checkpoint) -> str:
    """The text that goes with the model: what it is for, and what it is not without coverslip."""
    card, how = checkpoint.card, checkpoint.preprocess
    facts = [
        f"- **{name}**: {card[name]}"
        for name in ("task", "data", "source", "licence", "encoder", "score")
        if card.get(name)
    ]
    size = checkpoint.cell_size_px
    scale = (
        f"Cells should have a diameter of about {size:g} pixels; resize the image first. "
        * bool(size)
    )
    return f"""# {card.get("task", "Cell segmentation")}

Written by coverslip {package_version("coverslip")} from a model of SHA-256 `{checkpoint.hash}`.

{chr(10).join(facts)}

## Use

{scale}The image's percentiles {how.low_percentile:g} and {how.high_percentile:g} become 0 and 1. \
The output is {", ".join(checkpoint.maps)}, each 0 to 1. A pixel is cell where the mask is above \
{checkpoint.threshold:g}.

coverslip itself does more than this package says: it finds the scale by the cells, leaves \
scale bars and borders out of the percentiles, tiles large images, and parts touching cells by the \
distance, flooding from its hills. A program that only thresholds the mask counts touching cells \
as one.

## Validation

The scores above are of coverslip's whole way, not of the network alone. Look at some of your own \
images before you count.
"""


def _npy(array: NDArray[np.float32]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _cover(given: NDArray[np.float32], found: NDArray[np.float32]) -> bytes:
    picture = to_picture(given[0].transpose(1, 2, 0))
    shown = side_by_side([picture, probability_to_rgb(found[0, 0])], gap_px=0)
    stream = io.BytesIO()
    Image.fromarray(shown).save(stream, format="PNG")
    return stream.getvalue()

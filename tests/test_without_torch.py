"""What ONNX Runtime can do is done without PyTorch: where it is absent, and where it is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from skimage.io import imread

import coverslip

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = Path(__file__).parents[1] / "examples"
RUN = Path(__file__).with_name("torchless.py")
SMALL = EXAMPLES / "nuclei" / "fluorescence_small.png"


def run(mode: str, *commands: Sequence[object]) -> subprocess.CompletedProcess[str]:
    words = json.dumps([[str(word) for word in command] for command in commands])
    return subprocess.run([sys.executable, RUN, mode, words], capture_output=True, text=True)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    frames = tifffile.imread(EXAMPLES / "phase" / "t98g_film.tif")[:3, :160, :160]
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})
    return path


def test_the_verbs_work_where_pytorch_is_not_installed(tmp_path: Path, film: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / SMALL.name).write_bytes(SMALL.read_bytes())
    truth = EXAMPLES / "truth" / "nuclei"
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / SMALL.name).write_bytes((truth / SMALL.name).read_bytes())
    out = {name: tmp_path / name for name in ("whole", "views", "regions", "film", "tracks")}
    nuclei = ["--model", "nuclei", "--scale", "1"]
    done = run(
        "absent",
        ["segment", images, "-o", out["whole"], "--model", "general"],
        ["segment", SMALL, "-o", out["views"], *nuclei, "--tta", "d4", "--uncertainty"],
        ["segment", SMALL, "-o", out["regions"], *nuclei, "--region", 64, "--tile", 64],
        ["segment", film, "-o", out["film"], "--scale", "1"],
        ["track", out["film"], "-o", out["tracks"]],
        ["measure", out["whole"], images, "-o", tmp_path / "again.csv"],
        ["export", out["whole"], "-o", tmp_path / "geojson", "--to", "geojson"],
        ["evaluate", out["whole"], tmp_path / "truth"],
        ["score", "nuclei", images, "--masks", tmp_path / "truth", "-o", tmp_path / "scores.csv"],
        ["models"],
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for name in ("whole", "views", "regions", "film"):
        assert (out[name] / "report.html").is_file()
    assert (tmp_path / "again.csv").is_file() and any(out["tracks"].iterdir())


def test_pytorch_is_not_imported_where_onnx_runtime_works(tmp_path: Path) -> None:
    done = run("idle", ["segment", SMALL, "-o", tmp_path / "out", "--model", "nuclei"])
    assert done.returncode == 0, done.stderr[-3000:]


def test_workers_need_no_pytorch(tmp_path: Path) -> None:
    how = ["--model", "nuclei", "--scale", "1", "--workers", 1]
    done = run("absent", ["segment", SMALL, "-o", tmp_path / "out", *how])
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(
    "words",
    [
        ["train", EXAMPLES / "nuclei", "--masks", EXAMPLES / "truth" / "nuclei", "-o"],
        ["segment", SMALL, "--model", "nuclei", "--backend", "torch", "-o"],
        ["segment", SMALL, "--model", "nuclei", "--device", "cuda", "-o"],
        ["suggest", SMALL, "--model", "nuclei", "-o"],
        ["robustness", "nuclei", SMALL.parent, "--masks", EXAMPLES / "truth" / "nuclei", "-o"],
    ],
)
def test_what_needs_pytorch_says_how_to_get_it(tmp_path: Path, words: list[object]) -> None:
    done = run("absent", [*words, tmp_path / "out"])
    assert done.returncode == 2
    assert "pip install '.[train]'" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name",
    [
        "train",
        "fine_tune",
        "suggest_frames",
        "training.train",
        "evaluation.measure_robustness",
        "models.UNet",
    ],
)
def test_in_python_too_it_says_which_extra(name: str) -> None:
    room, _, last = f"coverslip.{name}".rpartition(".")
    code = f"import sys; sys.modules['torch'] = None\nfrom {room} import {last}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = done.stderr.splitlines()[-1]
    assert said.startswith("coverslip.errors.SettingsError: ") and "pip install '.[train]'" in said
    assert last in said


@pytest.mark.parametrize(
    ("model", "path"),
    [("nuclei", "nuclei/stained_tissue.png"), ("phase", "phase/phase_sparse.png")],
)
def test_labels_are_those_of_pytorch(model: str, path: str) -> None:
    image = imread(EXAMPLES / path)[:320, :320]
    found = {}
    for backend in ("torch", "onnxruntime"):
        predict = coverslip.PredictSettings(backend=backend, device="cpu", precision="float32")
        settings = coverslip.SegmentSettings(scale=1.0, predict=predict)
        found[backend] = coverslip.segment(image, model, settings=settings).labels
    np.testing.assert_array_equal(found["onnxruntime"], found["torch"])
    assert found["torch"].max() > 3

"""this Python → the packages that are needed, and the extras that are there or missing."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from coverslip.provenance import commit, package_version

# What must be there: the package's name and that of its module. pyproject.toml has the versions.
NEEDED = {
    "torch": "torch",
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-image": "skimage",
    "pandas": "pandas",
    "tifffile": "tifffile",
    "pillow": "PIL",
    "safetensors": "safetensors",
    "matplotlib": "matplotlib",
    "typer": "typer",
    "rich": "rich",
    "lazy_loader": "lazy_loader",
    "jinja2": "jinja2",
    "markupsafe": "markupsafe",
    "filelock": "filelock",
}


@dataclass(frozen=True)
class Extra:
    """Packages that are installed on demand, the modules by which they are known, and their use."""

    packages: dict[str, str]
    gives: str


EXTRAS = {
    "codecs": Extra({"imagecodecs": "imagecodecs"}, "TIFF with LZW, JPEG and other compressions"),
    "napari": Extra({"napari": "napari"}, "coverslip view: images and labels in a window"),
    "roi": Extra({"roifile": "roifile"}, "coverslip export: ROIs for Fiji"),
    "zarr": Extra({"zarr": "zarr"}, "OME-Zarr, read and written"),
    "nd2": Extra({"nd2": "nd2"}, "ND2 of Nikon"),
    "czi": Extra({"czifile": "czifile"}, "CZI of Zeiss"),
    "onnx": Extra(
        {"onnx": "onnx", "onnxruntime": "onnxruntime"}, "faster on a CPU; coverslip export-model"
    ),
    "openvino": Extra(
        {"onnx": "onnx", "openvino": "openvino"}, "--backend openvino, on CPUs of Intel"
    ),
    "cluster": Extra({"distributed": "distributed"}, "coverslip segment --workers, --scheduler"),
    "parquet": Extra({"pyarrow": "pyarrow"}, "--table parquet"),
}


def versions() -> dict[str, object]:
    """Of this program, of Python and of every package that is needed."""
    return {
        "coverslip": package_version("coverslip"),
        "commit": commit(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "packages": {name: package_version(name) for name in NEEDED},
    }


def extras() -> dict[str, dict[str, object]]:
    """Whether each extra is there, in which version, what for, and how it is installed."""
    return {
        name: {
            "there": all(map(is_there, extra.packages.values())),
            "versions": {package: package_version(package) for package in extra.packages},
            "gives": extra.gives,
            "install": f"pip install '.[{name}]'",
        }
        for name, extra in EXTRAS.items()
    }


def is_there(module: str) -> bool:
    """Whether a module could be imported; it is not, which may take long."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def threads() -> dict[str, object]:
    """What the environment says of threads; `probe` says what PyTorch makes of it."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {name: os.environ.get(name) for name in names}

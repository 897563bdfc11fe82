from .bioimageio import save_bioimageio
from .checkpoint import Checkpoint, build_network
from .method import Method
from .onnx import save_onnx
from .pretrained import (
    IMAGENET_PACKAGES,
    IMAGENET_URLS,
    find_package_weights,
    load_pretrained,
)
from .safetensors import (
    FORMAT,
    halve,
    hash_contents,
    load_checkpoint,
    read_card,
    read_tensors,
    save_checkpoint,
    write_tensors,
)
from .zoo import find_model, load_model, shipped_models

__all__ = [
    "FORMAT",
    "IMAGENET_PACKAGES",
    "IMAGENET_URLS",
    "Checkpoint",
    "Method",
    "build_network",
    "find_model",
    "find_package_weights",
    "halve",
    "hash_contents",
    "load_checkpoint",
    "load_model",
    "load_pretrained",
    "read_card",
    "read_tensors",
    "save_bioimageio",
    "save_checkpoint",
    "save_onnx",
    "shipped_models",
    "write_tensors",
]

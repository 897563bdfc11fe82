from .backends import BACKENDS, OnnxNetwork, choose_backend, make_forward
from .fold import fold_norms
from .onnx import (
    TOLERANCE,
    Forward,
    check_onnx,
    network_to_onnx,
    pack_onnx,
    read_onnx,
    run_onnx,
    unpack_onnx,
)
from .threads import respect_quota

__all__ = [
    "BACKENDS",
    "TOLERANCE",
    "Forward",
    "OnnxNetwork",
    "check_onnx",
    "choose_backend",
    "fold_norms",
    "make_forward",
    "network_to_onnx",
    "pack_onnx",
    "read_onnx",
    "respect_quota",
    "run_onnx",
    "unpack_onnx",
]

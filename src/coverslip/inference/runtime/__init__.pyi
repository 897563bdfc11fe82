from .arrays import Arrays, NumpyArrays, TorchArrays
from .backends import (
    BACKENDS,
    IN_TORCH,
    PRECISIONS,
    Network,
    OnnxNetwork,
    choose_backend,
    choose_precision,
    make_forward,
)
from .calibrate import measure_ranges
from .encode import Node, encode_model
from .fold import fold_norms
from .graph import Graph, GraphNetwork, module_to_graph, read_graph
from .onnx import (
    TOLERANCE,
    Forward,
    check_onnx,
    network_to_onnx,
    open_session,
    pack_onnx,
    read_onnx,
    run_onnx,
    unpack_onnx,
)
from .threads import count_threads, respect_quota, set_threads

__all__ = [
    "BACKENDS",
    "IN_TORCH",
    "PRECISIONS",
    "TOLERANCE",
    "Arrays",
    "Forward",
    "Graph",
    "GraphNetwork",
    "Network",
    "Node",
    "NumpyArrays",
    "OnnxNetwork",
    "TorchArrays",
    "check_onnx",
    "choose_backend",
    "choose_precision",
    "count_threads",
    "encode_model",
    "fold_norms",
    "make_forward",
    "measure_ranges",
    "module_to_graph",
    "network_to_onnx",
    "open_session",
    "pack_onnx",
    "read_graph",
    "read_onnx",
    "respect_quota",
    "run_onnx",
    "set_threads",
    "unpack_onnx",
]

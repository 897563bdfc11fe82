"""network → the same logits, faster: batch norm folded, or run by ONNX Runtime or OpenVINO.

A `Forward` is all that prediction asks for: a batch of tiles (N, C, h, w) float32 → logits
(N, K, h, w), h and w multiples of the network's stride.
"""

from coverslip.backends.choose import choose_backend
from coverslip.backends.contents import pack_onnx, read_onnx, unpack_onnx
from coverslip.backends.convert import TOLERANCE, check_onnx, network_to_onnx
from coverslip.backends.fold import fold_norms
from coverslip.backends.ready import BACKENDS, OnnxNetwork, make_forward
from coverslip.backends.run import Forward, run_onnx
from coverslip.backends.threads import respect_quota

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

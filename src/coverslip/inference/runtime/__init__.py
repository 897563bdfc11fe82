"""network → the same logits, faster: batch norm folded, or run by ONNX Runtime or OpenVINO.

A `Forward` is all that prediction asks for: a batch of tiles (N, C, h, w) float32 → logits
(N, K, h, w), h and w multiples of the network's stride.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

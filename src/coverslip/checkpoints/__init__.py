"""network + arguments + card ↔ one safetensors or ONNX file; a name → the model of it.

The model zoo, checkpoints (weights with their settings), and models of others, which are validated.

No file is a pickle, and what a stranger's file claims is checked before memory is spent on it.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

"""network × image → probabilities, and how sure they are.

Inference, tile by tile, with test-time augmentation where it is wanted.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

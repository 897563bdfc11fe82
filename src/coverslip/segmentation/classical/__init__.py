"""image → mask without learning: two published methods, and one literal dict of them.

Classical segmentation of phase contrast, without training and without ground truth.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

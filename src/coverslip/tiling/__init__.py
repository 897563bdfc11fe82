"""a large image → overlapping tiles or regions, and back; its eight flips and turns.

Whole-slide images are predicted in overlapping tiles that are blended without seams.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

"""labels of the slices of a stack → objects in 3-D: one number through all slices, their volumes.

Z-stacks, confocal or wide-field: cells are found slice by slice, and joined by their overlap.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

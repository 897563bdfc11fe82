"""labels (+ image, probabilities) → table, one row per cell.

Morphology and intensity of single cells: area, shape, neighbours, fluorescence.

A cell is made of its pixels' squares, not of their centres: so a rectangle's axes and hull are
exact, a single pixel has a size, and nothing divides by zero.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

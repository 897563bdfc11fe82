"""many pairs → table: one row per image, then mean, spread and pool.

Segmentation is evaluated against ground truth, over whole data sets.

Needs no network: it scores the label or mask files of any tool. A pixel belongs to a cell where the
value is above 0, so instance numbers, 0/1 and 0/255 masks are scored alike. Cells are scored where
the truth numbers them; a true mask tells no two cells apart.

Two aggregates are given, for they answer two questions. The mean over images weighs every image the
same, however few cells it has; the pooled score weighs every pixel, or every cell, the same, so
large and crowded images decide. On pooled pixels Dice is exactly 2 J / (1 + J); on means over
images it is not.
"""

import lazy_loader as lazy

from coverslip._optional import naming_torch

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__getattr__ = naming_torch(__getattr__)

"""truth × prediction, one image → scores: of its pixels, and of its cells.

Scores of a segmentation against ground truth: IoU, Dice, average precision, panoptic quality.

Each kind in two steps: counts once, then any score from the counts. Counts add up, so a pooled
score is that of the sum of the images' counts. One rule holds for all where a denominator is zero:
nothing to find and nothing claimed is perfect (1); otherwise the score is 0.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

"""pairs of files → a trained network, in a folder that a killed run can go on from.

Training and fine-tuning of segmentation models on images with ground truth.
"""

import lazy_loader as lazy

from coverslip._optional import naming_torch

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__getattr__ = naming_torch(__getattr__)

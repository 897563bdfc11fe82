"""Networks: (N, C, H, W) float → (N, K, H, W) logits, the same size.

Segmentation networks: U-Net and its relatives, with encoders that may be pre-trained.

Every network carries `stride`: H and W must be multiples of it (`coverslip.inference` pads). One
that supervises more than its logits has a method `training_loss`, which training calls in place of
its criterion.
"""

import lazy_loader as lazy

from coverslip._optional import naming_torch

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__getattr__ = naming_torch(__getattr__)

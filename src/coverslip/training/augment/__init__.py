"""(images, masks) → (images, masks), at random, seeded, on the batch's own device.

Data augmentation: turned, zoomed, warped, and with the faults of real microscopy.

The image faults, `blur` to `compress`, change a batch by as much as they are told: `augment` draws
how much, and whoever wants to know what a fault does to a model says it.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

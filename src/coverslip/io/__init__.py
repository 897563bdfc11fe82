"""files ↔ arrays: images, label masks, stacks and time-lapses; images paired with ground truth."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

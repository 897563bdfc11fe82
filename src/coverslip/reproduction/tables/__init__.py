"""finished runs → the paper's tables, ours beside the paper's, and those of ablations and costs."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

"""data sets and finished runs → the paper's figures, and captions that say what was chosen how."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

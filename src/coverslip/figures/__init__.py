"""arrays and tables → figures: overlays, error maps, curves, and what a printed page is made of."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

"""label images of a time-lapse → tracks, divisions and family trees: cell tracking and lineages."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""pairs of files → a trained network, in a folder that a killed run can go on from."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

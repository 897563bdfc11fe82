"""coverslip: from microscope images to masks, cells and tables.

The public face: names from the modules below, listed in ``__init__.pyi`` and imported on first use,
so that ``coverslip --help`` does not wait for PyTorch, and the modules ``errors``, ``figures``,
``metrics`` and ``provenance`` with what their ``__all__`` lists. A function that bears its module's
name is not here, since only one of the two could be ``coverslip.measure``: import it from its
module, ``from coverslip.measure import measure``.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

"""coverslip: from microscope images to masks, cells and tables.

The public face: names from the rooms below, listed in ``__init__.pyi`` and imported on first use,
so that ``coverslip --help`` does not wait for PyTorch. Rooms are nouns and functions are verbs: so
``coverslip.measure`` is the function, and its room is ``coverslip.measurements``.
"""

import sys

import lazy_loader as lazy

from coverslip._moved import OldRooms, with_old_names
from coverslip._optional import naming_torch

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__getattr__ = naming_torch(with_old_names(__name__, __getattr__))
sys.meta_path.append(OldRooms())  # asked last: the rooms of version 0.1, until 0.3

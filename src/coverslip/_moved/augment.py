"""Moved: see coverslip.training.augment."""

import sys

from coverslip._moved import OldRoom

sys.modules[__name__].__class__ = OldRoom

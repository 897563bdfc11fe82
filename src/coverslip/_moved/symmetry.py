"""Moved: see coverslip.tiling."""

import sys

from coverslip._moved import OldRoom

sys.modules[__name__].__class__ = OldRoom

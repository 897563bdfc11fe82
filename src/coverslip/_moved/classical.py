"""Moved: see coverslip.segmentation.classical."""

import sys

from coverslip._moved import OldRoom

sys.modules[__name__].__class__ = OldRoom

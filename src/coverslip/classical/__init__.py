"""image → mask without learning: two published methods, and one literal dict of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from coverslip.classical.egt import EGTSettings, egt
from coverslip.classical.phantast import PHANTAST_GUI, PhantastSettings, phantast

Settings = EGTSettings | PhantastSettings

# (image, settings=...) → mask, and the settings where none are given.
METHODS: dict[str, tuple[Callable[..., NDArray[np.bool_]], Settings]] = {
    "egt": (egt, EGTSettings()),
    "phantast": (phantast, PhantastSettings()),
    "phantast_gui": (phantast, PHANTAST_GUI),
}

__all__ = [
    "METHODS",
    "PHANTAST_GUI",
    "EGTSettings",
    "PhantastSettings",
    "Settings",
    "egt",
    "phantast",
]

"""the name of a published method → its function and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.segmentation.classical.egt import EGTSettings, segment_egt
from coverslip.segmentation.classical.phantast import (
    PHANTAST_GUI,
    PhantastSettings,
    segment_phantast,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

Settings = EGTSettings | PhantastSettings

# (image, settings=...) → mask, and the settings where none are given.
METHODS: dict[str, tuple[Callable[..., NDArray[np.bool_]], Settings]] = {
    "egt": (segment_egt, EGTSettings()),
    "phantast": (segment_phantast, PhantastSettings()),
    "phantast_gui": (segment_phantast, PHANTAST_GUI),
}

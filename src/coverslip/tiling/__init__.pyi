from .regions import (
    Region,
    RegionSettings,
    Sides,
    Window,
    beyond,
    join,
    lay_regions,
    meet,
    seen_from,
    whole_region,
)
from .symmetry import TTA, Symmetry
from .tiles import Grid, blend, cut_from, lay_tiles, round_up, tiles_in

__all__ = [
    "TTA",
    "Grid",
    "Region",
    "RegionSettings",
    "Sides",
    "Symmetry",
    "Window",
    "beyond",
    "blend",
    "cut_from",
    "join",
    "lay_regions",
    "lay_tiles",
    "meet",
    "round_up",
    "seen_from",
    "tiles_in",
    "whole_region",
]

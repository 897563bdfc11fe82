"""arrays and tables → figures: overlays, error maps, probability maps, training curves."""

from coverslip.figures.colours import colour_cells
from coverslip.figures.curves import curves, curves_figure
from coverslip.figures.display import probability_to_rgb, side_by_side, to_picture
from coverslip.figures.overlay import error_map, overlay, thumbnail

__all__ = [
    "colour_cells",
    "curves",
    "curves_figure",
    "error_map",
    "overlay",
    "probability_to_rgb",
    "side_by_side",
    "thumbnail",
    "to_picture",
]

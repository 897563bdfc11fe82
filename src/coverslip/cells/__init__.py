"""probabilities → mask → cells, touching ones apart; and cells → what a network learns of them."""

from coverslip.cells.learn import MAPS, check_maps, labels_to_maps
from coverslip.cells.mask import check_limits, mask_to_labels, probs_to_mask
from coverslip.cells.size import cell_sizes
from coverslip.cells.tidy import drop_cells, fill_cells, number_cells
from coverslip.cells.watersheds import separate

__all__ = [
    "MAPS",
    "cell_sizes",
    "check_limits",
    "check_maps",
    "drop_cells",
    "fill_cells",
    "labels_to_maps",
    "mask_to_labels",
    "number_cells",
    "probs_to_mask",
    "separate",
]

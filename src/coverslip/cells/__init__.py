"""probabilities → mask → cells, touching ones apart; and cells → what a network learns of them."""

from coverslip.cells.edges import NOWHERE, UNSEEN_PX, Sides, at_the_edge, edge_distance
from coverslip.cells.learn import MAPS, check_maps, labels_to_maps
from coverslip.cells.mask import check_limits, mask_to_labels, probs_to_mask
from coverslip.cells.size import cell_sizes
from coverslip.cells.tidy import drop_cells, fill_cells, number_cells
from coverslip.cells.trim import trim_cells
from coverslip.cells.watersheds import separate, separate_part

__all__ = [
    "MAPS",
    "NOWHERE",
    "UNSEEN_PX",
    "Sides",
    "at_the_edge",
    "cell_sizes",
    "check_limits",
    "check_maps",
    "drop_cells",
    "edge_distance",
    "fill_cells",
    "labels_to_maps",
    "mask_to_labels",
    "number_cells",
    "probs_to_mask",
    "separate",
    "separate_part",
    "trim_cells",
]

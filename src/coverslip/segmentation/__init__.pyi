from .correct import (
    Window,
    delete_cells,
    draw_cell,
    fill_cell,
    grow_cell,
    merge_cells,
    split_cell,
)
from .labels import (
    cell_sizes,
    check_limits,
    drop_cells,
    fill_cells,
    mask_to_labels,
    number_cells,
    probs_to_mask,
)
from .separation import separate, separate_part
from .targets import MAPS, check_maps, labels_to_maps
from .trim import trim_cells
from .window_edges import NOWHERE, UNSEEN_PX, Sides, at_the_edge, edge_distance

__all__ = [
    "MAPS",
    "NOWHERE",
    "UNSEEN_PX",
    "Sides",
    "Window",
    "at_the_edge",
    "cell_sizes",
    "check_limits",
    "check_maps",
    "delete_cells",
    "draw_cell",
    "drop_cells",
    "edge_distance",
    "fill_cell",
    "fill_cells",
    "grow_cell",
    "labels_to_maps",
    "mask_to_labels",
    "merge_cells",
    "number_cells",
    "probs_to_mask",
    "separate",
    "separate_part",
    "split_cell",
    "trim_cells",
]

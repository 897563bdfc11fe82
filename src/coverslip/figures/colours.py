"""labels → colours: no two neighbours alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Yellow, blue, orange, cyan: bright on black, coloured on grey, and told apart with any of the
# three colour blindnesses. White is for the rare cell whose neighbours have taken all four.
PALETTE: NDArray[np.uint8] = np.array(
    [(255, 215, 0), (90, 130, 255), (225, 95, 0), (90, 225, 250), (255, 255, 255)], dtype=np.uint8
)
N_USUAL = 4

# A cell reaches this share of the image's longer side around it; where two reaches meet, the cells
# must differ in colour.
REACH_SHARE = 0.015

# Neighbours are looked for on labels no larger than this: colours need no exact distances.
NEIGHBOUR_SIDE_PX = 400


def colour_cells(labels: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """Give every label an index into `PALETTE`, so that neighbours differ.

    Greedy, the most crowded cell first; the four usual colours are kept equally frequent. Where
    neighbours have taken all colours, the rarest among them is used again.

    Returns:
        (largest label + 1,) indices; that of 0 (background) means nothing.

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import colour_cells
        >>> first, second = colour_cells(np.array([[1, 1, 2, 2]]))[1:3]
        >>> bool(first != second)
        True
    """
    colours = np.full(int(labels.max(initial=0)) + 1, -1, dtype=np.intp)
    used = np.zeros(len(PALETTE))
    used[N_USUAL:] = np.inf
    neighbours = _neighbours(labels)
    for label in sorted(neighbours, key=lambda label: (-len(neighbours[label]), label)):
        taken = colours[list(neighbours[label])]
        near = np.bincount(taken[taken >= 0], minlength=len(PALETTE))
        colours[label] = np.lexsort((used, near))[0]
        used[colours[label]] += 1
    lonely = colours < 0
    colours[lonely] = np.flatnonzero(lonely) % N_USUAL
    return colours


def _neighbours(labels: NDArray[np.integer[Any]]) -> dict[int, set[int]]:
    """Cells that have other cells nearby, and which."""
    step = max(1, round(max(labels.shape) / NEIGHBOUR_SIDE_PX))
    grown = _grow(labels[::step, ::step])
    pairs = np.concatenate(
        [
            np.stack([a[a != b], b[a != b]], axis=1)
            for a, b in ((grown[1:], grown[:-1]), (grown[:, 1:], grown[:, :-1]))
        ]
    )
    neighbours: dict[int, set[int]] = {}
    for a, b in np.unique(pairs[(pairs > 0).all(axis=1)], axis=0).tolist():
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    return neighbours


def _grow(labels: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Let every cell grow into the background as far as it reaches."""
    reach = max(2.0, max(labels.shape) * REACH_SHARE)
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    grown = labels[tuple(nearest)]
    return np.where(distance <= reach, grown, 0)

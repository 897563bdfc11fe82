"""the table of tracks → where each branch of the lineage tree lies, and its colour."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Turns of the colour circle from one family to the next: neighbours differ as much as can be.
GOLDEN = 0.381966
# The branches of a family share this much of the circle around the family's colour.
SPREAD = 0.16


def lay_out_tree(lineage: pd.DataFrame) -> NDArray[np.float64]:
    """Give every track its row, so that no two branches of the family trees cross.

    Args:
        lineage: The table of tracks, ascending by `track_id`, numbered from 1.

    Returns:
        (n,) rows from 0: whole for tracks without daughters; a mother is in the middle of hers.
        Families follow each other in the order of their numbers.

    Example:
        >>> import pandas as pd
        >>> lay_out_tree(pd.DataFrame({"track_id": [1, 2, 3], "parent_track_id": [0, 1, 1]}))
        array([0.5, 0. , 1. ])
    """
    parents = lineage["parent_track_id"].to_numpy()
    daughters: list[list[int]] = [[] for _ in range(len(parents) + 1)]
    for track, parent in enumerate(parents.tolist(), start=1):
        daughters[parent].append(track)
    rows = np.zeros(len(parents) + 1)
    next_row = 0
    waiting = [(track, False) for track in reversed(daughters[0])]
    while waiting:
        track, is_seen = waiting.pop()
        if is_seen:
            rows[track] = np.mean(rows[daughters[track]])
        elif daughters[track]:
            waiting.append((track, True))
            waiting += [(one, False) for one in reversed(daughters[track])]
        else:
            rows[track] = next_row
            next_row += 1
    return rows[1:]


def colour_tracks(lineage: pd.DataFrame, rows: NDArray[Any]) -> NDArray[np.uint8]:
    """Give every family a colour, and its branches shades of it.

    Args:
        lineage: The table of tracks.
        rows: Of `lay_out_tree`.

    Returns:
        (n, 3) red, green and blue.
    """
    families, which = np.unique(lineage["lineage_id"].to_numpy(), return_inverse=True)
    low, high = np.full(len(families), np.inf), np.full(len(families), -np.inf)
    np.minimum.at(low, which, rows)
    np.maximum.at(high, which, rows)
    place = (rows - low[which]) / np.maximum(high - low, 1)[which] - 0.5
    place[(high == low)[which]] = 0
    hues = (0.56 + GOLDEN * which + SPREAD * place) % 1
    colours = [colorsys.hls_to_rgb(hue, 0.6, 0.85) for hue in hues.tolist()]
    return np.round(255 * np.array(colours, dtype=float).reshape(-1, 3)).astype(np.uint8)

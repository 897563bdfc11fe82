"""an image's cells → the part of it that is learnt from, and the part that is held out.

Of few images none can be spared for validation; of each of them a strip along one side can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.training.dataset import SampleSettings

    Window = tuple[slice, slice]


def part_window(
    cells: NDArray[np.int32],
    known: NDArray[np.bool_],
    *,
    settings: SampleSettings,
    seed: tuple[int, int],
) -> Window:
    """Rows and columns of the part of an image that `settings.part` names.

    Args:
        cells: (H, W) labels, 0 is background or not known.
        known: (H, W) what is annotated; nothing outside of its bounding box is taken.
        settings: how much is held out, and which part is wanted.
        seed: of the training, and the image's number: they choose the side, so that both parts,
            cut by two data sets, lie apart.
    """
    whole = bounding_box(known)
    if not settings.held_out:
        return whole
    learn, validate = divide(cells, whole, share=settings.held_out, seed=seed)
    return learn if settings.part == "learn" else validate


def bounding_box(known: NDArray[np.bool_]) -> Window:
    """The smallest window that holds all that is known; everything where nothing is.

    Example:
        >>> import numpy as np
        >>> from coverslip.training.held_out import bounding_box
        >>> known = np.zeros((4, 9), bool)
        >>> known[1:3, 5] = True
        >>> bounding_box(known)
        (slice(1, 3, None), slice(5, 6, None))
    """
    rows, columns = (np.flatnonzero(known.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0, known.shape[0]), slice(0, known.shape[1])
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def divide(
    cells: NDArray[np.int32], whole: Window, *, share: float, seed: tuple[int, int]
) -> tuple[Window, Window]:
    """Cut a strip off one side of a window: what is left, and the strip.

    The sides are tried in an order by the seed; the first is taken whose strip has about its share
    of the cells' pixels (from a half to twice of it), else the one that comes nearest to it.

    Example:
        >>> import numpy as np
        >>> from coverslip.training.held_out import divide
        >>> cells = np.ones((10, 10), np.int32)
        >>> learn, validate = divide(cells, (slice(0, 10), slice(0, 10)), share=0.2, seed=(0, 0))
        >>> cells[learn].size, cells[validate].size
        (80, 20)
    """
    order = np.random.default_rng(seed).permutation(4)
    parts = [strip(whole, side=int(side), share=share) for side in order]
    total = max(1, int(np.count_nonzero(cells[whole])))
    found = [int(np.count_nonzero(cells[validate])) / total for _, validate in parts]
    fair = [n for n, one in enumerate(found) if share / 2 <= one <= 2 * share]
    nearest = int(np.argmin([abs(one - share) for one in found]))
    return parts[fair[0] if fair else nearest]


def strip(whole: Window, *, side: int, share: float) -> tuple[Window, Window]:
    """What is left of a window without the strip at one side (0 to 3), and the strip."""
    axis, at_end = divmod(side, 2)
    start, stop = whole[axis].start, whole[axis].stop
    width = max(1, round(share * (stop - start)))
    cut = stop - width if at_end else start + width
    before, after = slice(start, cut), slice(cut, stop)
    kept, held = (before, after) if at_end else (after, before)
    if axis == 0:
        return (kept, whole[1]), (held, whole[1])
    return (whole[0], kept), (whole[0], held)

"""images → the same images, flipped and turned, and back.

The eight symmetries of the square. Augmentation draws one of them; test-time augmentation predicts
under several and averages what comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Images = TypeVar("Images", NDArray[np.float32], Tensor)

ROWS, COLUMNS = -2, -1


@dataclass(frozen=True)
class Symmetry:
    """A transposition, or none, and then flips: each of the eight is one such.

    Attributes:
        transposes: rows become columns, so a non-square image changes its shape.
        flips_rows: the order of the rows is reversed (upside down), after any transposition.
        flips_columns: the order of the columns is reversed (left to right), likewise.

    Example:
        >>> import numpy as np
        >>> from coverslip.tiling.symmetry import SYMMETRIES
        >>> image = np.array([[1, 2], [3, 4]])  # or a tensor of PyTorch
        >>> turned = SYMMETRIES["rot90"].forward(image)  # counter-clockwise
        >>> turned.tolist()
        [[2, 4], [1, 3]]
        >>> SYMMETRIES["rot90"].inverse(turned).tolist()
        [[1, 2], [3, 4]]
    """

    transposes: bool = False
    flips_rows: bool = False
    flips_columns: bool = False

    def forward(self, x: Images) -> Images:
        """Apply the symmetry to the last two axes: (..., H, W) → (..., H, W) or (..., W, H)."""
        return self._flip(x.swapaxes(ROWS, COLUMNS) if self.transposes else x)

    def inverse(self, x: Images) -> Images:
        """Undo `forward`, exactly: nothing is interpolated."""
        flipped = self._flip(x)
        return flipped.swapaxes(ROWS, COLUMNS) if self.transposes else flipped

    def _flip(self, x: Images) -> Images:
        axes = (ROWS,) * self.flips_rows + (COLUMNS,) * self.flips_columns
        if not axes:
            return x
        # NumPy gives a view, which PyTorch cannot, so a tensor has a method of its own
        return np.flip(x, axes) if isinstance(x, np.ndarray) else x.flip(axes)


# Turns are counter-clockwise as the image is seen, rows going down.
SYMMETRIES: dict[str, Symmetry] = {
    "identity": Symmetry(),
    "rot90": Symmetry(transposes=True, flips_rows=True),
    "rot180": Symmetry(flips_rows=True, flips_columns=True),
    "rot270": Symmetry(transposes=True, flips_columns=True),
    "flip_rows": Symmetry(flips_rows=True),
    "flip_columns": Symmetry(flips_columns=True),
    "transpose": Symmetry(transposes=True),
    "antitranspose": Symmetry(transposes=True, flips_rows=True, flips_columns=True),
}

# "paper": the five of Ayanzadeh et al.: the image itself, one quarter turn, the vertical, the
# horizontal and the diagonal flip. "Diagonal" is read as the transposition; the paper leaves open
# whether it is that, the other diagonal or both flips at once.
# "pair": the image and that one of the seven others which gained most beside it on images that the
# models learnt from, a mean over two of them (docs/results/speed.md, by benchmarks/views.py).
TTA: dict[str, tuple[Symmetry, ...]] = {
    "none": (SYMMETRIES["identity"],),
    "pair": (SYMMETRIES["identity"], SYMMETRIES["rot90"]),
    "paper": tuple(
        SYMMETRIES[name] for name in ("identity", "rot90", "flip_rows", "flip_columns", "transpose")
    ),
    "d4": tuple(SYMMETRIES.values()),
}

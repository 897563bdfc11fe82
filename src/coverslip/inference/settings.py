"""how a network is run over an image → its settings; what it says of the image → a prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coverslip.device import DEVICES
from coverslip.errors import SettingsError, one_of
from coverslip.inference.runtime.backends import BACKENDS, PRECISIONS
from coverslip.tiling import TTA

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PredictSettings:
    """How a network is run over an image.

    Raises:
        SettingsError: a value that cannot be, with what can.

    Example:
        >>> import coverslip
        >>> coverslip.PredictSettings(tta="d4").tta
        'd4'
    """

    tta: str = "none"  # "pair" costs twice as much, "paper" five times, "d4" eight
    tile_px: int = 1024  # a usual camera frame in one piece, while bigger ones fit into memory
    overlap_px: int = 128  # a quarter, 32 px, is dropped at each inner edge of a tile
    batch: int = 8  # tiles × symmetries in one forward: the whole of "d4"
    batch_px: int = 2**21  # and no more pixels than this: 1 to 3 GB for a full-width U-Net
    device: str = "auto"  # the first there is of cuda, mps, cpu
    backend: str = "auto"  # ONNX Runtime on the CPU, PyTorch elsewhere
    precision: str = "auto"  # int8 where the model has the ranges for it

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        one_of("tta", self.tta, tuple(TTA))
        one_of("device", self.device, DEVICES)
        one_of("backend", self.backend, BACKENDS)
        one_of("precision", self.precision, PRECISIONS)
        for name in ("tile_px", "batch", "batch_px"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.overlap_px < self.tile_px:
            raise SettingsError(
                f"overlap_px is {self.overlap_px} and tile_px {self.tile_px}; the overlap must be "
                "smaller than the tile and not negative. A fourth to an eighth of it is usual."
            )


@dataclass(frozen=True)
class Prediction:
    """What a network says about an image.

    Attributes:
        probs: (K, H, W) float32 in [0, 1], the mean over the symmetries.
        spread: (K, H, W) float32, the standard deviation over the symmetries, from 0 (all agree)
            to 0.5; None without test-time augmentation, which has nothing to compare.

    Example:
        >>> import numpy as np
        >>> from coverslip.inference import Prediction
        >>> Prediction(np.zeros((1, 4, 6), np.float32), None).probs.shape
        (1, 4, 6)
    """

    probs: NDArray[np.float32]
    spread: NDArray[np.float32] | None

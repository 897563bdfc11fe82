"""how cells of a time-lapse are linked → the settings of `track`."""

from __future__ import annotations

from dataclasses import dataclass

from coverslip.errors import SettingsError


@dataclass(frozen=True)
class TrackSettings:
    """Settings of linking. None, everywhere: it follows from the film itself.

    Attributes:
        max_distance_px: No cell moves farther between two frames, after the drift of the stage is
            taken out; None: as far as the film's own motion makes likely.
        max_gap: In how many frames running a cell may be missed and still be the same cell.
        divisions: Whether a cell may divide.
        merges: Whether a cell may end in another, as cells that fuse do; else it is lost.
        keep_labels: Leave the masks as they are, also where one frame alone parts or joins cells.

    Example:
        >>> import numpy as np
        >>> import coverslip
        >>> settings = coverslip.TrackSettings(max_gap=0, divisions=False)
        >>> len(coverslip.track(np.array([[[1]], [[0]], [[1]]]), settings=settings).lineage)
        2
    """

    max_distance_px: float | None = None
    max_gap: int = 2
    divisions: bool = True
    merges: bool = False
    keep_labels: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            SettingsError: A distance that is not above 0, or a gap out of range.
        """
        if self.max_distance_px is not None and not self.max_distance_px > 0:
            raise SettingsError(
                f"max_distance_px is {self.max_distance_px}; it must be above 0 pixels."
            )
        if not 0 <= self.max_gap <= 100:
            raise SettingsError(f"max_gap is {self.max_gap}; it must be from 0 to 100 frames.")

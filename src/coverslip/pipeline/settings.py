"""What decides the result of a segmentation, each default with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coverslip.cells import check_limits
from coverslip.errors import SettingsError
from coverslip.measure import MeasureSettings
from coverslip.predict import PredictSettings

if TYPE_CHECKING:
    from coverslip.checkpoint import Checkpoint
    from coverslip.method import Method

LEAST_SCALE, MOST_SCALE = 0.05, 20.0


@dataclass(frozen=True)
class SegmentSettings:
    """What decides the result of a segmentation, together with its image and model.

    Raises:
        SettingsError: a value that cannot be, with what can.
    """

    threshold: float = 0.5  # a pixel is cell where its probability is above this
    separate: bool = True  # tell touching cells apart; else each connected piece is one cell
    min_area_px: int | None = None  # smaller pieces are specks; None: what the model says
    fill_holes: bool = False  # those that one cell alone surrounds
    drop_border: bool = False  # leave out cells at the image's edge, which may be cut off
    scale: float | None = 1.0  # share of its size to predict an image at; None: as its cells ask
    predict: PredictSettings = field(default_factory=PredictSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        check_limits(threshold=self.threshold, min_area_px=self.min_area_px or 0)
        if self.scale is not None and not LEAST_SCALE <= self.scale <= MOST_SCALE:
            raise SettingsError(
                f"the scale is {self.scale}; wanted {LEAST_SCALE:g} to {MOST_SCALE:g}, such as 0.5 "
                "for an image whose cells are twice as large as those the model knows."
            )


def least_area(settings: SegmentSettings, model: Checkpoint | Method) -> int:
    """Pixels of the image below which a piece is no cell: as set, else as the model says.

    The model's is a share of its cells' area, and so follows the scale at which it sees them.
    """
    if settings.min_area_px is not None:
        return settings.min_area_px
    return max(1, round(model.min_area_px / (settings.scale or 1.0) ** 2))


def usual_settings(model: Checkpoint | Method) -> SegmentSettings:
    """Those for a model: its threshold, and its cells' size where it has learnt one size alone."""
    return SegmentSettings(threshold=model.threshold, scale=None if model.one_size else 1.0)

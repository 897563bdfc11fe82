"""what decides which cells are found → settings, each default with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Literal

from coverslip.errors import SettingsError
from coverslip.inference import PredictSettings
from coverslip.measurements import MeasureSettings
from coverslip.segmentation import check_limits

if TYPE_CHECKING:
    from coverslip.checkpoints import Checkpoint, Method

LEAST_SCALE, MOST_SCALE = 0.05, 20.0


@dataclass(frozen=True)
class SegmentSettings:
    """What decides the result of a segmentation, together with its image and model.

    None means the model's own; `own_settings` puts it in.

    Raises:
        SettingsError: a value that cannot be, with what can.

    Example:
        >>> import coverslip
        >>> settings = coverslip.SegmentSettings(threshold=0.4, drop_border=True)
        >>> settings.threshold, settings.min_area_px is None  # None: the model's own
        (0.4, True)
    """

    threshold: float | None = None  # a pixel is cell where its probability is above this
    separate: bool = True  # tell touching cells apart; else each connected piece is one cell
    min_area_px: int | None = None  # smaller pieces are specks; None: what the model says
    fill_holes: bool = False  # those that one cell alone surrounds
    drop_border: bool = False  # leave out cells at the image's edge, which may be cut off
    # Share of its size to predict an image at; "auto": as its cells ask. The model's own is that
    # for a model that has learnt cells of one size, and 1 for others.
    scale: float | Literal["auto"] | None = None
    predict: PredictSettings = field(default_factory=PredictSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        threshold = 0.5 if self.threshold is None else self.threshold
        check_limits(threshold=threshold, min_area_px=self.min_area_px or 0)
        if self.scale in (None, "auto"):
            return
        if isinstance(self.scale, str) or not LEAST_SCALE <= self.scale <= MOST_SCALE:
            raise SettingsError(
                f"the scale is {self.scale}; wanted {LEAST_SCALE:g} to {MOST_SCALE:g}, such as 0.5 "
                "for an image whose cells are twice as large as those the model knows."
            )


def own_settings(settings: SegmentSettings | None, model: Checkpoint | Method) -> SegmentSettings:
    """Put the model's own values where none is set: its threshold, and what its scale follows.

    Args:
        settings: what is wanted; None: nothing in particular.
        model: a loaded model.

    Example:
        >>> import coverslip
        >>> from coverslip.pipeline import own_settings
        >>> own_settings(None, coverslip.load_model("nuclei")).scale
        'auto'
    """
    settings = settings or SegmentSettings()
    threshold, scale = settings.threshold, settings.scale
    return replace(
        settings,
        threshold=model.threshold if threshold is None else threshold,
        scale=scale if scale is not None else "auto" if model.one_size else 1.0,
    )


def threshold_of(settings: SegmentSettings) -> float:
    """The probability above which a pixel is cell; 0.5 where that is left to a model.

    Example:
        >>> from coverslip.pipeline import SegmentSettings, threshold_of
        >>> threshold_of(SegmentSettings()), threshold_of(SegmentSettings(threshold=0.3))
        (0.5, 0.3)
    """
    return 0.5 if settings.threshold is None else settings.threshold


def scale_of(settings: SegmentSettings) -> float:
    """The share of its size that an image is predicted at; 1 where its cells have yet to say.

    Example:
        >>> from coverslip.pipeline import SegmentSettings, scale_of
        >>> scale_of(SegmentSettings(scale=0.5)), scale_of(SegmentSettings(scale="auto"))
        (0.5, 1.0)
    """
    return settings.scale if isinstance(settings.scale, float | int) else 1.0


def least_area(settings: SegmentSettings, model: Checkpoint | Method) -> int:
    """Pixels of the image below which a piece is no cell: as set, else as the model says.

    The model's is a share of its cells' area, and so follows the scale at which it sees them.

    Example:
        >>> import coverslip
        >>> from coverslip.pipeline import least_area
        >>> least_area(coverslip.SegmentSettings(min_area_px=30), coverslip.load_model("nuclei"))
        30
    """
    if settings.min_area_px is not None:
        return settings.min_area_px
    return max(1, round(model.min_area_px / scale_of(settings) ** 2))


def scale_words(settings: SegmentSettings) -> str:
    """The scale for the head of a page.

    Example:
        >>> from coverslip.pipeline.settings import SegmentSettings, scale_words
        >>> scale_words(SegmentSettings(scale=0.5))
        '0.5 × the size of the image'
    """
    if settings.scale == "auto":
        return "of each image by the size of its cells; see its notes"
    return f"{scale_of(settings):g} × the size of the image"


def scale_for_size(model: Checkpoint | Method, cell_size: float | str) -> float | Literal["auto"]:
    """The scale at which cells of a size are as large as those that the model learnt.

    Args:
        model: a loaded model.
        cell_size: their usual diameter in pixels, or "auto": measured in each image.

    Raises:
        SettingsError: no diameter, or a model that does not know how large its cells were.

    Example:
        >>> import coverslip
        >>> from coverslip.pipeline import scale_for_size
        >>> model = coverslip.load_model("nuclei")
        >>> scale_for_size(model, 20) == 2 * scale_for_size(model, 40)
        True
        >>> scale_for_size(model, "auto")
        'auto'
    """
    learnt = model.cell_size_px
    if cell_size != "auto" and not (isinstance(cell_size, float | int) and 0 < cell_size < inf):
        raise SettingsError(
            f"a cell size of {cell_size}: wanted a diameter in pixels, above 0, or auto."
        )
    if not learnt:
        raise SettingsError(
            "a cell size: this model does not say how large its cells were, or has learnt none; "
            "use the scale, such as 0.5 where cells are twice as large as it knows them."
        )
    if cell_size == "auto":
        return "auto"
    scale = learnt / float(cell_size)
    if not LEAST_SCALE <= scale <= MOST_SCALE:
        raise SettingsError(
            f"a cell size of {cell_size}: the model's cells have {learnt:g} px, which is "
            f"{scale:.3g} times as much; wanted {LEAST_SCALE:g} to {MOST_SCALE:g} times."
        )
    return scale

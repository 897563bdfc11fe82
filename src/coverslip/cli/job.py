"""options → a job: a loaded model, and what is to be done with each image."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coverslip.pipeline import Job, Model, SegmentSettings
    from coverslip.plates import Conditions


def load_job(
    model: str,
    *,
    settings: SegmentSettings,
    arguments: Mapping[str, Any] | None = None,
    threshold: float | None = None,
    min_area: int | None = None,
    scale: float | None = None,
    cell_size: str | None = None,
    axes: str | None = None,
    channel: int | str | None = None,
    project: str = "none",
    pixel_size: float | None = None,
    frame_interval: str | None = None,
    keep_probs: bool = False,
    keep_spread: bool = False,
    table: str = "csv",
    labels: str = "tif",
    region: int = 2048,
    conditions: Conditions | None = None,
) -> Job:
    """The model, found and loaded, with what is to be done.

    No threshold and no least area mean the model's own; no scale and no size of cells, the images'
    own size, or that at which a model that has learnt cells of one size sees them so.

    Raises:
        ModelError: no such model.
        SettingsError: settings or arguments that do not go with it.
    """
    from coverslip.checkpoints import load_model
    from coverslip.inference.runtime import respect_quota
    from coverslip.pipeline import Job
    from coverslip.tiling import RegionSettings

    respect_quota()
    loaded = load_model(model, arguments)
    settings = replace(
        settings,
        threshold=threshold,
        min_area_px=min_area,
        scale=choose_scale(loaded, scale=scale, cell_size=cell_size),
    )
    return Job(
        model=loaded,
        model_name=model,
        model_hash=loaded.hash,
        settings=settings,
        axes=axes,
        channel=channel,
        project=project,
        pixel_size_um=None if pixel_size is None else (pixel_size, pixel_size),
        frame_interval_s=None if frame_interval is None else parse_interval(frame_interval),
        keep_probs=keep_probs,
        keep_spread=keep_spread,
        table=table,
        labels=labels,
        regions=RegionSettings(core_px=region),
        conditions=conditions,
    )


def parse_interval(text: str) -> float:
    """``"300"``, ``"5 min"`` → seconds.

    Raises:
        SettingsError: no number, or a unit of no time.
    """
    from coverslip.io import s_per_unit

    found = re.fullmatch(r"\s*([0-9.eE+-]+)\s*([^0-9]*?)\s*", text)
    scale = s_per_unit(found[2] or "s") if found else None
    try:
        if found is not None and scale is not None:
            return float(found[1]) * scale
    except ValueError:
        pass
    raise SettingsError(
        f"--frame-interval {text}: wanted seconds, or a number with its unit, such as '5 min'."
    )


def choose_scale(
    model: Model, *, scale: float | None, cell_size: str | None
) -> float | Literal["auto"] | None:
    """The scale to predict at; None: the model's own.

    Args:
        model: a loaded model.
        scale: --scale, None where it was not given.
        cell_size: --cell-size, a diameter in px or "auto"; None where it was not given.

    Raises:
        SettingsError: a size that cannot be, a scale beside it, or a model that knows no size.
    """
    from coverslip.pipeline import scale_for_size

    if cell_size is None:
        return scale
    size = "auto" if cell_size == "auto" else parse_size(cell_size)
    if scale is not None:
        raise SettingsError(f"--cell-size and --scale {scale:g}: wanted one of the two.")
    return scale_for_size(model, size)


def parse_size(text: str) -> float:
    """``"60"`` → 60.0.

    Raises:
        SettingsError: no number, or none that a diameter can be.
    """
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 0 < size < math.inf:
        raise SettingsError(f"--cell-size {text}: wanted a diameter in pixels, above 0, or auto.")
    return size

"""an image + a model → sliders in a notebook, with the cells that their values give.

Interactive segmentation in Jupyter: threshold, smallest area and size of the cells, by ipywidgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coverslip._optional import need
from coverslip.checkpoints import load_model
from coverslip.pipeline.segmentation import segment
from coverslip.pipeline.settings import SegmentSettings, least_area, own_settings

if TYPE_CHECKING:
    from coverslip.pipeline.infer import Model


def explore(image: Any, model: Model | str) -> Any:
    """Sliders of threshold, smallest area and scale, above the image with the cells they give.

    Args:
        image: as for `segment`.
        model: its name or path, or what `coverslip.load_model` gives; a network.

    Returns:
        A widget, which a notebook shows where it is the last line of a cell.

    Raises:
        SettingsError: ipywidgets is not installed.

    Example:
        >>> import coverslip
        >>> from coverslip._optional import is_installed
        >>> if is_installed("ipywidgets"):
        ...     widget = coverslip.explore("examples/nuclei/fluorescence_small.png", "nuclei")
    """
    widgets = need("ipywidgets", extra="notebook", what="coverslip.explore")
    network = load_model(model) if isinstance(model, str) else model
    own = own_settings(None, network)

    def draw(threshold: float, min_area_px: int, scale: float) -> Any:
        settings = SegmentSettings(
            threshold=threshold, min_area_px=min_area_px, scale=scale or own.scale
        )
        found = segment(image, network, settings=settings)
        print(repr(found))  # noqa: T201  a notebook shows it above the picture
        return found.show()

    late = {"continuous_update": False}  # so that a slider that moves does not ask at each step
    return widgets.interactive(
        draw,
        threshold=widgets.FloatSlider(value=own.threshold, min=0.05, max=0.95, step=0.05, **late),
        min_area_px=widgets.IntSlider(value=least_area(own, network), min=1, max=2000, **late),
        scale=widgets.FloatSlider(
            value=0.0, min=0.0, max=4.0, step=0.1, description="scale (0: its own)", **late
        ),
    )

"""how far a training image may be moved and changed → the settings of augmentation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from coverslip.errors import SettingsError


@dataclass(frozen=True)
class AugmentSettings:
    """How far a training image may be moved and changed.

    Intensities are those of `coverslip.preprocessing.stretch`: [0, 1] over the image's own range.
    Faults are for some of the images only, each with a chance of its own, small enough that more
    than half of the images have none: those that a user will bring are mostly good, and what is
    rarely seen is learnt too.

    Raises:
        SettingsError: a value that cannot be, with what can.

    Example:
        >>> import coverslip
        >>> coverslip.AugmentSettings(**coverslip.NO_FAULTS).blur_chance
        0.0
    """

    rotation_deg: float = 180.0  # cells have no up and down
    zoom: float = 1.3  # sizes from 1/1.3 to 1.3 of the original, log-uniform
    elastic_px: float = 4.0  # displacement's standard deviation at the control points
    elastic_spacing_px: int = 32  # of the control points: at 8 x the displacement, few of 1000 fold
    brightness: float = 0.15  # added, uniform within ±
    contrast: float = 0.3  # multiplied around the mean, log-uniform within 1/1.3 … 1.3
    gamma: float = 0.4  # exponent, log-uniform within e^-0.4 … e^0.4
    noise: float = 0.03  # largest standard deviation of added Gaussian noise
    invert: float = 0.1  # chance of dark cells on light turning into light cells on dark
    blur_px: float = 1.5  # largest sigma: out of focus, and the borders are still to be told
    blur_chance: float = 0.1
    resolution: float = 2.0  # coarsest pixels, log-uniform: a weaker objective, a binned camera
    resolution_chance: float = 0.05  # blur is near to it
    illumination: float = 0.3  # largest, ±: one side with half of the other's light
    illumination_chance: float = 0.15  # the most usual: a meniscus, a lamp out of centre
    shot_noise: float = 0.08  # largest standard deviation at full brightness: 150 photons a pixel
    shot_noise_chance: float = 0.1
    sharpen: float = 1.0  # largest share of what a blur takes away that is added once more
    sharpen_chance: float = 0.05  # seldom done before an image is saved
    jpeg_quality: int = 30  # worst, up to 90: from its blocks plain to see to nothing
    jpeg_chance: float = 0.1
    # Colours: 0 until it is measured what each of them gives and costs.
    restain: float = 0.7  # largest share of each channel's optical density that comes from others
    restain_chance: float = 0.0
    hue_deg: float = 180.0  # largest turn of the hues, ±
    hue_chance: float = 0.0
    swap_chance: float = 0.0  # channels exchanged
    grey_chance: float = 0.0  # colour turned grey, each channel with a weight by chance
    tint_chance: float = 0.0  # grey values between two colours
    stain_chance: float = 0.0  # what shines absorbs instead, on a stained, textured ground

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        for name in ("zoom", "resolution"):
            if not 1 <= getattr(self, name) < math.inf:
                raise SettingsError(
                    f"{name} is {getattr(self, name)}; it must be at least 1, which is no change."
                )
        for name in (*CHANCES, *COLOUR_CHANCES, "invert", "illumination", "restain"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be from 0 to 1.")
        for name in RANGES:
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be 0 or more.")
        if self.elastic_spacing_px < 1:
            raise SettingsError(
                f"elastic_spacing_px is {self.elastic_spacing_px}; it must be at least 1."
            )
        if not 1 <= self.jpeg_quality <= 90:
            raise SettingsError(
                f"jpeg_quality is {self.jpeg_quality}; it must be from 1 to 90, the quality above "
                "which nothing shows."
            )


CHANCES = (
    "blur_chance",
    "resolution_chance",
    "illumination_chance",
    "shot_noise_chance",
    "sharpen_chance",
    "jpeg_chance",
)
COLOUR_CHANCES = (
    "restain_chance",
    "hue_chance",
    "swap_chance",
    "grey_chance",
    "tint_chance",
    "stain_chance",
)
RANGES = (
    "rotation_deg",
    "elastic_px",
    "brightness",
    "contrast",
    "gamma",
    "noise",
    "blur_px",
    "shot_noise",
    "sharpen",
    "hue_deg",
)

# What a training without faults is, such as one that was begun before there were any.
NO_FAULTS: dict[str, Any] = dict.fromkeys(CHANCES, 0.0)


def scale_faults(settings: AugmentSettings, factor: float) -> AugmentSettings:
    """The same with every fault so many times as often: 0 never, 1 as it was; at most always.

    Raises:
        SettingsError: a factor below 0.

    Example:
        >>> from coverslip.training.augment import AugmentSettings, scale_faults
        >>> scale_faults(AugmentSettings(blur_chance=0.1), 2).blur_chance
        0.2
    """
    if not 0 <= factor < math.inf:
        raise SettingsError(f"faults are wanted {factor} times as often; wanted 0 or more.")
    return replace(
        settings, **{name: min(1.0, factor * getattr(settings, name)) for name in CHANCES}
    )

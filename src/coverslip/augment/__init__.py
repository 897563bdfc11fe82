"""(images, masks) → (images, masks), at random, seeded, on the batch's own device.

The image faults, `blur` to `compress`, change a batch by as much as they are told: `augment` draws
how much, and whoever wants to know what a fault does to a model says it.
"""

from coverslip.augment.apply import augment, change_intensity
from coverslip.augment.faults import (
    add_noise,
    add_shot_noise,
    blur,
    illuminate,
    lose_resolution,
    sharpen,
)
from coverslip.augment.geometry import random_displacement, random_grid
from coverslip.augment.jpeg import compress
from coverslip.augment.settings import NO_FAULTS, AugmentSettings, scale_faults

__all__ = [
    "NO_FAULTS",
    "AugmentSettings",
    "add_noise",
    "add_shot_noise",
    "augment",
    "blur",
    "change_intensity",
    "compress",
    "illuminate",
    "lose_resolution",
    "random_displacement",
    "random_grid",
    "scale_faults",
    "sharpen",
]

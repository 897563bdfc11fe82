from .apply import augment, change_intensity, random_displacement, random_grid
from .faults import add_noise, add_shot_noise, blur, illuminate, lose_resolution, sharpen
from .jpeg import compress
from .settings import NO_FAULTS, AugmentSettings, scale_faults

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

"""what decides the result of a training → settings, each default with its reason."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from coverslip.errors import SettingsError, one_of
from coverslip.io import Reading, dict_to_reading
from coverslip.preprocessing import Preprocess, dict_to_preprocess
from coverslip.segmentation import check_maps
from coverslip.training.augment.settings import NO_FAULTS, AugmentSettings
from coverslip.training.dataset import SampleSettings
from coverslip.training.losses import LOSSES


@dataclass(frozen=True)
class TrainSettings:
    """What decides a training's result, together with its data.

    Raises:
        SettingsError: a value that cannot be, with what can.

    Example:
        >>> import coverslip
        >>> settings = coverslip.TrainSettings(epochs=5, maps=("mask", "distance"))
        >>> settings.epochs, settings.model
        (5, 'swift')
    """

    model: str = "swift"
    arguments: dict[str, Any] = field(default_factory=dict)  # of the network's constructor
    maps: tuple[str, ...] = (
        "mask",
    )  # of coverslip.segmentation.MAPS; the mask is the paper's only one
    start: str | None = None  # a trained model to go on from, by its name or path
    encoder: str = "none"  # "imagenet", a path, or "none": nothing is fetched unasked
    epochs: int = 60
    steps_per_epoch: int | None = None  # None: as many batches as cover the images once
    batch: int = 8  # the paper's
    loss: str = "bce_dice"  # the paper's, of coverslip.training.losses.LOSSES
    lr: float = 1e-3  # the paper's, as the peak of a one-cycle schedule
    clip_norm: float = 1.0  # longest gradient; keeps one odd batch from undoing the others
    patience: int = 20  # epochs without a better validation Jaccard before stopping early
    seed: int = 0
    device: str = "auto"
    workers: int = 0  # images are kept in memory; more only pays for sets that do not fit
    sample: SampleSettings = field(default_factory=SampleSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    preprocess: Preprocess = field(default_factory=Preprocess)
    reading: Reading = field(default_factory=Reading)  # which picture of each image's file

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        for name in ("epochs", "steps_per_epoch", "batch", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{name} is {value}; it must be at least 1.")
        one_of("loss", self.loss, tuple(LOSSES))
        check_maps(self.maps)
        for name in ("workers", "seed"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be 0 or more.")
        if not 0 <= self.lr < math.inf:
            raise SettingsError(f"lr is {self.lr}; it must be 0 or more, 0.001 is usual.")
        if self.sample.crop_px is None and self.sample.size_px is None:
            raise SettingsError(
                "whole images of their own sizes do not go into one batch: add --size, or a --crop."
            )


def settings_to_dict(settings: TrainSettings) -> dict[str, Any]:
    """Nested, ready for JSON."""
    return asdict(settings)


def dict_to_settings(values: dict[str, Any]) -> TrainSettings:
    """The inverse of `settings_to_dict`, after JSON has turned tuples into lists.

    A training that was begun before there were image faults goes on without them.
    """
    nested = {
        "sample": SampleSettings(**values["sample"]),
        "augment": AugmentSettings(**(NO_FAULTS | values["augment"])),
        "preprocess": dict_to_preprocess(values["preprocess"]),
        "maps": tuple(values.get("maps", ("mask",))),
        "reading": dict_to_reading(values.get("reading", {})),
    }
    return TrainSettings(**(values | nested))

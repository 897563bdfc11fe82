"""The settings of a training, each default with its reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from coverslip.augment import AugmentSettings
from coverslip.data import SampleSettings
from coverslip.images import Preprocess


@dataclass(frozen=True)
class TrainSettings:
    """What decides a training's result, together with its data."""

    model: str = "swift"
    arguments: dict[str, Any] = field(default_factory=dict)  # of the network's constructor
    encoder: str = "none"  # "imagenet", a path, or "none": nothing is fetched unasked
    epochs: int = 60
    steps_per_epoch: int | None = None  # None: as many batches as cover the images once
    batch: int = 8  # the paper's
    lr: float = 1e-3  # the paper's, as the peak of a one-cycle schedule
    clip_norm: float = 1.0  # longest gradient; keeps one odd batch from undoing the others
    patience: int = 20  # epochs without a better validation Jaccard before stopping early
    seed: int = 0
    device: str = "auto"
    workers: int = 0  # images are kept in memory; more only pays for sets that do not fit
    sample: SampleSettings = field(default_factory=SampleSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    preprocess: Preprocess = field(default_factory=Preprocess)


def settings_to_dict(settings: TrainSettings) -> dict[str, Any]:
    """Nested, ready for JSON."""
    return asdict(settings)


def dict_to_settings(values: dict[str, Any]) -> TrainSettings:
    """The inverse of `settings_to_dict`, after JSON has turned tuples into lists."""
    preprocess = dict(values["preprocess"])
    preprocess |= {"mean": tuple(preprocess["mean"]), "std": tuple(preprocess["std"])}
    nested = {
        "sample": SampleSettings(**values["sample"]),
        "augment": AugmentSettings(**values["augment"]),
        "preprocess": Preprocess(**preprocess),
    }
    return TrainSettings(**(values | nested))

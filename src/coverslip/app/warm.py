"""the name of a model → the model, opened once; a frame → its probabilities, predicted once.

The network takes seconds, and what follows it milliseconds: so a threshold may be a slider.
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.app.pictures import Kept
from coverslip.checkpoints import Checkpoint, load_model, read_card, shipped_models
from coverslip.errors import CoverslipError, ModelError
from coverslip.io import find_channel, read_frame
from coverslip.pipeline import (
    SegmentSettings,
    choose_for_array,
    fit_score,
    least_area,
    predict_prepared,
    prepare_image,
    probs_to_labels,
    resolve_settings,
    scale_for_size,
    scale_of,
    sum_sureness,
    threshold_of,
)
from coverslip.value_range import is_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.app.folder import Picture

AUTO = "auto"
KEPT_BYTES = 2**30  # of probabilities
MOST_OPEN = 3  # models that are held; each takes some 100 MB
OWN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
REACH = 1.5  # cells' diameters
ABOUT = "about.json"


@dataclass(frozen=True)
class Maps:
    """What a network says of a frame.

    Attributes:
        probs: (K, H, W) in [0, 1].
        names: of the maps, the mask first.
        settings: with nothing left open but the threshold, which can still be moved.
        model: the name of the model.
        reach_px: how far a cell may reach from a click in it.
    """

    probs: NDArray[np.float32]
    names: tuple[str, ...]
    settings: SegmentSettings
    model: str
    reach_px: int = 128

    def labels(
        self, threshold: float | None, window: tuple[slice, slice] | None = None
    ) -> NDArray[np.uint32]:
        """The cells above a threshold, of all of the frame or of a window; None: the model's own.

        Cells that a window cuts are as far as it shows them.
        """
        probs = self.probs if window is None else self.probs[:, *window]
        return probs_to_labels(probs, self.names, settings=self.at(threshold))

    def at(self, threshold: float | None) -> SegmentSettings:
        """The settings with a threshold.

        Raises:
            SettingsError: it does not lie in 0 to 1.
        """
        return self.settings if threshold is None else replace(self.settings, threshold=threshold)

    @cached_property
    def fit(self) -> float:
        """The score of fit: how much of what is called cell is likely right; NaN of nothing."""
        return fit_score(sum_sureness(self.probs[0]))

    @property
    def by_name(self) -> dict[str, NDArray[np.float32]]:
        """The maps by their names."""
        return dict(zip(self.names, self.probs, strict=False))


@dataclass
class Warm:
    """Models that were opened, and what they said of frames.

    Attributes:
        own: the folder of the models that were trained here.
        opened: models in memory, those used last at the end.
        kept: probabilities.
        last: the model that a frame was looked at with last, for the magic tool.
    """

    own: Path
    opened: OrderedDict[str, Checkpoint] = field(default_factory=OrderedDict)
    kept: Kept = field(default_factory=lambda: Kept(KEPT_BYTES))
    last: dict[tuple[str, int], tuple[str, float | None]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def names(self) -> dict[str, Path]:
        """The models that may be used: those that ship, and those that were trained here."""
        found = dict(shipped_models())
        if self.own.is_dir():
            for path in sorted(self.own.glob("*/best.safetensors")):
                if OWN.fullmatch(path.parent.name) and (path.parent / ABOUT).is_file():
                    found[path.parent.name] = path
        return found

    def default(self) -> str:
        """The newest model that was trained here; else the one that fits best."""
        own = [path for name, path in self.names().items() if name not in shipped_models()]
        if not own:
            return AUTO
        return max(own, key=lambda path: path.stat().st_mtime).parent.name

    def open(self, name: str) -> Checkpoint:
        """A model by its name.

        Raises:
            ModelError: there is none of that name, or its file is damaged.
        """
        paths = self.names()
        if name not in paths:
            raise ModelError(
                f"no model {name[:64]!r}: there are {', '.join(paths)}, and auto, which chooses."
            )
        with self.lock:
            key = f"{name} {paths[name].stat().st_mtime_ns}"
            if key not in self.opened:
                model = load_model(str(name if name in shipped_models() else paths[name]))
                if not isinstance(model, Checkpoint):
                    raise ModelError(f"{name}: a method without learning, and a network is needed.")
                self.opened[key] = replace(model, name=name)
            self.opened.move_to_end(key)
            while len(self.opened) > MOST_OPEN:
                self.opened.popitem(last=False)
            return self.opened[key]

    def maps(
        self, picture: Picture, frame: int, *, model: str = AUTO, cell_size: float | None = None
    ) -> Maps:
        """What a model says of a frame; predicted the first time, kept from then on.

        Args:
            picture: the image.
            frame: from 0.
            model: its name; "auto": the one that fits best.
            cell_size: the cells' diameter in pixels; None: what the model's scale follows.

        Raises:
            CoverslipError: the frame cannot be read or predicted.
        """
        picture.check_frame(frame)
        if model == AUTO:
            model = self.choose(picture, frame)
        loaded = self.open(model)
        self.last[picture.id, frame] = model, cell_size

        def make() -> tuple[Maps, int]:
            made = predict_frame(picture, frame, loaded, cell_size=cell_size)
            return made, made.probs.nbytes

        found: Maps = self.kept.get((picture.id, frame, loaded.hash, cell_size), make)
        return found

    def choose(self, picture: Picture, frame: int) -> str:
        """The model that ships and fits a frame best."""

        def make() -> tuple[str, int]:
            image = read_frame(picture.file, frame, channel=picture.channel)
            return choose_for_array(image), 0

        name: str = self.kept.get((picture.id, frame, "chosen"), make)
        return name

    def looked(self, picture: Picture, frame: int) -> Maps:
        """What was said of a frame last; where nothing was, by the model that is usual here."""
        model, size = self.last.get((picture.id, frame), (self.default(), None))
        return self.maps(picture, frame, model=model, cell_size=size)

    def forget(self, key: str) -> None:
        """Forget an image whose file has changed."""
        self.kept.drop(lambda one: one[0] == key)


def predict_frame(
    picture: Picture, frame: int, model: Checkpoint, *, cell_size: float | None
) -> Maps:
    """Predict a frame; one that shows nothing but noise holds no cell."""
    reading = replace(picture.reading, learnt=model.channel)
    image = read_frame(picture.file, frame, channel=find_channel(picture.file, reading))
    prepared = prepare_image(image, model)
    scale = None if cell_size is None else scale_for_size(model, cell_size)
    settings = resolve_settings(SegmentSettings(scale=scale), prepared, model)
    settings = replace(settings, min_area_px=least_area(settings, model))
    if is_noise(prepared):
        probs = np.zeros((len(model.maps), *prepared.shape[:2]), np.float32)
    else:
        probs = predict_prepared(prepared, model, settings=settings).probs
    learnt = model.cell_size_px
    reach_px = round(REACH * learnt / scale_of(settings)) if learnt else 128
    return Maps(probs, model.maps, settings, model.name, max(4, reach_px))


def describe_models(warm: Warm) -> list[dict[str, Any]]:
    """What is said of each model, for a person who chooses one."""
    default = warm.default()
    entries = []
    for name, path in warm.names().items():
        try:
            card = read_card(path)
        except (CoverslipError, OSError):
            continue  # it is being written, or damaged: nothing can be done with it
        about = read_about(path.parent / ABOUT) if path.parent.parent == warm.own else {}
        entries.append(
            {
                "name": name,
                "about": card.get("task", "") or about.get("about", ""),
                "trained_on": about.get("trained_on", card.get("data", "")),
                "learnt_from": about.get("learnt_from"),
                "scores": about.get("scores", card.get("score")),
                "created": about.get("created"),
                "cell_size_px": card.get("cell_size_px")
                or card.get("training", {}).get("cell_size_px"),
                "threshold": card.get("threshold", 0.5),
                "default": name == default,
            }
        )
    return entries


def read_about(path: Path) -> dict[str, Any]:
    """What was noted of a model when it was trained here."""
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def preview_headers(
    maps: Maps, labels: NDArray[np.uint32], threshold: float | None
) -> dict[str, str]:
    """What is said of a preview beside its labels."""
    settings = maps.at(threshold)
    return {
        "X-Cells": str(int(labels.max(initial=0))),
        "X-Scale": f"{scale_of(settings):.4g}",
        "X-Threshold": f"{threshold_of(settings):.4g}",
        "X-Model": maps.model,
        "X-Fit": "" if np.isnan(maps.fit) else f"{maps.fit:.3g}",
    }

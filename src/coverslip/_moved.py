"""a public name of version 0.1 → where it is now, with a DeprecationWarning; until version 0.3.

``coverslip/__init__.py`` has Python ask `OldRooms` for a room that it finds nowhere else, so that
``from coverslip.files import read_frame`` still works.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A room of version 0.1 → the room that has its names now.
ROOMS = {
    "augment": "training.augment",
    "backends": "inference.runtime",
    "cells": "segmentation",
    "checkpoint": "checkpoints",
    "classical": "segmentation.classical",
    "data": "training",
    "evaluate": "evaluation",
    "files": "io",
    "images": "preprocessing",
    "losses": "training.losses",
    "measure": "measurements",
    "method": "checkpoints",
    "outlines": "contours",
    "predict": "inference",
    "pretrained": "checkpoints",
    "regions": "tiling",
    "robustness": "evaluation",
    "shipped": "checkpoints",
    "suggest": "active_learning",
    "symmetry": "tiling",
    "tiles": "tiling",
    "train": "training",
}
# (Room, name) → where it is, if it has another name now or its room is still there without it.
NAMES = {
    ("", "fit"): "train",
    ("classical", "egt"): "segmentation.classical.segment_egt",
    ("classical", "phantast"): "segmentation.classical.segment_phantast",
    ("export", "Outline"): "contours.Outline",
    ("export", "find_outlines"): "contours.find_outlines",
    ("robustness", "SUMMARY_COLUMNS"): "evaluation.ROBUSTNESS_SUMMARY_COLUMNS",
    ("tables", "LabelFile"): "file_measurements.LabelFile",
    ("tables", "LabelFiles"): "file_measurements.LabelFiles",
    ("tables", "channel_names"): "file_measurements.channel_names",
    ("tables", "match_labels"): "file_measurements.match_labels",
    ("tables", "measure_files"): "file_measurements.measure_files",
    ("tables", "read_channels"): "file_measurements.read_channels",
    ("train", "fit"): "training.train",
}


def moved_name(room: str, name: str) -> Any:
    """What a name of version 0.1 stands for.

    Raises:
        AttributeError: the room never had it.
    """
    old = f"coverslip.{room}.{name}" if room else f"coverslip.{name}"
    if name.startswith("_") or not ((room, name) in NAMES or room in ROOMS):
        raise AttributeError(f"no {old}")
    now = "coverslip." + NAMES.get((room, name), f"{ROOMS.get(room)}.{name}")
    where, _, new = now.rpartition(".")
    module = import_module(where)
    if not hasattr(module, new):
        raise AttributeError(f"no {old}")
    text = f"{old} is {now} since version 0.2; the old name goes with version 0.3."
    warnings.warn(text, DeprecationWarning, stacklevel=3)
    return getattr(module, new)


def with_old_names(module: str, now: Callable[[str], Any]) -> Callable[[str], Any]:
    """The `__getattr__` of a module that is still there, with the names that it lost."""
    room = module.partition(".")[2]

    def get(name: str) -> Any:
        return moved_name(room, name) if (room, name) in NAMES else now(name)

    return get


class OldRoom(ModuleType):
    """A room that is gone; where a verb has its name today, it can be called as that verb."""

    def __getattr__(self, name: str) -> Any:
        """What it had by that name."""
        return moved_name(self.__name__.rpartition(".")[2], name)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """``coverslip.measure(labels)``, though somebody imported the room of that name before."""
        verb = self.__name__.rpartition(".")[2]
        return getattr(import_module(f"coverslip.{ROOMS[verb]}"), verb)(*arguments, **options)


class OldRooms(Loader):
    """Finds the rooms that are gone, for Python's import; each is an `OldRoom`."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How a room is made, or None for a name that never was one."""
        package, _, room = name.rpartition(".")
        return ModuleSpec(name, self) if package == "coverslip" and room in ROOMS else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The room itself."""
        return OldRoom(spec.name, f"Moved: see coverslip.{ROOMS[spec.name.rpartition('.')[2]]}.")

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""

"""PyTorch, the models and a drawn image → what works; run in a process of its own.

Each part is tried alone, so that one that fails does not hide the others.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from coverslip.doctor.machine import NEEDED, is_there

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS = ((22, 24), (26, 68), (50, 44), (72, 20), (70, 74))  # centres of five discs, in px
RADIUS_PX, SIDE_PX = 6.5, 96  # the size of nuclei that the model knows
LEAST_JACCARD = 0.8  # the model draws the discs' edges a little wider or narrower than they are
MODEL = "nuclei"


def main() -> None:
    """Print the facts as the last line."""
    sys.stdout.write("\n" + json.dumps(probe()) + "\n")


def probe() -> dict[str, Any]:
    """All that needs PyTorch or another package; a part that fails is {"error": why}."""
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "imports": broken_imports,
        "torch": ask_torch,
        "models": check_models,
        "selftest": segment_drawn,
    }
    return {name: attempt(part) for name, part in parts.items()}


def attempt(part: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a part finds, or why it fails."""
    try:
        return part()
    except Exception as error:  # whatever is broken: to say it is what we are here for
        return {"error": say(error)}


def say(error: BaseException) -> str:
    """An error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def broken_imports() -> dict[str, Any]:
    """The packages that are needed, or there as PyTorch, and cannot be imported: the reason."""
    broken = {}
    there = {"torch": "torch"} if is_there("torch") else {}
    for package, module in (there | NEEDED).items():
        try:
            importlib.import_module(module)
        except Exception as error:
            broken[package] = say(error)
    return broken


def ask_torch() -> dict[str, Any]:
    """Its build, its devices and its threads; without it, what is used in its place."""
    from coverslip.device import pick_device
    from coverslip.inference.runtime import count_threads

    if not is_there("torch"):
        none: dict[str, Any] = {"version": None, "cuda_build": None, "cuda": [], "mps": False}
        return {**none, "device": "cpu", "threads": count_threads()}
    import torch

    n_cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cards = [torch.cuda.get_device_properties(number) for number in range(n_cards)]
    return {
        "version": torch.__version__,
        "cuda_build": torch.version.cuda or torch.version.hip,
        "cuda": [f"{card.name}, {card.total_memory / 1e9:.0f} GB" for card in cards],
        "mps": torch.backends.mps.is_available(),
        "device": pick_device("auto").type,
        "threads": torch.get_num_threads(),
    }


def check_models() -> dict[str, Any]:
    """Every model that ships: "whole", or what is wrong with its file."""
    from coverslip.checkpoints import load_model, shipped_models

    said = {}
    for name in shipped_models():
        try:
            load_model(name)  # which compares the checksum
            said[name] = "whole"
        except Exception as error:
            said[name] = say(error)
    return said


def segment_drawn() -> dict[str, Any]:
    """Segment an image whose cells are known, on the CPU, and on the GPU where there is one."""
    from coverslip.checkpoints import load_model
    from coverslip.device import device_name

    model = load_model(MODEL)
    image, truth = draw()
    devices = dict.fromkeys(("cpu", device_name("auto")))
    return {one: attempt(partial(segment_on, one, image, truth, model)) for one in devices}


def segment_on(device: str, image: Any, truth: Any, model: Any) -> dict[str, Any]:
    """The number of cells, how well they cover the truth, and how long it took."""
    from coverslip.inference import PredictSettings
    from coverslip.pipeline import SegmentSettings, segment

    settings = SegmentSettings(
        threshold=model.threshold,
        min_area_px=model.min_area_px,
        predict=PredictSettings(device=device),
    )
    started = time.perf_counter()
    found = segment(image, model, settings=settings).labels
    seconds = time.perf_counter() - started
    overlap = float(((found > 0) & truth).sum() / ((found > 0) | truth).sum())
    n_cells = int(found.max())
    return {
        "cells": n_cells,
        "wanted": len(CELLS),
        "jaccard": round(overlap, 3),
        "right": n_cells == len(CELLS) and overlap >= LEAST_JACCARD,
        "seconds": round(seconds, 3),
    }


def draw() -> tuple[Any, Any]:
    """Five bright discs on a dark ground, uint8 (96, 96), and where they are, bool."""
    import numpy as np

    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    depth = np.full((SIDE_PX, SIDE_PX), -np.inf)
    for row, column in CELLS:
        depth = np.maximum(depth, RADIUS_PX - np.hypot(y - row, x - column))
    glow = 1 / (1 + np.exp(-1.5 * np.clip(depth, -20, 20)))  # a lens's soft edge
    return (20 + 160 * glow).astype(np.uint8), depth > 0

"""a training in progress ↔ its folder.

settings.json       what was asked for: settings, data and their fingerprint, versions, commit
history.csv         one row per epoch
curves.png          the same, drawn
samples/            what the network sees in some validation images, epoch by epoch
best.safetensors    the checkpoint with the best validation Jaccard
state.safetensors   all that the next epoch depends on; replaced whole after each epoch
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from textwrap import shorten
from typing import TYPE_CHECKING

import torch

from coverslip.checkpoints import read_tensors, write_tensors
from coverslip.device import pick_device
from coverslip.errors import ModelError, SettingsError
from coverslip.io import write_text
from coverslip.provenance import provenance
from coverslip.training.network import new_network
from coverslip.training.settings import TrainSettings, dict_to_settings, settings_to_dict
from coverslip.training.splits import hash_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from coverslip.io import Pair


@dataclass(frozen=True)
class Plan:
    """Everything that is fixed before the first step.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> plan = coverslip.Plan(coverslip.TrainSettings(), train=pairs[1:], val=pairs[:1])
        >>> len(plan.train), plan.settings.model
        (4, 'swift')
    """

    settings: TrainSettings
    train: list[Pair]
    val: list[Pair]
    weights: list[float] | None = None  # how often to draw each training image; None: equally


@dataclass(frozen=True)
class State:
    """All that the next epoch depends on."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    history: list[dict[str, float]] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)  # scores of the model it began with


def start_run(run: Path, plan: Plan) -> None:
    """Make a run's folder and write down what was asked for.

    Raises:
        SettingsError: the folder already holds a run, or the settings do not go together.
        ModelError: no such network or encoder weights.
        FileError: the folder cannot be written.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> from tempfile import mkdtemp
        >>> run = Path(mkdtemp())
        >>> settings = coverslip.TrainSettings(device="cpu")
        >>> coverslip.start_run(run, coverslip.Plan(settings, pairs[:3], pairs[3:]))
        >>> [path.name for path in run.iterdir()]
        ['settings.json']
    """
    if (run / "settings.json").exists():
        raise SettingsError(
            f"{run}: already holds a training: --resume continues it, another -o starts a new one."
        )
    # A run with a mistake in its settings could only be resumed with that mistake.
    pick_device(plan.settings.device)
    new_network(plan.settings)
    record = {
        "settings": settings_to_dict(plan.settings),
        "train": [pair.name for pair in plan.train],
        "val": [pair.name for pair in plan.val],
        "weights": plan.weights,
        "fingerprint": hash_pairs([*plan.train, *plan.val]),
        **provenance(),
    }
    write_text(run / "settings.json", json.dumps(record, indent=1))


def resume_plan(run: Path, pairs: Sequence[Pair]) -> Plan:
    """The plan of an earlier run, with its data found again.

    Raises:
        SettingsError: no run there, or the data are not those it began with.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> from tempfile import mkdtemp
        >>> run = Path(mkdtemp())
        >>> settings = coverslip.TrainSettings(epochs=5, device="cpu")
        >>> coverslip.start_run(run, coverslip.Plan(settings, pairs[:3], pairs[3:]))
        >>> coverslip.resume_plan(run, pairs).settings.epochs
        5
    """
    try:
        record = json.loads((run / "settings.json").read_text(encoding="utf-8"))
        names = [str(name) for name in (*record["train"], *record["val"])]
        settings = dict_to_settings(record["settings"])
        weights = check_weights(record["weights"], n=len(record["train"]))
        digest = str(record["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = shorten(repr(error), 200, placeholder=" …")
        raise SettingsError(f"{run}: no training to resume there ({reason}).") from error
    by_name = {pair.name: replace(pair, reading=settings.reading) for pair in pairs}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise SettingsError(
            f"{run}: {len(missing)} of its images are not in the data given, such as {missing[0]}: "
            "resume with the data it began with."
        )
    plan = Plan(
        settings=settings,
        train=[by_name[name] for name in record["train"]],
        val=[by_name[name] for name in record["val"]],
        weights=weights,
    )
    if hash_pairs([*plan.train, *plan.val]) != digest:
        raise SettingsError(
            f"{run}: images or masks have changed since it began: restore them, or start a new "
            "training with another -o."
        )
    return plan


def check_weights(weights: object, *, n: int) -> list[float] | None:
    """How often to draw each training image, as a file has it.

    Raises:
        ValueError, TypeError: not a positive number for each.
    """
    if weights is None:
        return None
    found = [float(weight) for weight in weights]  # type: ignore[attr-defined]
    if len(found) != n or not all(0 < weight < math.inf for weight in found):
        raise ValueError("its weights are not a positive number for each image")
    return found


def new_state(
    settings: TrainSettings, device: torch.device, *, pretrained: bool
) -> tuple[State, list[str]]:
    """A fresh network and its optimizer, and the encoder's keys that were not pre-trained.

    Without `pretrained` the encoder is not asked for its weights: a state that is loaded into it
    has them, and their file may be gone.
    """
    network, missing = new_network(settings, pretrained=pretrained)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return State(network, torch.optim.Adam(network.parameters(), lr=settings.lr)), missing


def save_state(path: Path, state: State) -> None:
    """Write the state, whole or not at all."""
    write_tensors(path, state_to_tensors(state), _words(state))


def _words(state: State) -> dict[str, str]:
    return {"history": json.dumps(state.history), "before": json.dumps(state.before)}


def state_to_tensors(state: State) -> dict[str, Tensor]:
    """The weights and the optimizer's moments, on the CPU."""
    tensors = {f"network.{k}": v.cpu() for k, v in state.network.state_dict().items()}
    for index, moments in state.optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimizer.{index}.{name}"] = value.cpu()
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def tensors_to_state(
    state: State, tensors: dict[str, Tensor], history: list[dict[str, float]]
) -> State:
    """The inverse of `state_to_tensors`; `state` gives network and optimizer to fill."""
    state.network.load_state_dict(part(tensors, "network."))
    load_moments(state.optimizer, part(tensors, "optimizer."))
    return replace(state, history=history)


def load_state(path: Path, state: State) -> State:
    """A state as it was after the last whole epoch; `state` gives network and optimizer to fill.

    Raises:
        ModelError: the file is damaged, or another training's.
    """
    tensors, metadata = read_tensors(path)
    try:
        state = tensors_to_state(state, tensors, json.loads(metadata["history"]))
        return replace(state, before=json.loads(metadata.get("before", "{}")))
    except (RuntimeError, ValueError, KeyError) as error:
        raise ModelError(
            f"{path}: not the state of this training ({str(error).splitlines()[0]}): start a new "
            "one with another -o."
        ) from error


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def load_moments(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimizer its moments back, each laid out in memory as its parameter is."""
    state = optimizer.state_dict()
    parameters = optimizer.param_groups[0]["params"]
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        laid_out = (
            value if value.ndim == 0 else torch.empty_like(parameters[int(index)]).copy_(value)
        )
        state["state"].setdefault(int(index), {})[name] = laid_out
    optimizer.load_state_dict(state)

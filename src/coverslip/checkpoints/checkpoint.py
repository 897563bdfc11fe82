"""a network's name, arguments and card → the network; all of it ↔ text.

A checkpoint holds a trained network with all that inference and fine-tuning need.
"""

from __future__ import annotations

import difflib
import hashlib
import inspect
import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from textwrap import shorten
from threading import Lock
from typing import TYPE_CHECKING, Any

from coverslip._optional import need
from coverslip.checkpoints.validate import (
    check_arguments,
    check_card,
    check_preprocess,
    check_ranges,
    no_more_weights,
    parse,
)
from coverslip.errors import ModelError
from coverslip.inference import check_predict, make_predictor, settle
from coverslip.inference.runtime import IN_TORCH, GraphNetwork, OnnxNetwork, module_to_graph
from coverslip.models import MODELS
from coverslip.preprocessing import Preprocess, dict_to_preprocess
from coverslip.segmentation import check_maps
from coverslip.segmentation.classical import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from coverslip.inference import Predictor, PredictSettings
    from coverslip.inference.runtime import Network

LEAST_AREA_PX = 16  # smaller pieces are specks, not cells, at any magnification
SLIVER = 0.1  # of a cell's usual area: what is smaller is a piece of one (docs/results/cells.md)


class Built:
    """A field that is given a network in any form, and gives it in PyTorch.

    One that was read from a file is there as its graph and weights, by which it predicts; it is
    built in PyTorch, which may not be installed, when somebody asks for it.
    """

    def __get__(self, owner: Any, kind: type) -> nn.Module:
        """The network; an ONNX file is given as it is, since PyTorch cannot train it."""
        if owner is None:
            raise AttributeError("network")  # so that the field has no default
        held = owner.__dict__["network"]
        if isinstance(held, GraphNetwork):
            owner.__dict__["network"] = held = build_from_graph(owner.model, owner.arguments, held)
        network: nn.Module = held
        return network

    def __set__(self, owner: Any, network: Network) -> None:
        """Keep it as it is."""
        owner.__dict__["network"] = network


@dataclass(frozen=True, repr=False)
class Checkpoint:
    """A network and all that is needed to build and use it again.

    Its `network` is PyTorch's, which is imported when it is asked for; to predict does not.

    Example:
        >>> import coverslip
        >>> from coverslip.models import UNet
        >>> model = coverslip.Checkpoint(UNet(), model="unet")
        >>> model.threshold, model.maps
        (0.5, ('mask',))
    """

    network: nn.Module = Built()  # type: ignore[assignment]
    model: str = ""  # its name in MODELS
    arguments: dict[str, Any] = field(default_factory=dict)  # of its constructor
    preprocess: Preprocess = field(default_factory=Preprocess)
    maps: tuple[str, ...] = ("mask",)  # what its logits mean, of coverslip.segmentation.MAPS
    card: dict[str, Any] = field(default_factory=dict)  # task, data, licence, settings, scores
    name: str = ""  # what the user calls it: of a model that ships, or its path
    file_hash: str = ""  # SHA-256 of its file
    # the smallest and largest value of each of its features, for int8, of `measure_ranges`
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    opened: dict[tuple[str, str, str], Predictor] = field(  # what `predictor` has made last
        default_factory=dict, init=False, repr=False, compare=False
    )
    opening: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def named(self, name: str, *, file_hash: str) -> Checkpoint:
        """The same by the name that a user calls it; its network is not built for that."""
        values = {one.name: self.__dict__[one.name] for one in fields(self) if one.init}
        return Checkpoint(**{**values, "name": name, "file_hash": file_hash})

    def runnable(self, backend: str) -> Network:
        """The network as a backend of `settle` runs it, in PyTorch only where that does."""
        held: Network = self.__dict__["network"]
        if isinstance(held, GraphNetwork):
            return self.network if backend in IN_TORCH else held
        if backend in IN_TORCH or isinstance(held, OnnxNetwork):
            return held
        graph = module_to_graph(held)  # as its weights are now
        return held if graph is None else replace(graph, ranges=self.ranges)

    def settle(self, settings: PredictSettings) -> PredictSettings:
        """The settings with what "auto" comes to here as their backend and precision.

        Raises:
            SettingsError: a device, backend or precision that is not there, or tiles too small.
        """
        network = self.runnable("onnxruntime")
        check_predict(network, settings)
        return settle(network, settings)

    def predictor(self, settings: PredictSettings) -> Predictor:
        """Open the network for prediction, or give what was opened for the same device and backend.

        The network stays in evaluation mode on the settings' device, and must not be trained.

        Raises:
            SettingsError: a device or backend that is not there, or tiles too small.
            ModelError: what a runtime makes of the network differs from the network.
        """
        how = settings.device, settings.backend, settings.precision
        with self.opening:  # one thread opens it for all
            if how not in self.opened:
                settled = self.settle(settings)
                predictor = make_predictor(self.runnable(settled.backend), settled)
                self.opened.clear()  # the network is on one device at a time
                self.opened[how] = predictor
            return self.opened[how].with_settings(settings)

    def __repr__(self) -> str:
        """Which network, in a line."""
        return f"<Checkpoint {self.name or 'without a name'}: {self.model}, {', '.join(self.maps)}>"

    @property
    def hash(self) -> str:
        """SHA-256 of its file; of a network that is in no file yet, of its weights."""
        return self.file_hash or hash_weights(self.network)

    @property
    def threshold(self) -> float:
        """The probability above which a pixel is cell: the card's, 0.5 where it names none."""
        return float(self.card.get("threshold", 0.5))

    @property
    def cell_size_px(self) -> float | None:
        """The usual diameter of the cells that it learnt, where the card says."""
        size = self.card.get("cell_size_px") or self.card.get("training", {}).get("cell_size_px")
        return float(size) if size else None

    @property
    def channel(self) -> int | str | None:
        """The channel of its images that it learnt, by number or name, where the card says."""
        channel: int | str | None = self.card.get("channel")
        return channel

    @property
    def one_size(self) -> bool:
        """Whether each image that it learnt from was brought to cells of one size."""
        return bool(self.card.get("one_size"))

    @property
    def min_area_px(self) -> int:
        """The least area of a cell: a tenth of that of those it has learnt, 16 at the least."""
        area = math.pi / 4 * (self.cell_size_px or 0.0) ** 2
        return max(LEAST_AREA_PX, round(SLIVER * area))


def build_from_graph(model: str, arguments: Mapping[str, Any], graph: GraphNetwork) -> nn.Module:
    """The same network in PyTorch, in evaluation mode on the CPU.

    Raises:
        SettingsError: PyTorch is not installed.
        ModelError: the arguments are not those of the weights.
    """
    torch = need("torch", extra="train", what=f"the network {model} itself")
    tensors = {name: torch.from_numpy(array.copy()) for name, array in graph.weights.items()}
    with no_more_weights(tensors):
        network = build_network(model, arguments)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        reason = shorten(str(error), 300, placeholder=" …")  # it lists every weight
        raise ModelError(f"its weights do not fit the network {model!r} ({reason}).") from error
    return network.eval()


def hash_weights(network: nn.Module) -> str:
    """SHA-256 over the names and bytes of all weights."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def build_network(model: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Make a network by its name.

    Raises:
        ModelError: no such name (the nearest is suggested), or arguments that it does not take.

    Example:
        >>> import coverslip
        >>> coverslip.build_network("swift", {"out_channels": 2}).stride
        16
    """
    if model in METHODS:
        raise ModelError(
            f"{model!r} is a method without learning and needs no training: use it at once, by "
            f"coverslip segment IMAGES -o OUT --model {model}."
        )
    if model not in MODELS:
        near = difflib.get_close_matches(model, MODELS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ModelError(f"unknown network {model!r}: {hint}Known are {', '.join(MODELS)}.")
    known = inspect.signature(MODELS[model]).parameters
    if any(name not in known for name in arguments):
        raise ModelError(
            f"network {model!r} cannot be built with {dict(arguments)}: it takes "
            f"{', '.join(known)}."
        )
    try:
        return MODELS[model](**arguments)
    except ModelError:
        raise
    except Exception as error:  # a layer of impossible size raises almost anything
        reason = shorten(str(error), 300, placeholder=" …")
        raise ModelError(
            f"network {model!r} cannot be built with {arguments}: {reason}."
        ) from error


def describe(checkpoint: Checkpoint) -> dict[str, str]:
    """All of a checkpoint but its weights, as text."""
    ranges = {"ranges": json.dumps(checkpoint.ranges)} if checkpoint.ranges else {}
    return {
        **ranges,
        "model": checkpoint.model,
        "arguments": json.dumps(checkpoint.arguments),
        "preprocess": json.dumps(asdict(checkpoint.preprocess)),
        "maps": json.dumps(checkpoint.maps),
        "card": json.dumps(checkpoint.card, ensure_ascii=False),
    }


def read_settings(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a `Checkpoint`, but for its network, from the text of a file.

    Raises:
        ModelError: one is missing, or says what cannot be.
        SettingsError: maps that are no list of maps to learn.
    """
    missing = {"model", "arguments", "preprocess", "card"} - metadata.keys()
    if missing:
        raise ModelError(f"it does not say its {', '.join(sorted(missing))}")
    arguments = parse(metadata["arguments"], what="arguments", kind=dict)
    preprocess = parse(metadata["preprocess"], what="preprocess", kind=dict)
    card = parse(metadata["card"], what="card", kind=dict)
    ranges = parse(metadata.get("ranges", "{}"), what="ranges", kind=dict)
    maps = parse(metadata.get("maps", '["mask"]'), what="maps", kind=list)
    check_arguments(arguments)
    check_preprocess(preprocess)
    check_card(card)
    check_ranges(ranges)
    check_maps([str(name)[:50] for name in maps])
    return {
        "model": metadata["model"],
        "arguments": arguments,
        "preprocess": dict_to_preprocess(preprocess),
        "maps": tuple(maps),
        "card": card,
        "ranges": {name: (low, high) for name, (low, high) in ranges.items()},
    }

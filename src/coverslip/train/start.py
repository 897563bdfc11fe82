"""a trained model → the first weights of another training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from coverslip.checkpoint import load_checkpoint
from coverslip.errors import SettingsError
from coverslip.shipped import find_model, shipped_models

if TYPE_CHECKING:
    from torch import Tensor, nn

    from coverslip.checkpoint import Checkpoint
    from coverslip.train.settings import TrainSettings


# The last layers of the networks, with a channel for each map.
HEADS = ("head.", "heads.", "head1.", "head2.", "mask_head.")


def settings_from(
    start: str, settings: TrainSettings, *, model: str | None = None, more: bool = True
) -> TrainSettings:
    """The settings of a training that goes on from a trained model.

    Network, its arguments and the preparation of images are the model's.

    Args:
        start: name of a model that ships, or path of a checkpoint or of a training's folder.
        settings: what was asked for.
        model: network that was asked for by name, if any was.
        more: learn the maps that the model has learnt, where the settings have the mask alone.

    Raises:
        ModelError: no such model, or its file is damaged.
        SettingsError: together with encoder weights, another network or its arguments, which the
            model's would replace.
    """
    if settings.encoder != "none":
        raise SettingsError(
            f"--from {start} brings its own weights: leave --encoder {settings.encoder} out."
        )
    path = find_model(start)
    begun = load_checkpoint(path)
    if path.suffix.lower() == ".onnx":
        raise SettingsError(
            f"--from {start}: an ONNX file predicts and cannot learn; wanted the .safetensors file "
            "that it was made of."
        )
    if model not in (None, begun.model):
        raise SettingsError(f"--from {start} is a {begun.model}: leave --model {model} out.")
    if settings.arguments:
        raise SettingsError(
            f"--from {start} brings its own network: "
            f"leave --argument {', '.join(settings.arguments)} out."
        )
    return replace(
        settings,
        start=start if start in shipped_models() else str(path.resolve()),
        model=begun.model,
        arguments={k: v for k, v in begun.arguments.items() if k != "out_channels"},
        preprocess=begun.preprocess,
        maps=begun.maps if more and settings.maps == ("mask",) else settings.maps,
    )


def load_start(network: nn.Module, settings: TrainSettings) -> None:
    """Give a network the weights of the model that its training starts from.

    Where the two learn different maps, the last layer's channels go by the maps' names, and a map
    that the model does not have keeps its first weights.

    Raises:
        ModelError: no such model, or its file is damaged.
        SettingsError: the model is another network.
    """
    if settings.start is None:
        return
    model = load_checkpoint(find_model(settings.start))
    if model.model != settings.model:
        raise SettingsError(
            f"--from {settings.start} is a {model.model}, and the network to train a "
            f"{settings.model}: leave --model out."
        )
    own, learnt = network.state_dict(), model.network.state_dict()
    with torch.no_grad():
        for name, tensor in own.items():
            copy_weights(tensor, learnt[name], name=name, model=model, settings=settings)


def copy_weights(
    tensor: Tensor, learnt: Tensor, *, name: str, model: Checkpoint, settings: TrainSettings
) -> None:
    """Copy one tensor, or those of its channels that stand for maps which both have.

    Raises:
        SettingsError: the two do not fit.
    """
    is_head = name.startswith(HEADS) and model.maps != settings.maps
    if tensor.shape == learnt.shape and not is_head:
        tensor.copy_(learnt)
    elif is_head and tensor.shape[1:] == learnt.shape[1:]:
        for row, key in enumerate(settings.maps):
            if key in model.maps:
                tensor[row].copy_(learnt[model.maps.index(key)])
    else:
        raise SettingsError(
            f"--from {settings.start}: {name} is {tuple(learnt.shape)} there and "
            f"{tuple(tensor.shape)} here: leave the network's arguments out."
        )

"""settings, or a trained model to fine-tune → the network that is trained."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch

from coverslip.checkpoints import (
    IMAGENET_URLS,
    build_network,
    find_model,
    load_checkpoint,
    load_pretrained,
    shipped_models,
)
from coverslip.errors import SettingsError
from coverslip.models import MODELS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from coverslip.checkpoints import Checkpoint
    from coverslip.io import Reading
    from coverslip.training.settings import TrainSettings


def new_network(settings: TrainSettings, *, pretrained: bool = True) -> tuple[nn.Module, list[str]]:
    """A network with its first weights, by the seed, and the encoder's keys not pre-trained.

    Raises:
        ModelError: no such network, or weights that cannot be had.
        SettingsError: a network that cannot learn from the samples.
    """
    torch.manual_seed(settings.seed)
    network = build_network(settings.model, network_arguments(settings))
    check_side(network, settings)
    check_channels(network, settings)
    check_batch(network, settings)
    if not pretrained:
        return network, []
    load_start(network, settings)
    return network, load_encoder(network, settings)


def network_arguments(settings: TrainSettings) -> dict[str, Any]:
    """Those of the network's constructor: the settings', and a logit for each map."""
    if len(settings.maps) == 1:
        return settings.arguments
    return {"out_channels": len(settings.maps), **settings.arguments}


def check_side(network: nn.Module, settings: TrainSettings) -> None:
    """Refuse samples whose side is no multiple of the network's stride."""
    stride, sample = cast("int", network.stride), settings.sample
    name = "crop_px" if sample.crop_px is not None else "size_px"
    side = cast("int", getattr(sample, name))
    if side % stride:
        below = side // stride * stride
        near = f"{below} or {below + stride}" if below else f"{stride}"
        raise SettingsError(
            f"{name} is {side}; {settings.model} wants a multiple of {stride}, such as {near}."
        )


def check_batch(network: nn.Module, settings: TrainSettings) -> None:
    """Refuse a single image a batch where a batch norm is left with one value for each channel.

    That is so at the coarsest level of small images, and after a pooling over the whole image.
    """
    if settings.batch > 1:
        return
    side = settings.sample.crop_px or settings.sample.size_px or 0
    try:
        with torch.no_grad():
            copy.deepcopy(network).train()(torch.zeros(1, 3, side, side))
    except ValueError as error:
        raise SettingsError(
            f"{settings.model} cannot learn from a batch of 1 at {side} x {side} pixels: a batch "
            "norm has one value for each channel, of which no spread can be taken. Use a batch of "
            "2, or larger images."
        ) from error


def check_channels(network: nn.Module, settings: TrainSettings) -> None:
    """Refuse a network that takes other than three channels, or has another number of logits."""
    stride, what = cast("int", network.stride), f"{settings.model} with {settings.arguments}"
    was_training = network.training
    try:
        with torch.no_grad():
            logits = network.eval()(torch.zeros(1, 3, stride, stride))
    except RuntimeError as error:
        raise SettingsError(
            f"{what} cannot run on (1, 3, {stride}, {stride}), a picture in colour ({error}): "
            "leave that argument out."
        ) from error
    network.train(was_training)
    if logits.shape[1] != len(settings.maps):
        raise SettingsError(
            f"{what} gives {logits.shape[1]} logits for each pixel; {' and '.join(settings.maps)} "
            f"are learnt with {len(settings.maps)}: leave that argument out."
        )


def load_encoder(network: nn.Module, settings: TrainSettings) -> list[str]:
    """Pre-trained weights for the encoder, where wanted; the keys they do not cover.

    Raises:
        ModelError: weights that cannot be had.
        SettingsError: the network has no encoder that could be pre-trained.
    """
    if settings.encoder == "none":
        return []
    encoder = getattr(network, "encoder", None)
    if not hasattr(encoder, "architecture"):
        raise SettingsError(
            f"--encoder {settings.encoder}: the network {settings.model!r} has no encoder with "
            f"pre-trained weights: leave the option out, or take one that has: "
            f"{', '.join(networks_with_weights())}."
        )
    return load_pretrained(cast("nn.Module", encoder), settings.encoder)


def networks_with_weights() -> list[str]:
    """The networks whose encoders have published ImageNet weights."""
    with torch.device("meta"):  # built without memory, to be looked at
        encoders = {name: getattr(make(), "encoder", None) for name, make in MODELS.items()}
    return [n for n, e in encoders.items() if getattr(e, "architecture", "") in IMAGENET_URLS]


# The last layers of the networks, with a channel for each map.
HEADS = ("head.", "heads.", "head1.", "head2.", "mask_head.")


def settings_from(
    start: str, settings: TrainSettings, *, model: str | None = None, more: bool = True
) -> TrainSettings:
    """The settings of a training that goes on from a trained model.

    Network, its arguments and the preparation of images are the model's; so is the channel that is
    learnt, where none is named.

    Args:
        start: name of a model that ships, or path of a checkpoint or of a training's folder.
        settings: what was asked for.
        model: network that was asked for by name, if any was.
        more: learn the maps that the model has learnt, where the settings have the mask alone.

    Raises:
        ModelError: no such model, or its file is damaged.
        SettingsError: together with encoder weights, another network or its arguments, which the
            model's would replace.

    Example:
        >>> import coverslip
        >>> from coverslip.training import settings_from
        >>> settings = settings_from("nuclei", coverslip.TrainSettings())
        >>> settings.start, settings.maps
        ('nuclei', ('mask', 'distance'))
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
        reading=learnt_reading(settings.reading, begun),
    )


def learnt_reading(reading: Reading, model: Checkpoint) -> Reading:
    """What is read of an image: as asked for, else the channel that the model has learnt."""
    if reading.channel is not None or model.channel is None:
        return reading
    return replace(reading, learnt=model.channel)


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

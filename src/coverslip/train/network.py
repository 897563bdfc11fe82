"""settings → a fresh network that fits what it will be shown."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

import torch

from coverslip.checkpoint import build_network
from coverslip.errors import SettingsError
from coverslip.models import MODELS
from coverslip.pretrained import IMAGENET_URLS, load_pretrained
from coverslip.train.start import load_start

if TYPE_CHECKING:
    from torch import nn

    from coverslip.train.settings import TrainSettings


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

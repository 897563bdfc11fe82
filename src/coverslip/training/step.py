"""batch → loss, and what is to be looked at after each step."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor

from coverslip.errors import TrainingError
from coverslip.training.augment.apply import augment
from coverslip.training.losses import maps_loss

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

    from coverslip.training.dataset import Batch
    from coverslip.training.run_folder import Plan
    from coverslip.training.settings import TrainSettings


class Inputs(NamedTuple):
    """An augmented batch on the device."""

    images: Tensor  # (N, 3, H, W), normalised
    maps: Tensor  # (N, K, H, W) in [0, 1], as of a batch
    grey: Tensor  # (N, 1, H, W) in [0, 1], the images before they were normalised


def prepare(batch: Batch, settings: TrainSettings, device: torch.device, *, step: int) -> Inputs:
    """Augment and normalise a batch on the device."""
    images, maps = augment(
        batch.images.to(device),
        batch.maps.to(device),
        settings=settings.augment,
        generator=torch.Generator(device).manual_seed(settings.seed * 1_000_003 + step),
    )
    statistics = zip(settings.preprocess.mean, settings.preprocess.std, strict=True)
    # Numbers, not tensors, which would have to be carried to the device in every step.
    channels = [(images[:, c] - mean) / std for c, (mean, std) in enumerate(statistics)]
    normalised = torch.stack(channels, dim=1).contiguous(memory_format=torch.channels_last)
    return Inputs(normalised, maps, images.mean(dim=1, keepdim=True))


def inputs_to_loss(
    network: nn.Module, inputs: Inputs, *, criterion: Callable[..., Tensor]
) -> Tensor:
    """The criterion on the logits, or what a network with auxiliary outputs makes of it."""
    whole = partial(maps_loss, criterion=criterion)
    if not hasattr(network, "training_loss"):
        return whole(network(inputs.images), inputs.maps)
    own = cast("Callable[..., Tensor]", network.training_loss)
    return own(inputs.images, inputs.maps, grey=inputs.grey, criterion=whole)


class Step(NamedTuple):
    """What is to be looked at after a step."""

    number: int  # of all the training's steps, from 0
    values: Tensor  # (2,) the loss and the gradient's length, on their way to the CPU
    arrived: torch.cuda.Event | None  # when they are there; None: they are
    pairs: list[int]


def record_step(number: int, *, loss: Tensor, length: Tensor, pairs: list[int]) -> Step:
    """Send a step's values to the CPU without waiting for them."""
    on_gpu = loss.is_cuda
    values = torch.stack([loss.detach().float(), length.detach().float()])
    values = values.to("cpu", non_blocking=on_gpu)
    arrived = torch.cuda.Event() if on_gpu else None  # type: ignore[no-untyped-call]
    if arrived is not None:
        arrived.record()
    return Step(number, values, arrived, pairs)


def check_step(step: Step, plan: Plan) -> float:
    """The loss of a step.

    Raises:
        TrainingError: loss or gradient are no longer numbers.
    """
    if step.arrived is not None:
        step.arrived.synchronize()
    loss, length = step.values.tolist()
    names = [plan.train[i].image for i in step.pairs]
    if not math.isfinite(loss):
        raise not_a_number("loss", step.number, names)
    if not math.isfinite(length):
        raise not_a_number("gradient", step.number, names)
    return float(loss)


def one_cycle(step: int, n_steps: int, *, peak: float, warmup: float = 0.25) -> float:
    """The learning rate of a step: cosine up from peak/25, then cosine down to peak/10,000.

    Smith and Topin 2018 (arXiv 1708.07120), with the shape that PyTorch's OneCycleLR gives it.

    Example:
        >>> from coverslip.training import one_cycle
        >>> [round(one_cycle(step, 100, peak=0.1), 5) for step in (0, 25, 99)]
        [0.004, 0.1, 1e-05]
    """
    top = warmup * n_steps
    if step < top:
        low, done = peak / 25, 1 - step / top
    else:
        low, done = peak / 1e4, (step - top) / max(1.0, n_steps - 1 - top)
    return low + (peak - low) * (1 + math.cos(math.pi * done)) / 2


def not_a_number(what: str, step: int, images: list[Path]) -> TrainingError:
    """The error that ends a training whose loss or gradient is infinite or no number."""
    return TrainingError(
        f"the {what} is no longer a number at step {step + 1}, on {', '.join(map(str, images))}: "
        "look at these images and masks, or train with a lower --lr."
    )

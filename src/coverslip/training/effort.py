"""number of annotated images, size of their cells → batch, crop, steps, epochs; and how long.

What a fine-tuning chooses by itself, so that five images want no options and few minutes.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from coverslip.device import autocast, pick_device
from coverslip.training.dataset import PairDataset, stack_samples
from coverslip.training.losses import LOSSES
from coverslip.training.network import new_network
from coverslip.training.sampling import Draw
from coverslip.training.step import inputs_to_loss, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from coverslip.io import Pair
    from coverslip.training.run_folder import Plan
    from coverslip.training.settings import TrainSettings

FEW_IMAGES = 10  # of fewer none is set aside: a part of each is held out
HELD_OUT = 0.2  # of each of them
BATCH = 6
ZOOM = 1.6  # the search for the scale may be off by so much, and cells are not of one size
CELLS_ACROSS = 5  # in a crop: enough neighbours, little work
LEAST_CROP_PX, MOST_CROP_PX, CROP_STEP_PX = 96, 256, 32
LEAST_STEPS, STEPS_PER_IMAGE, MOST_STEPS = 600, 40, 3000
MOST_EPOCHS, LEAST_EPOCHS = 10, 3
VALIDATION = 0.2  # of the time, at the most
# Validating a pixel costs so much of learning from one: the forward pass of a tile with its
# overlap, and telling cells apart; a step goes forward and twice backward.
LOOK_COST = 0.6
FURTHER_LOOKS = 3  # at the model it begins with, and at both for the comparison
ROOM = 0.9  # of the minutes given is planned with: other work may slow the machine
TIMED_STEPS = 3  # the first of them warms up


class Choice(NamedTuple):
    """What the user leaves open, to be chosen by the images."""

    duration: bool = True  # epochs and steps
    batch: bool = True
    crop: bool = True
    zoom: bool = True
    size: bool = True  # that of the cells, which is the one the model has learnt
    validation: bool = True  # parts of few images are held out, in place of images


def fit_to_images(
    settings: TrainSettings, n_images: int, *, cell_size_px: float | None, choice: Choice
) -> TrainSettings:
    """Choose what is left open by the number of images and by what the model knows.

    Args:
        settings: those asked for, after `settings_from`.
        n_images: that are annotated.
        cell_size_px: the diameter of cells that the model has learnt; None: it does not say.
        choice: what is left open.

    Example:
        >>> import coverslip
        >>> from coverslip.training.effort import Choice, fit_to_images
        >>> settings = coverslip.TrainSettings()
        >>> fitted = fit_to_images(settings, 5, cell_size_px=32, choice=Choice())
        >>> fitted.steps_per_epoch * fitted.epochs, fitted.sample.crop_px, fitted.sample.held_out
        (800, 160, 0.2)
    """
    sample = settings.sample
    if choice.size and sample.size_px is None and sample.cell_size_px is None:
        sample = replace(sample, cell_size_px=cell_size_px)
    if choice.crop:
        sample = replace(sample, crop_px=fit_crop(sample.cell_size_px))
    if choice.validation and n_images < FEW_IMAGES and sample.crop_px is not None:
        sample = replace(sample, held_out=HELD_OUT)
    settings = replace(settings, sample=sample)
    if choice.batch:
        settings = replace(settings, batch=BATCH)
    if choice.zoom:
        settings = replace(settings, augment=replace(settings.augment, zoom=ZOOM))
    if choice.duration:
        steps = min(MOST_STEPS, LEAST_STEPS + STEPS_PER_IMAGE * n_images)
        settings = with_steps(settings, steps, epochs=MOST_EPOCHS)
    return settings


def fit_crop(cell_size_px: float | None) -> int:
    """The side of a crop with some five cells across."""
    wanted = CROP_STEP_PX * round(CELLS_ACROSS * (cell_size_px or 32) / CROP_STEP_PX)
    return min(max(wanted, LEAST_CROP_PX), MOST_CROP_PX)


def with_steps(settings: TrainSettings, steps: int, *, epochs: int) -> TrainSettings:
    """So many steps, divided into epochs; stopped when half of them bring nothing."""
    epochs = min(epochs, steps)
    return replace(
        settings,
        epochs=epochs,
        steps_per_epoch=math.ceil(steps / epochs),
        patience=max(2, epochs // 2),
    )


def fit_to_time(plan: Plan, *, minutes: float | None) -> tuple[Plan, float]:
    """Lay out the epochs so that validation costs a fifth at most, and all of it the time given.

    Two steps are taken with a copy of the network, and timed.

    Args:
        plan: with steps and epochs for as long as is wanted.
        minutes: that it may take at most; None: as long as the steps take.

    Returns:
        The plan, and about how many seconds it takes.
    """
    settings = plan.settings
    seconds = time_step(plan)
    look = LOOK_COST * seconds * pixels_to_validate(plan) / pixels_in_step(settings)
    steps = settings.epochs * (settings.steps_per_epoch or 1)
    if minutes is not None:
        affordable = 60 * ROOM * minutes * (1 - VALIDATION) / seconds
        steps = max(LEAST_EPOCHS, min(steps, int(affordable)))
    epochs = count_epochs(steps * seconds, look)
    plan = replace(plan, settings=with_steps(settings, steps, epochs=epochs))
    return plan, steps * seconds + (epochs + FURTHER_LOOKS) * look


def count_epochs(learning: float, look: float) -> int:
    """How often to validate: as often as a fifth of the time allows, 3 to 10 times.

    Args:
        learning: seconds of all steps.
        look: seconds of one validation.

    Example:
        >>> from coverslip.training.effort import count_epochs
        >>> count_epochs(400, 10), count_epochs(400, 1), count_epochs(400, 90)
        (7, 10, 3)
    """
    share = VALIDATION / (1 - VALIDATION)
    allowed = int(share * learning / max(look, 1e-9)) - FURTHER_LOOKS
    return min(max(allowed, LEAST_EPOCHS), MOST_EPOCHS)


def pixels_in_step(settings: TrainSettings) -> int:
    """Pixels of a batch."""
    side = settings.sample.crop_px or settings.sample.size_px or 0
    return settings.batch * side**2


def pixels_to_validate(plan: Plan) -> int:
    """Pixels of all that is validated on, as the network sees it."""
    data = open_part(plan.settings, plan.val, part="validate")
    return sum(data.whole(n).labels.size for n in range(len(data)))


def open_part(settings: TrainSettings, pairs: Sequence[Pair], *, part: str) -> PairDataset:
    """Images to learn from or to validate on, or those parts of them."""
    return PairDataset(
        pairs,
        preprocess=settings.preprocess,
        settings=replace(settings.sample, part=part),
        maps=settings.maps,
        seed=settings.seed,
    )


def time_step(plan: Plan) -> float:
    """Seconds of a step of optimisation on this machine as it is now; nothing is kept of it."""
    settings, device = plan.settings, pick_device(plan.settings.device)
    network: Any = copy.deepcopy(new_network(settings)[0])
    network = network.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.0)
    data = open_part(settings, plan.train[:1], part="learn")
    taken = []
    for number in range(TIMED_STEPS):
        batch = stack_samples([data[Draw(0, n)] for n in range(settings.batch)])
        begun = time.perf_counter()
        with autocast(device):
            inputs = prepare(batch, settings, device, step=number)
            loss = inputs_to_loss(network, inputs, criterion=LOSSES[settings.loss])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        loss.item()  # waits for a GPU
        taken.append(time.perf_counter() - begun)
    return min(taken[1:])


def say_minutes(seconds: float) -> str:
    """A time in words: about 6 minutes, less than a minute, about 2 hours.

    Example:
        >>> from coverslip.training.effort import say_minutes
        >>> say_minutes(20), say_minutes(65), say_minutes(371), say_minutes(9000)
        ('less than a minute', 'about 1 minute', 'about 6 minutes', 'about 2.5 hours')
    """
    if seconds < 45:
        return "less than a minute"
    minutes = round(seconds / 60) or 1
    if minutes < 100:
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    return f"about {seconds / 3600:.1f} hours"

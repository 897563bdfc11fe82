"""plan → trained network: one plain loop."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader

from coverslip.augment import augment
from coverslip.checkpoint import Checkpoint, save_checkpoint
from coverslip.data import PairDataset, Sample, epoch_batches
from coverslip.device import autocast, half_precision, pick_device
from coverslip.errors import TrainingError
from coverslip.files import remove_leftovers
from coverslip.losses import bce_dice_loss
from coverslip.train.settings import settings_to_dict
from coverslip.train.state import load_state, new_state, save_state
from coverslip.train.watch import validate, write_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from torch import Tensor

    from coverslip.data import Draw
    from coverslip.train.settings import TrainSettings
    from coverslip.train.state import Plan, State


def fit(
    plan: Plan,
    run: Path,
    *,
    on_step: Callable[[int, int, float], None] = lambda step, n_steps, loss: None,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> Path:
    """Train a network; go on where the run's folder says that an earlier call was stopped.

    A run stopped at any moment and continued ends, on the CPU, in the same bits as one that was
    never stopped: the order of the images, their augmentation and the learning rate are functions
    of the seed and the step alone, and the rest is in ``state.safetensors``.

    Args:
        plan: settings, training pairs, validation pairs.
        run: the folder made by `start_run`.
        on_step: called with the number of steps done, of all, and the batch's loss.
        on_epoch: called with each row of the history.
        on_note: called with what the user should be told.

    Returns:
        The path of the best checkpoint, by mean validation Jaccard.

    Raises:
        TrainingError: the loss is no longer a number.
        CoverslipError: data, weights or folder are not usable.
    """
    settings, device = plan.settings, pick_device(plan.settings.device)
    begun = (run / "state.safetensors").exists()
    state, missing = new_state(settings, device, pretrained=not begun)
    if missing:
        on_note(f"not in {settings.encoder}, so not pre-trained: {', '.join(missing)}")
    if begun:
        remove_leftovers(run)
        state = load_state(run / "state.safetensors", state)
    train = PairDataset(
        plan.train, preprocess=settings.preprocess, settings=settings.sample, seed=settings.seed
    )
    val = PairDataset(plan.val, preprocess=settings.preprocess, settings=settings.sample)
    steps = settings.steps_per_epoch or math.ceil(len(train) / settings.batch)

    for epoch in range(len(state.history), settings.epochs):
        if epochs_since_best(state.history) >= settings.patience:
            break
        start = time.perf_counter()
        loss = train_epoch(plan, state, train, epoch=epoch, steps=steps, on_step=on_step)
        scores, picture = validate(state.network, val, settings)
        row = {
            "epoch": epoch + 1,
            "lr": one_cycle((epoch + 1) * steps - 1, steps * settings.epochs, peak=settings.lr),
            "train_loss": loss,
            **scores,
            "seconds": round(time.perf_counter() - start, 1),
        }
        state.history.append(row)
        if epochs_since_best(state.history) == 0:
            save_best(run / "best.safetensors", state, plan)
        write_progress(run, state.history, picture)
        save_state(run / "state.safetensors", state)
        on_epoch(row)
    return run / "best.safetensors"


def train_epoch(
    plan: Plan,
    state: State,
    data: PairDataset,
    *,
    epoch: int,
    steps: int,
    on_step: Callable[[int, int, float], None],
) -> float:
    """One epoch of optimisation; the mean loss over its batches."""
    settings, device = plan.settings, pick_device(plan.settings.device)
    # float16 has so little range that gradients must be scaled into it
    scaler = torch.amp.GradScaler(device.type, enabled=half_precision(device) == torch.float16)
    torch.manual_seed(settings.seed * 1_000_003 + epoch)  # for networks that draw: dropout
    state.network.train()
    n_steps = steps * settings.epochs
    losses = []
    batches = epoch_batches(
        len(data),
        epoch=epoch,
        steps=steps,
        batch=settings.batch,
        seed=settings.seed,
        weights=plan.weights,
    )
    for step, batch in enumerate(load(data, batches, settings.workers), start=epoch * steps):
        images, masks = prepare(batch, settings, device, step=step)
        for group in state.optimizer.param_groups:
            group["lr"] = one_cycle(step, n_steps, peak=settings.lr)
        with autocast(device):
            loss = bce_dice_loss(state.network(images), masks)
        losses.append(loss.item())
        names = [data.pairs[i].image for i in batch.pairs]
        if not math.isfinite(losses[-1]):
            raise not_a_number("loss", step, names)
        state.optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.unscale_(state.optimizer)
        length = clip_grad_norm_(state.network.parameters(), settings.clip_norm)
        if not (length.isfinite() or scaler.is_enabled()):  # a scaler skips such a step by itself
            raise not_a_number("gradient", step, names)
        scaler.step(state.optimizer)
        scaler.update()
        on_step(step + 1, n_steps, losses[-1])
    return float(np.mean(losses))


class Batch(NamedTuple):
    """Samples stacked, and which images they are."""

    images: Tensor  # (N, 3, H, W) in [0, 1]
    masks: Tensor  # (N, 1, H, W), 0 or 1
    pairs: list[int]  # which of the data set's


def load(data: PairDataset, batches: Iterable[list[Draw]], workers: int) -> Iterable[Batch]:
    """The batches, read by so many worker processes."""
    return DataLoader(
        data, batch_sampler=list(batches), num_workers=workers, collate_fn=stack_samples
    )


def stack_samples(samples: list[Sample]) -> Batch:
    """Samples of one size → a batch."""
    return Batch(
        torch.stack([sample.image for sample in samples]),
        torch.stack([sample.mask for sample in samples]),
        [sample.pair for sample in samples],
    )


def prepare(
    batch: Batch, settings: TrainSettings, device: torch.device, *, step: int
) -> tuple[Tensor, Tensor]:
    """Augmented and normalised images and their masks, on the device."""
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    images, masks = augment(
        batch.images.to(device),
        batch.masks.to(device),
        settings=settings.augment,
        generator=generator,
    )
    mean = torch.tensor(settings.preprocess.mean, device=device).view(3, 1, 1)
    std = torch.tensor(settings.preprocess.std, device=device).view(3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last), masks


def one_cycle(step: int, n_steps: int, *, peak: float, warmup: float = 0.25) -> float:
    """The learning rate of a step: cosine up from peak/25, then cosine down to peak/10,000.

    Smith and Topin 2018 (arXiv 1708.07120), with the shape that PyTorch's OneCycleLR gives it.
    """
    top = warmup * n_steps
    if step < top:
        low, done = peak / 25, 1 - step / top
    else:
        low, done = peak / 1e4, (step - top) / max(1.0, n_steps - 1 - top)
    return low + (peak - low) * (1 + math.cos(math.pi * done)) / 2


def epochs_since_best(history: list[dict[str, float]]) -> int:
    """0 when the newest epoch has the best validation Jaccard, or nothing was trained yet."""
    scores = [row["val_jaccard"] for row in history]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


def not_a_number(what: str, step: int, images: list[Path]) -> TrainingError:
    """The error that ends a training whose loss or gradient is infinite or no number."""
    return TrainingError(
        f"the {what} is no longer a number at step {step + 1}, on {', '.join(map(str, images))}: "
        "look at these images and masks, or train with a lower --lr."
    )


def save_best(path: Path, state: State, plan: Plan) -> None:
    """Write the network as it is now as the run's best checkpoint."""
    settings = plan.settings
    card = {
        "settings": settings_to_dict(settings),
        "images": len(plan.train),
        "epoch": int(state.history[-1]["epoch"]),
        "val_jaccard": state.history[-1]["val_jaccard"],
    }
    save_checkpoint(
        path,
        Checkpoint(
            network=state.network,
            model=settings.model,
            arguments=settings.arguments,
            preprocess=settings.preprocess,
            card=card,
        ),
    )

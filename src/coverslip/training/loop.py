"""plan → trained network: one plain loop over batches.

The training of a segmentation network, from the start or by fine-tuning.
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader

from coverslip.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from coverslip.device import autocast, half_precision, pick_device
from coverslip.errors import ModelError
from coverslip.io import Reading, remove_leftovers, write_image
from coverslip.training.dataset import (
    BYTES_PER_PIXEL,
    ResidentPairs,
    median_cell_size,
    stack_samples,
)
from coverslip.training.distributed import ALONE
from coverslip.training.effort import open_part
from coverslip.training.losses import LOSSES
from coverslip.training.network import network_arguments
from coverslip.training.run_folder import (
    load_state,
    new_state,
    save_state,
    state_to_tensors,
    tensors_to_state,
)
from coverslip.training.sampling import epoch_batches
from coverslip.training.settings import settings_to_dict
from coverslip.training.step import check_step, one_cycle, prepare, record_step
from coverslip.training.validation import validate, write_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from coverslip.training.dataset import Batch, PairDataset
    from coverslip.training.distributed import Ranks
    from coverslip.training.run_folder import Plan, State
    from coverslip.training.sampling import Draw
    from coverslip.training.settings import TrainSettings
    from coverslip.training.step import Inputs, Step

SCORES = ("val_ap", "val_jaccard")  # the first that a training has chooses its checkpoint


class StopTraining(Exception):
    """Raised by what watches a training, to end it: the best model so far is kept.

    Example:
        >>> from coverslip.training import StopTraining
        >>> def on_step(step, n_steps, loss):
        ...     if step == 100:
        ...         raise StopTraining
    """


def train(
    plan: Plan,
    run: Path,
    *,
    ranks: Ranks = ALONE,
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
        ranks: which of several processes this is, of `joined`; all of them call this.
        on_step: called with the number of steps done, of all, and the batch's loss; it may raise
            `StopTraining`, as the others may.
        on_epoch: called with each row of the history.
        on_note: called with what the user should be told.

    Returns:
        The path of the best checkpoint: by the validation images' mean average precision of cells
        where the network learns to tell them apart, else by their mean Jaccard. A training that
        goes on from a model never returns a worse one: until an epoch is better than the model it
        began with, that one is the best.

    Raises:
        TrainingError: the loss is no longer a number, or another process is gone.
        CoverslipError: data, weights or folder are not usable.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> from tempfile import mkdtemp
        >>> run = Path(mkdtemp())
        >>> sample = coverslip.SampleSettings(crop_px=32)
        >>> settings = coverslip.TrainSettings(
        ...     epochs=1, steps_per_epoch=1, batch=2, sample=sample, device="cpu"
        ... )
        >>> plan = coverslip.Plan(settings, pairs[:3], pairs[4:])
        >>> coverslip.start_run(run, plan)
        >>> coverslip.train(plan, run).name
        'best.safetensors'
    """
    settings, device = plan.settings, pick_device(plan.settings.device)
    state = begin(plan, run, device, ranks=ranks, on_note=on_note)
    learner = ranks.learner(state.network, LOSSES[settings.loss], batch=settings.batch)
    train, val = open_pairs(plan)
    steps = settings.steps_per_epoch or math.ceil(len(train) / settings.batch)
    cell_size_px = median_cell_size(train)
    source = ResidentPairs(train, device) if fits_device(settings, device, len(train)) else train

    fit = Fit(plan, run, ranks, cell_size_px)
    keep_best(fit, state, on_note=on_note)
    with contextlib.suppress(StopTraining):
        state = look_first(fit, state, val)
        for epoch in range(len(state.history), settings.epochs):
            if epochs_since_best(state.history) >= settings.patience:
                break
            start = time.perf_counter()
            taken = take_steps(plan, state, learner, source, epoch=epoch, steps=steps)
            loss = watch_steps(taken, plan, n_steps=steps * settings.epochs, on_step=on_step)
            scores, picture = validate(state.network, val, settings, ranks=ranks)
            rate = one_cycle((epoch + 1) * steps - 1, steps * settings.epochs, peak=settings.lr)
            row = {"epoch": epoch + 1, "lr": rate, "train_loss": loss, **scores}
            row["seconds"] = round(time.perf_counter() - start, 1)
            state.history.append(row)
            keep_epoch(fit, state, picture)
            on_epoch(row)
    return run / "best.safetensors"


class Fit(NamedTuple):
    """What stays the same over the epochs of a training."""

    plan: Plan
    run: Path
    ranks: Ranks
    cell_size_px: float | None


def look_first(fit: Fit, state: State, val: PairDataset) -> State:
    """Score the model that a training goes on from, and save it as the best so far."""
    plan, ranks = fit.plan, fit.ranks
    if plan.settings.start is None or state.history or state.before:
        return state
    before, picture = validate(state.network, val, plan.settings, ranks=ranks)
    state = replace(state, before=before)
    if ranks.first:
        save_best(fit, state, {"epoch": 0, **before})
        write_image(fit.run / "samples" / "before.png", picture)
    return state


def keep_epoch(fit: Fit, state: State, picture: NDArray[np.uint8]) -> None:
    """Write what an epoch has come to; of several processes, the first does."""
    if not fit.ranks.first:
        return
    last = state.history[-1]
    if epochs_since_best(state.history) == 0 and is_better(last, state.before):
        save_best(fit, state, last)
    write_progress(fit.run, state.history, picture)
    save_state(fit.run / "state.safetensors", state)


def keep_best(fit: Fit, state: State, *, on_note: Callable[[str], None]) -> None:
    """See that the best model of an earlier start is whole; where it is the last, write it anew.

    Raises:
        ModelError: it is damaged or gone, and was better than the last, which alone is kept.
    """
    path = fit.run / "best.safetensors"
    if not state.history and not state.before:
        return
    try:
        load_checkpoint(path)
    except ModelError as error:
        history = state.history
        if not history or epochs_since_best(history) or not is_better(history[-1], state.before):
            raise ModelError(
                f"{path}: the best model so far is damaged or gone, and only the last one is kept "
                f"beside it: start a new training with another -o. ({error})"
            ) from error
        if fit.ranks.first:
            save_best(fit, state, history[-1])
            on_note(f"{path}: was damaged or gone, and was written anew from the last epoch")


def is_better(row: dict[str, float], before: dict[str, float]) -> bool:
    """Whether an epoch's score is above that of the model it began with, if there was one."""
    if not before:
        return True
    score = next(key for key in SCORES if key in before)
    return row[score] > before[score] or (math.isnan(before[score]) and not math.isnan(row[score]))


def begin(
    plan: Plan, run: Path, device: torch.device, *, ranks: Ranks, on_note: Callable[[str], None]
) -> State:
    """The state that an earlier call left in the run's folder, or a new one."""
    saved = run / "state.safetensors"
    begun = ranks.from_first(saved.exists)
    state, missing = new_state(plan.settings, device, pretrained=ranks.first and not begun)
    if missing:
        on_note(f"not in {plan.settings.encoder}, so not pre-trained: {', '.join(missing)}")
    if ranks.first:
        for folder in (run, run / "samples"):
            remove_leftovers(folder)
        state = load_state(saved, state) if begun else state
    if ranks.count == 1:
        return state
    return tensors_to_state(
        state, *ranks.from_first(lambda: (state_to_tensors(state), state.history))
    )


def take_steps(
    plan: Plan,
    state: State,
    learner: Callable[[Inputs], tuple[Tensor, Tensor]],
    data: PairDataset | ResidentPairs,
    *,
    epoch: int,
    steps: int,
) -> Iterator[Step]:
    """Take an epoch's steps of optimisation, one each time the next is asked for."""
    settings, device = plan.settings, pick_device(plan.settings.device)
    # float16 has so little range that gradients must be scaled into it
    scaler = torch.amp.GradScaler(device.type, enabled=half_precision(device) == torch.float16)
    torch.manual_seed(settings.seed * 1_000_003 + epoch)  # for networks that draw: dropout
    state.network.train()
    draws = epoch_batches(
        len(plan.train),
        epoch=epoch,
        steps=steps,
        batch=settings.batch,
        seed=settings.seed,
        weights=plan.weights,
    )
    for number, batch in enumerate(load(data, draws, settings.workers), start=epoch * steps):
        for group in state.optimizer.param_groups:
            group["lr"] = one_cycle(number, steps * settings.epochs, peak=settings.lr)
        inputs = prepare(batch, settings, device, step=number)
        with autocast(device):
            own_loss, loss = learner(inputs)
        state.optimizer.zero_grad(set_to_none=True)
        scaler.scale(own_loss).backward()  # type: ignore[no-untyped-call]
        scaler.unscale_(state.optimizer)
        length = clip_grad_norm_(state.network.parameters(), settings.clip_norm)
        scaler.step(state.optimizer)
        scaler.update()
        if scaler.is_enabled():  # it skips a step whose gradient is no number by itself
            length = torch.zeros_like(length)
        yield record_step(number, loss=loss, length=length, pairs=batch.pairs)


def watch_steps(
    steps: Iterable[Step], plan: Plan, *, n_steps: int, on_step: Callable[[int, int, float], None]
) -> float:
    """See that all goes well; the mean loss over an epoch's batches."""
    losses = []
    # One behind: a GPU works on a step while the numbers of the last are fetched from it.
    for step in one_behind(steps):
        losses.append(check_step(step, plan))
        on_step(step.number + 1, n_steps, losses[-1])
    return float(np.mean(losses))


def one_behind(steps: Iterable[Step]) -> Iterator[Step]:
    """The same steps, each handed on when the next has been taken, the last at the end."""
    waiting: list[Step] = []
    for step in steps:
        yield from waiting
        waiting = [step]
    yield from waiting


def epochs_since_best(history: list[dict[str, float]]) -> int:
    """0 when the newest epoch is the best, or nothing was trained yet.

    By the mean average precision of cells where the network tells them apart, else by Jaccard.
    """
    score = next((key for key in SCORES if history and key in history[0]), "")
    scores = [-math.inf if math.isnan(row[score]) else row[score] for row in history]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


def save_best(fit: Fit, state: State, scores: dict[str, float]) -> None:
    """Write the network as it is now as the run's best checkpoint."""
    plan, settings, cell_size_px = fit.plan, fit.plan.settings, fit.cell_size_px
    card: dict[str, Any] = {
        "settings": settings_to_dict(settings),
        "images": len(plan.train),
        "epoch": int(scores["epoch"]),
        **{key: scores[key] for key in SCORES if key in scores},
        "cell_size_px": cell_size_px and round(cell_size_px, 1),
        "one_size": settings.sample.cell_size_px is not None,
    }
    reading = settings.reading
    if reading != Reading():
        channel = reading.channel if reading.channel is not None else reading.learnt
        card |= {"channel": channel, "axes": reading.axes, "project": reading.project}
    save_checkpoint(
        fit.run / "best.safetensors",
        Checkpoint(
            network=state.network,
            model=settings.model,
            arguments=network_arguments(settings),
            preprocess=settings.preprocess,
            maps=settings.maps,
            card=card,
        ),
    )


MOST_OF_DEVICE = 0.25  # of a GPU's free memory, for images; the network wants the rest


def open_pairs(plan: Plan) -> tuple[PairDataset, PairDataset]:
    """The images to learn from, and those to validate on."""
    settings = plan.settings
    train = open_part(settings, plan.train, part="learn")
    return train, open_part(settings, plan.val, part="validate")


def fits_device(settings: TrainSettings, device: torch.device, n_images: int) -> bool:
    """Whether the images are of one size, and there is a GPU with room for them."""
    size, crop = settings.sample.size_px, settings.sample.crop_px
    if settings.sample.tries > 1 or settings.sample.held_out:
        # The one asks what is in a square, and so waits for the GPU; the other cuts its images.
        return False
    if device.type != "cuda" or size is None or (crop is not None and crop > size):
        return False
    free, _ = torch.cuda.mem_get_info(device)
    per_pixel = BYTES_PER_PIXEL + len(settings.maps)
    return n_images * size**2 * per_pixel < MOST_OF_DEVICE * free


def load(
    data: PairDataset | ResidentPairs, draws: Iterable[list[Draw]], workers: int
) -> Iterable[Batch]:
    """The batches of an epoch: from the device, or read by so many worker processes."""
    if isinstance(data, ResidentPairs):
        return data.batches(draws)
    return DataLoader(
        data, batch_sampler=list(draws), num_workers=workers, collate_fn=stack_samples
    )

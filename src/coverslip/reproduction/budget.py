"""the name of a budget → how long every network is trained, the same for all."""

from __future__ import annotations

from dataclasses import dataclass, replace

from coverslip.errors import SettingsError


@dataclass(frozen=True)
class Budget:
    """How long and on what every network is trained.

    Attributes:
        name: for files and tables.
        size_px: side that images are resized to; None: the paper's for the data set.
        crop_px: side of the random square shown in training; None: the whole image, as the paper.
        batch: images a step.
        epochs: looks at the inner validation images; the best of them is the network that counts.
        steps_per_epoch: batches between two looks at the inner validation images.
        images: how many to learn from, and how many to report on, at most; for trials.
    """

    name: str
    size_px: int | None = None
    crop_px: int | None = None
    batch: int = 8  # the paper's
    epochs: int = 20
    steps_per_epoch: int = 200
    images: int | None = None


BUDGETS: dict[str, Budget] = {
    # seconds for each system: does everything run?
    "trial": Budget(
        "trial", size_px=64, crop_px=64, batch=2, epochs=1, steps_per_epoch=2, images=6
    ),
    # an afternoon on two cores for the five smaller networks, on one split of each data set
    "cpu": Budget("cpu", crop_px=128, epochs=10, steps_per_epoch=25),
    # six hours of one core for the paper's network; looked at every few minutes, to lose little
    "long": Budget("long", crop_px=128, epochs=60, steps_per_epoch=50),
    # the paper's sizes, for a GPU; the paper does not say how long it trained
    "full": Budget("full"),
}


def find_budget(name: str, *, steps: int | None = None) -> Budget:
    """A budget by its name, or with another number of steps and a name that tells.

    Raises:
        SettingsError: no such budget, or no step at all.
    """
    if name not in BUDGETS:
        raise SettingsError(f"--budget {name}: wanted one of {', '.join(BUDGETS)}.")
    budget = BUDGETS[name]
    if steps is None:
        return budget
    if steps < 1:
        raise SettingsError(f"--steps {steps}: wanted 1 or more.")
    epochs = min(budget.epochs, steps)
    per_epoch = steps // epochs
    return replace(
        budget, name=f"{name}-{epochs * per_epoch}", epochs=epochs, steps_per_epoch=per_epoch
    )

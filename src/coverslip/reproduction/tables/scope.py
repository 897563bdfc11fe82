"""all runs → those that one of the paper's tables is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coverslip.errors import SettingsError
from coverslip.reproduction.systems import SYSTEMS
from coverslip.reproduction.tables.paper import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.reproduction.result_file import Run

VARIANTS = {"phantast": ("phantast_gui", "phantast_tuned")}
TTA = {1: "paper", 2: "none", 3: "paper", 4: "none"}


@dataclass(frozen=True)
class Scope:
    """What all numbers of one table have in common.

    Attributes:
        number: 1 to 4, as in the paper.
        dataset: name of the data set of the runs.
        budget: name of their budget.
        splits: all folds or seeds that there are to do.
        systems: key → runs, in the order of the rows; none for one that only the paper has.
    """

    number: int
    dataset: str
    budget: str
    splits: tuple[str, ...]
    systems: dict[str, list[Run]]

    @property
    def tta(self) -> str:
        """Test-time augmentation of the networks."""
        return TTA[self.number]

    @property
    def runs(self) -> list[Run]:
        """Those of all systems."""
        return [run for runs in self.systems.values() for run in runs]

    @property
    def unit(self) -> str:
        """What a split is called."""
        return split_unit(self.splits)


def find_scope(
    number: int, runs: Sequence[Run], *, dataset: str, budget: str, splits: Sequence[str]
) -> Scope:
    """Choose the runs and rows of a table.

    Raises:
        SettingsError: no such table.
    """
    if number not in TABLES:
        raise SettingsError(f"table {number}: wanted 1, 2, 3 or 4, as in the paper.")
    chosen = [run for run in runs if run.budget["name"] == budget and run.system in SYSTEMS]
    chosen = [run for run in chosen if run.dataset == dataset]
    names = tuple(sorted({*splits, *(run.split for run in chosen)}))
    systems = {
        key: [run for run in chosen if run.system == key] for key in order_systems(number, chosen)
    }
    return Scope(number, dataset, budget, names, systems)


def order_systems(number: int, runs: Sequence[Run]) -> list[str]:
    """The paper's rows in its order, then the others that were run; variants follow their own."""
    done = {run.system for run in runs}
    order: list[str] = []
    for key in [*TABLES[number], *SYSTEMS]:
        wanted = [key] if key in TABLES[number] or key in done else []
        wanted += [variant for variant in VARIANTS.get(key, ()) if variant in done]
        order += [system for system in wanted if system not in order]
    return order


def split_unit(names: Sequence[str]) -> str:
    """``"fold"`` or ``"seed"`` if all splits are one or the other, else ``"split"``."""
    for unit in ("fold", "seed"):
        if names and all(name.startswith(unit) for name in names):
            return unit
    return "split"

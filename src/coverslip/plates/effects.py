"""means of replicates → how far a condition differs from the control, with its interval.

Effect sizes: the difference, the ratio and Hedges' g, over replicates and not over cells.

Cells of one dish share its day, its passage and its hands: they are not independent. A thousand
cells of one dish say very precisely how that dish is, and nothing of how dishes vary. An interval
over cells gets as narrow as one likes by counting more of them, and finds effects where there are
none (Lord et al. 2020, J Cell Biol 219:e202001064). So the interval is over replicates.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from coverslip.plates.replicates import REPLICATE, group_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

LEVEL = 0.95
# What a control is called, in lower case; the first of these that is there.
CONTROLS = ("control", "ctrl", "dmso", "vehicle", "untreated", "mock", "none", "wt", "wildtype")


class Effect(NamedTuple):
    """How far a group differs from the control.

    Attributes:
        difference: of the means.
        low: end of its 95 % interval; NaN where fewer than two replicates leave it unknown.
        high: likewise.
        hedges_g: the difference in standard deviations of replicates, corrected for few of them.
        paired: whether replicates of both were compared one by one.
    """

    difference: float
    low: float
    high: float
    hedges_g: float
    paired: bool


def compare_means(
    group: Mapping[Any, float], control: Mapping[Any, float], *, level: float = LEVEL
) -> Effect:
    """Compare the replicates of a group with those of the control.

    Where the same replicates, such as days, are in both, their differences are taken one by one
    (paired t-interval); otherwise the variances of both may differ (Welch 1947).

    Args:
        group: the mean of each replicate.
        control: likewise.
        level: of the interval.

    Example:
        >>> from coverslip.plates import compare_means
        >>> days = {"day 1": 10.0, "day 2": 20.0, "day 3": 30.0}
        >>> treated = {day: value + 5 for day, value in days.items()}
        >>> effect = compare_means(treated, days)
        >>> effect.difference, effect.low, effect.high, effect.paired
        (5.0, 5.0, 5.0, True)
    """
    a, b = np.array([*group.values()], float), np.array([*control.values()], float)
    difference = float(a.mean() - b.mean()) if len(a) and len(b) else math.nan
    shared = [name for name in group if name in control]
    if len(shared) >= 2 and len(shared) == len(group) == len(control):
        ends = _paired(np.array([group[name] - control[name] for name in shared]), level)
        return Effect(difference, *ends, hedges_g(a, b), paired=True)
    return Effect(difference, *_welch(a, b, level), hedges_g(a, b), paired=False)


def _paired(differences: Values, level: float) -> tuple[float, float]:
    from scipy.stats import t

    n = len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    half = float(t.ppf((1 + level) / 2, n - 1)) * error
    middle = float(differences.mean())
    return middle - half, middle + half


def _welch(a: Values, b: Values, level: float) -> tuple[float, float]:
    from scipy.stats import t

    if len(a) < 2 or len(b) < 2:
        return math.nan, math.nan
    parts = (float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b))
    middle = float(a.mean() - b.mean())
    if sum(parts) == 0:
        return middle, middle
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
    half = float(t.ppf((1 + level) / 2, freedom)) * math.sqrt(sum(parts))
    return middle - half, middle + half


def hedges_g(a: Values, b: Values) -> float:
    """The difference of means in pooled standard deviations, corrected for small samples.

    Hedges 1981, J Educ Stat 6:107; NaN where it is unknown or every replicate is equal.

    Example:
        >>> import numpy as np
        >>> from coverslip.plates import hedges_g
        >>> round(hedges_g(np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0, 3.0])), 3)
        1.6
    """
    freedom = len(a) + len(b) - 2
    if len(a) < 2 or len(b) < 2:
        return math.nan
    pooled = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / freedom
    if pooled <= 0:
        return math.nan
    correction = 1 - 3 / (4 * freedom - 1)
    return float((a.mean() - b.mean()) / math.sqrt(pooled) * correction)


def find_control(
    means: pd.DataFrame, conditions: Sequence[str], *, named: str | None = None
) -> dict[str, Any]:
    """The conditions of the control, and what the others are compared with.

    Args:
        means: of `replicate_means`.
        conditions: the columns that make groups.
        named: the value that the control has in one of them; None: a name that controls have, the
            dose 0, or the first group.

    Returns:
        The values that tell the control from the others; those of other columns, such as time, are
        the group's own.

    Raises:
        SettingsError: no group has that value.
    """
    from coverslip.errors import SettingsError

    wanted = CONTROLS if named is None else (named.lower(),)
    for text in wanted:
        for name in conditions:
            for value in means[name].dropna().unique():
                if group_name([value]).lower() == text:
                    return {name: value}
    if named is not None:
        raise SettingsError(
            f"--control {named}: no condition has this value. Wanted one of the plate map's, such "
            f"as {group_name([means[conditions[0]].iloc[0]])}."
        )
    for name in conditions:
        if "dose" in name.lower() or "conc" in name.lower():
            if (means[name] == 0).any():
                return {name: 0}
    name = conditions[0]
    return {name: means[name].dropna().iloc[0]}


def effects_table(
    means: pd.DataFrame, conditions: Sequence[str], control: Mapping[str, Any]
) -> pd.DataFrame:
    """Every group beside its control, in every measurement.

    The control of a group is the one that is equal to it in the columns that do not make a control,
    such as time. A dose of the control need not be that of the group.

    Returns:
        One row per group and measurement: the conditions, ``group``, ``control``, ``measure``,
        ``n_replicates``, ``n_control``, ``mean``, ``control_mean``, ``difference``,
        ``difference_low``, ``difference_high`` (95 %), ``ratio``, ``hedges_g``, ``paired``.
    """
    names = list(conditions)
    shared = [name for name in names if name not in control and not _is_dose(name)]
    rows = []
    for measure, of_measure in means.groupby("measure", sort=False):
        reference = of_measure[_where(of_measure, control)]
        for key, group in of_measure.groupby(names, sort=False, dropna=False):
            values = dict(zip(names, key, strict=True))
            if all(values[name] == value for name, value in control.items()):
                continue
            beside = reference[_where(reference, {name: values[name] for name in shared})]
            rows.append(_effect_row(values, group, beside, measure=str(measure), names=names))
    return pd.DataFrame(rows)


def _effect_row(
    values: Mapping[str, Any],
    group: pd.DataFrame,
    control: pd.DataFrame,
    *,
    measure: str,
    names: Sequence[str],
) -> dict[str, Any]:
    own = group.groupby(REPLICATE)["mean"].mean().to_dict()
    other = control.groupby(REPLICATE)["mean"].mean().to_dict()
    effect = compare_means(own, other)
    mean, control_mean = float(np.mean([*own.values()])), _mean(other.values())
    first = control.iloc[0] if len(control) else None
    return {
        **values,
        "group": group_name([values[name] for name in names]),
        "control": "" if first is None else group_name([first[name] for name in names]),
        "measure": measure,
        "n_replicates": len(own),
        "n_control": len(other),
        "mean": mean,
        "control_mean": control_mean,
        "difference": effect.difference,
        "difference_low": effect.low,
        "difference_high": effect.high,
        "ratio": mean / control_mean if control_mean else math.nan,
        "hedges_g": effect.hedges_g,
        "paired": effect.paired,
    }


def _mean(values: Any) -> float:
    known = [*values]
    return float(np.mean(known)) if known else math.nan


def _is_dose(name: str) -> bool:
    return any(word in name.lower() for word in ("dose", "conc"))


def _where(table: pd.DataFrame, values: Mapping[str, Any]) -> pd.Series[bool]:
    chosen = pd.Series(True, index=table.index)
    for name, value in values.items():
        chosen &= (table[name] == value) | (table[name].isna() & pd.isna(value))
    return chosen

"""doses and responses of replicates → the curve through them: EC50 with its interval.

Dose-response: four parameters, log-logistic (Hill equation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

LEAST_DOSES = 4  # above 0, that a curve of four parameters needs
STEEPEST = 8.0  # Hill slope beyond which doses as far apart as usual tell nothing
LEVEL = 0.95


@dataclass(frozen=True)
class DoseResponse:
    """A curve through the means of replicates.

    Attributes:
        bottom: response without the drug.
        top: response at an endless dose.
        ec50: dose of half the effect; NaN where it cannot be told.
        ec50_low: end of its 95 % interval; NaN where unknown.
        ec50_high: likewise.
        hill: slope.
        p_flat: chance of so good a curve if the dose did nothing (F-test against one mean).
        note: what the reader should know; empty: nothing.
    """

    bottom: float
    top: float
    ec50: float
    ec50_low: float
    ec50_high: float
    hill: float
    p_flat: float
    note: str = ""

    def response(self, doses: Values) -> Values:
        """The curve at some doses."""
        return hill_curve(doses, self.bottom, self.top, math.log(self.ec50), self.hill)


def hill_curve(
    doses: Values, bottom: float, top: float, log_ec50: float, hill: float
) -> NDArray[np.float64]:
    """The Hill equation: bottom at dose 0, half-way at exp(log_ec50), top at an endless dose."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(doses, dtype=float))
    exponent = np.clip(-hill * (logs - log_ec50), -700, 700)
    return np.asarray(bottom + (top - bottom) / (1 + np.exp(exponent)))


def fit_dose_response(doses: Values, responses: Values) -> DoseResponse | None:
    """Fit the Hill equation to the means of replicates.

    The interval of the EC50 is that of its logarithm, from the curvature at the best fit and
    Student's t. An EC50 outside of the doses that were given is no measurement, and is left out
    with a note; so is one of a curve that is no better than a constant.

    Args:
        doses: (n,) at least 0.
        responses: (n,) of each replicate at each dose.

    Returns:
        The curve; None where fewer than four doses above 0 are there, or too few replicates.

    Example:
        >>> import numpy as np
        >>> from coverslip.plates import fit_dose_response, hill_curve
        >>> doses = np.repeat([0, 0.1, 0.3, 1, 3, 10, 30], 3).astype(float)
        >>> noise = np.random.default_rng(1).normal(scale=2, size=doses.size)
        >>> found = fit_dose_response(doses, hill_curve(doses, 100, 20, np.log(2), 1) + noise)
        >>> bool(found.ec50_low < 2 < found.ec50_high)
        True
    """
    from scipy.optimize import least_squares

    doses, responses = np.asarray(doses, float), np.asarray(responses, float)
    given = np.unique(doses[doses > 0])
    if len(given) < LEAST_DOSES or len(doses) < 6:
        return None
    lower, upper = math.log(given[0]) - 3, math.log(given[-1]) + 3
    span = float(np.ptp(responses)) or 1.0
    middle = float(responses.mean())
    start_bottom = float(responses[doses == doses.min()].mean())
    start_top = float(responses[doses == doses.max()].mean())

    def miss(p: Values) -> Values:
        return hill_curve(doses, p[0], p[1], p[2], p[3]) - responses

    best = None
    for place in np.quantile(np.log(given), [0.25, 0.5, 0.75]):
        fit = least_squares(
            miss,
            [start_bottom, start_top, place, 1.0],
            bounds=(
                [middle - 5 * span, middle - 5 * span, lower, 0.1],
                [middle + 5 * span, middle + 5 * span, upper, STEEPEST],
            ),
            x_scale=[span, span, 1.0, 1.0],
        )
        if best is None or fit.cost < best.cost:
            best = fit
    return _describe(best, doses, responses, given)


def _describe(fit: Any, doses: Values, responses: Values, given: Values) -> DoseResponse:
    """What a fit says, and what it cannot say."""
    from scipy.stats import f, t

    bottom, top, log_ec50, hill = map(float, fit.x)
    freedom = len(doses) - 4
    rest = 2 * float(fit.cost)
    flat = float(((responses - responses.mean()) ** 2).sum())
    p_flat = 0.0 if rest == 0 else float(f.sf((flat - rest) / 3 / (rest / freedom), 3, freedom))
    ec50 = math.exp(log_ec50)
    curve = DoseResponse(bottom, top, ec50, math.nan, math.nan, hill, p_flat)
    if flat == 0 or p_flat > 1 - LEVEL:
        return _without_ec50(curve, "no effect of the dose is seen")
    if not given[0] <= curve.ec50 <= given[-1]:
        return _without_ec50(curve, "half of the effect is not within the doses that were given")
    jacobian = np.array(fit.jac)
    try:
        spread = np.linalg.inv(jacobian.T @ jacobian) * rest / freedom
    except np.linalg.LinAlgError:
        return curve
    half = float(t.ppf((1 + LEVEL) / 2, freedom)) * math.sqrt(max(float(spread[2, 2]), 0.0))
    if half > 20:  # a factor of 10^8: the doses do not tell
        return curve
    low, high = math.exp(log_ec50 - half), math.exp(log_ec50 + half)
    return replace(curve, ec50_low=low, ec50_high=high)


def _without_ec50(curve: DoseResponse, note: str) -> DoseResponse:
    return replace(curve, ec50=math.nan, note=note)

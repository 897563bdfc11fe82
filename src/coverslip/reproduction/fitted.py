"""a training or a grid search → its model, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coverslip import Model


@dataclass(frozen=True)
class Fitted:
    """What came of training a network, or of tuning a method without learning.

    Attributes:
        model: the checkpoint of the last attempt, or the method; None where not even one epoch
            of it was finished.
        settings: of the last attempt, or of the method.
        pretrained: what of the network started from ImageNet weights.
        seconds: of all attempts together.
        attempts: lr, outcome and reason of each, the last one counts; none for a method.
        history: of the last attempt; none for a method.
    """

    model: Model | None
    settings: dict[str, Any]
    pretrained: str
    seconds: float
    attempts: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

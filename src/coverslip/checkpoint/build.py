"""a network's name and arguments → the network, and what goes with it."""

from __future__ import annotations

import difflib
import inspect
import math
from dataclasses import dataclass, field
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from coverslip.classical import METHODS
from coverslip.errors import ModelError
from coverslip.images import Preprocess
from coverslip.models import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

LEAST_AREA_PX = 16  # smaller pieces are specks, not cells, at any magnification
SLIVER = 0.1  # of a cell's usual area: what is smaller is a piece of one (docs/results/cells.md)


@dataclass(frozen=True)
class Checkpoint:
    """A network and all that is needed to build and use it again."""

    network: nn.Module
    model: str  # its name in MODELS
    arguments: dict[str, Any] = field(default_factory=dict)  # of its constructor
    preprocess: Preprocess = field(default_factory=Preprocess)
    maps: tuple[str, ...] = ("mask",)  # what its logits mean, of coverslip.cells.MAPS
    card: dict[str, Any] = field(default_factory=dict)  # task, data, licence, settings, scores

    @property
    def threshold(self) -> float:
        """The probability above which a pixel is cell: the card's, 0.5 where it names none."""
        return float(self.card.get("threshold", 0.5))

    @property
    def cell_size_px(self) -> float | None:
        """The usual diameter of the cells that it learnt, where the card says."""
        size = self.card.get("cell_size_px") or self.card.get("training", {}).get("cell_size_px")
        return float(size) if size else None

    @property
    def one_size(self) -> bool:
        """Whether each image that it learnt from was brought to cells of one size."""
        return bool(self.card.get("one_size"))

    @property
    def min_area_px(self) -> int:
        """The least area of a cell: a tenth of that of those it has learnt, 16 at the least."""
        area = math.pi / 4 * (self.cell_size_px or 0.0) ** 2
        return max(LEAST_AREA_PX, round(SLIVER * area))


def build_network(model: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Make a network by its name.

    Raises:
        ModelError: no such name (the nearest is suggested), or arguments that it does not take.

    Example:
        >>> import coverslip
        >>> coverslip.build_network("swift", {"out_channels": 2}).stride
        16
    """
    if model in METHODS:
        raise ModelError(
            f"{model!r} is a method without learning and needs no training: use it at once, by "
            f"coverslip segment IMAGES -o OUT --model {model}."
        )
    if model not in MODELS:
        near = difflib.get_close_matches(model, MODELS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ModelError(f"unknown network {model!r}: {hint}Known are {', '.join(MODELS)}.")
    known = inspect.signature(MODELS[model]).parameters
    if any(name not in known for name in arguments):
        raise ModelError(
            f"network {model!r} cannot be built with {dict(arguments)}: it takes "
            f"{', '.join(known)}."
        )
    try:
        return MODELS[model](**arguments)
    except ModelError:
        raise
    except Exception as error:  # a layer of impossible size raises almost anything
        reason = shorten(str(error), 300, placeholder=" …")
        raise ModelError(
            f"network {model!r} cannot be built with {arguments}: {reason}."
        ) from error

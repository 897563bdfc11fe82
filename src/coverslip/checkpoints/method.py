"""a method's name + its settings → what is used like a model, and never learnt."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from coverslip.errors import SettingsError
from coverslip.segmentation.classical import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from coverslip.segmentation.classical import Settings


@dataclass(frozen=True)
class Method:
    """A method without learning and all that decides its masks, as `Checkpoint` is for networks.

    Example:
        >>> import coverslip, numpy
        >>> method = coverslip.load_model("phantast", {"sigma": 2.0})
        >>> method.settings.sigma, method.mask(numpy.full((32, 32), 0.5, "float32")).any().item()
        (2.0, False)
    """

    name: str  # in METHODS
    settings: Settings
    threshold: ClassVar[float] = 0.5  # a mask's probabilities are 0 and 1
    maps: ClassVar[tuple[str, ...]] = ("mask",)
    min_area_px: ClassVar[int] = 16
    cell_size_px: ClassVar[None] = None
    one_size: ClassVar[bool] = False
    channel: ClassVar[None] = None

    def mask(self, image: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Find the cells in an image (H, W) of `coverslip.preprocessing.to_grey`."""
        function, _ = METHODS[self.name]
        return function(image, settings=self.settings)

    @property
    def hash(self) -> str:
        """SHA-256 of name and settings, which stands where a checkpoint has that of its file."""
        facts = json.dumps([self.name, asdict(self.settings)], sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()


def build_method(name: str, arguments: Mapping[str, Any]) -> Method:
    """Make a method by its name, with its usual settings but for those given.

    Args:
        name: a key of METHODS.
        arguments: settings by their names.

    Raises:
        SettingsError: a setting that the method does not have (the nearest is suggested), or a
            value that it cannot have.
    """
    _, usual = METHODS[name]
    known = list(asdict(usual))
    for argument in arguments:
        if argument not in known:
            near = difflib.get_close_matches(argument, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise SettingsError(
                f"{name} has no setting {argument!r}: {hint}It has {', '.join(known)}."
            )
    return Method(name, replace(usual, **arguments))

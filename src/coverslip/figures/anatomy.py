"""what an encoder-decoder network is made of, for a drawing: stages, skips and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coverslip.figures.calls import Layer


@dataclass(frozen=True)
class Stage:
    """What works at one size.

    Attributes:
        resizing: Layers before it that change the size and are nothing else.
        layers: Its others.
    """

    resizing: tuple[Layer, ...]
    layers: tuple[Layer, ...]

    @property
    def out(self) -> Layer:
        """The last, whose map it gives."""
        return (*self.resizing, *self.layers)[-1]


@dataclass(frozen=True)
class Skip:
    """What a decoder stage is handed besides the map from below.

    Attributes:
        stage: The encoder stage that it comes from, 0 for the finest.
        units: Layers on its way; none for a plain skip.
        channels: Of the map that arrives.
        join: ``"concatenated"`` or ``"added"``.
    """

    stage: int
    units: tuple[Layer, ...]
    channels: int
    join: str


@dataclass(frozen=True)
class Anatomy:
    """An encoder-decoder network, as a forward pass showed it.

    Attributes:
        name: Of its class.
        in_channels: Of the image.
        size_px: Side of the image.
        parameters: Of each of its parts that there is: ``"encoder"`` and so on.
        encoder: Fine to coarse.
        decoder: Coarse to fine.
        skips: For each decoder stage.
        head: Layers after the last decoder stage.
    """

    name: str
    in_channels: int
    size_px: int
    parameters: dict[str, int]
    encoder: tuple[Stage, ...]
    decoder: tuple[Stage, ...]
    skips: tuple[Skip, ...]
    head: tuple[Layer, ...]

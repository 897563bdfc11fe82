"""encoder-decoder network → its stages, skips and sizes, read off a forward pass, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coverslip.errors import ModelError
from coverslip.reproduction.figures.calls import run_noting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from coverslip.reproduction.figures.calls import Call, Layer


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


PARTS = ("encoder", "paths", "decoder", "head")


def read_anatomy(network: nn.Module, *, size_px: int = 256) -> Anatomy:
    """Run a network once, without data, and note what its modules take and give.

    Args:
        network: With `encoder`, whose forward returns a list of maps from fine to coarse,
            `decoder`, a list of stages called with (map, skip), `head`, and perhaps `paths`, a list
            of what skips pass through. It is not touched.
        size_px: Side of the image, a multiple of the network's stride.

    Raises:
        ModelError: It is built otherwise, or does something between these modules, so that a
            drawing of them would not be true; or a size that is no such multiple.
    """
    _check_parts(network, size_px)
    parts = _parts(network)
    # The first convolution of the encoder is the one that the image meets.
    in_channels = next(int(w.shape[1]) for w in parts["encoder"].parameters() if w.ndim == 4)
    calls, output = run_noting(
        network,
        lambda n: [n.encoder, n.head, *n.decoder, *getattr(n, "paths", ())],
        shape=(in_channels, size_px, size_px),
    )
    n_stages = len(parts["decoder"])
    encoder, head, decoder, paths = *calls[:2], calls[2 : 2 + n_stages], calls[2 + n_stages :]
    _check_order(network, encoder, decoder, head, output)
    skips = tuple(_skip(network, stage, features=encoder.output, paths=paths) for stage in decoder)
    if sum(path.output is stage.inputs[1] for path in paths for stage in decoder) < len(paths):
        raise _not_drawable(network, "one of its paths leads to no stage of its decoder")
    return Anatomy(
        name=type(network).__name__,
        in_channels=in_channels,
        size_px=size_px,
        parameters={name: _n_parameters(part) for name, part in parts.items()},
        encoder=_encoder_stages(network, encoder),
        decoder=tuple(_decoder_stage(stage.layers) for stage in decoder),
        skips=skips,
        head=tuple(head.layers),
    )


def _parts(network: nn.Module) -> dict[str, Any]:
    return {name: getattr(network, name) for name in PARTS if hasattr(network, name)}


def _n_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _check_parts(network: nn.Module, size_px: int) -> None:
    lacking = {"encoder", "decoder", "head"} - set(_parts(network))
    if lacking:
        raise _not_drawable(network, f"it has no {' and no '.join(sorted(lacking))}")
    if not all(hasattr(_parts(network).get(name, ()), "__len__") for name in ("decoder", "paths")):
        raise _not_drawable(network, "its decoder or its paths are no list of modules")
    others = [
        name
        for name, child in network.named_children()
        if name not in PARTS and _n_parameters(child) > 0
    ]
    if others:
        raise _not_drawable(network, f"it has further parts with weights: {', '.join(others)}")
    stride = getattr(network, "stride", 1)
    if size_px < 1 or size_px % stride:
        raise ModelError(
            f"an image of {size_px} px cannot be put through {type(network).__name__}: wanted a "
            f"multiple of its stride, {stride}."
        )


def _check_order(
    network: nn.Module, encoder: Call, decoder: Sequence[Call], head: Call, output: Tensor
) -> None:
    """Each module must be handed the very map that the one before it gave."""
    if not isinstance(encoder.output, list | tuple):
        raise _not_drawable(network, "its encoder does not return a list of maps")
    if any(len(stage.inputs) != 2 for stage in decoder):
        raise _not_drawable(network, "a stage of its decoder does not take a map and a skip")
    given = [encoder.output[-1], *(stage.output for stage in decoder), head.output]
    taken = [*(stage.inputs[0] for stage in decoder), *head.inputs[:1], output]
    if len(given) != len(taken) or any(a is not b for a, b in zip(given, taken, strict=True)):
        raise _not_drawable(network, "it works on maps between its encoder, decoder and head")


def _encoder_stages(network: nn.Module, encoder: Call) -> tuple[Stage, ...]:
    """Cut the encoder behind the last layer that gives a map of each returned one's shape."""
    stages, start = [], 0
    shapes = [(layer.channels, layer.size_px) for layer in encoder.layers]
    for feature in encoder.output:
        _, channels, _, size = feature.shape
        end = max((i + 1 for i, shape in enumerate(shapes) if shape == (channels, size)), default=0)
        if end <= start:
            raise _not_drawable(network, "a map of its encoder comes from none of its layers")
        stages.append(_encoder_stage(encoder.layers[start:end]))
        start = end
    if start < len(shapes):
        raise _not_drawable(network, "layers of its encoder lead to none of the maps it returns")
    return tuple(stages)


def _encoder_stage(layers: Sequence[Layer]) -> Stage:
    n = 0
    while n < len(layers) - 1 and layers[n].is_pooling:
        n += 1
    return Stage(tuple(layers[:n]), tuple(layers[n:]))


def _decoder_stage(layers: Sequence[Layer]) -> Stage:
    n = 0
    while n < len(layers) and layers[n].in_size_px < layers[-1].size_px:
        n += 1
    return Stage(tuple(layers[:n]), tuple(layers[n:]))


def _skip(
    network: nn.Module, stage: Call, *, features: Sequence[Tensor], paths: Sequence[Call]
) -> Skip:
    """Follow the skip of a decoder stage back to the encoder's map that it was."""
    skip = stage.inputs[1]
    units: tuple[Layer, ...] = ()
    for path in paths:
        if path.output is skip:
            skip, units = path.inputs[0], tuple(path.layers)
    origins = [number for number, feature in enumerate(features) if feature is skip]
    if not origins:
        raise _not_drawable(network, "a skip comes from none of its encoder's maps")
    return Skip(origins[0], units, int(stage.inputs[1].shape[1]), _join(network, stage))


def _join(network: nn.Module, stage: Call) -> str:
    """How a stage takes its skip, told by the channels before and behind the join."""
    below, skip = (int(x.shape[1]) for x in stage.inputs)
    drawn = _decoder_stage(stage.layers)
    lifted = drawn.resizing[-1].channels if drawn.resizing else below
    entering = drawn.layers[0].in_channels if drawn.layers else 0
    if entering not in (lifted + skip, lifted):
        raise _not_drawable(network, "a skip is neither concatenated nor added to what it meets")
    return "added" if entering == lifted else "concatenated"


def _not_drawable(network: nn.Module, reason: str) -> ModelError:
    return ModelError(
        f"{type(network).__name__} cannot be drawn: {reason}. Wanted: an encoder that returns a "
        "list of maps, a decoder that is a list of stages called with (map, skip), a head, and "
        "perhaps paths, one for each skip."
    )

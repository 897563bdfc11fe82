"""what an untrusted checkpoint says of itself → refused before memory is allocated for it.

A checkpoint comes from anywhere, and its checksum can be made by anyone. It holds numbers and text,
never code; so what is left to fear is size: headers, lists and networks beyond all measure.
"""

from __future__ import annotations

import json
import math
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import numpy as np

from coverslip.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    T = TypeVar("T")

MAX_HEADER_BYTES = 8 * 2**20  # that of a model which ships has 13 kB
MAX_TENSORS = 20_000  # the largest of our networks has some hundred
MAX_NUMBER = 65_536  # of channels or blocks of a network: more than any has
MAX_LENGTH = 64  # of a list among a network's arguments
MAX_CELL_PX = 100_000.0
MAX_INTEGER = 2**53  # beyond it, integers are no real numbers any more
CHANNELS = 3  # of the images that networks are shown, grey or not
# What weights, and the states of a training, are stored as. Those of 4 and 8 bits cannot be
# computed with.
TYPES = frozenset({"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"})


def check_header(path: Path) -> None:
    """Refuse a safetensors file whose first number, its header's length, cannot be.

    Raises:
        ValueError: it is longer than the file or than `MAX_HEADER_BYTES`.
        OSError: the file cannot be read.
    """
    if not path.is_file():
        raise ValueError("it is no file")  # a pipe, say, which would be waited for
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
    if len(start) < 8:
        raise ValueError(f"it has {len(start)} bytes")
    (claimed,) = struct.unpack("<Q", start)
    most = min(size - 8, MAX_HEADER_BYTES)
    if claimed > most:
        raise ValueError(f"its header claims {claimed:,} bytes, where at most {most:,} can be")


def parse(text: str, *, what: str, kind: type[T]) -> T:
    """Read a JSON text of a file's header.

    Raises:
        ModelError: no JSON, nested without end, or of another kind than is wanted.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"its {what} cannot be read as JSON ({error})") from error
    if not isinstance(value, kind):
        raise ModelError(f"its {what} is a {type(value).__name__}, wanted a {kind.__name__}")
    return value


def check_types(types: Mapping[str, str]) -> None:
    """Refuse tensors of a type that is not computed with, by their names in the file.

    Raises:
        ModelError: there is one; it is named.
    """
    for name, kind in types.items():
        if kind not in TYPES:
            raise ModelError(
                f"its weights {name[:100]!r} are stored as {kind[:50]}, which is not read; wanted "
                "float32 or float16"
            )


def check_channels(wanted: int, *, n_maps: int, given: int) -> None:
    """Refuse a network for other images than it would be shown, or of other maps than it says.

    Args:
        wanted: channels of the images that it takes.
        n_maps: maps that the file says it gives.
        given: those that it gives.

    Raises:
        ModelError: they differ.
    """
    if wanted != CHANNELS:
        raise ModelError(
            f"it takes images of {str(wanted)[:50]} channels, and is shown {CHANNELS} here"
        )
    if given != n_maps:
        raise ModelError(f"it gives {str(given)[:50]} maps, and its description names {n_maps}")


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that no network of any use is built with.

    Raises:
        ModelError: a number beyond `MAX_NUMBER`, a list beyond `MAX_LENGTH`, or something else than
            numbers, words and lists of numbers.
    """
    for name, value in arguments.items():
        values = value if isinstance(value, list) else [value]
        if len(values) > MAX_LENGTH or not all(map(_is_modest, values)):
            raise ModelError(
                f"its network's argument {name[:50]!r} is {str(value)[:50]}; wanted a number up to "
                f"{MAX_NUMBER:,}, a word, or a list of at most {MAX_LENGTH} of these"
            )


def _is_modest(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_LENGTH
    return value is None or (_is_number(value) and abs(value) <= MAX_NUMBER)


def _is_number(value: object) -> TypeGuard[float]:
    """Whether a value is finite; True and False are numbers to Python, and do no harm.

    Python has integers of thousands of digits, of which no real number can be made.
    """
    if isinstance(value, int):
        return abs(value) <= MAX_INTEGER
    return isinstance(value, float) and math.isfinite(value)


def check_card(card: Mapping[str, Any]) -> None:
    """Refuse a card whose entries, of those that are computed with, are no numbers.

    Raises:
        ModelError: a threshold outside of 0 to 1, a cell's size that is none, or a training that is
            no list of names and values.
    """
    if not isinstance(card.get("training", {}), dict):
        raise ModelError("its card's training is no set of entries")
    channel = card.get("channel")
    if not (channel is None or (isinstance(channel, str | int) and _is_modest(channel))):
        raise ModelError(f"its card's channel is {str(channel)[:50]}; wanted a number or a name")
    threshold = card.get("threshold", 0.5)
    if not _is_number(threshold) or not 0 <= threshold <= 1:
        raise ModelError(f"its card's threshold is {str(threshold)[:50]}; wanted 0 to 1")
    for entries in (card, card.get("training", {})):
        size = entries.get("cell_size_px")
        if size is not None and (not _is_number(size) or not 0 <= size <= MAX_CELL_PX):
            raise ModelError(
                f"its card's cell_size_px is {str(size)[:50]}; wanted 0 to {MAX_CELL_PX:,.0f}"
            )


def check_preprocess(values: Mapping[str, Any]) -> None:
    """Refuse a preprocessing that would make no image of an image.

    Raises:
        ModelError: percentiles that are not 0 to 100 and ascending, or mean and deviation that are
            not three numbers each, the deviations positive.
    """
    known = {"low_percentile", "high_percentile", "mean", "std"}
    low, high = values.get("low_percentile", 0), values.get("high_percentile", 100)
    mean, std = values.get("mean"), values.get("std")
    good = (
        values.keys() <= known
        and _is_number(low)
        and _is_number(high)
        and 0 <= low < high <= 100
        and all(isinstance(it, list) and len(it) == 3 for it in (mean, std))
        and all(map(_is_number, [*(mean or []), *(std or [])]))
        and all(value > 0 for value in std or [])
    )
    if not good:
        raise ModelError(f"its preprocessing makes no sense ({str(dict(values))[:200]})")


def check_ranges(ranges: Mapping[str, Any]) -> None:
    """Refuse ranges of features that are none.

    Raises:
        ModelError: more than there are tensors, or one that is not two numbers in their order.
    """
    good = len(ranges) <= MAX_TENSORS and all(
        isinstance(one, list) and len(one) == 2 and all(map(_is_number, one)) and one[0] <= one[1]
        for one in ranges.values()
    )
    if not good:
        raise ModelError(f"its ranges make no sense ({str(dict(ranges))[:200]})")


@contextmanager
def no_more_weights(tensors: Mapping[str, Any]) -> Iterator[None]:
    """A block that builds a network, which may have as many weights as a file holds and no more.

    PyTorch asks for a layer's memory, tells of the layer, and only then writes to that memory: so a
    layer too large never comes to be.

    Raises:
        ModelError: it has more.
    """
    from torch.nn.modules.module import register_module_parameter_registration_hook

    here, weights = (
        threading.get_ident(),
        sum(math.prod(tensor.shape) for tensor in tensors.values()),
    )
    left = [len(tensors), weights]

    def count(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
        if threading.get_ident() != here:  # another thread may be building another network
            return
        left[0] -= 1
        left[1] -= parameter.numel()
        if min(left) < 0:
            raise ModelError(
                f"it says to build a network of more weights than the {weights:,} that it holds"
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def check_finite(tensors: Mapping[str, NDArray[np.generic]]) -> None:
    """Refuse weights that are no numbers, with which every answer would be none.

    Raises:
        ModelError: NaN or Inf in one of them; the first is named.
    """
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise ModelError(
                f"its weights {name[:100]!r} hold NaN or Inf: its training went astray, or the file"
                " is damaged"
            )

"""Cellpose's _seg.npy → labels, without running the code that a pickle may hold.

The file is a pickle of a dictionary. What is read of it are numpy arrays of plain numbers, lists,
dictionaries, text, numbers and paths; at anything else reading ends with an error. Its labels are
in `masks`; `outlines` are the cells' rims drawn as pixels, and no labels of whole cells.
Source: https://cellpose.readthedocs.io/en/latest/outputs.html
"""

from __future__ import annotations

import io
import math
import pickle
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from coverslip.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

PLAIN = frozenset("?bhilqBHILQefd")  # numpy's letters of bool, integers and real numbers
PATHS = ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")


def read(path: Path) -> NDArray[Any]:
    """Read the masks of Cellpose's own file, or the numbers of a plain ``.npy``.

    Returns:
        The labels as they are stored, (H, W) or with times or depths before it.

    Raises:
        FileError: The file is damaged, or holds something other than numbers and text.
    """
    with path.open("rb") as stream:
        if np.lib.format.read_magic(stream) != (1, 0):  # later ones may claim a header of 4 GB
            raise FileError(f"{path}: no .npy as numpy.save writes labels. Save it again.")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        if not dtype.hasobject:
            return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
        content = _Reader(path, stream.read()).load()
    content = content.tolist() if isinstance(content, np.ndarray) else content
    if isinstance(content, list) and len(content) == 1 and math.prod(shape) == 1:
        content = content[0]
    masks = content.get("masks") if isinstance(content, dict) else None
    if not isinstance(masks, _Array) or masks.values is None or masks.values.ndim < 2:
        raise FileError(
            f"{path}: no array called masks in it, where a file of Cellpose has one. Save it again "
            "in Cellpose (File > Save masks), or as PNG or TIFF."
        )
    return masks.values


class _Dtype:
    """What a pickle says of a numpy type; it becomes one in `_Array`."""

    __slots__ = ("letter", "order")

    def __init__(self, letter: str, align: object = False, copy: object = False) -> None:
        self.letter = letter
        self.order: Any = "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]

    def to_numpy(self) -> np.dtype[Any] | None:
        """The type of plain numbers, or None for Python's objects."""
        if self.letter in ("O", "O8"):
            return None
        dtype = np.dtype(self.letter)
        if dtype.char not in PLAIN:
            raise pickle.UnpicklingError(f"an array of the type {self.letter!r}")
        return dtype if self.order == "|" else dtype.newbyteorder(self.order)


class _Array:
    """An array in a pickle: its values, or those of a list where it holds Python's objects."""

    __slots__ = ("items", "values")

    def __init__(self) -> None:
        self.values: NDArray[Any] | None = None
        self.items: list[Any] = []

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        plain = dtype.to_numpy()
        if plain is None:
            self.items = list(data)
            return
        values = np.frombuffer(data, plain)
        self.values = values.reshape(shape[::-1]).T if is_fortran else values.reshape(shape)


def _make_array(kind: object, shape: object, letter: object) -> _Array:
    """In place of numpy's `_reconstruct`: the values come later, as the state."""
    return _Array()


def _make_scalar(dtype: _Dtype, data: object = b"") -> object:
    """In place of numpy's `scalar`."""
    plain = dtype.to_numpy()
    return data if plain is None else np.frombuffer(data, plain)[0].item()  # type: ignore[call-overload]


def _make_from_buffer(data: Any, dtype: _Dtype, shape: Any, order: str) -> _Array:
    """In place of numpy's `_frombuffer`, by which newer versions store arrays."""
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", data))
    return array


def _make_bytes(text: str = "", encoding: str = "latin1") -> bytes:
    """In place of what the oldest pickles make bytes by."""
    return text.encode("latin1")


def _make_path(*parts: str) -> str:
    """In place of pathlib's paths."""
    return "/".join(parts)


KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("_codecs", "encode"): _make_bytes,
    ("__builtin__", "bytes"): _make_bytes,
    ("builtins", "bytes"): _make_bytes,
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    **{
        (f"numpy.{core}.{module}", name): make
        for core in ("core", "_core")
        for module, name, make in (
            ("multiarray", "_reconstruct", _make_array),
            ("multiarray", "scalar", _make_scalar),
            ("numeric", "_frombuffer", _make_from_buffer),
        )
    },
    **{(module, name): _make_path for module in ("pathlib", "pathlib._local") for name in PATHS},
}


class _Reader(pickle._Unpickler):
    """A pickle's reader in which no name means more than `KNOWN` says.

    That of the standard library written in Python: the one in C lays out as much memory as a
    number in the file asks for.
    """

    dispatch: ClassVar = dict(pickle._Unpickler.dispatch)

    def __init__(self, path: Path, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="latin1")
        self.path = path

    def load(self) -> Any:
        """The content; a FileError for what is not known."""
        found = super().load()
        return found.items if isinstance(found, _Array) else found

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name of another module here."""
        try:
            return KNOWN[module, name]
        except KeyError:
            raise FileError(
                f"{self.path}: asks for {module}.{name}, which is not run: of a _seg.npy numbers "
                "and text alone are read. Save the masks in Cellpose as PNG or TIFF."
            ) from None

    def load_build(self) -> None:
        """Set the state of a stand-in; of nothing else."""
        state = self.stack.pop()  # type: ignore[attr-defined]
        target = self.stack[-1]  # type: ignore[attr-defined]
        if not isinstance(target, (_Array, _Dtype)):
            raise pickle.UnpicklingError(f"a state for {type(target).__name__}")
        target.__setstate__(state)

    dispatch[pickle.BUILD[0]] = load_build  # type: ignore[assignment]

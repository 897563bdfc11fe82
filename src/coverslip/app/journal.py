"""corrections ↔ lines of a file beside the labels, on the disk before anyone is told of them.

One JSON line for each stroke, with the labels before and after it. So a program that is killed at
any moment loses nothing, everything can be undone, also after a restart, and the label file need
not be written for each stroke.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from coverslip.errors import DataError
from coverslip.io import write_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Labels = NDArray[np.uint32]

ENDING = "_edits.jsonl"
LEVEL = 1  # of zlib: a stroke must be on the disk within milliseconds


class Box(NamedTuple):
    """A window of an image: its first row and column, and those after its last."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """As numpy takes it."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


class Change(NamedTuple):
    """What an edit did to the labels of a frame."""

    window: Box
    before: Labels
    after: Labels

    def inverse(self) -> Change:
        """What takes it back."""
        return Change(self.window, self.after, self.before)


def check_box(values: Any, shape: tuple[int, int]) -> Box:
    """Four numbers as a window of an image.

    Raises:
        DataError: it does not lie in the image.
    """
    try:
        box = Box(*(int(value) for value in values))
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"a window of {str(values)[:80]}: wanted top, left, bottom, right."
        ) from error
    if not (0 <= box.top < box.bottom <= shape[0] and 0 <= box.left < box.right <= shape[1]):
        raise DataError(
            f"the window {list(box)} does not lie in the image of {shape[0]} × {shape[1]} pixels."
        )
    return box


def pack(labels: NDArray[Any]) -> str:
    """Labels as text: base64 of zlib of little-endian uint32."""
    return base64.b64encode(zlib.compress(labels.astype("<u4").tobytes(), LEVEL)).decode("ascii")


def unpack(text: str, shape: tuple[int, int]) -> Labels:
    """The inverse of `pack`.

    Raises:
        DataError: the text is no labels of that shape.
    """
    size = 4 * shape[0] * shape[1]
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(text, validate=True), size + 1)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise DataError(f"the labels of a patch cannot be read ({error}).") from error
    if len(data) != size:
        raise DataError(
            f"a patch of {shape[0]} × {shape[1]} pixels needs {size:,} bytes of labels."
        )
    return np.frombuffer(data, dtype="<u4").reshape(shape).astype(np.uint32)


@dataclass
class Journal:
    """The file of an image's corrections.

    Attributes:
        path: where it is.
        entries: its lines without the labels, which are read when they are needed.
        places: of each entry with labels, by its number, where its line begins.
    """

    path: Path
    entries: list[dict[str, Any]] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)

    def load(self) -> Journal:
        """Read the file; half of a last line, which a killed program left, is cut off.

        Raises:
            FileError: it cannot be read or mended.
        """
        self.entries.clear()
        self.places.clear()
        if not self.path.exists():
            return self
        try:
            with self.path.open("rb+") as file:
                place = 0
                for line in file:
                    if not line.endswith(b"\n"):
                        file.truncate(place)
                        break
                    self._enter(line, place)
                    place += len(line)
        except OSError as error:
            raise write_error(self.path, error) from error
        return self

    def _enter(self, line: bytes, place: int) -> None:
        with suppress(ValueError, RecursionError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                if "after" in entry and isinstance(entry.get("edit"), int):
                    self.places[entry["edit"]] = place
                self.entries.append(
                    {k: v for k, v in entry.items() if k not in ("before", "after")}
                )

    def append(self, entry: dict[str, Any]) -> None:
        """Append a line, and return when the disk has it.

        Raises:
            FileError: it cannot be written.
        """
        line = (json.dumps(entry, ensure_ascii=True) + "\n").encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | O_BINARY, 0o666)
            try:
                place = os.fstat(number).st_size
                write_all(number, line, undo_to=place)
                os.fsync(number)
            finally:
                os.close(number)
        except OSError as error:
            raise write_error(self.path, error) from error
        self._enter(line, place)

    def change(self, edit: int) -> tuple[int, Change]:
        """The frame and the labels of an edit.

        Raises:
            FileError: the file cannot be read.
            DataError: the line is damaged.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self.places[edit])
                line = json.loads(file.readline())
            box = Box(*line["window"])
            frame = int(line["frame"])
        except OSError as error:
            raise write_error(self.path, error) from error
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise DataError(f"{self.path}: the line of edit {edit} is damaged.") from error
        change = Change(box, unpack(line["before"], box.shape), unpack(line["after"], box.shape))
        return frame, change

    def last(self, key: str) -> dict[str, Any] | None:
        """The last line with a key."""
        return next((entry for entry in reversed(self.entries) if key in entry), None)

    def numbered(self) -> Iterator[dict[str, Any]]:
        """The lines that have a number."""
        return (entry for entry in self.entries if isinstance(entry.get("edit"), int))


O_BINARY = getattr(os, "O_BINARY", 0)  # Windows would write \r\n


def write_all(number: int, data: bytes, *, undo_to: int) -> None:
    """Write all of some bytes, or leave the file as it was.

    Raises:
        OSError: it cannot be written.
    """
    try:
        while data:
            data = data[os.write(number, data) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(number, undo_to)
        raise

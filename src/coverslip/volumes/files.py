"""a z-stack of labels → objects in 3-D: their table, their labels and a record, in a folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from coverslip.errors import DataError
from coverslip.io import Ledger, smallest_dtype, write_labels, write_text, writing
from coverslip.provenance import __version__, code_version
from coverslip.tables import write_table
from coverslip.volumes.join import Joined, JoinSettings, SliceJoiner
from coverslip.volumes.measure import ObjectSums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from coverslip.volumes.stacks import LabelStack

OBJECTS, LABELS, RECORD = "objects", "objects_labels.tif", "stack.json"


@dataclass(frozen=True, eq=False)
class JoinedStack:
    """What was found in a stack.

    Attributes:
        table: one row per object (and time), see `OBJECT_COLUMNS`.
        joined: which cells are one object, of each time.
        notes: what was decided.
    """

    table: pd.DataFrame
    joined: tuple[Joined, ...]
    notes: tuple[str, ...]


def join_stack(
    stack: LabelStack,
    out: Path,
    *,
    settings: JoinSettings | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    slice_distance_um: float | None = None,
    form: str = "csv",
    on_slice: Callable[[], None] = lambda: None,
) -> JoinedStack:
    """Join the cells of the slices of a stack to objects, measure them and write what was found.

    Args:
        stack: from `open_stacks`.
        out: the folder of the results: objects.csv, objects_labels.tif, stack.json.
        settings: None: the defaults.
        pixel_size_um: height and width of a pixel; None: what the file says.
        slice_distance_um: from a slice to the next; None: what the file says.
        form: of the table, csv or parquet.
        on_slice: called with each slice that is read; each is read twice.

    Raises:
        FileError: a slice cannot be read, or a result not be written.
        DataError: no cell in any slice.
    """
    settings = settings or JoinSettings()
    size = pixel_size_um or stack.pixel_size_um
    distance = slice_distance_um or stack.slice_distance_um
    joined = tuple(_join_time(stack, time, settings, on_slice) for time in range(stack.n_times))
    if not sum(one.n_objects for one in joined):
        raise DataError(f"{stack.name}: no cell in any of its slices: nothing to join.")
    sums = [ObjectSums(one.n_objects, n_slices=stack.n_slices, shape=stack.size) for one in joined]
    out.mkdir(parents=True, exist_ok=True)
    lead = (stack.n_slices,) if stack.n_times == 1 else (stack.n_times, stack.n_slices)
    with writing(Ledger(out, sets_aside=True)):
        write_labels(
            out / LABELS,
            _number_slices(stack, joined, sums, on_slice),
            shape=(*lead, *stack.size),
            axes="ZYX" if stack.n_times == 1 else "TZYX",
            pixel_size_um=size,
            slice_distance_um=distance,
            dtype=smallest_dtype(max(one.n_objects for one in joined)),
        )
        tables = [one.table(pixel_size_um=size, slice_distance_um=distance) for one in sums]
        if stack.n_times > 1:
            for time, one in enumerate(tables):
                one.insert(0, "time", time)
        table = pd.concat(tables, ignore_index=True)
        write_table(out / f"{OBJECTS}.{form}", table)
        notes = (*stack.notes, *describe_joined(joined, table, in_um="volume_um3" in table))
        facts = {
            "coverslip": __version__,
            "code": code_version(),
            "labels": [str(path) for path in stack.files],
            "settings": asdict(settings),
            "pixel_size_um": size,
            "slice_distance_um": distance,
            "n_objects": [one.n_objects for one in joined],
            "notes": notes,
        }
        write_text(out / RECORD, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return JoinedStack(table, joined, notes)


def _join_time(
    stack: LabelStack, time: int, settings: JoinSettings, on_slice: Callable[[], None]
) -> Joined:
    joiner = SliceJoiner(settings)
    for number in range(stack.n_slices):
        joiner.add(stack.labels(time, number))
        on_slice()
    return joiner.finish()


def _number_slices(
    stack: LabelStack,
    joined: Sequence[Joined],
    sums: Sequence[ObjectSums],
    on_slice: Callable[[], None],
) -> Iterator[NDArray[np.int64]]:
    """Give every slice with the numbers of its objects, and add it to the sums of its time."""
    for time, one in enumerate(joined):
        for number in range(stack.n_slices):
            objects = one.numbers[number][stack.labels(time, number)]
            sums[time].add(objects, number, stack.image(time, number))
            yield objects
            on_slice()


def describe_joined(joined: tuple[Joined, ...], table: pd.DataFrame, *, in_um: bool) -> list[str]:
    """What the reader should know of the objects, a sentence each."""
    notes = []
    singles = int((table["n_slices"] == 1).sum())
    counts: dict[str, Any] = {
        "in one slice alone: flat, or not found in the next": singles,
        "going on after a slice that misses them, which counts nothing to their volume": sum(
            one.n_bridged for one in joined
        ),
        "beginning over an object that goes on in another cell: it may branch": sum(
            one.n_branches for one in joined
        ),
    }
    for words, count in counts.items():
        if count:
            notes.append(f"{count} {'object' if count == 1 else 'objects'} {words}")
    ends = int(table["touches_ends"].sum())
    if ends:
        notes.append(f"{ends} reach the first or last slice, and may be cut off there")
    if not in_um:
        notes.append(
            "the distance between slices or the pixel size is unknown: volumes are in voxels "
            "(--slice-distance, --pixel-size)"
        )
    return notes

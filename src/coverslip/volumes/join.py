"""labels of slices, one after the other → which of them are one object.

Stitching of 2-D segmentations to 3-D by the overlap (IoU) of neighbouring slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from coverslip.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]
    Numbers = NDArray[np.int64]

# The pole of a round object is small beside its next slice, but lies within it.
CAP = (
    0.7  # share of the smaller cell in the larger, above which they are one where nothing is better
)
BRANCH = 0.5  # share of a cell over another's object, above which the object may branch


@dataclass(frozen=True)
class JoinSettings:
    """When two cells of neighbouring slices are one object.

    Attributes:
        min_iou: their overlap by their union, at least. Half of what evaluation calls a match: a
            round object's outline moves fast near its poles.
        max_gap: so many slices running may miss an object.
        min_slices: objects in fewer slices are left out.

    Raises:
        SettingsError: a number that cannot be.
    """

    min_iou: float = 0.25
    max_gap: int = 1
    min_slices: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 0 < self.min_iou <= 1:
            raise SettingsError(f"an overlap of {self.min_iou}: wanted above 0, to 1.")
        if self.max_gap < 0 or self.min_slices < 1:
            raise SettingsError(
                f"max_gap {self.max_gap}, min_slices {self.min_slices}: wanted at least 0 and 1."
            )


class Overlap(NamedTuple):
    """Cells of two slices that share pixels."""

    before: Numbers  # labels of the one
    now: Numbers  # labels of the other
    shared: Numbers  # pixels


@dataclass(frozen=True)
class Joined:
    """Which cells are one object.

    Attributes:
        numbers: of each slice, by label from 0 on, the object from 1 on; 0: background, or one that
            was left out.
        n_objects: how many.
        n_bridged: times that an object goes on after slices that miss it.
        n_branches: cells that lie over an object that goes on in another cell.
    """

    numbers: tuple[Numbers, ...]
    n_objects: int
    n_bridged: int
    n_branches: int


class SliceJoiner:
    """Joins slices as they come; two are held, and those within the gap.

    Args:
        settings: when two cells are one object.
    """

    def __init__(self, settings: JoinSettings) -> None:
        self.settings = settings
        self.numbers: list[Numbers] = []
        self.held: list[Labels] = []  # the last slices, the latest last
        self.last_seen: dict[int, int] = {}  # of each object, its last slice
        self.n_slices: list[int] = [0]  # of each object; 0 is none
        self.n_bridged = self.n_branches = 0

    def add(self, labels: Labels) -> None:
        """Take the next slice.

        Args:
            labels: (H, W), 0 is background.
        """
        here = len(self.numbers)
        counts = np.bincount(labels.ravel())
        own: Numbers = np.zeros(len(counts), dtype=np.int64)
        for back, before in enumerate(reversed(self.held), start=1):
            self._go_on(labels, before, own, counts=counts, back=back)
        for label in np.flatnonzero(counts[1:]) + 1:
            if own[label] == 0:
                own[label] = len(self.n_slices)
                self.n_slices.append(0)
            self.n_slices[own[label]] += 1
            self.last_seen[int(own[label])] = here
        self.numbers.append(own)
        self.held = [*self.held, labels][-(1 + self.settings.max_gap) :]

    def _go_on(
        self, labels: Labels, before: Labels, own: Numbers, *, counts: Numbers, back: int
    ) -> None:
        """Give cells the objects of an earlier slice that end there, the best overlap first."""
        earlier = self.numbers[len(self.numbers) - back]
        found = find_overlaps(before, labels)
        areas = np.bincount(before.ravel())[found.before]
        iou = found.shared / (areas + counts[found.now] - found.shared)
        smaller = np.minimum(areas, counts[found.now])
        is_cap = (found.shared >= CAP * smaller) & (back == 1)
        wanted = (iou >= self.settings.min_iou) | is_cap
        for place in np.lexsort((found.now, found.before, -iou)):
            label, number = int(found.now[place]), int(earlier[found.before[place]])
            is_free = self.last_seen.get(number) == len(self.numbers) - back
            if own[label] == 0 and wanted[place] and is_free:
                own[label] = number
                self.last_seen[number] = len(self.numbers)  # no second cell of this slice
                self.n_bridged += back > 1
            elif back == 1 and own[label] == 0 and not is_free:
                self.n_branches += bool(found.shared[place] > BRANCH * counts[label])

    def finish(self) -> Joined:
        """Number the objects anew, those of too few slices left out."""
        kept = np.array(self.n_slices) >= self.settings.min_slices
        kept[0] = False
        new = np.where(kept, np.cumsum(kept), 0)
        numbers = tuple(new[own] for own in self.numbers)
        return Joined(numbers, int(kept.sum()), self.n_bridged, self.n_branches)


def find_overlaps(before: Labels, now: Labels) -> Overlap:
    """The cells of two slices that share pixels, and how many.

    Args:
        before: (H, W) labels.
        now: (H, W) labels.
    """
    both = (before > 0) & (now > 0)
    size = int(now.max(initial=0)) + 1
    codes, shared = np.unique(before[both].astype(np.int64) * size + now[both], return_counts=True)
    return Overlap(codes // size, codes % size, shared.astype(np.int64))


def join_slices(slices: Iterable[Labels], settings: JoinSettings | None = None) -> Joined:
    """Tell which cells of the slices of a stack are one object.

    Two cells of neighbouring slices are one object where their overlap by their union is at least
    `JoinSettings.min_iou`; of several, the best. Where a cell has no such neighbour, one that lies
    within it, as the pole of a round object does, goes on in it. An object never branches: of two
    cells over one, the better goes on, and the other begins an object of its own. This is counted,
    as are the slices that miss an object.

    Args:
        slices: (H, W) labels of each depth, 0 is background; the numbers of one slice mean nothing
            in another.
        settings: None: the defaults.

    Example:
        >>> import numpy as np
        >>> from coverslip.volumes import join_slices
        >>> above, below = np.zeros((2, 8, 8), int)
        >>> above[1:4, 1:4] = 7
        >>> below[1:4, 1:5] = 3
        >>> joined = join_slices([above, below])
        >>> joined.n_objects, int(joined.numbers[0][7]), int(joined.numbers[1][3])
        (1, 1, 1)
    """
    joiner = SliceJoiner(settings or JoinSettings())
    for labels in slices:
        joiner.add(labels)
    return joiner.finish()

"""what is to be measured → the names of its columns."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coverslip.errors import SettingsError
from coverslip.measurements.columns import COLUMNS, GROUPS, names_in

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class MeasureSettings:
    """What is measured of each cell, and within which distances.

    Attributes:
        properties: "all", "basic", groups (`GROUPS`) and columns (of `COLUMNS`), in any mixture.
        ring_gap_px: the background begins so far from the cell's edge.
        ring_px: and is so wide.
        near_px: a cell at most so far away counts as near.

    Raises:
        SettingsError: a value that cannot be, with what can.

    Example:
        >>> import coverslip
        >>> settings = coverslip.MeasureSettings(properties=("area_px", "eccentricity"))
        >>> sorted(settings.columns)
        ['area_px', 'eccentricity', 'label']
    """

    properties: tuple[str, ...] = (
        "all",
    )  # about 0.5 ms a cell; "basic" takes less than half of it
    ring_gap_px: int = 2  # what the optics smear of a cell is not its background
    ring_px: int = 10  # some hundred pixels around a cell of usual size: a steady median
    near_px: int = 20  # about a cell's width at the magnifications that the models know

    def __post_init__(self) -> None:
        """Refuse what makes no sense, before any work is done."""
        known = ("all", "basic", *GROUPS, *COLUMNS)
        unknown = [name for name in self.properties if name not in known]
        if unknown or not self.properties:
            raise SettingsError(
                f"properties {', '.join(unknown) or 'that are none'}: wanted all, basic, "
                f"{', '.join(GROUPS)}, or columns such as area_px.{_nearest(unknown, known)}"
            )
        for name, least in (("ring_gap_px", 0), ("ring_px", 1), ("near_px", 0)):
            if getattr(self, name) < least:
                raise SettingsError(f"{name} is {getattr(self, name)}; wanted {least} or more.")

    @property
    def reach_px(self) -> int:
        """How far from a cell the ring and the near cells reach."""
        return max(self.ring_gap_px + self.ring_px, self.near_px)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are wanted; the label always is."""
        wanted = {"label"}
        for name in self.properties:
            if name in COLUMNS:
                wanted.add(name)
            elif name in GROUPS:
                wanted.update(names_in(name))
            else:
                wanted.update(key for key, it in COLUMNS.items() if name == "all" or it.basic)
        return frozenset(wanted)


def _nearest(unknown: Sequence[str], known: Sequence[str]) -> str:
    close = [near for name in unknown for near in difflib.get_close_matches(name, known, n=1)]
    return f" Did you mean {', '.join(close)}?" if close else ""

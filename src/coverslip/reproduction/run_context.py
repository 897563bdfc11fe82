"""folders, weights, device and deadline → the run configuration that all tasks share."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class OutOfTime(Exception):
    """What comes next would go on beyond the time limit; what is done is kept."""


@dataclass(frozen=True)
class RunContext:
    """The run configuration of a task.

    Attributes:
        runs: folder of the results.
        weights: ImageNet weights: ``"imagenet"`` (PyTorch's hub), a folder with copies of its
            files, or ``"none"``.
        device: auto, cpu, cuda or mps.
        deadline: seconds as `time.time` counts them; None: no limit.
    """

    runs: Path
    weights: str = "none"
    device: str = "auto"
    deadline: float | None = None

    def check_time(self, *, needed_s: float = 0.0) -> None:
        """Stop where what comes next would go on beyond the deadline, or for nobody.

        Raises:
            OutOfTime: it would, or the process that began this one is gone.
        """
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            raise OutOfTime
        if self.deadline is not None and time.time() + needed_s > self.deadline:
            raise OutOfTime

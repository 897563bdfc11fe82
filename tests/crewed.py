"""What a Dask worker of the tests preloads: a network that tells who used it, and may kill.

    dask worker ADDRESS --preload tests/crewed.py

The environment names by CREW_LOG a file that gets a line for each time that the network is made,
and for each pass through it. CREW_KILL="5 1234" has the fifth pass of this process kill process
1234; "5 0" kills this one.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bright import Bright
from coverslip.models import MODELS

PASSES = [0]


def log(what: str) -> None:
    """Add a line to the log."""
    with Path(os.environ["CREW_LOG"]).open("a") as file:
        file.write(f"{os.getpid()} {what}\n")


class Crewed(Bright):
    """Bright, by someone else."""

    def __init__(self, **arguments):
        log("made")
        super().__init__(**arguments)

    def forward(self, image):
        PASSES[0] += 1
        log("pass")
        number, victim = map(int, os.environ.get("CREW_KILL", "0 0").split())
        if PASSES[0] == number:
            os.kill(victim or os.getpid(), signal.SIGKILL)
        return super().forward(image)


def dask_setup(worker):
    """What Dask calls when a worker starts."""
    MODELS["bright"] = Crewed

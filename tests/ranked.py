"""One process of several that train together: torchrun tests/ranked.py train ...

The environment may say by DIE="1 14" that process 1 is to be killed in its 14th pass.
"""

from __future__ import annotations

import os
import signal

from coverslip import cli
from coverslip.models import MODELS
from tiny import Tiny

PASSES = [0]


class Mortal(Tiny):
    """Tiny, but one of its processes dies."""

    def forward(self, image):
        PASSES[0] += 1
        if os.environ.get("DIE") == f"{os.environ['RANK']} {PASSES[0]}":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(image)


if __name__ == "__main__":
    MODELS |= {"tiny": Mortal}
    cli.main()

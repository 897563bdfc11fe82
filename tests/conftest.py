"""Small things that many tests need."""

from __future__ import annotations

import os

# one thread is faster than two for images this small, and makes sums repeatable
os.environ.setdefault("OMP_NUM_THREADS", "1")

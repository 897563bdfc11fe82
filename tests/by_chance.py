"""Arrays by chance for property tests: small, of every odd shape, the same in every run."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

# Few and always the same, so that the suite is short and a failure is no matter of luck. To look
# further: EXAMPLES=2000 pytest tests/test_properties_cells.py
some = settings(
    max_examples=int(os.environ.get("EXAMPLES", "25")),
    derandomize="EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

sides = array_shapes(min_dims=2, max_dims=2, max_side=14)
labels = arrays(np.int32, sides, elements=st.integers(0, 4))
masks = arrays(np.bool_, sides)
probs = st.floats(0, 1, width=32)
NUMBERS = (np.uint8, np.uint16, np.int16, np.uint32, np.int64, np.float32, np.float64)


@st.composite
def pairs(draw) -> tuple[np.ndarray, np.ndarray]:
    """Two label images of one shape; the second often begins as the first."""
    truth = draw(labels)
    other = draw(arrays(np.int32, truth.shape, elements=st.integers(0, 4)))
    is_kept = draw(arrays(np.bool_, truth.shape))
    return truth, np.where(is_kept, truth, other)


@st.composite
def blobs(draw) -> np.ndarray:
    """Labels of rectangles, later ones over earlier ones, numbered with gaps: as cells are."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, min_side=4, max_side=24))
    found = np.zeros(shape, np.int32)
    for number in range(draw(st.integers(0, 5))):
        top, left = (draw(st.integers(0, length - 1)) for length in shape)
        height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
        found[top : top + height, left : left + width] = 3 * number + 2
    return found


@st.composite
def images(draw) -> np.ndarray:
    """Grey or colour, of any type, with every value that the type has."""
    dtype = draw(st.sampled_from(NUMBERS))
    colour = draw(st.sampled_from([(), (3,)]))
    return draw(arrays(dtype, (*draw(sides), *colour)))

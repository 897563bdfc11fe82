#!/bin/sh
# One would guess: run lengths that leave out the last background, as many tools write them, are decoded with zeros there, or refused.
# What happens: pycocotools.mask.decode writes no further than the runs go; the rest of the "mask" is whatever the memory held before.
# Version: pycocotools 2.0.11, numpy 2.4.6; mask.area of the same runs is right.
# Source: https://cocodataset.org/#format-data (run lengths cover the whole image), and this program.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${PYTHON:-python3} -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pycocotools==2.0.11 numpy==2.4.6
cat > "$folder/decode.py" <<'PROGRAM'
import numpy as np
from pycocotools import mask

HEIGHT, WIDTH = 20, 30


def decode(counts):
    """What is made of run lengths, after some of our own arrays of 77 were freed."""
    held = [np.full(HEIGHT * WIDTH, 77, np.uint8) for _ in range(50)]
    del held
    packed = mask.frPyObjects({"size": [HEIGHT, WIDTH], "counts": counts}, HEIGHT, WIDTH)
    return mask.decode(packed), int(mask.area(packed))


whole, area = decode([0, 5, HEIGHT * WIDTH - 5])
assert area == 5 and whole.sum() == 5, "run lengths of the whole image are decoded rightly"
tries = [decode([0, 5]) for _ in range(100)]
assert all(area == 5 for _, area in tries)
strange = [np.unique(found).tolist() for found, _ in tries if set(np.unique(found)) - {0, 1}]
print(f"{len(strange)} of 100 masks of 0 and 1 hold other numbers, such as {strange[:1]}")
assert strange, "pycocotools decodes the missing background as zeros now: mend this finding"
PROGRAM
"$folder/venv/bin/python" "$folder/decode.py"

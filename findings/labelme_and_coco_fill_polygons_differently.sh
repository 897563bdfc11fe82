#!/bin/sh
# One would guess: the same polygon is the same mask in labelme and in COCO, for JSON is copied from one into the other.
# Really: labelme fills the pixels under the line too, COCO half of them: a square of side 10 has 121 and 100 pixels.
# Version: labelme 6.3.1 (with PyQt5), pycocotools 2.0.11
# Source: https://pypi.org/project/labelme/6.3.1/ (utils/shape.py, shape_to_mask), and this program.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${PYTHON:-python3} -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet labelme==6.3.1 pycocotools==2.0.11 numpy==2.4.6 pillow==13.0.0
cd "$folder"
cat > square.py <<'PROGRAM'
import numpy as np
from labelme.utils import shape_to_mask
from pycocotools import mask

square = [(2.0, 2.0), (12.0, 2.0), (12.0, 12.0), (2.0, 12.0)]
drawn = shape_to_mask((20, 20), square, shape_type="polygon")
coco = mask.decode(mask.frPyObjects([[value for point in square for value in point]], 20, 20))[..., 0]


def tell(filled):
    columns = np.flatnonzero(filled.any(axis=0))
    return int(filled.sum()), int(columns[0]), int(columns[-1])


print("pixels, first and last column: labelme", tell(drawn), "COCO", tell(coco))
assert tell(drawn) == (121, 2, 12), tell(drawn)
assert tell(coco) == (100, 2, 11), tell(coco)
PROGRAM
QT_QPA_PLATFORM=offscreen "$folder/venv/bin/python" square.py

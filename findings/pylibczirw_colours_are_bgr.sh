#!/bin/sh
# One would guess: an array (rows, columns, 3) written into a CZI is red, green, blue, as everywhere in Python.
# Really: pylibCZIrw takes and gives blue first, by its own round trip unseen; czifile shows its red picture blue.
# Version: pylibCZIrw 6.1.0, czifile 2019.7.2.3
# Source: https://pypi.org/project/pylibCZIrw/6.1.0/ (pixel type Bgr24), and this program.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${PYTHON:-python3} -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pylibCZIrw==6.1.0 czifile==2019.7.2.3 numpy==2.4.6
cd "$folder"
cat > colours.py <<'PROGRAM'
import czifile
import numpy as np
from pylibCZIrw import czi

red = np.zeros((8, 10, 3), np.uint8)
red[..., 0] = 200
with czi.create_czi("red.czi") as file:
    file.write(red)
with czi.open_czi("red.czi") as file:
    kind, own = file.get_channel_pixel_type(0), file.read()[0, 0].tolist()
other = np.squeeze(czifile.imread("red.czi"))[0, 0].tolist()
print(f"pixel type {kind}; written [200, 0, 0]; pylibCZIrw reads {own}, czifile {other}")
assert kind == "Bgr24", kind
assert own == [200, 0, 0], own
assert other == [0, 0, 200], other
PROGRAM
"$folder/venv/bin/python" colours.py

#!/bin/sh
# One would guess: an array (rows, columns, 2) becomes a TIFF of one picture with two channels.
# What happens: it becomes a page for each row, of the size columns × 2; with 3 or 4 channels it is one picture in colour.
# Version: tifffile 2026.3.3, numpy 2.4.6.
# Source: tifffile's TiffWriter.write: the last two dimensions of an array without photometric are a page.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${PYTHON:-python3} -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
cat > arrays.py <<'PROGRAM'
import numpy as np
import tifffile


def pages(channels):
    tifffile.imwrite("a.tif", np.zeros((20, 30, channels), np.uint16))
    with tifffile.TiffFile("a.tif") as tif:
        return len(tif.pages), tif.pages[0].shape


assert pages(2) == (20, (30, 2)), pages(2)
assert pages(3) == (1, (20, 30, 3)), pages(3)
assert pages(5) == (20, (30, 5)), pages(5)
print("two and five channels: 20 pages of 30 x C; three: one page")
PROGRAM
"$folder/venv/bin/python" -W ignore arrays.py

#!/bin/sh
# One would guess: an OME-TIFF set whose TiffData name their files is read from these files, or refused.
# What happens: where the element UUID has a FileName and no text, every plane comes from the file that was opened.
# Version: tifffile 2026.3.3, numpy 2.4.6; Bio-Formats 7.3.1 reads the planes from the files that are named.
# Source: https://docs.openmicroscopy.org/ome-model/latest/ome-tiff/specification.html, and this program.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${PYTHON:-python3} -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
cat > set.py <<'PROGRAM'
import numpy as np
import tifffile

NAMES = ["a.ome.tif", "b.ome.tif"]
blocks = "".join(
    f'<TiffData FirstC="{n}" IFD="0" PlaneCount="1"><UUID FileName="{name}">TEXT</UUID></TiffData>'
    for n, name in enumerate(NAMES)
)
XML = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="4" SizeY="4" '
    'SizeC="2" SizeZ="1" SizeT="1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
    f'<Channel ID="Channel:0:1" SamplesPerPixel="1"/>{blocks}</Pixels></Image></OME>'
)


def read(with_text):
    xml = XML
    for n in (1, 2):
        xml = xml.replace("TEXT", f"urn:uuid:0000000{n}-0000-4000-8000-000000000000" if with_text else "", 1)
    for n, name in enumerate(NAMES):
        page = np.full((4, 4), n + 1, np.uint16)
        tifffile.imwrite(name, page, description=xml.encode(), metadata=None)
    return tifffile.imread("a.ome.tif")[:, 0, 0].tolist()


assert read(with_text=True) == [1, 2], read(with_text=True)
assert read(with_text=False) == [1, 1], "tifffile reads the second file now: mend this finding"
print("without the text of UUID, both channels are those of the first file")
PROGRAM
"$folder/venv/bin/python" set.py

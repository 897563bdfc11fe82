"""OME-TIFF sets as Bio-Formats, Micro-Manager and others write them: an XML of all in each file."""

import uuid

import numpy as np
import tifffile

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE = 'xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'


def value(image, t, z, c):
    """Of every pixel of a plane."""
    return 1 + c + 10 * z + 100 * t + 1000 * image


def plane(image, t, z, c):
    return np.full((20, 24), value(image, t, z, c), np.uint16)


def write_set(folder, layout, *, order="XYZCT", names=("DAPI", "phase"), xml_in=None, uuids=True):
    """Write a set, each plane of one value.

    Args:
        folder: Where to.
        layout: For each file name, the planes (image, t, z, c) in the order of its pages.
        order: OME's DimensionOrder.
        names: Of the channels.
        xml_in: Which files have the XML; None: all.
        uuids: Whether files have an identity.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, planes in layout.items():
        text = ome_xml(layout, name, order=order, names=names, uuids=uuids)
        with tifffile.TiffWriter(folder / name) as writer:
            for number, place in enumerate(planes):
                has_xml = number == 0 and (xml_in is None or name in xml_in)
                description = text.encode() if has_xml else None
                options = {"metadata": None, "photometric": "minisblack"}
                writer.write(plane(*place), description=description, **options)


def ome_xml(layout, own, *, order, names, uuids):
    places = [(file, ifd, *at) for file, all_ in layout.items() for ifd, at in enumerate(all_)]
    images = []
    for image in sorted({place[2] for place in places}):
        mine = [place for place in places if place[2] == image]
        sizes = {axis: 1 + max(p[3 + n] for p in mine) for n, axis in enumerate("TZC")}
        size = " ".join(f'Size{axis}="{n}"' for axis, n in sizes.items())
        channels = "".join(
            f'<Channel ID="Channel:{image}:{c}" SamplesPerPixel="1" Name="{names[c]}"/>'
            for c in range(sizes["C"])
        )
        blocks = "".join(_block(p, uuids=uuids) for p in mine)
        images.append(
            f'<Image ID="Image:{image}" Name="Pos{image}"><Pixels ID="Pixels:{image}" '
            f'DimensionOrder="{order}" Type="uint16" SizeX="24" SizeY="20" {size} '
            f'PhysicalSizeX="0.5" PhysicalSizeY="0.25" TimeIncrement="60">'
            f"{channels}{blocks}</Pixels></Image>"
        )
    own_id = f' UUID="{identity(own)}"' if uuids else ""
    return f"{HEAD}<OME {NAMESPACE}{own_id}>{''.join(images)}</OME>"


def _block(place, *, uuids):
    file, ifd, _, t, z, c = place
    text = identity(file) if uuids else ""
    return (
        f'<TiffData FirstT="{t}" FirstZ="{z}" FirstC="{c}" IFD="{ifd}" PlaneCount="1">'
        f'<UUID FileName="{file}">{text}</UUID></TiffData>'
    )


def identity(name):
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, name)}"

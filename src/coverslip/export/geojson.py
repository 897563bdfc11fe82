"""labels → GeoJSON, as QuPath reads it.

QuPath's own: `objectType`, `name` and `measurements` among a feature's properties, `plane` in its
geometry, a UUID as its id; the rest is RFC 7946, but in pixels. Both count corners.
Source: https://qupath.readthedocs.io/en/stable/docs/advanced/exporting_annotations.html
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from coverslip.contours import find_outlines
from coverslip.errors import SettingsError
from coverslip.io import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.contours import Outline, Ring
    from coverslip.export.source import LabelImage

KINDS = ("detection", "annotation")


def write_geojson(path: Path, source: LabelImage, *, kind: str = "detection") -> None:
    """Write a feature for every cell of every frame, whole or not at all.

    Args:
        path: A ``.geojson``.
        source: The labels; the frames of a film go into one file, each feature with its plane.
        kind: "detection", which QuPath handles by the thousand, or "annotation", which can be
            edited there.

    Raises:
        SettingsError: Another kind.
        FileError: The file cannot be written.

    Example:
        >>> import json, numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.export import LabelImage, write_geojson
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.geojson")
        ...     write_geojson(path, LabelImage(np.array([[0, 5], [0, 5]])))
        ...     cell = json.loads(path.read_text())["features"][0]
        >>> cell["geometry"]["coordinates"], cell["properties"]["name"]
        ([[[1, 0], [2, 0], [2, 2], [1, 2], [1, 0]]], '5')
    """
    if kind not in KINDS:
        raise SettingsError(f"objects of the kind {kind!r}; wanted {' or '.join(KINDS)}.")
    collection = labels_to_geojson(source, kind=kind)
    write_text(path, json.dumps(collection, separators=(",", ":"), ensure_ascii=False))


def labels_to_geojson(source: LabelImage, *, kind: str = "detection") -> dict[str, Any]:
    """The FeatureCollection; equal names and labels have equal ids."""
    features = [
        _feature(outline, source=source, frame=frame, kind=kind)
        for frame, labels in enumerate(source.frames)
        for outline in find_outlines(labels)
    ]
    return {"type": "FeatureCollection", "features": features}


def _feature(outline: Outline, *, source: LabelImage, frame: int, kind: str) -> dict[str, Any]:
    place = source.place(frame)
    polygons = [[_closed(ring) for ring in part] for part in outline.parts]
    geometry: dict[str, Any] = {"type": "MultiPolygon", "coordinates": polygons}
    if len(polygons) == 1:
        geometry = {"type": "Polygon", "coordinates": polygons[0]}
    if place:
        geometry["plane"] = {"c": -1, "z": place.get("Z", 0), "t": place.get("T", 0)}  # -1: all
    identity = f"{source.name} {sorted(place.items())} {outline.label}"
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, identity)),
        "geometry": geometry,
        "properties": {
            "objectType": kind,
            "name": str(outline.label),
            "measurements": {
                "label": outline.label,
                **source.measurements.get((frame, outline.label), {}),
            },
        },
    }


def _closed(ring: Ring) -> list[list[int]]:
    """A ring as GeoJSON has them: x and y, the first corner again at the end."""
    corners: list[list[int]] = ring[:, ::-1].tolist()
    return [*corners, corners[0]]

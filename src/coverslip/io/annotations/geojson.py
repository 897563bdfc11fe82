"""QuPath's GeoJSON → labels: polygons that count corners, drawn on an image of known size.

The file does not say how large its image is. A feature is a cell; where the file has detections or
cells, its annotations are the regions that were drawn around them, and are left out. Points and
lines are no cells.
Source: https://qupath.readthedocs.io/en/stable/docs/advanced/exporting_annotations.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.io.annotations.rasterise import Canvas, Cell, draw_cells, no_areas

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def is_geojson(content: Any) -> bool:
    """Whether a JSON file is GeoJSON: a collection, a list of features, or one of them."""
    features = content if isinstance(content, list) else [content]
    return bool(features) and all(
        isinstance(one, dict) and one.get("type") in ("FeatureCollection", "Feature")
        for one in features
    )


def draw(path: Path, content: Any, canvas: Canvas) -> NDArray[np.int32]:
    """Draw the cells.

    Args:
        path: The file, for messages.
        content: Of the file.
        canvas: The image that was annotated.

    Returns:
        Labels of the canvas's shape: by the measurement ``label`` if every cell has one, as in our
        own exports, else from 1 in the order of the file.
    """
    features = [
        one
        for entry in (content if isinstance(content, list) else [content])
        for one in (entry["features"] if entry["type"] == "FeatureCollection" else [entry])
    ]
    kinds = [_kind(feature) for feature in features]
    if any(kind in ("detection", "cell") for kind in kinds):
        features = [
            feature
            for feature, kind in zip(features, kinds, strict=True)
            if kind in ("detection", "cell")
        ]
    cells = [_to_cell(feature, canvas) for feature in features]
    areas = [cell for cell in cells if cell.parts]
    if cells and not areas:
        raise no_areas(path, len(cells))
    return draw_cells(path, areas, canvas)


def _kind(feature: dict[str, Any]) -> str:
    """What QuPath calls it, in the words of its versions."""
    properties = feature.get("properties") or {}
    word = str(properties.get("objectType") or properties.get("object_type") or feature.get("id"))
    old = {"PathDetectionObject": "detection", "PathCellObject": "cell"}
    return old.get(word, word)


def _to_cell(feature: dict[str, Any], canvas: Canvas) -> Cell:
    geometry = feature.get("geometry") or {}
    parts = [
        [np.array(ring, np.float64)[:, 1::-1] for ring in polygon if len(ring)]
        for polygon in _polygons(geometry)
    ]
    plane = geometry.get("plane") or {}
    frame = canvas.frame(time=int(plane.get("t", 0)), depth=int(plane.get("z", 0)))
    return Cell(parts=parts, number=_number(feature), frame=frame)


def _polygons(geometry: dict[str, Any]) -> list[Any]:
    """The polygons of a geometry, or of those that it collects; points and lines have none."""
    kind = geometry.get("type")
    if kind == "Polygon":
        return [geometry["coordinates"]]
    if kind == "MultiPolygon":
        return list(geometry["coordinates"])
    if kind == "GeometryCollection":
        inner = [one for one in geometry["geometries"] if one.get("type") != kind]
        return [polygon for one in inner for polygon in _polygons(one)]
    return []


def _number(feature: dict[str, Any]) -> int | None:
    measurements = (feature.get("properties") or {}).get("measurements")
    if isinstance(measurements, list):  # as QuPath wrote them before 0.4
        measurements = {one.get("name"): one.get("value") for one in measurements}
    value = measurements.get("label") if isinstance(measurements, dict) else None
    is_whole = isinstance(value, (int, float)) and float(value).is_integer()
    return int(value) if is_whole else None  # type: ignore[arg-type]

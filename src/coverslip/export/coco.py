"""labels of many images → COCO's JSON of instances.

Segmentations are run lengths, since COCO's polygons cannot have holes: counts of pixels down the
columns, background first, uncompressed.
Source: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.io import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.export.source import LabelImage

CATEGORY = {"id": 1, "name": "cell", "supercategory": "cell"}


def write_coco(path: Path, sources: Iterable[LabelImage]) -> None:
    """Write the cells of many images into one file, whole or not at all.

    Every frame of a film is an image of its own, with its number under ``frame``.

    Raises:
        FileError: The file cannot be written.

    Example:
        >>> import json, numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.export import LabelImage, write_coco
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "coco.json")
        ...     write_coco(path, [LabelImage(np.array([[0, 5], [0, 5]]), name="a")])
        ...     content = json.loads(path.read_text())
        >>> content["annotations"][0]["bbox"], content["images"][0]["file_name"]
        ([1, 0, 1, 2], 'a')
    """
    write_coco_frames(path, [frame for source in sources for frame in coco_frames(source)])


def write_coco_frames(path: Path, frames: Sequence[dict[str, Any]]) -> None:
    """Write what `coco_frames` gave, of however many label images, whole or not at all.

    Example:
        >>> import numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from coverslip.export import LabelImage, coco_frames, write_coco_frames
        >>> frames = [one for n in (1, 2) for one in coco_frames(LabelImage(np.full((2, 2), n)))]
        >>> with TemporaryDirectory() as folder:
        ...     write_coco_frames(Path(folder, "coco.json"), frames)
        >>> len(frames)
        2
    """
    write_text(path, json.dumps(join_frames(frames), separators=(",", ":"), ensure_ascii=False))


def join_frames(frames: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Give images and annotations their ids, from 1 on; the whole of a COCO file."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, frame in enumerate(frames, start=1):
        images.append({"id": image_id, **frame["image"]})
        for annotation in frame["annotations"]:
            ids = {"id": len(annotations) + 1, "image_id": image_id}
            annotations.append({**ids, **annotation})
    return {"images": images, "annotations": annotations, "categories": [CATEGORY]}


def coco_frames(source: LabelImage) -> list[dict[str, Any]]:
    """An image and its annotations for every frame, without their ids, which are the file's.

    Example:
        >>> import numpy as np
        >>> from coverslip.export import LabelImage, coco_frames
        >>> frame = coco_frames(LabelImage(np.array([[0, 7], [7, 7]]), name="a"))[0]
        >>> frame["image"], frame["annotations"][0]["bbox"]
        ({'file_name': 'a', 'width': 2, 'height': 2}, [0, 0, 2, 2])
    """
    height, width = source.size
    frames = []
    for number, labels in enumerate(source.frames):
        known = {label: found for (at, label), found in source.measurements.items() if at == number}
        image: dict[str, Any] = {
            "file_name": source.image_name or source.name,
            "width": width,
            "height": height,
        }
        if source.place(number):
            image["frame"] = number
        frames.append({"image": image, "annotations": _annotations(labels, known)})
    return frames


def _annotations(
    labels: NDArray[np.integer[Any]], known: Mapping[int, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """One for each number, ascending; COCO's name for the confidence is score."""
    columns = np.ascontiguousarray(labels.T).ravel()
    places = np.flatnonzero(columns)  # down the columns, as COCO counts
    numbers = columns[places]
    order = np.argsort(numbers, kind="stable")
    ids, starts = np.unique(numbers[order], return_index=True)
    cells = np.split(places[order], starts[1:])
    return [
        {
            "category_id": CATEGORY["id"],
            "label": number,
            "segmentation": {"size": list(labels.shape), "counts": _runs(cell, labels.size)},
            "bbox": _box(cell, height=labels.shape[0]),
            "area": len(cell),
            "iscrowd": 0,
            **_measured(known.get(number, {})),
        }
        for number, cell in zip(ids.tolist(), cells, strict=False)
    ]


def _measured(known: Mapping[str, float]) -> dict[str, Any]:
    score = {"score": known["confidence"]} if "confidence" in known else {}
    return score | ({"measurements": dict(known)} if known else {})


def _runs(places: NDArray[np.intp], size: int) -> list[int]:
    """Lengths of background, cell, background, … from the ascending places of a cell's pixels."""
    is_first = np.append(True, np.diff(places) > 1)
    is_last = np.append(is_first[1:], True)
    edges = np.stack([places[is_first], places[is_last] + 1], axis=1).ravel()
    counts: list[int] = np.diff(edges, prepend=0, append=size).tolist()
    return counts if counts[-1] else counts[:-1]


def _box(places: NDArray[np.intp], *, height: int) -> list[int]:
    """Left, top, width and height."""
    x, y = np.divmod(places, height)
    left, top = int(x.min()), int(y.min())
    return [left, top, int(x.max()) - left + 1, int(y.max()) - top + 1]

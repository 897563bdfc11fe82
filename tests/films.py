"""Films of squares, drawn by hand: small enough to follow every cell by eye."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from coverslip.io import write_labels
from coverslip.tables import write_table
from coverslip.tracking.assemble import build_tracks
from coverslip.tracking.ctc_writer import renumber

SIZE = (24, 60)


def draw(cells, size=SIZE):
    """Squares of 6 pixels: {number: left column}; a tuple is (row, column) of the corner."""
    labels = np.zeros(size, np.int32)
    for number, place in cells.items():
        y, x = place if isinstance(place, tuple) else (4, place)
        labels[y : y + 6, x : x + 6] = number
    return labels


def table_of(frames, tracks):
    """The rows of a film's cells; `tracks` gives the track of (frame, label)."""
    rows = []
    for frame, labels in enumerate(frames):
        for label in np.unique(labels[labels > 0]).tolist():
            y, x = np.nonzero(labels == label)
            rows.append((frame, label, tracks(frame, label), y.mean(), x.mean(), len(y)))
    names = ["frame", "label", "track_id", "centroid_y_px", "centroid_x_px", "area_px"]
    return pd.DataFrame(rows, columns=names)


def division():
    """Track 1 divides after frame 1 into 2 and 3; 4 is missed in frame 1; 5 lives in frame 0."""
    frames = [
        draw({1: 10, 4: 40, 5: 52}),
        draw({1: 10}),
        draw({2: 6, 3: 14, 4: 40}),
        draw({2: 4, 3: 16, 4: 41}),
    ]
    return frames, build_tracks(table_of(frames, lambda _, label: label), {2: 1, 3: 1}, n_frames=4)


def linked(frames, parents):
    """A film whose labels are its tracks, with the mothers given."""
    cells = table_of(frames, lambda _, label: label)
    return frames, build_tracks(cells, parents, n_frames=len(frames))


def renamed():
    """The same film with labels numbered anew in every frame, as a segmentation leaves them."""
    frames, tracks = division()
    new = [{1: 3, 4: 1, 5: 2}, {1: 1}, {2: 2, 3: 1, 4: 7}, {2: 1, 3: 2, 4: 3}]
    back = [{b: a for a, b in names.items()} for names in new]
    drawn = [
        sum((labels == a) * b for a, b in names.items())
        for labels, names in zip(frames, new, strict=True)
    ]
    cells = table_of(drawn, lambda frame, label: back[frame][label])
    return drawn, build_tracks(cells, {2: 1, 3: 1}, n_frames=4), tracks


def same_tracks(one, other):
    """Whether two are the same tracks: who is who, and whose daughter."""
    columns = ["frame", "label", "track_id", "parent_track_id", "lineage_id", "generation"]
    places = ["centroid_y_px", "centroid_x_px"]
    pd.testing.assert_frame_equal(
        one.cells[columns + places], other.cells[columns + places], check_dtype=False, rtol=1e-9
    )
    pd.testing.assert_frame_equal(one.lineage, other.lineage, check_dtype=False)
    assert one.n_frames == other.n_frames


def save(folder, frames, tracks):
    """What track writes."""
    folder.mkdir()
    write_table(folder / "tracks.csv", tracks.cells)
    write_table(folder / "lineage.csv", tracks.lineage)
    numbered = list(renumber(frames, tracks))
    shape = (len(frames), *frames[0].shape)
    write_labels(
        folder / "tracked_labels.tif",
        numbered,
        shape=shape,
        axes="TYX",
        pixel_size_um=(0.5, 0.5),
        frame_interval_s=1800.0,
    )
    record = {"n_frames": len(frames), "pixel_size_um": [0.5, 0.5], "frame_interval_s": 1800.0}
    (folder / "track.json").write_text(json.dumps(record))
    return folder

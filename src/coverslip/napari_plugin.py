"""layers of napari → layers with cells, tracks and measurements; result folders ↔ layers.

The plugin for napari: `napari.yaml` lists what is here. napari makes the widgets from the
annotations of the functions, so nothing here knows of windows or imports napari.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from coverslip.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import napari.layers
    import napari.types
    from numpy.typing import NDArray

    LayerData = tuple[Any, dict[str, Any], str]


def segment_layer(
    image: napari.layers.Image,
    model: Literal["nuclei", "phase", "general"] = "nuclei",
    threshold: float = 0.0,
    cell_size_px: float = 0.0,
) -> napari.types.LayerDataTuple:
    """Find the cells of an image layer, frame by frame.

    Args:
        image: the layer; of a film or stack, each picture is segmented.
        model: its name.
        threshold: a pixel is cell above this probability; 0: the model's own.
        cell_size_px: the cells' usual diameter; 0: as the model finds it.

    Returns:
        A labels layer, whose features are a row for each cell.
    """
    import pandas as pd

    import coverslip

    network = coverslip.load_model(model)
    options: dict[str, Any] = {"threshold": threshold or None, "cell_size": cell_size_px or None}
    lead, frames = split_frames(image.data, n_last=3 if image.rgb else 2)
    found = [coverslip.segment(np.asarray(frame), network, **options) for frame in frames]
    labels = np.stack([one.labels for one in found]).reshape(*lead, *found[0].labels.shape)
    tables = [one.cells.assign(frame=number) for number, one in enumerate(found)]
    about = {"name": f"{image.name} cells", "scale": plane_scale(image, labels.ndim)}
    features = pd.concat(tables, ignore_index=True).rename(columns={"label": "index"})
    return labels, {**about, "features": features, "metadata": {"model": model}}, "labels"


def track_layer(
    labels: napari.layers.Labels, max_gap: int = 2
) -> list[napari.types.LayerDataTuple]:
    """Follow the cells of a labels layer through time.

    Args:
        labels: the layer, (T, Y, X).
        max_gap: in how many frames running a cell may be missed.

    Returns:
        A labels layer in which each cell keeps its number, and a tracks layer with its divisions.

    Raises:
        DataError: a layer that is no film.
    """
    import coverslip
    from coverslip.tracking.napari_layer import to_napari

    if labels.data.ndim != 3:
        raise DataError(
            f"{labels.name}: the layer has {labels.data.ndim} axes; to be tracked it must be a "
            "film, (T, Y, X)."
        )
    tracks = coverslip.track(labels.data, settings=coverslip.TrackSettings(max_gap=max_gap))
    tracked = [coverslip.track_labels(tracks, one, t) for t, one in enumerate(labels.data)]
    rows, graph, features = to_napari(tracks)
    about = {"scale": plane_scale(labels, 3)}
    return [
        (np.stack(tracked), {**about, "name": f"{labels.name} tracked"}, "labels"),
        (
            rows,
            {**about, "name": f"{labels.name} tracks", "graph": graph, "features": features},
            "tracks",
        ),
    ]


def measure_layer(labels: napari.layers.Labels, image: napari.layers.Image | None = None) -> None:
    """Measure each cell of a labels layer, corrected by hand or not; its features are the table.

    Args:
        labels: the layer; it gets the features.
        image: for how bright the cells are; of the same size.

    Raises:
        DataError: layers of different sizes.
    """
    import pandas as pd

    import coverslip

    _, frames = split_frames(labels.data, n_last=2)
    pictures: Sequence[Any] = [None] * len(frames)
    if image is not None:
        _, pictures = split_frames(image.data, n_last=3 if image.rgb else 2)
        if len(pictures) != len(frames) or pictures[0].shape[:2] != frames[0].shape:
            raise DataError(
                f"{labels.name} has {len(frames)} × {frames[0].shape} pixels, {image.name} "
                f"{len(pictures)} × {pictures[0].shape[:2]}. Take the image that it is of."
            )
    tables = [
        coverslip.measure(frame, picture).assign(frame=number)
        for number, (frame, picture) in enumerate(zip(frames, pictures, strict=True))
    ]
    labels.features = pd.concat(tables, ignore_index=True).rename(columns={"label": "index"})


def split_frames(data: Any, *, n_last: int) -> tuple[tuple[int, ...], Sequence[NDArray[Any]]]:
    """The shape of what lies before a picture's axes, and the pictures in order."""
    lead = tuple(data.shape[: data.ndim - n_last])
    pictures = [np.asarray(data[index]) for index in np.ndindex(*lead)]
    return lead, pictures


def plane_scale(layer: Any, ndim: int) -> tuple[float, ...]:
    """The steps of a layer's axes, for another of so many axes: colours have none."""
    scale = tuple(map(float, layer.scale))[-ndim:]
    return (1.0,) * (ndim - len(scale)) + scale


def get_reader(path: str | list[str]) -> Callable[[Any], list[LayerData]] | None:
    """The reader of a folder of results, or of a file of a microscope; None for anything else."""
    from coverslip.errors import CoverslipError
    from coverslip.io import open_image

    if not isinstance(path, str):
        return None
    if (Path(path) / "images.csv").is_file():
        return read_results
    try:
        open_image(path)
    except CoverslipError:
        return None
    return read_image


def read_image(path: str) -> list[LayerData]:
    """A file of a microscope as a layer for each channel, with its pixel size in µm."""
    from coverslip.io import open_image, read_frames, stem

    file = open_image(path)
    layers: list[LayerData] = []
    for channel in range(file.n_channels):
        pictures = list(read_frames(file, channel=channel))
        lead = [file.length(axis) for axis in file.frame_axes]
        pixels = np.stack(pictures).reshape(*lead, *pictures[0].shape)
        scale = (*(1.0 for _ in lead), *(file.pixel_size_um or (1.0, 1.0)))
        name = stem(Path(path)) + (f" {channel}" if file.n_channels > 1 else "")
        about = {"name": name, "scale": scale, "rgb": pictures[0].ndim == 3}
        layers.append((pixels, about, "image"))
    return layers


def read_results(path: str) -> list[LayerData]:
    """What `coverslip segment` wrote into a folder: each image that is there, and its cells."""
    import pandas as pd

    from coverslip.io import read_labels, stem

    folder = Path(path)
    rows = pd.read_csv(folder / "images.csv")
    layers: list[LayerData] = []
    for file, of_it in rows.groupby("file", sort=False):
        image = Path(str(file))
        if image.is_file():
            layers += read_image(str(image))
        names = of_it["labels"].drop_duplicates()
        labels = np.stack([read_labels(folder / str(name)) for name in names])
        scale = layers[-1][1]["scale"] if image.is_file() else None
        about = {"name": f"{stem(image)} cells", "metadata": {"path": str(folder / names.iloc[0])}}
        if scale is not None:
            about["scale"] = scale
        layers.append((labels[0] if len(names) == 1 else labels, about, "labels"))
    return layers


def write_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Save a labels layer as coverslip reads it back: the truth of its next start, or of training.

    Args:
        path: the file, best the one that `read_results` opened, NAME_labels.tif.
        data: (…, Y, X) integers.
        attributes: of the layer; its scale is the pixel's size in µm.
    """
    from coverslip.io import write_labels

    data = np.asarray(data)
    _, frames = split_frames(data, n_last=2)
    scale = [float(one) for one in attributes.get("scale", ())][-2:]
    size = (scale[0], scale[1]) if len(scale) == 2 and scale != [1.0, 1.0] else None
    axes = {2: "YX", 3: "TYX", 4: "TZYX"}[data.ndim]
    write_labels(Path(path), frames, shape=data.shape, axes=axes, pixel_size_um=size)
    return [path]

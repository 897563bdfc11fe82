"""coverslip view: an image, its labels and their tracks → a window of napari."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coverslip.cli.messages import note
from coverslip.cli.options import Axes, Channel, Project
from coverslip.errors import DataError

if TYPE_CHECKING:
    from coverslip.export import LabelImage
    from coverslip.io import Reading
    from coverslip.tracking.lineage import Tracks


def view(
    image: Annotated[Path, typer.Argument(help="Image file.")],
    labels: Annotated[Path, typer.Argument(help="Its label file, of any tool.")],
    channel: Channel = None,
    axes: Axes = None,
    project: Project = "none",
) -> None:
    """Look at an image and its cells in napari."""
    from coverslip.io import Reading

    run_view(image, labels, reading=Reading(channel, axes, project))


def run_view(image: Path, labels: Path, *, reading: Reading) -> None:
    """Open napari with the image, the cells and their tracks; return when it is closed.

    Raises:
        SettingsError: napari is not installed.
        FileError: A file cannot be read, or has no such channel.
        DataError: Image and labels are of different sizes.
    """
    from coverslip._optional import need
    from coverslip.cli.label_files import load_label_image
    from coverslip.io import stem

    napari = need("napari", extra="napari", what="coverslip view")
    source = load_label_image(labels, image, name=stem(image), reading=reading, tell=note)
    show(napari, source, tracks=find_tracks(labels))
    napari.run()


def find_tracks(labels: Path) -> Tracks | None:
    """The tracks of a label file that `track` wrote, from the tables beside it.

    Raises:
        FileError: A table cannot be read.
    """
    from coverslip.tracking.tables import has_tracks, read_tracks

    return read_tracks(labels.parent) if has_tracks(labels.parent) else None


def show(napari: Any, source: LabelImage, *, tracks: Tracks | None = None) -> Any:
    """Make the window; it is seen when `napari.run` is called.

    Args:
        napari: The module.
        source: The labels, with their images.
        tracks: Of the labels, where they are known.

    Returns:
        The viewer, with the layers NAME and "cells", and "tracks" where they are given, in
        micrometres where these are known.
    """
    import numpy as np

    if source.images is None:
        raise DataError(f"{source.name}: no image to show the cells on.")
    lead = source.labels.shape[:-2]
    # Depths and times keep their steps: how far apart they are, a 2-D outline does not tell.
    scale = (*(1.0 for _ in lead), *(source.pixel_size_um or (1.0, 1.0)))
    images = [image for at in range(source.n_frames) if (image := source.image(at)) is not None]
    pixels = np.stack(images).reshape(*lead, *images[0].shape)
    viewer = napari.Viewer(title=f"{source.name} - coverslip")
    viewer.add_image(pixels, name=source.name, scale=scale, rgb=images[0].ndim == 3)
    viewer.add_labels(source.labels, name="cells", scale=scale, opacity=0.4)
    if tracks is not None and lead == (tracks.n_frames,):
        from coverslip.tracking.napari_layer import to_napari

        rows, graph, measured = to_napari(tracks)
        viewer.add_tracks(rows, graph=graph, features=measured, name="tracks", scale=scale)
    return viewer

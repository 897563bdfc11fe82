"""how a film was tracked → a paragraph for the Methods of a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.provenance import __version__
from coverslip.report import Methods

if TYPE_CHECKING:
    from coverslip.tracking.lineage import Tracks
    from coverslip.tracking.settings import TrackSettings


def describe_tracking(
    tracks: Tracks, settings: TrackSettings, *, command: str = "", config: str = ""
) -> Methods:
    """Say how cells were followed, in words that a paper can take.

    Args:
        tracks: What was found.
        settings: By which.
        command: The command line that does it again.
        config: The same as a file of settings.
    """
    reach = settings.max_distance_px
    rules = [
        "the reach of a cell followed from the film's own motion"
        if reach is None
        else f"no cell moved farther than {reach:g} pixels between frames",
        f"cells that were missed in up to {settings.max_gap} frames running were bridged",
        "divisions were found" if settings.divisions else "divisions were ruled out",
    ]
    if settings.merges:
        rules.append("cells could fuse")
    if not settings.keep_labels:
        rules.append("masks that were parted or joined for a few frames only were mended")
    n_divisions = int((tracks.lineage["fate"] == "divides").sum())
    text = (
        f"Cells were tracked with coverslip {__version__}: the drift of the stage was taken out; "
        f"{'; '.join(rules)}. The film of {tracks.n_frames} frames gave {len(tracks.lineage)} "
        f"tracks with {n_divisions} divisions."
    )
    return Methods(text, (), __version__, command=command, config=config)

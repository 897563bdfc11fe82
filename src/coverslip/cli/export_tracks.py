"""the result folder of track → the files of other tracking tools, for `coverslip export`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.errors import DataError, FileError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from coverslip.tracking.lineage import Tracks

FORMATS = ("ctc", "geff", "trackmate", "napari", "newick", "parquet")
PACKAGES = {"geff": ("geff", "tracks"), "parquet": ("pyarrow", "parquet")}


@dataclass(frozen=True, eq=False)
class TrackedFolder:
    """What `track` left in a folder.

    Attributes:
        name: What its exports are called.
        tracks: The tracks.
        labels: The label image, in which a cell keeps its number.
        pixel_size_um: Height and width of a pixel, or None.
        frame_interval_s: Seconds from frame to frame, or None.
    """

    name: str
    tracks: Tracks
    labels: Path
    pixel_size_um: tuple[float, float] | None = None
    frame_interval_s: float | None = None

    def frames(self) -> Iterator[NDArray[Any]]:
        """Read the frames one by one.

        Raises:
            FileError: The file cannot be read.
        """
        from coverslip.io import open_label_file, open_label_frames

        file = open_label_file(self.labels)
        everything = (slice(0, file.frame_shape[0]), slice(0, file.frame_shape[1]))
        with open_label_frames(self.labels, whole=True) as read:
            for frame in range(file.n_frames):
                yield read(frame, everything)


def open_tracked(source: str) -> TrackedFolder:
    """Open a result folder of track.

    Raises:
        SettingsError: It is none.
        FileError: A file in it is missing or cannot be read.
    """
    from coverslip.io import label_files_in, open_label_file
    from coverslip.tracking.tables import has_tracks, read_record, read_tracks

    folder = Path(source)
    if not folder.is_dir() or not has_tracks(folder):
        raise SettingsError(
            f"{source}: no tracks.csv and lineage.csv in it. --to {', '.join(FORMATS)} take a "
            "result folder of coverslip track."
        )
    labels = label_files_in(folder)
    if len(labels) != 1:
        raise FileError(
            f"{folder}: {len(labels)} label files in it, where the tracked labels were wanted. "
            "Run coverslip track again."
        )
    tracks, record, file = read_tracks(folder), read_record(folder), open_label_file(labels[0])
    if file.n_frames != tracks.n_frames:
        raise DataError(
            f"{labels[0]}: {file.n_frames} frames, and {tracks.n_frames} of the tracks. Run "
            "coverslip track again."
        )
    size = record.get("pixel_size_um") or file.pixel_size_um
    return TrackedFolder(
        name=folder.resolve().name,
        tracks=tracks,
        labels=labels[0],
        pixel_size_um=(float(size[0]), float(size[1])) if size else None,
        frame_interval_s=record.get("frame_interval_s") or file.frame_interval_s,
    )


def write_tracked(film: TrackedFolder, out: Path, *, formats: Sequence[str]) -> None:
    """Write a film's tracks in some of `FORMATS`.

    Raises:
        DataError: What a format cannot hold, or labels that are not those of the tracks.
        FileError: A file cannot be written.
    """
    writers: dict[str, Callable[[TrackedFolder, Path], None]] = {
        "ctc": _write_ctc,
        "geff": _write_geff,
        "trackmate": _write_trackmate,
        "napari": _write_napari,
        "newick": _write_newick,
        "parquet": _write_parquet,
    }
    for name in formats:
        writers[name](film, out)


def _write_ctc(film: TrackedFolder, out: Path) -> None:
    from coverslip.tracking.ctc_writer import write_ctc

    write_ctc(out / f"{film.name}_RES", film.frames(), tracks=film.tracks, by="track_id")


def _write_geff(film: TrackedFolder, out: Path) -> None:
    from coverslip.tracking.geff import write_geff

    write_geff(
        out / f"{film.name}.geff",
        film.tracks,
        pixel_size_um=film.pixel_size_um,
        frame_interval_s=film.frame_interval_s,
    )


def _write_trackmate(film: TrackedFolder, out: Path) -> None:
    from coverslip.tracking.ctc_writer import renumber
    from coverslip.tracking.trackmate_writer import write_trackmate

    write_trackmate(
        out / f"{film.name}_trackmate.xml",
        film.tracks,
        frames=renumber(film.frames(), film.tracks, by="track_id"),
        pixel_size_um=film.pixel_size_um,
        frame_interval_s=film.frame_interval_s,
    )


def _write_napari(film: TrackedFolder, out: Path) -> None:
    from coverslip.tracking.napari_layer import write_napari

    write_napari(out / f"{film.name}_napari.csv", film.tracks)


def _write_newick(film: TrackedFolder, out: Path) -> None:
    from coverslip.tracking.newick import write_newick

    hours = film.frame_interval_s / 3600 if film.frame_interval_s else None
    write_newick(out / f"{film.name}.nwk", film.tracks, hours_per_frame=hours)


def _write_parquet(film: TrackedFolder, out: Path) -> None:
    from coverslip.tables import write_table

    write_table(out / f"{film.name}_tracks.parquet", film.tracks.cells)
    write_table(out / f"{film.name}_lineage.parquet", film.tracks.lineage)

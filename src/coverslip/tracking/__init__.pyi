from .cells import Cells, find_cells
from .ctc import read_ctc, write_ctc
from .files import TrackedFilm, track_film
from .films import Film, open_films, open_frames
from .follow import track, track_cells, track_labels
from .geff import read_geff, write_geff
from .lineage import Tracks
from .scores import score_film, score_links
from .settings import TrackSettings
from .show import ShowSettings
from .table import TRACK_COLUMNS, TrackColumn
from .tables import read_tracks
from .trackmate import read_trackmate, write_trackmate

__all__ = [
    "TRACK_COLUMNS",
    "Cells",
    "Film",
    "ShowSettings",
    "TrackColumn",
    "TrackSettings",
    "TrackedFilm",
    "Tracks",
    "find_cells",
    "open_films",
    "open_frames",
    "read_ctc",
    "read_geff",
    "read_trackmate",
    "read_tracks",
    "score_film",
    "score_links",
    "track",
    "track_cells",
    "track_film",
    "track_labels",
    "write_ctc",
    "write_geff",
    "write_trackmate",
]

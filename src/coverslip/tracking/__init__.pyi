from .cells import Cells, find_cells
from .correct import correct_tracks
from .ctc import read_ctc
from .ctc_writer import write_ctc
from .events import find_events
from .files import TrackedFilm, track_film
from .films import Film, open_films, open_frames
from .follow import track, track_cells, track_labels
from .geff import read_geff, write_geff
from .lineage import Tracks
from .link_scores import score_links
from .scores import score_film
from .settings import TrackSettings
from .show import ShowSettings
from .table import TRACK_COLUMNS, TrackColumn
from .tables import read_tracks
from .trackmate import read_trackmate
from .trackmate_writer import write_trackmate

__all__ = [
    "TRACK_COLUMNS",
    "Cells",
    "Film",
    "ShowSettings",
    "TrackColumn",
    "TrackSettings",
    "TrackedFilm",
    "Tracks",
    "correct_tracks",
    "find_cells",
    "find_events",
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

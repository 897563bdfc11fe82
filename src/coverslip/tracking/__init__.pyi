from .cells import Cells, find_cells
from .files import TrackedFilm, track_film
from .films import Film, open_films
from .follow import track, track_cells, track_labels
from .lineage import Tracks
from .settings import TrackSettings
from .show import ShowSettings
from .table import TRACK_COLUMNS, TrackColumn

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
    "track",
    "track_cells",
    "track_film",
    "track_labels",
]

from .cards import MOST_CARDS
from .cells import Cells
from .images import IMAGE_COLUMNS, frames_to_show, pick_frames
from .methods import Methods, methods_to_text
from .page import Run, html_report
from .pictures import Drawing, PictureChannels, TileSet, encode_picture
from .plates import PlateSection, plate_page
from .tracks import FilmToShow, TracksToShow, track_report

__all__ = [
    "IMAGE_COLUMNS",
    "MOST_CARDS",
    "Cells",
    "Drawing",
    "FilmToShow",
    "Methods",
    "PictureChannels",
    "PlateSection",
    "Run",
    "TileSet",
    "TracksToShow",
    "encode_picture",
    "frames_to_show",
    "html_report",
    "methods_to_text",
    "pick_frames",
    "plate_page",
    "track_report",
]

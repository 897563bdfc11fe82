"""a run's results → one HTML page."""

from coverslip.report.cards import MOST_CARDS
from coverslip.report.cells import Cells
from coverslip.report.images import IMAGE_COLUMNS, pick_frames
from coverslip.report.page import Run, html_report
from coverslip.report.pictures import Drawing, encode_picture

__all__ = [
    "IMAGE_COLUMNS",
    "MOST_CARDS",
    "Cells",
    "Drawing",
    "Run",
    "encode_picture",
    "html_report",
    "pick_frames",
]

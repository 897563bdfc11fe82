from .columns import COLUMNS, Column, column_of, in_order
from .intensity import COLOURS
from .settings import MeasureSettings
from .table import confluence, measure

__all__ = [
    "COLOURS",
    "COLUMNS",
    "Column",
    "MeasureSettings",
    "column_of",
    "confluence",
    "in_order",
    "measure",
]

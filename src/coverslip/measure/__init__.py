"""labels (+ image, probabilities) → table, one row per cell.

A cell is made of its pixels' squares, not of their centres: so a rectangle's axes and hull are
exact, a single pixel has a size, and nothing divides by zero.
"""

from coverslip.measure.columns import COLUMNS, Column, column_of, in_order
from coverslip.measure.cover import confluence
from coverslip.measure.intensity import COLOURS
from coverslip.measure.settings import MeasureSettings
from coverslip.measure.table import measure

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

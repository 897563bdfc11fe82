"""data sets and finished runs → the paper's figures, and captions that say what was chosen how."""

from coverslip.experiments.figures.drawn import Drawn, save_figure
from coverslip.experiments.figures.make import make_figures

__all__ = ["Drawn", "make_figures", "save_figure"]

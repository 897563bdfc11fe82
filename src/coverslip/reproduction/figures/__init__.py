"""data sets and finished runs → the paper's figures, and captions that say what was chosen how."""

from coverslip.reproduction.figures.make import make_figures
from coverslip.reproduction.figures.output import PaperFigure, save_figure

__all__ = ["PaperFigure", "make_figures", "save_figure"]

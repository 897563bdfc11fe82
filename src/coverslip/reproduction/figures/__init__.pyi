from .make import make_figures
from .output import PaperFigure, save_figure

__all__ = ["PaperFigure", "make_figures", "save_figure"]

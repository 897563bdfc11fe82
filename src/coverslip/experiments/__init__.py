"""the paper's questions → runs, scores, tables and figures."""

from coverslip.experiments.score import score_model

__all__ = ["score_model"]

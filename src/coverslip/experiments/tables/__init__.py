"""finished runs → the paper's tables, ours beside the paper's, and those of ablations and costs."""

from coverslip.experiments.tables.ablation import ablation_table
from coverslip.experiments.tables.comparison import paper_table
from coverslip.experiments.tables.cost import cost_table
from coverslip.experiments.tables.layout import PaperTable
from coverslip.experiments.tables.write import to_markdown, write_table

__all__ = [
    "PaperTable",
    "ablation_table",
    "cost_table",
    "paper_table",
    "to_markdown",
    "write_table",
]

"""finished runs → the paper's tables, ours beside the paper's, and those of ablations and costs."""

from coverslip.experiments.tables.ablation import ablation_table
from coverslip.experiments.tables.claims import claims_table
from coverslip.experiments.tables.comparison import paper_table
from coverslip.experiments.tables.cost import cost_table
from coverslip.experiments.tables.layout import PaperTable
from coverslip.experiments.tables.modality import modality_table
from coverslip.experiments.tables.origin import origin_table
from coverslip.experiments.tables.write import to_markdown, write_table

__all__ = [
    "PaperTable",
    "ablation_table",
    "claims_table",
    "cost_table",
    "modality_table",
    "origin_table",
    "paper_table",
    "to_markdown",
    "write_table",
]

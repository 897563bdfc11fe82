"""finished runs → the paper's tables, ours beside the paper's, and those of ablations and costs."""

from coverslip.reproduction.tables.ablation import ablation_table
from coverslip.reproduction.tables.claims import claims_table
from coverslip.reproduction.tables.comparison import paper_table
from coverslip.reproduction.tables.cost import cost_table
from coverslip.reproduction.tables.layout import PaperTable
from coverslip.reproduction.tables.modality import modality_table
from coverslip.reproduction.tables.origin import origin_table
from coverslip.reproduction.tables.write import to_markdown, write_table

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

from .ablation import ablation_table
from .claims import claims_table
from .comparison import paper_table
from .cost import cost_table
from .layout import PaperTable
from .modality import modality_table
from .origin import origin_table
from .write import to_markdown, write_table

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

"""label files × image files → one table of cells; a table → CSV or Parquet.

Needs no network: it measures the labels of any tool, or of a person.
"""

from coverslip.tables.channels import channel_names, read_channels
from coverslip.tables.join import WHERE, cell_columns, join_cells, join_rows
from coverslip.tables.match import LabelFile, LabelFiles, match_labels
from coverslip.tables.measured import measure_files
from coverslip.tables.write import FORMATS, check_format, write_table, write_table_parts

__all__ = [
    "FORMATS",
    "WHERE",
    "LabelFile",
    "LabelFiles",
    "cell_columns",
    "channel_names",
    "check_format",
    "join_cells",
    "join_rows",
    "match_labels",
    "measure_files",
    "read_channels",
    "write_table",
    "write_table_parts",
]

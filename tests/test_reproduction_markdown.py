import numpy as np
import pandas as pd

from coverslip.reproduction.tables.write import table_to_markdown


def test_a_table_by_eye():
    table = pd.DataFrame(
        {"name": ["a", "b|c\nd"], "n": [1, 20], "jaccard": [0.5, np.nan], "more": [None, "x"]}
    )
    assert table_to_markdown(table, digits=2) == (
        "| name   |   n | jaccard | more |\n"
        "| ------ | --: | ------: | ---- |\n"
        "| a      |   1 |    0.50 | –    |\n"
        "| b\\|c d |  20 |       – | x    |\n"
    )


def test_single_precision_is_rounded_too():
    table = pd.DataFrame({"x": np.array([0.1], dtype=np.float32)})
    assert table_to_markdown(table).splitlines()[2] == "| 0.100 |"


def test_a_table_without_rows_keeps_its_head():
    assert table_to_markdown(pd.DataFrame({"a": []})).splitlines() == ["|   a |", "| --: |"]

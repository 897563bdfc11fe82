import numpy as np
import pandas as pd

from coverslip.report import summary_in_percent, table_to_markdown


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


def test_scores_as_papers_print_them():
    summary = pd.DataFrame(
        {
            "metric": ["jaccard", "dice"],
            "mean": [0.8504, 0.9],
            "sd": [0.0449, np.nan],
            "median": [0.86, 0.9],
            "pooled": [0.87, 0.9],
            "n": [161, 1],
        }
    )
    assert summary_in_percent(summary).to_dict("records") == [
        {
            "metric": "jaccard",
            "mean ± sd": "85.0 ± 4.5",
            "median": "86.0",
            "pooled": "87.0",
            "images": 161,
        },
        {"metric": "dice", "mean ± sd": "90.0", "median": "90.0", "pooled": "90.0", "images": 1},
    ]

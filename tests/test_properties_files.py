"""What is written is read back: labels in every format, tables in both."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import test_export_formats as formats
from by_chance import labels, some
from coverslip.measurements import measure
from coverslip.tables import write_table

CHECKS = {
    "roi": formats.test_rois_come_back,
    "geojson": formats.test_geojson_comes_back,
    "coco": formats.test_coco_comes_back,
    "tiff": formats.test_tiffs_come_back,
    "svg": formats.test_svgs_come_back,
}
# Names of files may hold anything but a slash and a zero, also bytes that are no UTF-8.
names = st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=20)


@pytest.mark.parametrize("form", CHECKS)
@some
@given(image=labels, top=st.sampled_from([4, 255, 70_000]))
def test_labels_come_back(form, image, top):
    numbered = np.where(image == 4, top, image).astype(np.uint32)
    with tempfile.TemporaryDirectory() as folder:
        CHECKS[form](numbered, Path(folder))


def table_of(image: np.ndarray, name: str) -> pd.DataFrame:
    grey = np.arange(image.size).reshape(image.shape)
    return measure(image, grey, pixel_size_um=(0.3, 0.7)).assign(file=name)


@some
@given(labels, names)
def test_a_csv_comes_back(image, name):
    table = table_of(image, name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cells.csv")
        write_table(path, table)
        back = pd.read_csv(
            path,
            keep_default_na=False,
            na_values={c: [""] for c in table if c != "file"},
            dtype={"file": str},
        )
    assert list(back.columns) == list(table.columns) and len(back) == len(table)
    for column in table.columns.drop("file"):
        np.testing.assert_allclose(
            back[column].astype(float), table[column].astype(float), rtol=1e-7, err_msg=column
        )
    if name.isprintable():
        assert back.file.astype(str).tolist() == [name] * len(table)


@some
@given(labels, names.filter(str.isprintable))
def test_a_parquet_comes_back(image, name):
    pytest.importorskip("pyarrow")
    table = table_of(image, name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cells.parquet")
        write_table(path, table)
        back = pd.read_parquet(path)
    pd.testing.assert_frame_equal(back, table, check_dtype=len(table) > 0)

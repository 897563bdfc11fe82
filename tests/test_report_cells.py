import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from coverslip.figures.colours import PALETTE
from coverslip.report import Drawing, cells, encode_picture
from coverslip.report.cells import cells_in_page, decimals_of, measured_columns, name_and_unit
from coverslip.report.histogram import bar_name, count_bars
from coverslip.report.page import files
from coverslip.report.pictures import draw_cells, fit_picture, rings_to_path
from pages import PICTURE, TWO, cells_of, movie, page_of, squares

SQUARE = np.array([(5, 3), (5, 6), (7, 6), (7, 3)])
HOLE = np.array([(6, 4), (6, 5), (5, 5), (5, 4)])
PICTURES = {("a.png", 0): PICTURE, ("b.png", 0): PICTURE}


# Outlines


def test_a_ring_is_written_from_step_to_step():
    assert rings_to_path([SQUARE]) == "M3 5h3v2h-3z"


def test_a_hole_is_written_from_where_the_ring_began():
    assert rings_to_path([SQUARE, HOLE]) == "M3 5h3v2h-3zm1 1h1v-1h-1z"


def test_a_smaller_drawing_has_fewer_steps():
    stairs = np.array([(0, 0), (0, 1), (1, 1), (1, 2), (4, 2), (4, 0)])
    assert rings_to_path([stairs]) == "M0 0h1v1h1v3h-2z"
    assert rings_to_path([stairs], scale=0.5) == "M0 0h1v2h-1z"


def test_a_cell_never_shrinks_to_nothing():
    assert rings_to_path([SQUARE], scale=0.1) == "M0 0h1v1h-1z"


def test_each_cell_of_a_drawing_begins_with_its_own_point():
    svg = draw_cells(squares(7), name="x", most_chars=1000)
    assert 'viewBox="0 0 70 10"' in svg
    assert svg.count("M") == 7
    assert '<path d="M3 3h4v4h-4zM53 3h4v4h-4z" class="c1" data-cells="1 6">' in svg


def test_a_drawing_that_is_too_long_becomes_coarser_and_then_none():
    corners = np.cumsum(np.tile([(0, 1), (1, 0)], (200, 1)), axis=0)
    drawing = Drawing((300, 300), {1: [np.concatenate([corners, [(200, 0)]])]}, {1: 0})
    whole = draw_cells(drawing, name="x", most_chars=10_000)
    half = draw_cells(drawing, name="x", most_chars=len(whole) // 2)
    assert 'viewBox="0 0 300 300"' in whole
    assert len(half) < len(whole) and 'viewBox="0 0 300 300"' not in half
    assert draw_cells(drawing, name="x", most_chars=20) == ""


def test_the_colours_are_those_of_the_overlays():
    style = files("coverslip.report").joinpath("style.css").read_text(encoding="utf-8")
    pens = re.findall(r"\.c(\d) \{ --pen: #(\w{6}); \}", style)
    assert [(int(i), bytes.fromhex(pen)) for i, pen in pens] == [
        (i, bytes(colour.tolist())) for i, colour in enumerate(PALETTE)
    ]


# Pictures


def test_a_picture_is_reduced_until_it_fits():
    noise = np.random.default_rng(0).integers(0, 255, (400, 500, 3), dtype=np.uint8)
    file = encode_picture(noise)
    assert fit_picture(file, most_bytes=len(file)) == file
    fitted = fit_picture(file, most_bytes=20_000)
    assert 10_000 < len(fitted) <= 20_000


def test_a_page_of_many_noisy_images_stays_below_its_bound(monkeypatch):
    monkeypatch.setattr("coverslip.report.pictures.PICTURE_CHARS", 900_000)
    monkeypatch.setattr("coverslip.report.pictures.OUTLINE_CHARS", 60_000)
    noise = np.random.default_rng(0).integers(0, 255, (300, 300), dtype=np.uint8)
    images = pd.DataFrame({"file": [f"{i}.png" for i in range(40)], "n_cells": 60})
    images["confluence"] = 0.1
    thumbnails = {(file, 0): encode_picture(noise) for file in images["file"]}
    page = page_of(images, thumbnails=thumbnails, cells=cells_of(images))
    assert sum(len(img["src"]) for img in page.all("img")) < 900_000
    assert sum(len(path["d"]) for path in page.all("path") if "data-cells" in path) < 60_000
    assert len(page.all("img")) == 40


# The table


def test_every_cell_is_in_the_page_and_every_outline_is_over_its_image():
    page = page_of(TWO, thumbnails=PICTURES, cells=cells_of(TWO))
    assert page.data["images"] == ["a.png", "b.png"]
    assert page.data["image"] == [0] + [1] * 12
    assert page.data["label"] == [1, *range(1, 13)]
    area = {"key": "area_px", "name": "Area", "unit": "px", "decimals": 0, "main": True}
    assert page.data["columns"] == [area | {"values": [10, *range(10, 130, 10)]}]
    outlined = " ".join(p["data-cells"] for p in page.all("path") if "data-cells" in p)
    assert sorted(map(int, outlined.split())) == sorted([1, *range(1, 13)])
    assert {"href": "cells.csv"} in page.all("a")


def test_frames_of_a_film_are_named():
    film = movie(2)
    page = page_of(film, cells=cells_of(film))
    assert page.data["images"] == ["movie.tif, frame 0", "movie.tif, frame 1"]
    assert page.data["image"] == [0] * 10 + [1] * 11


def test_a_page_without_cells_has_no_table_of_them():
    page = page_of(TWO)
    assert page.data["label"] == []
    assert not [tag for tag, attrs in page.tags if attrs.get("id") in ("cells", "cell-table")]


def test_micrometres_take_the_place_of_pixels_where_every_cell_has_them():
    table = pd.DataFrame(
        {
            "file": "a",
            "frame": 0,
            "label": [1, 2],
            "area_px": 1,
            "centroid_y_px": 1.0,
            "bbox_top_px": 1,
            "major_axis_px": 1.0,
            "solidity": 1.0,
            "mean_intensity": 1.0,
            "touches_border": [True, False],
            "area_um2": 1.0,
            "major_axis_um": [1.0, np.nan],
            "confidence": 0.5,
            "remark": "text",
        }
    )
    assert measured_columns(table) == [
        "area_um2", "mean_intensity", "confidence", "major_axis_px", "solidity", "touches_border",
    ]  # fmt: skip


def test_the_intensity_is_found_by_either_name():
    table = pd.DataFrame({"solidity": [1.0], "intensity_mean": [2.0]})
    assert measured_columns(table)[0] == "intensity_mean"


@pytest.mark.parametrize(
    ("column", "name", "unit"),
    [
        ("area_um2", "Area", "µm²"),
        ("major_axis_px", "Major axis", "px"),
        ("orientation_rad", "Orientation", "rad"),
        ("solidity", "Solidity", ""),
    ],
)
def test_columns_are_named_for_people(column, name, unit):
    assert name_and_unit(column) == (name, unit)


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([1, 2.0], 0), ([0.123, 0.5], 3), ([12.34], 1), ([1234.5], 0), ([0.00012], 6), ([np.nan], 0)],
)
def test_three_figures_are_kept(values, decimals):
    assert decimals_of(np.array(values, dtype=float)) == decimals


def test_yes_and_no_missing_and_infinite_values_are_told_apart():
    images = TWO[:1].assign(n_cells=3)
    columns = {"touches_border": [True, False, True], "solidity": [0.5, np.nan, np.inf]}
    data = page_of(images, cells=cells_of(images, **columns)).data
    named = {column["name"]: column for column in data["columns"]}
    assert named["Touches border"]["values"] == [1, 0, 1] and named["Touches border"]["yes"]
    assert named["Solidity"]["values"] == [0.5, None, None]


def test_of_too_many_cells_the_doubtful_and_those_with_a_picture_stay(monkeypatch):
    monkeypatch.setattr(cells, "MOST_CELLS", 3)
    monkeypatch.setattr(cells, "MOST_DOUBTS", 1)
    table = pd.DataFrame({"file": list("aabbbb"), "frame": 0, "label": [1, 2, 1, 2, 3, 4]})
    table["confidence"] = [0.1, 0.2, 0.9, 0.8, 0.7, 0.3]
    rows = cells_in_page(table, pictured={("b", 0)})
    assert list(zip(rows["file"], rows["label"], strict=True)) == [("b", 1), ("b", 2), ("b", 4)]
    assert cells_in_page(table[:3], pictured=set()).equals(table[:3])


def test_the_page_says_how_many_of_the_cells_it_has(monkeypatch):
    monkeypatch.setattr(cells, "MOST_CELLS", 5)
    page = page_of(TWO, cells=cells_of(TWO))
    assert "13 cells; 5 are in the table below" in page.text
    assert [each["data-most"] for each in page.all("section") if "data-most" in each] == ["24"]


# Histograms


def test_bars_by_eye():
    bars = count_bars(pd.Series([0.0, 1, 1, 24, 24, 24]))
    assert bars.edges == list(range(26))
    assert bars.counts == [1, 2, *[0] * 22, 3]
    assert not bars.is_open


def test_giants_share_the_last_bar():
    bars = count_bars(pd.Series([*range(1, 101), 1_000_000.0]))
    assert sum(bars.counts) == 101
    assert bars.is_open and bars.edges[-1] <= 300
    assert bar_name(bars, len(bars.counts) - 1, unit="px").endswith("and more px")


@pytest.mark.parametrize("values", [[0.0], [7.0, 7.0], [-2.0, 3.0], [1e-9, 2e-9], [65535.0] * 3])
def test_any_values_can_be_drawn(values):
    bars = count_bars(pd.Series(values))
    assert sum(bars.counts) == len(values)
    assert bars.edges == sorted(set(bars.edges))


def test_the_histograms_are_there_without_a_script():
    page = page_of(TWO, cells=cells_of(TWO, mean_intensity=5.0))
    titles = page.text_of("figcaption")
    assert titles == ["Area of the cells", "Mean intensity of the cells"]
    said = [svg["aria-label"] for svg in page.all("svg") if "aria-label" in svg]
    assert said[0].startswith("Area of 13 cells: median 60 px")
    assert "60 – 65 px: 1 cell" in page.text_of("title")


def test_no_number_below_an_axis_is_missing_though_there_is_room():
    area = [*range(60, 340, 5), 335]
    images = pd.DataFrame({"file": ["a.png"], "n_cells": [len(area)], "confluence": [0.5]})
    made = cells_of(images)
    page = page_of(images, cells=replace(made, table=made.table.assign(area_px=area)))
    said = [text for text in page.text_of("text") if text in ("100", "200", "300", "340")]
    assert said == ["100", "200", "300", "340"]


@pytest.mark.parametrize(("csv", "words"), [("cells.csv", "CSV"), ("cells.parquet", "Parquet")])
def test_the_whole_table_is_linked_by_its_form(csv, words):
    page = page_of(TWO, cells=replace(cells_of(TWO), csv=csv))
    assert f"all as {words}" in page.text_of("a")
    assert csv in [link["href"] for link in page.all("a")]

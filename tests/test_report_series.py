import numpy as np
import pandas as pd
import pytest

from coverslip.report import MOST_CARDS, encode_picture, pick_frames
from pages import PICTURE, TWO, movie, page_of


def test_a_series_has_two_curves_and_cards_of_the_frames_with_a_picture():
    thumbnails = {("movie.tif", frame): PICTURE for frame in pick_frames(30, most=4)}
    page = page_of(movie(30), thumbnails=thumbnails)
    assert page.text_of("h3") == ["Frame 0", "Frame 10", "Frame 19", "Frame 29"]
    assert page.text_of("figcaption") == ["Confluence by frame", "Cells by frame"]
    assert len(page.all("polyline")) == 2
    assert len(page.all("circle")) == 60
    (about,) = (text for text in page.text_of("p") if text.startswith("30 frames ·"))
    assert "confluence 10.0 % → 50.0 %" in about
    assert "cells 10 → 39" in about
    assert "4 frames shown" in about


def test_more_frames_than_are_seen_at_once_unfold():
    thumbnails = {("movie.tif", frame): PICTURE for frame in pick_frames(100)}
    page = page_of(movie(100), thumbnails=thumbnails)
    assert len(page.all("img")) == 60 and "60 frames shown" in page.text
    assert page.text_of("h3")[0] == "Frame 0" and page.text_of("h3")[11] == "Frame 99"
    assert page.text_of("summary")[0] == "48 further frames"
    assert len(set(page.text_of("h3"))) == 60


def test_the_films_of_a_page_share_its_pictures():
    films = [movie(80).assign(file=f"{n}.tif") for n in range(10)]
    picture = encode_picture(PICTURE)
    thumbnails = {(f"{n}.tif", frame): picture for n in range(10) for frame in pick_frames(80)}
    page = page_of(pd.concat(films), thumbnails=thumbnails)
    assert len(page.all("img")) == 400


def test_a_cell_of_a_series_is_not_counted_once_a_frame():
    assert "Cells in all" not in page_of(movie(3)).text
    assert "Cells in all" in page_of(TWO).text


@pytest.mark.parametrize(
    ("interval", "unit", "tip"),
    [
        (1, "time (s)", "frame 4, 4 s: 14"),
        (60, "time (min)", "frame 4, 4 min: 14"),
        (5400, "time (h)", "frame 4, 6 h: 14"),
        (86400, "time (days)", "frame 4, 4 days: 14"),
    ],
)
def test_time_is_shown_in_the_unit_that_fits(interval, unit, tip):
    page = page_of(movie(5, time_s=[i * interval for i in range(5)]))
    assert page.text_of("figcaption") == ["Confluence over time", "Cells over time"]
    assert unit in page.text_of("text")
    assert tip in page.text_of("title")


def test_times_that_are_not_known_of_every_frame_are_not_used():
    page = page_of(movie(3, time_s=[0, np.nan, 2]))
    assert "frame" in page.text_of("text")


def test_single_images_are_dots_that_no_line_joins():
    three = pd.concat([TWO, TWO[:1].assign(file="c.png")])
    page = page_of(three)
    assert not page.all("polyline")
    assert len([line for line in page.all("line") if line["class"] == "stem"]) == 6
    assert "c.png: 1" in page.text_of("title")
    assert not page_of(TWO).all("svg")[1:]  # the logo alone: two dots are no picture


def many(n: int) -> pd.DataFrame:
    files = [f"{i}.png" for i in range(n)]
    return pd.DataFrame({"file": files, "n_cells": 1, "confluence": 0.5})


@pytest.mark.parametrize("with_pictures", [True, False])
def test_of_very_many_images_the_table_has_all_and_the_page_shows_some(with_pictures):
    n = MOST_CARDS + 100
    images = many(n)
    picture = encode_picture(PICTURE)
    thumbnails = {(file, 0): picture for file in images["file"] if with_pictures}
    page = page_of(images, thumbnails=thumbnails)
    shown = page.text_of("h3")
    assert len(shown) == MOST_CARDS and (shown[0], shown[-1]) == ("0.png", f"{n - 1}.png")
    assert len(page.all("img")) == (MOST_CARDS if with_pictures else 0)
    assert "200 of 300 images shown, all are in the table below" in page.text
    assert len(page.all("tr")) == n + 1


def test_of_very_many_images_those_with_a_picture_are_shown():
    thumbnails = {(f"{i}.png", 0): PICTURE for i in (3, 5)}
    page = page_of(many(MOST_CARDS + 1), thumbnails=thumbnails)
    assert page.text_of("h3") == ["3.png", "5.png"]


def test_as_many_images_as_fit_are_all_shown():
    page = page_of(many(MOST_CARDS))
    assert len(page.text_of("h3")) == MOST_CARDS and "images shown" not in page.text


@pytest.mark.parametrize(
    ("n", "picked"),
    [(0, []), (1, [0]), (3, [0, 1, 2]), (60, list(range(60))), (119, list(range(0, 119, 2)))],
)
def test_frames_are_picked_evenly_with_both_ends(n, picked):
    assert pick_frames(n) == picked


def test_the_numbers_below_a_chart_of_images_are_those_of_the_cards():
    names = ["x.png", "y_long-name.png", "z.png"]
    page = page_of(pd.DataFrame({"file": names, "n_cells": 2, "confluence": 0.1}))
    assert [h3.get("data-place") for h3 in page.all("h3")] == ["1", "2", "3"]
    assert page.text_of("h3") == names
    assert len(page.all("wbr")) == 2  # after _ and -
    assert [h3.get("data-place") for h3 in page_of(TWO).all("h3")] == [None, None]  # no chart

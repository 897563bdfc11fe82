import pandas as pd
import pytest

from coverslip.report.html import Html, element, escape, path_to_url
from coverslip.report.images import common_folder, complete, short_name
from coverslip.report.values import count, duration, percent, plural, significant


def test_complete_numbers_frames_in_the_order_of_the_rows():
    images = pd.DataFrame({"file": ["a", "a", "b"], "n_cells": 1, "confluence": 0.5}, index=[7] * 3)
    table = complete(images, folder="")
    assert table["frame"].tolist() == [0, 1, 0]
    assert table.index.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        ([], ""),
        (["a.png", "b.png"], ""),
        (["in/a.png", "in/b.png"], "in"),
        (["in/a.png", "b.png"], ""),
        (["/x/in/a.png", "/x/in/deep/b.png"], "/x/in"),
        (["/x/a.png", "/y/b.png"], ""),
        (["/x/a.png", "b.png"], ""),
    ],
)
def test_common_folder(paths, folder):
    assert common_folder(paths) == folder


def test_short_names_leave_the_folder_out():
    assert short_name("/x/in/deep/b.png", folder="/x/in") == "deep/b.png"
    assert short_name("b.png", folder="") == "b.png"


def test_elements_escape_text_but_not_markup():
    inner = element("b", "a < b")
    assert inner == "<b>a &lt; b</b>"
    assert element("p", inner, " & ", Html("<i></i>")) == "<p><b>a &lt; b</b> &amp; <i></i></p>"
    assert element("img", alt='"', class_="x", aria_label=None) == '<img alt="&quot;" class="x">'


def test_escape_makes_any_string_fit_for_a_file():
    assert escape("tab\t\nµ\x1b\x7f\x85\udc80'") == "tab\t\nµ\ufffd\ufffd\ufffd?&#x27;"


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("a b/ü.png", "a%20b/%C3%BC.png"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("a\\b.png", "a/b.png"),
        ("\udcff.png", "%FF.png"),
    ],
)
def test_paths_become_links(path, url):
    assert path_to_url(path) == url


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (count(0), "0"),
        (count(4512), "4 512"),
        (count(float("nan")), "–"),
        (percent(0.3416), "34.2 %"),
        (percent(float("nan")), "–"),
        (significant(0.65), "0.65"),
        (significant(12.345), "12.3"),
        (significant(1240.4), "1 240"),
        (duration(0), "0 s"),
        (duration(0.417), "0.42 s"),
        (duration(12.34), "12.3 s"),
        (duration(59.97), "1 min 00 s"),
        (duration(245), "4 min 05 s"),
        (duration(7620), "2 h 07 min"),
        (plural(1, "image"), "1 image"),
        (plural(1000, "image"), "1 000 images"),
    ],
)
def test_numbers_in_words(said, wanted):
    assert said.replace("\u202f", " ") == wanted

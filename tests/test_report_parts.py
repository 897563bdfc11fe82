import pandas as pd
import pytest
from jinja2 import TemplateNotFound, UndefinedError
from markupsafe import Markup

from coverslip.report.html import breakable, clean, environment, path_to_url, px, render
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


def fill(template: str, **data: object) -> str:
    return environment().from_string(template).render(data)


def test_templates_escape_text_but_not_markup():
    said = "a < b & 'c' \""
    assert fill("<p>{{ x }}</p>", x=said) == "<p>a &lt; b &amp; &#39;c&#39; &#34;</p>"
    assert fill("{{ x }}", x=Markup("<i></i>")) == "<i></i>"
    assert fill("{{ x | join(y) }}", x=["<", ">"], y="&") == "&lt;&amp;&gt;"


@pytest.mark.parametrize("name", ["report.html.j2", "curve.html.j2", "outlines.html.j2"])
def test_a_template_that_lacks_its_data_is_an_error(name):
    with pytest.raises(UndefinedError):
        render(name)
    with pytest.raises(TemplateNotFound):
        render(f"no {name}")


def test_nothing_turns_the_escaping_off_in_a_template():
    names = environment().list_templates()
    assert {"base.html.j2", "report.html.j2"} <= set(names)
    for name in names:
        source, *_ = environment().loader.get_source(environment(), name)
        assert "safe" not in source and "autoescape" not in source


def test_a_name_of_markup_breaks_without_becoming_it():
    assert breakable("a_b-<i>/c") == "a_<wbr>b-<wbr>&lt;i&gt;/<wbr>c"
    assert breakable("_") == "_"


def test_clean_makes_any_string_fit_for_a_file():
    assert clean("tab\t\nµ\x1b\x7f\x85\udc80'") == "tab\t\nµ\ufffd\ufffd\ufffd?'"
    paths = [(0, "\udc80", "\x00")]
    assert "\ufffd" in render("outlines.html.j2", name="x", width=1, height=1, paths=paths)


@pytest.mark.parametrize(("length", "said"), [(3, "3"), (3.04, "3"), (2.25, "2.2"), (0.96, "1")])
def test_lengths_of_a_drawing_are_short(length, said):
    assert px(length) == said


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

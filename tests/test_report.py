import base64
import hashlib
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from coverslip.report import Cells, Methods, Run, encode_picture, html_report
from pages import NAMES, PICTURE, RUN, TWO, Page, cells_of, movie, page_of


def test_the_page_says_what_was_run():
    page = page_of(TWO)
    facts = dict(zip(page.text_of("dt"), page.text_of("dd", "time"), strict=True))
    assert facts == {
        "Model": "nuclei",
        "Version": "coverslip 0.1.0",
        "Date": "2026-03-04 05:06",
        "Duration": "1 min 15 s",
        "tta": "paper",
        "threshold": "0.5",
    }
    command, bibtex = page.text_of("code")
    assert command == 'coverslip segment "my images" -o out'
    assert bibtex.startswith("@software{coverslip,") and "@article{caicedo2019," in bibtex
    assert page.text_of("h1") == page.text_of("title") == ["Cells"]


def test_the_page_shows_every_image_and_the_numbers_of_all():
    page = page_of(TWO)
    assert set(page.text_of("h3")) == NAMES
    assert page.text_of("b") == ["1", "25.0 %", "12", "50.0 %"]
    tiles = " ".join(page.text_of("p"))
    assert "Images 2 none failed" in tiles
    assert "Cells in all 13" in tiles
    assert "Confluence 37.5 % mean; from 25.0 % to 50.0 %" in tiles


def test_the_page_needs_nothing_from_outside():
    thumbnails = {("a.png", 0): PICTURE}
    images = TWO.assign(overlay="over lays/ü#1.png", labels="")
    html = html_report("Cells", images, run=RUN, thumbnails=thumbnails)
    page = Page(html)
    assert not page.all("link") + page.all("iframe")
    assert not [attrs for attrs in page.all("script") if "src" in attrs]
    assert all(attrs["src"].startswith("data:image/jpeg;base64,") for attrs in page.all("img"))
    assert "url(" not in re.sub(r"""url\("?#""", "", html)  # filters of the page itself
    assert "@import" not in html
    links = {attrs["href"] for attrs in page.all("a")}
    assert links == {"#view-0", "#image-0", "over%20lays/%C3%BC%231.png"}
    (policy,) = (m["content"] for m in page.all("meta") if "content" in m and "src" in m["content"])
    assert policy.startswith("default-src 'none'")


def test_no_script_can_run_but_the_page_s_own():
    page = page_of(TWO)
    (policy,) = (m["content"] for m in page.all("meta") if "content" in m and "src" in m["content"])
    code = page.text_of("script")[1]
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert policy.endswith(f"; script-src 'sha256-{digest}'")
    assert "innerHTML" not in code and "eval" not in code and "fetch" not in code


def test_the_page_is_light_or_dark_as_the_reader_likes():
    html = html_report("Cells", TWO, run=RUN, thumbnails={})
    assert "@media (prefers-color-scheme: dark)" in html
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')


def test_ids_are_unique_and_links_inside_lead_somewhere():
    images = pd.concat([TWO, movie(3)])
    thumbnails = {("a.png", 0): PICTURE, ("movie.tif", 1): PICTURE, ("movie.tif", 2): PICTURE}
    page = page_of(images, thumbnails=thumbnails)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    inside = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")}
    assert inside <= set(ids)
    assert len(inside) == 6


def test_nothing_that_users_name_becomes_markup():
    evil = "<script>alert('1')</script> & \"x\" \x00 \udcff.png"
    columns = {"file": [evil, "b.png"], "notes": [f"note {evil}", ""], "overlay": [evil, ""]}
    images = TWO.assign(**{name: pd.Series(v, dtype=object) for name, v in columns.items()})
    cells = cells_of(images, **{"</script><b> & size": 1.5})
    run = Run(
        model=evil,
        version=evil,
        started=RUN.started,
        seconds=1,
        settings={evil: evil},
        methods=Methods(evil, (), evil, command=evil, config=evil),
    )
    html = html_report(
        evil,
        images,
        run=run,
        thumbnails={(evil, 0): PICTURE},
        cells=Cells(cells.table, cells.draw, csv=evil),
        failures={f"failed {evil}": evil},
        notes=[evil],
    )
    assert html.encode("utf-8")
    page = Page(html)
    assert [tag for tag, _ in page.tags].count("script") == 2 == html.count("<script")
    assert "\x00" not in html
    seen = "<script>alert('1')</script> & \"x\" � ?.png"
    assert page.text.count(seen) >= 9
    assert page.all("img")[0]["alt"].startswith(seen)
    assert page.data["images"] == [seen, "b.png"]
    assert page.data["columns"][1]["name"] == "</script><b> & size"


def test_names_change_the_words_of_a_page_and_never_its_elements():
    def tags(name: str) -> list[str]:
        files = pd.Series(
            [*[f"{name} film"] * 3, f"{name} a", f"{name} b", f"{name} c"], dtype=object
        )
        images = pd.DataFrame({"file": files, "n_cells": 2, "confluence": 0.5, "frame": 0})
        images["frame"] = [0, 1, 2, 0, 0, 0]
        images["labels"] = images["overlay"] = files
        cells = replace(cells_of(images, **{f"{name} size": 1.5}), csv=name)
        thumbnails = {(f"{name} a", 0): PICTURE, (f"{name} film", 1): PICTURE}
        run = replace(RUN, model=name, settings={name: name})
        run = replace(run, methods=Methods(name, (), name, command=name, config=name))
        html = html_report(name, images, run=run, thumbnails=thumbnails, cells=cells, notes=[name])
        return [tag for tag, _ in Page(html).tags if tag != "wbr"]

    assert tags("\"'><img src=x onerror=alert(1)> {{ 7 * 7 }} <style><!--") == tags("plain")


def test_pictures_are_inside_and_keep_their_size():
    (picture,) = page_of(TWO, thumbnails={("b.png", 0): PICTURE}).all("img")
    image = Image.open(io.BytesIO(base64.b64decode(picture["src"].split(",")[1])))
    assert (
        (image.width, image.height) == (40, 30) == (int(picture["width"]), int(picture["height"]))
    )
    assert picture["alt"] == "b.png: outlines of 12 cells over the image"


def test_bytes_of_a_picture_are_taken_as_they_are():
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, format="PNG")
    (picture,) = page_of(TWO, thumbnails={("b.png", 0): file.getvalue()}).all("img")
    assert picture["src"] == f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def test_large_pictures_are_reduced_and_thin_lines_keep_their_colour():
    large = np.zeros((1000, 2000, 3), dtype=np.uint8)
    assert Image.open(io.BytesIO(encode_picture(large))).size == (640, 320)
    line = np.full((33, 33, 3), 90, dtype=np.uint8)
    line[:, 16] = (255, 0, 0)
    red, green, _ = np.array(Image.open(io.BytesIO(encode_picture(line))))[16, 16].astype(int)
    assert red - green > 200


def test_failed_files_have_a_section_of_their_own():
    failures = {"data/x.png": "data/x.png: ends after 12 bytes. Copy it again.", "data/y.png": "no"}
    page = page_of(TWO, failures=failures)
    assert "2 files failed" in page.text_of("h2")
    assert "ends after 12 bytes. Copy it again." in page.text_of("p")
    assert any("2 failed" in text for text in page.text_of("p"))
    assert not any("failed" in text for text in page_of(TWO).text_of("h2"))


def test_a_page_of_failures_only():
    none = pd.DataFrame(columns=["file", "frame", "n_cells", "confluence"])
    page = page_of(none, failures={"x.png": "broken"})
    assert "1 file failed" in page.text_of("h2")
    assert "–" in page.text_of("p")


def test_notes_are_shown_with_their_image_and_with_the_run():
    page = page_of(TWO.assign(notes=["two lines\nof notes", ""]), notes=["of the run"])
    assert [t for t in page.text_of("li") if t.strip()] == ["of the run", "two lines", "of notes"]


def test_facts_of_an_image_are_shown_where_known():
    images = TWO.assign(
        height_px=[512, 100],
        width_px=[640, 100],
        pixel_size_um=[0.65, np.nan],
        median_area_um2=["", ""],
        median_area_px=[1234.4, ""],
    )
    texts = page_of(images).text_of("p")
    assert "640 × 512 px · 0.65 µm per pixel · median cell 1 234 px" in texts
    assert "100 × 100 px" in texts


def test_the_folder_that_all_files_share_is_named_once():
    images = TWO.assign(file=["/data/day 1/a.png", "/data/day 2/b.png"])
    page = page_of(images, failures={"/data/c.png": "/data/c.png: broken"})
    assert "/data" in page.text_of("dd")
    assert {"day 1/a.png", "day 2/b.png"} == set(page.text_of("h3"))
    assert "c.png" in page.text_of("b")
    assert "broken" in page.text_of("p")


def test_all_rows_are_in_a_table():
    rows = page_of(movie(30)).text_of("td")
    assert rows[:6] == ["0", "10", "10.0%", "1", "11", "11.4%"]
    assert len(rows) == 90


def test_a_table_without_its_columns_is_refused():
    for columns in (["file"], ["n_cells", "confluence"]):
        with pytest.raises(ValueError, match="table of images without"):
            page_of(TWO[columns])


def test_settings_are_said_in_words():
    run = replace(RUN, settings={"drop_border": False, "separate": True, "argument": None, "n": 1})
    page = page_of(TWO, run=run)
    said = dict(zip(page.text_of("dt"), page.text_of("dd", "time"), strict=True))
    assert {name: said[name] for name in ("drop border", "separate", "argument", "n")} == {
        "drop border": "no",
        "separate": "yes",
        "argument": "none",
        "n": "1",
    }

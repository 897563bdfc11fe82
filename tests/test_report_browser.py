"""The page in a real browser: what a biologist does with it, by mouse and by keys."""

import json

import numpy as np
import pandas as pd
import pytest

from browser import PROGRAM, Browser
from coverslip.report import html_report
from pages import RUN, cells_of

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")

EVIL = "<img src=x onerror=alert(1)>.png"
THREE = pd.DataFrame({"file": ["a.png", EVIL, "c.png"], "n_cells": [4, 12, 3], "confluence": 0.25})
PIXELS = np.full((10, 120), 90, dtype=np.uint8)
MARKED = "document.querySelector('#viewer [aria-selected]')?.dataset.row"
TITLE = "document.querySelector('#viewer-title').textContent"
VIEW = "document.querySelector('#viewer .stage').getAttribute('viewBox').split(' ').map(Number)"


def texts(selector: str) -> str:
    return f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)"


def count(selector: str) -> str:
    return f"document.querySelectorAll({json.dumps(selector)}).length"


@pytest.fixture(scope="module")
def open_browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def browser(open_browser, tmp_path):
    """The page of three images and 19 cells, just opened; nothing in it may go wrong."""
    doubt = [0.9] * 17 + [0.2, 0.4]
    cells = cells_of(THREE, mean_intensity=range(19), confidence=doubt)
    thumbnails = {(row.file, 0): PIXELS[:, : 10 * row.n_cells] for row in THREE.itertuples()}
    html = html_report("Cells", THREE, run=RUN, thumbnails=thumbnails, cells=cells)
    page = tmp_path / "report.html"
    page.write_text(html, encoding="utf-8")
    open_browser.errors.clear()
    open_browser.open(page)
    yield open_browser
    assert open_browser.errors == []


def test_a_click_on_a_card_opens_its_image_with_all_cells_outlined(browser):
    browser.click(".picture .open", index=1)
    assert browser.ask("document.querySelector('#viewer').open")
    assert browser.ask(TITLE) == EVIL
    assert browser.ask(count("#viewer-cells path")) == 12
    assert browser.ask(count("#viewer tbody tr")) == 12
    assert browser.ask("document.querySelector('.stage image').href.baseVal.slice(0, 16)") == (
        "data:image/jpeg;"
    )


def test_a_click_on_a_cell_marks_its_row_and_tells_its_measurements(browser):
    browser.click(".picture .open")
    browser.click("#viewer-cells [data-cell='3']")
    assert browser.ask(MARKED) == "2"
    assert browser.ask(texts(".measured h3")) == ["Cell 3"]
    assert browser.ask(texts(".cell-facts dd")) == ["30 px", "2", "0.900"]
    assert browser.ask(count("#cell-table [aria-selected]")) == 1


def test_the_viewer_is_used_by_keys(browser):
    browser.ask("document.querySelector('.picture .open').focus()")
    browser.press("Enter")
    assert browser.ask(TITLE) == "a.png"
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    assert browser.ask(MARKED) == "1"
    browser.press("ArrowUp")
    assert browser.ask(MARKED) == "0"
    browser.press("ArrowRight")
    assert browser.ask(TITLE) == EVIL
    browser.press("ArrowLeft")
    assert browser.ask(TITLE) == "a.png"
    browser.press("f")
    browser.press("o")
    assert browser.ask("document.querySelector('.stage').matches('.bare.filled')")
    browser.press("Escape")
    assert not browser.ask("document.querySelector('#viewer').open")
    assert browser.ask("document.activeElement.className") == "open"


def test_zoom_by_keys_and_wheel_and_move_by_dragging(browser):
    browser.click(".picture .open", index=1)
    x, y, whole, _ = browser.ask(VIEW)
    browser.press("+")
    assert browser.ask(VIEW)[2] == pytest.approx(whole / 1.25)
    browser.press("0")
    assert browser.ask(VIEW) == [x, y, whole, browser.ask(VIEW)[3]]
    browser.mouse("mouseWheel", 400, 480, deltaX=0, deltaY=-1200)
    near = browser.ask(VIEW)
    assert near[2] < whole / 4
    browser.mouse("mouseMoved", 400, 480)
    browser.mouse("mousePressed", 400, 480)
    browser.mouse("mouseMoved", 350, 480, button="left", buttons=1)
    browser.mouse("mouseMoved", 300, 480, button="left", buttons=1)
    browser.mouse("mouseReleased", 300, 480)
    assert browser.ask(VIEW)[0] > near[0]
    assert browser.ask(count(".front .chosen")) == 0  # a drag is no click


def test_the_table_is_sorted_by_its_head_both_ways(browser):
    areas = texts("#cell-table tbody tr td:nth-of-type(2)")
    head = "#cell-table thead th:nth-child(3) button"
    assert browser.ask(areas)[:5] == ["10", "20", "30", "40", "10"]
    browser.click(head)
    assert browser.ask(areas)[:3] == ["120", "110", "100"]
    assert browser.ask(count("#cell-table [aria-sort=descending]")) == 1
    browser.click(head)
    assert browser.ask(areas)[:4] == ["10", "10", "10", "20"]
    assert browser.ask(count("#cell-table [aria-sort=ascending]")) == 1
    browser.click("#cell-table thead th button")
    assert browser.ask(texts("#cell-table tbody td:first-child"))[0] == "a.png"


def test_a_row_opens_the_viewer_at_its_cell(browser):
    browser.ask("document.querySelectorAll('#cell-table tbody button')[16].focus()")
    browser.press("Enter")
    assert browser.ask(TITLE) == "c.png"
    assert browser.ask(MARKED) == "16"


def test_the_most_doubtful_cells_come_first_and_open_the_viewer(browser):
    assert browser.ask(texts(".doubts b"))[:3] == ["0.200", "0.400", "0.900"]
    browser.click(".doubts button")
    assert (browser.ask(TITLE), browser.ask(MARKED)) == ("c.png", "17")


def test_one_image_or_a_range_can_be_looked_at_alone(browser):
    choose = "(e => {{ e.value = {}; e.dispatchEvent(new Event('{}')); }})"
    select = "document.querySelector('#choose-image select')"
    browser.ask(f"{choose.format(1, 'change')}({select})")
    assert browser.ask(count("#cell-table tbody tr")) == 12
    assert browser.ask(count(".histogram .one")) == browser.ask(count(".bars rect:not(.one)"))
    heights = "[...document.querySelectorAll('.histogram')[0].querySelectorAll('.one')]"
    assert browser.ask(f"{heights}.filter(bar => bar.getAttribute('height') > 0).length") == 12
    browser.ask(f"{choose.format(0, 'change')}(document.querySelector('#cell-table select'))")
    browser.ask(f"{choose.format(95, 'input')}(document.querySelector('#cell-table input'))")
    assert browser.ask(texts("#cell-table tbody th")) == ["10", "11", "12"]


def test_a_bar_tells_its_value_at_once(browser):
    browser.click(".histogram .bars rect")
    assert browser.ask("document.querySelector('.tip').textContent").startswith("10 – ")


def test_a_long_table_is_shown_page_by_page(open_browser, tmp_path):
    images = pd.DataFrame({"file": ["a.png"], "n_cells": [20_000], "confluence": [0.5]})
    html = html_report("Cells", images, run=RUN, thumbnails={}, cells=cells_of(images))
    (tmp_path / "long.html").write_text(html, encoding="utf-8")
    open_browser.open(tmp_path / "long.html")
    assert open_browser.ask(count("#cell-table tbody tr")) == 50
    head = "document.querySelector('#cell-table thead th:nth-child(2) button')"
    spent = open_browser.ask(f"(() => {{ const t = performance.now(); {head}.click(); "
                             "return performance.now() - t; })()")  # fmt: skip
    assert spent < 500
    assert open_browser.ask(texts("#cell-table tbody th"))[0] == "20000"
    open_browser.click("#cell-table [title='Next page']")
    assert open_browser.ask(texts("#cell-table .pager span")) == ["51–100 of 20000"]


def test_without_its_script_the_page_shows_its_images(browser):
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    browser.send("Page.reload")
    while browser.receive().get("method") != "Page.loadEventFired":
        pass
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.ask(count("#viewer")) == 0
    assert browser.ask("[...document.querySelectorAll('[hidden]')].map(e => e.id)") == [
        "doubt", "choose-image", "cell-table",
    ]  # fmt: skip
    outlines = "document.querySelector('.picture .outlines')"
    assert browser.ask(f"getComputedStyle({outlines}.querySelector('.c1')).stroke") == (
        "rgb(90, 130, 255)"
    )
    assert browser.ask(f"{outlines}.getBoundingClientRect().width") > 100


def test_a_doubtful_cell_shows_its_name_and_only_what_was_measured_of_its_image(
    open_browser, tmp_path
):
    images = pd.DataFrame({"file": ["grey.png", "colour.png"], "n_cells": 40, "confluence": 0.2})
    colours = {f"red_{n}": [np.nan] * 40 + [1.0] * 40 for n in range(40)}
    many = {f"shape_{n}": 2.0 for n in range(50)}
    cells = cells_of(images, confidence=[0.9] * 37 + [0.1] + [0.9] * 42, **many, **colours)
    pictures = {(file, 0): PIXELS for file in images["file"]}
    page = tmp_path / "report.html"
    html = html_report("Cells", images, run=RUN, thumbnails=pictures, cells=cells)
    page.write_text(html, encoding="utf-8")
    open_browser.open(page)
    open_browser.click(".doubts button")
    assert open_browser.ask("document.querySelector('#viewer aside').scrollTop") == 0
    assert open_browser.ask(texts(".measured h3")) == ["Cell 38"]
    assert open_browser.ask(count(".cell-facts div")) == 52  # area, confidence, 50 shapes
    row, box = (
        open_browser.ask(f"document.querySelector('{name}').getBoundingClientRect().toJSON()")
        for name in ("#viewer [aria-selected]", "#viewer .scroll")
    )
    assert box["top"] < row["top"] < row["bottom"] <= box["bottom"] + 1
    open_browser.press("ArrowRight")
    for _ in range(5):  # on a busy machine a click may fall before the next picture is laid out
        open_browser.click("#viewer tbody tr")
        if open_browser.ask(count(".cell-facts div")) > 52:
            break
    assert open_browser.ask(count(".cell-facts div")) == 92
    assert open_browser.errors == []

"""The page in a real browser: what a biologist does with it, by mouse and by keys."""

import io
import json
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from browser import PROGRAM
from coverslip.report import Cells, Drawing, PictureChannels, TileSet, encode_picture, html_report
from pages import RUN, cells_of, movie

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
    browser.click("#cell-table thead th:nth-child(2) button")
    assert browser.ask(texts("#cell-table tbody td:nth-of-type(1)"))[0] == "a.png"


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


# What is seen of a picture


SAVED = "window.saved"
KEEP = """window.saved = null; const give = URL.createObjectURL; URL.createObjectURL = (blob) => {
  blob.text().then((text) => { window.saved = text; }); return give.call(URL, blob); };"""


def saved(browser) -> str:
    """What a button has just saved, in place of a download."""
    return browser.wait(SAVED)


def slide(label: str, value: float) -> str:
    return (
        f"(() => {{ const e = document.querySelector('[aria-label={json.dumps(label)}]');"
        f"e.value = {value}; e.dispatchEvent(new Event('input')); }})()"
    )


def show(open_browser, page: Path, images: pd.DataFrame, picture: bytes, **options) -> None:
    keys = zip(images["file"], images.get("frame", [0] * len(images)), strict=True)
    options = {"cells": cells_of(images)} | options
    html = html_report("Cells", images, run=RUN, thumbnails=dict.fromkeys(keys, picture), **options)
    page.write_text(html, encoding="utf-8")
    open_browser.errors.clear()
    open_browser.open(page)


def test_contrast_and_gamma_change_what_is_seen_and_reset_undoes_them(browser):
    curve = (
        "document.querySelector('#look feFuncR').getAttribute('tableValues').split(' ').map(Number)"
    )
    shown = "document.querySelector('#viewer .ground').getAttribute('filter')"
    browser.click(".picture .open")
    browser.press("c")
    assert browser.ask(shown) is None
    browser.ask(slide("Dark end", 0.25))
    browser.ask(slide("Bright end", 0.75))
    values = browser.ask(curve)
    assert browser.ask(shown) == "url(#look)"
    assert [values[i] for i in (0, 16, 32, 48, 64)] == [0, 0, 0.5, 1, 1]
    browser.ask(slide("Gamma", 2))
    assert browser.ask(curve)[32] == pytest.approx(0.5**0.5, abs=1e-4)
    browser.press("ArrowRight")  # it stays for the next image
    assert browser.ask(curve)[32] == pytest.approx(0.5**0.5, abs=1e-4)
    browser.click(".look [title='As it was']")
    assert browser.ask(shown) is None


def test_a_picture_becomes_brighter_on_the_screen(browser, tmp_path):
    """Its grey of 90 of 255 is white when all above 85 is."""
    browser.click(".picture .open")
    browser.press("o")
    browser.press("c")
    spot = "document.querySelector('.stage image').getBoundingClientRect().toJSON()"
    box = browser.ask(spot)
    place = (round(box["left"] + box["width"] / 2), round(box["top"] + box["height"] * 0.9))

    def level() -> int:
        browser.picture(tmp_path / "seen.png")
        return Image.open(tmp_path / "seen.png").convert("L").getpixel(place)

    assert abs(level() - 90) < 4
    browser.ask(slide("Bright end", 0.33))
    assert level() > 250


def test_channels_of_a_microscope_are_shown_alone_in_grey_and_together_in_colours(
    open_browser, tmp_path
):
    picture = np.zeros((30, 30, 3), np.uint8)
    picture[:, :15, 0], picture[:, 15:, 1] = 200, 200  # left in the first channel alone
    file = encode_picture(picture, channels=PictureChannels(("actin", "da\npi"), n_shown=2))
    show(open_browser, tmp_path / "page.html", TWO_CELLS, file)
    open_browser.click(".picture .open")
    open_browser.press("c")
    assert open_browser.ask(texts(".look legend")) == [" actin", " da pi"]
    values = "document.querySelector('#look feColorMatrix').getAttribute('values')"
    mix = f"{values}.split(' ').map(Number)"
    both = open_browser.ask(mix)
    # Green comes of the first channel; red and blue of the second.
    assert [both[0:2], both[5:7], both[10:12]] == [[0, 1], [1, 0], [0, 1]]
    open_browser.click("[aria-label='Show actin']")
    alone = open_browser.ask(mix)
    assert [alone[0:2], alone[5:7], alone[10:12]] == [[0, 1]] * 3
    assert open_browser.errors == []


TWO_CELLS = pd.DataFrame({"file": ["a.png"], "n_cells": [2], "confluence": [0.2]})


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, None),
        ({"width_px": 20.0, "height_px": 10.0}, r"\d px"),
        ({"width_px": 20.0, "height_px": 10.0, "pixel_size_um": 0.5}, r"\d µm"),
        ({"width_px": 20.0, "height_px": 10.0, "pixel_size_um": 0.02}, r"\d+ nm"),
    ],
)
def test_the_scale_bar_is_as_long_as_it_says(open_browser, tmp_path, columns, words):
    show(open_browser, tmp_path / "page.html", TWO_CELLS.assign(**columns), encode_picture(PIXELS))
    open_browser.click(".picture .open")
    bar = "document.querySelector('.scale-bar')"
    if words is None:
        assert open_browser.ask(f"{bar}.hidden")
        return
    said = open_browser.ask(f"{bar}.textContent")
    assert re.fullmatch(words, said)
    length = open_browser.ask(f"{bar}.querySelector('.length').getBoundingClientRect().width")
    whole = open_browser.ask("document.querySelector('.stage image').getBoundingClientRect().width")
    factor = {"px": 1, "µm": 1 / columns.get("pixel_size_um", 1)}.get(
        said.split()[1], 0.001 / columns.get("pixel_size_um", 1)
    )
    assert length / whole * 20 == pytest.approx(int(said.split()[0]) * factor, rel=0.02)


def test_pixels_that_are_wider_than_high_have_a_bar_along_their_width(open_browser, tmp_path):
    columns = {"width_px": 20.0, "height_px": 10.0, "pixel_size_um": 0.5}
    areas = {"median_area_px": 10.0, "median_area_um2": 10 * 0.5 * 2.0}  # 2 µm wide
    images = TWO_CELLS.assign(**columns, **areas)
    show(open_browser, tmp_path / "page.html", images, encode_picture(PIXELS))
    assert open_browser.ask("JSON.parse(document.querySelector('#data').textContent).um") == [2]


def test_of_other_channels_than_the_segmented_none_is_seen_until_it_is_ticked(
    open_browser, tmp_path
):
    picture = np.zeros((30, 30, 3), np.uint8)
    picture[:, :15, 0], picture[:, 15:, 1] = 200, 200
    file = encode_picture(picture, channels=PictureChannels(("actin", "dapi"), n_shown=1))
    show(open_browser, tmp_path / "page.html", TWO_CELLS, file)
    open_browser.ask("document.querySelectorAll('.picture .outlines').forEach((e) => e.remove())")

    def seen(share: float) -> tuple[int, ...]:
        frame = "document.querySelector('%s').getBoundingClientRect().toJSON()"
        name = "#viewer[open] .stage image" if is_open else ".picture img"
        box = open_browser.ask(frame % name)
        open_browser.picture(tmp_path / "seen.png")
        height = box["width"] if is_open else box["height"]  # a card's frame is wider
        left = box["left"] + (box["width"] - height) / 2
        place = (round(left + height * share), round(box["top"] + box["height"] / 2))
        return Image.open(tmp_path / "seen.png").convert("RGB").getpixel(place)

    is_open = False
    assert min(seen(0.25)) > 190 and max(seen(0.75)) < 12  # the card, without any script
    open_browser.click(".picture .open")
    open_browser.press("c")
    is_open = True
    assert min(seen(0.25)) > 190 and max(seen(0.75)) < 12
    open_browser.click("[aria-label='Show dapi']")
    (red, green, blue), other = seen(0.25), seen(0.75)
    assert green > 190 and max(red, blue) < 12
    assert other[1] < 12 and min(other[0], other[2]) > 190
    assert open_browser.errors == []


def test_who_looks_closely_sees_the_tiles_beside_the_page(open_browser, tmp_path):
    """The page's own picture is dark; one tile of the full resolution is bright."""
    folder = tmp_path / "my tiles" / "0"
    folder.mkdir(parents=True)
    for row in range(2):
        for column in range(3):
            level = 230 if (row, column) == (1, 2) else 60
            tile = np.full((100, 100) if row == 0 else (50, 100), level, np.uint8)
            (folder / f"{row}_{column}.jpg").write_bytes(encode_picture(tile))
    images = TWO_CELLS.assign(width_px=300.0, height_px=150.0)
    show(
        open_browser,
        tmp_path / "page.html",
        images,
        encode_picture(np.full((15, 30), 20, np.uint8)),
        cells=Cells(cells_of(TWO_CELLS).table),
        tiles={("a.png", 0): TileSet("my tiles", 100, 1, (150, 300))},
    )
    open_browser.click(".picture .open")
    time.sleep(0.3)
    box = open_browser.ask(
        "document.querySelector('.stage image').getBoundingClientRect().toJSON()"
    )
    open_browser.picture(tmp_path / "seen.png")
    seen = Image.open(tmp_path / "seen.png").convert("L")

    def level(x: float, y: float) -> int:
        return seen.getpixel(
            (
                round(box["left"] + x / 300 * box["width"]),
                round(box["top"] + y / 150 * box["height"]),
            )
        )

    assert abs(level(250, 125) - 230) < 4 and abs(level(150, 125) - 60) < 4
    open_browser.click("#viewer [title^='Larger']")
    for _ in range(12):
        open_browser.press("+")
    assert open_browser.ask(count(".tiles image")) <= 6
    assert open_browser.errors == []


# Marking


def test_cells_are_marked_by_shift_click_box_and_key_and_saved_as_csv(browser):
    browser.ask(KEEP)
    browser.click("#cell-table tbody input", index=4)  # cell 1 of the second image
    browser.click(".picture .open", index=1)
    box = browser.ask(
        "document.querySelector(\"#viewer-cells [data-cell='3']\").getBoundingClientRect().toJSON()"
    )
    at = (box["left"] + box["width"] / 2, box["top"] + box["height"] / 2)
    browser.mouse("mousePressed", *at, modifiers=8)
    browser.mouse("mouseReleased", *at, modifiers=8)
    browser.click("#viewer-cells [data-cell='5']")
    browser.press("m")
    assert browser.ask(count(".marks .marked")) == 3
    assert browser.ask(texts("#viewer .mark-bar span")) == ["3 cells marked"]
    browser.press("m")
    assert browser.ask(texts("#viewer .mark-bar span")) == ["2 cells marked"]
    browser.click("#viewer [title^='Save the marked']")
    lines = saved(browser).splitlines()
    assert lines[0] == "file,frame,label,area_px,mean_intensity,confidence"
    assert lines[1:] == [f"{EVIL},0,1,10,4,0.9", f"{EVIL},0,3,30,6,0.9"]


def test_the_cells_of_a_range_are_marked_at_once(browser):
    choose = "(e => {{ e.value = {}; e.dispatchEvent(new Event('{}')); }})"
    browser.ask(f"{choose.format(0, 'change')}(document.querySelector('#cell-table select'))")
    browser.ask(f"{choose.format(95, 'input')}(document.querySelector('#cell-table input'))")
    browser.click("[title^='Mark all cells of the table']")
    assert browser.ask(texts("#cell-table .mark-bar span")) == ["3 cells marked"]
    browser.click("#cell-table [title='Unmark all cells']")
    assert browser.ask(count("#cell-table tbody input:checked")) == 0


def test_no_name_becomes_a_formula_or_breaks_the_csv(open_browser, tmp_path):
    images = pd.DataFrame({"file": ['=1,"x"\n.png'], "n_cells": [1], "confluence": [0.2]})
    cells = cells_of(images, **{"=odd": [2.5], "solidity": [np.nan], "round": [True]})
    show(open_browser, tmp_path / "page.html", images, encode_picture(PIXELS), cells=cells)
    open_browser.ask(KEEP)
    open_browser.click("#cell-table tbody input")
    open_browser.click("#cell-table [title^='Save the marked']")
    table = pd.read_csv(io.StringIO(saved(open_browser)))
    assert table.columns.tolist() == [
        "file",
        "frame",
        "label",
        "area_px",
        "'=odd",
        "solidity",
        "round",
    ]
    assert table.iloc[0, :5].tolist() == ['./=1,"x"\n.png', 0, 1, 10, 2.5]
    assert np.isnan(table["solidity"][0]) and bool(table["round"][0]) is True


def test_marked_outlines_are_saved_as_geojson_in_pixels_of_the_image(open_browser, tmp_path):
    square = np.array([(2, 2), (2, 8), (8, 8), (8, 2)])
    hole = np.array([(4, 4), (6, 4), (6, 6), (4, 6)])
    far = np.array([(2, 12), (2, 14), (4, 14), (4, 12)])
    drawing = Drawing((10, 20), {1: [square, far, hole], 2: [far]}, {1: 0, 2: 1})
    images = TWO_CELLS.assign(width_px=40.0, height_px=20.0)  # the drawing is half as fine
    cells = Cells(cells_of(TWO_CELLS).table, lambda file, frame: drawing)
    show(open_browser, tmp_path / "page.html", images, encode_picture(PIXELS), cells=cells)
    open_browser.ask(KEEP)
    open_browser.click(".picture .open")
    open_browser.click("#viewer tbody input", index=0)
    open_browser.click("#viewer tbody input", index=1)
    open_browser.click("#viewer [title^='Save the outlines']")
    one, two = json.loads(saved(open_browser))["features"]
    outer = [[4, 4], [16, 4], [16, 16], [4, 16], [4, 4]]
    inner = [[8, 8], [8, 12], [12, 12], [12, 8], [8, 8]]
    piece = [[24, 4], [28, 4], [28, 8], [24, 8], [24, 4]]
    assert one["geometry"] == {"type": "MultiPolygon", "coordinates": [[outer, inner], [piece]]}
    assert two["geometry"] == {"type": "Polygon", "coordinates": [piece]}
    assert two["properties"]["measurements"] == {"label": 2, "area_px": 20}
    assert two["properties"]["objectType"] == "detection"


def test_a_marked_cell_is_saved_as_a_file(browser, tmp_path):
    options = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.send("Page.setDownloadBehavior", **options)
    browser.click("#cell-table tbody input")
    browser.click("#cell-table [title^='Save the marked']")
    gone = time.monotonic() + 20
    while not (tmp_path / "marked_cells.csv").is_file() and time.monotonic() < gone:
        time.sleep(0.05)
    assert pd.read_csv(tmp_path / "marked_cells.csv")["label"].tolist() == [1]


# Wide tables


def test_of_many_columns_the_first_are_shown_and_others_can_be_chosen(open_browser, tmp_path):
    many = {f"shape_{n}": 2.0 for n in range(60)}
    cells = cells_of(TWO_CELLS, **many)
    show(open_browser, tmp_path / "page.html", TWO_CELLS, encode_picture(PIXELS), cells=cells)
    assert open_browser.ask(count("#cell-table thead th")) == 11
    assert open_browser.ask(texts(".columns summary")) == ["Columns: 10 of 61"]
    open_browser.click(".columns summary")
    open_browser.click(".columns input", index=60)
    assert open_browser.ask(texts("#cell-table thead th"))[-1] == "Shape 59"
    open_browser.click(".columns [title='All columns']")
    assert open_browser.ask(count("#cell-table thead th")) == 62
    scroll = "document.querySelector('#cell-table .scroll')"
    open_browser.ask(f"{scroll}.scrollLeft = 1000")
    left = "document.querySelector('#cell-table tbody th').getBoundingClientRect().left"
    assert open_browser.ask(f"{left} - {scroll}.getBoundingClientRect().left") == pytest.approx(
        1, abs=1
    )


# Films


def test_a_film_plays_in_the_viewer_and_stops_at_the_frame_that_is_seen(open_browser, tmp_path):
    film = movie(6)
    show(open_browser, tmp_path / "page.html", film, encode_picture(PIXELS))
    open_browser.click(".picture .open")
    assert open_browser.ask(texts("#now")) == ["frame 0, 1 of 6"]
    open_browser.press("ArrowRight")
    assert open_browser.ask(TITLE) == "movie.tif, frame 1"
    open_browser.ask(slide("Frames a second", 30))
    open_browser.press(" ")
    assert open_browser.ask("document.querySelector('#play').textContent") == "❚❚"
    open_browser.wait("document.querySelector('#frame').value === '4'")
    open_browser.press(" ")
    now = open_browser.ask("Number(document.querySelector('#frame').value)")
    assert open_browser.ask(TITLE) == f"movie.tif, frame {now}"
    assert open_browser.ask(count("#viewer-cells path")) == 10 + now
    open_browser.press(" ")
    open_browser.press("Escape")
    open_browser.wait("document.querySelector('#play').textContent === '▶'")
    assert open_browser.errors == []


def test_a_single_image_has_no_player(browser):
    browser.click(".picture .open")
    assert browser.ask("document.querySelector('#viewer .controls').hidden")


def test_whoever_hears_the_page_is_told_what_each_control_is(browser):
    browser.click(".picture .open")
    browser.press("c")
    unnamed = """[...document.querySelectorAll('#viewer :is(button, input, select)')]
      .filter((e) => !e.closest('[hidden]') && !e.getAttribute('aria-label')
        && !e.textContent.trim() && !e.closest('label')).length"""
    assert browser.ask(unnamed) == 0

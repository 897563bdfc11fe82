"""The page of a tracked film: what is written into it, and what a person does with it."""

import base64
import json

import numpy as np
import pandas as pd
import pytest

from browser import PROGRAM, Browser
from coverslip.contours import labels_to_rings
from coverslip.report import FilmToShow, TracksToShow, track_report
from coverslip.report import film as film_module
from coverslip.report.film import choose_frames, encode_outlines, most_points, smooth_ring
from coverslip.report.tracks import choose_rows

EVIL = "</script><img src=x onerror=alert(1)>"


def read_outlines(text: str) -> dict[int, list[list[tuple[float, float]]]]:
    """The corners (y, x) of each cell's rings, read by the words of `encode_outlines`."""
    numbers, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(-(value + 1) // 2 if value % 2 else value // 2)
            value = shift = 0
    found, track, y, x = {}, 0, 0, 0
    rest = iter(numbers)
    for step in rest:
        track += step
        found[track] = []
        for _ in range(next(rest)):
            ring = []
            for _ in range(next(rest)):
                y, x = y + next(rest), x + next(rest)
                ring.append((y / 2, x / 2))
            found[track].append(ring)
    return found


def area(ring) -> float:
    y, x = np.array(ring).T
    return abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2


def test_outlines_come_back_as_they_were():
    labels = np.zeros((40, 300), dtype=np.int32)
    labels[2:4, 3:6] = 1
    labels[10:30, 200:290] = 700
    labels[15:20, 220:230] = 0
    rings = read_outlines(encode_outlines(labels_to_rings(labels), points=500))
    assert list(rings) == [1, 700] and [len(one) for one in rings.values()] == [1, 2]
    # Only the corners are cut: an eighth of a pixel each.
    assert area(rings[1][0]) == 6 - 4 / 8
    assert area(rings[700][0]) == 1800 - 4 / 8 and area(rings[700][1]) == 50 - 4 / 8
    assert encode_outlines({}, points=9) == ""


def test_a_large_cell_is_drawn_by_few_corners_and_keeps_its_area():
    y, x = np.ogrid[:200, :200]
    disc = ((y - 100) ** 2 + (x - 100) ** 2 < 90**2).astype(np.int32)
    (ring,) = read_outlines(encode_outlines(labels_to_rings(disc), points=40))[1]
    assert len(ring) <= 40
    assert area(ring) == pytest.approx(disc.sum(), rel=0.02)
    assert len(smooth_ring(np.array([[0, 0], [0, 50], [20, 50], [20, 0]]), points=999)) == 8


def test_a_large_film_is_thinned_out_and_a_small_one_is_not(monkeypatch):
    assert choose_frames([3, 4, 5]) == [0, 1, 2]
    chosen = choose_frames([1000] * 1000)
    assert len(chosen) == 150 and chosen[0] == 0 and chosen[-1] == 999
    assert most_points(100) == 60
    y, x = np.ogrid[-10:10, -10:10]
    disc = (y**2 + x**2 < 90).astype(int)
    labels = np.kron(np.arange(1, 401).reshape(20, 20), disc)
    assert len(encode_outlines(labels_to_rings(labels), points=60)) > 20_000
    monkeypatch.setattr(film_module, "MOST_OUTLINE_BYTES", 12_000)
    rings = labels_to_rings(labels)
    assert len(encode_outlines(rings, points=most_points(400))) < 12_000


def test_the_largest_families_keep_their_rows_closed_up():
    families, rows = np.array([1, 2, 2, 2, 5]), np.array([0, 1.5, 1, 2, 3])
    assert choose_rows(families, rows, most=3).tolist() == [-1, 0.5, 0, 1, -1]
    assert choose_rows(families, rows, most=9).tolist() == rows.tolist()


# Cell 1 moves right and divides in frame 4 into 2 (stays) and 3 (is lost in frame 5).
PLACES = {(t, 1): (20, 20 + 5 * t) for t in range(4)}
PLACES |= {(t, 2): (12, 36) for t in range(4, 8)} | {(t, 3): (40, 60) for t in (4, 5)}


def labels_of(frame: int):
    labels = np.zeros((60, 90), dtype=np.uint32)
    for (t, track), (y, x) in PLACES.items():
        if t == frame:
            labels[y - 4 : y + 5, x - 4 : x + 5] = track
    return labels


def make_page(*, um: float | None = None, **more) -> str:
    cells = pd.DataFrame(
        [(t, k, y, x, 81, 5.0) for (t, k), (y, x) in PLACES.items()],
        columns=["frame", "track_id", "centroid_y_px", "centroid_x_px", "area_px",
                 "speed_px_per_frame"],
    ).sort_values(["frame", "track_id"])  # fmt: skip
    cells = cells if um is None else cells.assign(area_um2=cells["area_px"] * um**2)
    lineage = pd.DataFrame(
        {"track_id": [1, 2, 3], "begin_frame": [0, 4, 4], "end_frame": [3, 7, 5],
         "parent_track_id": [0, 1, 1], "lineage_id": 1, "generation": [0, 1, 1],
         "fate": ["divides", "end", "lost"]}
    )  # fmt: skip
    events = pd.DataFrame(
        {"kind": ["lost"], "frame": [5], "track_id": [3], "text": [EVIL], "title": ["Vanishes"]}
    )
    film = FilmToShow(
        name=EVIL, size=(60, 90), rings_of=lambda t: labels_to_rings(labels_of(t)), **more
    )
    tracks = TracksToShow(
        cells=cells,
        lineage=lineage,
        rows=np.array([0.5, 0, 1]),
        colours=np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=np.uint8),
        drift=np.zeros((8, 2)),
        counts=np.array([1, 1, 1, 1, 2, 2, 1, 1]),
        events=events,
        displacements=pd.DataFrame({"lag": [1, 2], "msd_px2": [25.0, 100.0], "n": [5, 3]}),
    )
    return track_report(film, tracks, version="1")


def test_names_and_texts_are_text_in_the_page():
    page = make_page()
    assert "<img src=x" not in page and page.count("</script>") == 2
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert data["shown"] == list(range(8)) and data["pictures"] == []
    assert list(read_outlines(data["outlines"][5])) == [2, 3]


needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")
FRAME = "Number(document.querySelector('#frame').value)"
LIT = "[...document.querySelectorAll('.branch.lit')].map(e => e.dataset.track)"
DRAWN = "[...document.querySelectorAll('#stage .cell')].map(e => e.dataset.track)"
HEAD = "document.querySelector('#cell-title').textContent"


@pytest.fixture(scope="module")
def open_browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def browser(open_browser, tmp_path):
    path = tmp_path / "report.html"
    picture = np.full((60, 90), 77, dtype=np.uint8)
    path.write_text(make_page(picture_of=lambda t: picture), encoding="utf-8")
    open_browser.errors.clear()
    open_browser.open(path)
    yield open_browser
    assert open_browser.errors == []


@needs_browser
def test_the_film_plays_and_stops_by_keys(browser):
    assert browser.ask(FRAME) == 0 and browser.ask(DRAWN) == ["1"]
    browser.press("ArrowRight")
    assert browser.ask(FRAME) == 1
    browser.press("End")
    assert browser.ask(FRAME) == 7 and browser.ask(DRAWN) == ["2"]
    browser.press(" ")
    assert browser.ask("document.querySelector('#play').textContent") == "❚❚"
    browser.send(
        "Runtime.evaluate", expression="new Promise(r => setTimeout(r, 1200))", awaitPromise=True
    )
    assert 0 < browser.ask(FRAME) < 7
    browser.press(" ")
    held = browser.ask(FRAME)
    browser.press("ArrowLeft")
    assert browser.ask(FRAME) == held - 1


@needs_browser
def test_a_click_on_a_branch_jumps_to_its_frame_and_cell(browser):
    browser.click(".branch[data-track='2'] .hit")
    assert browser.ask(FRAME) in (5, 6)
    assert browser.ask(HEAD) == "Cell 2" and browser.ask(LIT) == ["2"]
    assert browser.ask("document.querySelector('.cell.picked').dataset.track") == "2"
    assert browser.ask("document.querySelector('.branch.kin').dataset.track") == "1"
    assert browser.ask("document.querySelectorAll('.cell-curve').length") == 2


@needs_browser
def test_a_click_on_a_cell_lights_its_branch_and_the_film_stays(browser):
    for _ in range(4):
        browser.press("ArrowRight")
    browser.click("#stage .cell[data-track='3']")
    assert browser.ask(LIT) == ["3"] and browser.ask(FRAME) == 4
    assert "is lost" in browser.ask("document.querySelector('#cell-about').textContent")


@needs_browser
def test_a_click_on_an_event_shows_it(browser):
    browser.click("[data-event='0']")
    assert browser.ask(FRAME) == 5 and browser.ask(LIT) == ["3"]


@needs_browser
def test_tails_are_the_last_frames_and_the_image_is_behind(browser):
    for _ in range(3):
        browser.press("ArrowRight")
    points = browser.ask("document.querySelector('.tails polyline').getAttribute('points')")
    assert points == "35.5,20.5 30.5,20.5 25.5,20.5 20.5,20.5"
    link = browser.ask("document.querySelector('#stage image').getAttribute('href').slice(0, 16)")
    assert link == "data:image/jpeg;"
    box = browser.ask("document.querySelector('#stage .cell').getBBox().x")
    assert box == pytest.approx(31)


@needs_browser
@pytest.mark.parametrize(("um", "factor", "unit"), [(None, 1, "px"), (0.5, 2, "µm")])
def test_the_film_has_a_scale_bar(open_browser, tmp_path, um, factor, unit):
    (tmp_path / "page.html").write_text(make_page(um=um), encoding="utf-8")
    open_browser.open(tmp_path / "page.html")
    said = open_browser.ask("document.querySelector('.scale-bar').textContent")
    box = "document.querySelector('%s').getBoundingClientRect().width"
    length, whole = (open_browser.ask(box % name) for name in (".length", "#stage .ground"))
    assert said.split()[1] == unit
    assert length / whole * 90 == pytest.approx(int(said.split()[0]) * factor, rel=0.02)

"""What the page of the app does in the background or at once: jobs, previews, doubt and tracks."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from browser import PROGRAM
from served import (
    FACTS,
    NAME,
    NOTES,
    SAVED,
    Served,
    at,
    begin,
    check_page,
    open_page,
    put_labels,
    served_labels,
    settled,
    shown,
)

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")

EXAMPLES = Path(__file__).parents[1] / "examples"
RESULT = "document.querySelector('#page-segment .result').textContent"
TRACKS = "coverslip.tracks.tracks"
N_FRAMES = 4


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory):
    """A server of two images: nuclei, and noise."""
    folder = tmp_path_factory.mktemp("nuclei")
    shutil.copy(EXAMPLES / "nuclei" / "fluorescence_small.png", folder / "a.png")
    noise = np.random.default_rng(0).integers(0, 255, (96, 96)).astype(np.uint8)
    tifffile.imwrite(folder / "b.tif", noise)
    server = Served(folder)
    yield server
    server.end()


@pytest.fixture
def page(nuclei, open_browser):
    begin(open_browser)
    open_page(open_browser, nuclei, image="a.png")
    choose(open_browser, "#page-segment", "Model", "nuclei")
    open_browser.wait("coverslip.editor.preview !== null")
    yield open_browser
    open_browser.press("Escape")
    check_page(open_browser, nuclei)


def choose(page, place, label, value):
    """Choose of a list, as a person does."""
    page.ask(
        f"(() => {{ const e = document.querySelector('{place} select[aria-label=\"{label}\"]');"
        f"e.value = '{value}'; e.dispatchEvent(new Event('change')); }})()"
    )


def slide(page, label, value):
    """Move a slider of the panel that is shown to a value."""
    page.ask(
        f"(() => {{ const e = document.querySelector('input[aria-label=\"{label}\"]');"
        f"e.value = '{value}'; e.dispatchEvent(new Event('input')); }})()"
    )


def press_button(page, text):
    shown = "[...document.querySelectorAll('#pages > :not([hidden]) button')]"
    page.ask(f"{shown}.find((one) => one.textContent === '{text}').click()")


def n_shown(page):
    return page.ask(
        "new Set((coverslip.editor.preview ?? coverslip.editor.store)"
        ".read([0, 0, coverslip.editor.image.height, coverslip.editor.image.width])).size - 1"
    )


def test_sliders_change_the_cells_under_them_and_nothing_is_kept_until_accepted(page):
    before = served_labels(page)
    found = n_shown(page)
    assert found > 3 and page.ask(RESULT).startswith(f"{found} cells")
    pixels = "coverslip.editor.preview.read([0, 0, 200, 200]).filter(Boolean).length"
    wide = page.ask(pixels)
    slide(page, "Threshold", 0.95)
    page.wait(f"{RESULT}.includes('threshold 0.95')")
    assert 0 < page.ask(pixels) < wide
    slide(page, "Size of a cell", 60)
    page.wait(f"{RESULT}.includes('threshold 0.95') && !{RESULT}.includes('Looking')")
    page.press("b")
    page.drag([at(page, 100, 100), at(page, 100, 120)])  # explained, and nothing is drawn
    assert "Accept it" in page.ask(NOTES)
    np.testing.assert_array_equal(served_labels(page), before)
    press_button(page, "Discard")
    assert page.ask("coverslip.editor.preview === null")
    np.testing.assert_array_equal(shown(page), before)
    page.ask("document.getElementById('canvas').focus()")
    page.press("p")
    page.wait("coverslip.editor.preview !== null")
    found = n_shown(page)
    page.press("Enter")
    page.wait("coverslip.editor.preview === null")
    page.wait(SAVED)
    assert len(np.unique(settled(page))) - 1 == found
    page.press("z")
    page.wait("!coverslip.editor.store.read([0, 0, 200, 200]).some(Boolean)")


def test_an_image_where_nothing_is_found_says_so_with_the_cure(page):
    page.press("Escape")
    page.press("PageDown")
    page.wait(f"{NAME} === 'b.tif'")
    page.wait("coverslip.editor.isLoaded")
    page.press("p")
    warning = "document.querySelector('#page-segment .warning')"
    page.wait(f"!{warning}.hidden")
    assert "finds no cell" in page.ask(f"{warning}.textContent")
    page.press("Escape")
    assert page.ask(f"{warning}.hidden")


def test_all_images_are_segmented_as_a_job_and_doubt_has_a_reason(page):
    page.press("Escape")
    page.ask(
        "(() => { window.seen = []; coverslip.jobs.on('job',"
        " (job) => window.seen.push([job.kind, job.state, job.done, job.total])); })()"
    )
    press_button(page, "Segment all")
    page.wait("document.querySelector('#jobs .job') !== null")
    assert "Segmenting" in page.ask("document.getElementById('jobs').textContent")
    page.wait("window.seen.some(([, state]) => state === 'done')", seconds=90)
    kind, state, done, total = page.ask("window.seen[window.seen.length - 1]")
    assert (kind, state, done) == ("segment", "done", total)
    page.wait("document.querySelector('#jobs .job') === null")
    assert "2 images segmented" in page.ask(NOTES)
    page.wait(f"{FACTS}.includes('found')")
    reasons = "[...document.querySelectorAll('.images .image-reason')].map(e => e.textContent)"
    page.wait(f"{reasons}.some(Boolean)")
    assert page.ask(reasons) == ["", "No cell was found."]
    choose(page, "#gallery", "Order", "doubt")
    page.wait(f"{reasons}.some((reason) => reason.includes('uncertain'))", seconds=90)
    names = "[...document.querySelectorAll('.images .image-name')].map(e => e.textContent)"
    first = page.ask(names)[0]
    reason = page.ask(reasons)[0]
    assert "unsure over" in reason or first == "b.tif"
    choose(page, "#gallery", "Order", "name")


def test_a_training_shows_its_curve_its_scores_and_how_sure_they_are(page):
    """What the server tells of a training, as it tells it; a real one takes minutes."""
    page.click("#tab-train")
    assert page.ask("document.querySelector('#page-train select').value") == "nuclei"
    assert page.ask("coverslip.train.start.disabled")  # nothing is finished yet
    told = "{ job: 99, kind: 'train', done: 5, total: 9, seconds_left: 100, message: 'epoch 1', "
    curve = "curve: [{ step: 1, loss: 0.5 }, { step: 5, loss: 0.2 }, { step: 5, validation: 0.4 }],"
    page.ask(f"coverslip.jobs.hear({told} {curve} state: 'running' }})")
    panel = "document.getElementById('page-train')"
    assert "2 min left" in page.ask(f"{panel}.textContent")
    assert page.ask(f"{panel}.querySelectorAll('polyline').length") == 2
    stop = f"[...{panel}.querySelectorAll('button')].find(e => e.textContent === 'Stop')"
    assert not page.ask(f"{stop}.hidden")
    scores = "before: { ap: 0.25 }, after: { ap: 0.5, ap_95: [0.41, 0.6] }"
    ended = f"state: 'done', improved: true, model: 'nuclei', {scores}"
    page.ask(f"coverslip.jobs.hear({told} {curve} {ended} }})")
    scores = page.ask(f"[...{panel}.querySelectorAll('.scores dd')].map(e => e.textContent)")
    assert scores == ["0.25", "0.50", "0.41 to 0.60"]
    assert page.ask(f"{stop}.hidden")
    page.click("#tab-segment")


def test_a_job_is_stopped_by_its_button(page):
    page.ask("window.stopped = []")
    page.ask(
        "(() => { const real = window.fetch; window.fetch = (address, options) => {"
        " if (String(address).endsWith('/stop')) window.stopped.push(String(address));"
        " return real(address, options); }; })()"
    )
    press_button(page, "Segment all")
    page.wait("document.querySelector('#jobs .job button') !== null")
    page.click("#jobs .job button")
    page.wait("window.stopped.length === 1")
    page.wait("document.querySelector('#jobs .job') === null", seconds=90)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A server of films of two cells that go to the right, one above the other."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(3):
        film, frames = np.full((N_FRAMES, 80, 96), 40, np.uint8), []
        for t in range(N_FRAMES):
            labels = np.zeros((80, 96), np.uint32)
            labels[10:26, 10 + 3 * t : 26 + 3 * t] = 1
            labels[50:66, 10 + 3 * t : 26 + 3 * t] = 2
            film[t][labels > 0] = 200
            frames.append(labels)
        name = f"{number}.tif"
        tifffile.imwrite(folder / name, film, photometric="minisblack", metadata={"axes": "TYX"})
        put_labels(folder, name, frames)
    server = Served(folder)
    yield server
    server.end()


@pytest.fixture(scope="module")
def numbers():
    return itertools.count()


@pytest.fixture
def film(films, open_browser, numbers):
    """A film that was tracked, by the button."""
    begin(open_browser)
    open_page(open_browser, films, image=f"{next(numbers)}.tif")
    open_browser.click("#tab-tracks")
    press_button(open_browser, "Track the cells")
    open_browser.wait(f"{TRACKS}.length === 2", seconds=60)
    yield open_browser
    check_page(open_browser, films)


def lengths(page):
    """Tracks as the numbers of their cells, with those of their parents."""
    tracks = page.ask(TRACKS)
    by_id = {track["track_id"]: len(track["cells"]) for track in tracks}
    return sorted((len(t["cells"]), by_id.get(t["parent_track_id"], 0)) for t in tracks)


def click_cell(page, y, x):
    page.drag([at(page, y, x)])


def go_to(page, frame):
    page.ask(f"coverslip.film.go({frame})")
    page.wait(f"coverslip.editor.frame === {frame} && coverslip.editor.isLoaded")
    page.ask("document.getElementById('canvas').focus()")


def test_a_track_is_cut_and_linked_again_and_both_are_undone(film):
    summary = "document.querySelector('#page-tracks .about:not([hidden])').textContent"
    assert "2 tracks" in film.wait(f"{summary}.includes('2 tracks') && {summary}")
    colours = "coverslip.viewer.overlay.look.numbers.get(1)"
    first = film.ask(colours)
    go_to(film, 2)
    assert film.ask(colours) == first  # a cell keeps its track's colour through the film
    film.press("u")
    click_cell(film, 18, 24)
    film.wait(f"{TRACKS}.length === 3")
    assert lengths(film) == [(2, 0), (2, 0), (4, 0)]
    go_to(film, 1)
    film.press("k")
    click_cell(film, 18, 21)
    go_to(film, 2)
    click_cell(film, 18, 24)
    film.wait(f"{TRACKS}.length === 2")
    film.press("z")
    film.wait(f"{TRACKS}.length === 3")
    film.press("z")
    film.wait(f"{TRACKS}.length === 2")
    assert lengths(film) == [(4, 0), (4, 0)]


def test_a_division_is_marked_by_three_clicks(film):
    go_to(film, 1)
    film.press("y")
    click_cell(film, 18, 21)
    go_to(film, 2)
    click_cell(film, 18, 24)
    assert "second daughter" in film.ask("document.getElementById('tool-help').textContent")
    click_cell(film, 58, 24)
    film.wait(f"{TRACKS}.length === 4")
    assert lengths(film) == [(2, 0), (2, 0), (2, 2), (2, 2)]
    parents = {t["parent_track_id"] for t in film.ask(TRACKS) if t["begin_frame"] == 2}
    mother = next(t for t in film.ask(TRACKS) if [1, 1] in [cell[:2] for cell in t["cells"]])
    assert parents == {mother["track_id"]}


def test_two_cells_change_places_from_a_frame_on(film):
    def labels_of_first():
        tracks = film.ask(TRACKS)
        track = next(t for t in tracks if [0, 1] in [cell[:2] for cell in t["cells"]])
        return [cell[1] for cell in track["cells"]]

    assert labels_of_first() == [1, 1, 1, 1]
    go_to(film, 2)
    film.press("w")
    click_cell(film, 18, 24)
    click_cell(film, 58, 24)
    film.wait(f"{TRACKS}.some((t) => new Set(t.cells.map(([, label]) => label)).size === 2)")
    assert labels_of_first() == [1, 1, 2, 2]
    film.press("j")
    assert "no suspicious event" in film.ask(NOTES)

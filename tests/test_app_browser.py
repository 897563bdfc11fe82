"""The page of the app in a real browser, with the real server: a person's whole loop."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from browser import PROGRAM, Browser
from served import (
    FACTS,
    NAME,
    NOTES,
    SAID,
    SAVED,
    SPOKEN,
    Served,
    at,
    draw,
    make_pair,
    numbers,
    open_page,
    put_labels,
    served_labels,
    settled,
    shown,
)

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")


@pytest.fixture
def served(tmp_path):
    """A server of its own, that a test may kill."""
    make_pair(tmp_path)
    server = Served(tmp_path)
    yield server
    if server.process.poll() is None:
        server.end()


def test_a_folder_opens_with_its_first_image_and_its_cells(page):
    assert page.ask(FACTS).startswith("3 cells · found")
    names = "[...document.querySelectorAll('.image-name')].map(e => e.textContent)"
    assert page.ask(names)[:3] == ["00a.png", "00b.png", "01a.png"]
    assert numbers(shown(page)) == [1, 2, 3]
    bright = "[...coverslip.viewer.context.getImageData({}, {}, 1, 1).data]"
    page.wait("coverslip.viewer.tiles.drawn.size > 0")
    box = page.ask("coverslip.viewer.canvas.getBoundingClientRect().toJSON()")
    x, y = at(page, 60, 60)
    cell = page.ask(bright.format(int(x - box["x"]), int(y - box["y"])))
    assert max(cell[:3]) - min(cell[:3]) > 20  # its colour lies over the grey image


def test_the_brush_enlarges_a_cell_or_begins_a_new_one(page):
    before = shown(page)
    draw(page, "b", (60, 50), (60, 30))
    after = settled(page)
    grown = (after == 1) & (before != 1)
    assert grown.any() and (before[grown] == 0).all()
    assert (after[before != 0] == before[before != 0]).all()
    draw(page, "b", (220, 40), (220, 80))
    assert numbers(settled(page)) == [1, 2, 3, 4]
    assert page.ask(FACTS).startswith("4 cells · corrected")


def test_the_eraser_takes_away_part_of_the_cell_it_began_on(page):
    before = shown(page)
    draw(page, "e", (60, 70), (60, 95))
    after = settled(page)
    assert (after == 1).sum() < (before == 1).sum()
    assert (after == 2).sum() == (before == 2).sum()


def test_delete_merge_split_fill_and_lasso(page):
    draw(page, "f", (150, 210))
    assert (settled(page)[165:175, 225:235] == 3).all()
    draw(page, "s", (130, 230), (210, 230))
    parts = settled(page)
    assert len(numbers(parts)) == 4 and parts[170, 205] != parts[170, 255]
    page.press("m")
    page.drag([at(page, 60, 60)])
    page.drag([at(page, 60, 100)])
    page.wait("document.getElementById('image-facts').textContent.startsWith('3 cells')")
    merged = settled(page)
    assert merged[60, 60] == merged[60, 100] > 0
    draw(page, "x", (60, 60))
    page.wait("document.getElementById('image-facts').textContent.startsWith('2 cells')")
    assert settled(page)[60, 60] == 0
    draw(page, "l", (130, 190), (130, 270), (210, 270), (210, 190))
    page.wait("document.getElementById('image-facts').textContent.startsWith('0 cells')")
    assert not settled(page).any()


def test_an_outline_is_a_new_cell(page):
    draw(page, "d", (150, 40), (150, 100), (210, 100), (210, 40))
    labels = settled(page)
    assert numbers(labels) == [1, 2, 3, 4]
    assert 3000 < (labels == 4).sum() < 4200


def test_undo_and_redo_go_back_over_images(page):
    first = shown(page)
    draw(page, "x", (60, 60))
    page.wait(SAVED)
    page.press("PageDown")
    page.wait(f"{NAME}.endsWith('b.png')")
    page.wait("coverslip.editor.store.isLoaded([0, 0, 240, 320])")
    draw(page, "b", (100, 100), (100, 140))
    assert settled(page).any()
    page.press("z")
    page.wait("!coverslip.editor.store.read([0, 0, 240, 320]).some(Boolean)")
    page.press("z")
    page.wait(f"{NAME}.endsWith('a.png')")
    page.wait("coverslip.editor.labelAt([60, 60]) === 1")
    np.testing.assert_array_equal(settled(page), first)
    page.click("#redo")
    page.wait("coverslip.editor.labelAt([60, 60]) === 0")
    page.click("#redo")
    page.wait(f"{NAME}.endsWith('b.png')")
    page.wait("coverslip.editor.store.read([0, 0, 240, 320]).some(Boolean)")
    page.click("#redo")
    page.wait(f"{NOTES}.toLowerCase().includes('nothing')")  # is left to do again


def test_a_frame_or_a_part_of_it_is_finished(page):
    page.press("t")
    page.wait("document.getElementById('finished').getAttribute('aria-pressed') === 'true'")
    assert "finished" in page.wait(FACTS)
    page.click("#finished")
    page.wait("document.getElementById('finished').getAttribute('aria-pressed') === 'false'")
    draw(page, "r", (20, 20), (120, 150))
    page.wait("coverslip.editor.image.finished.rectangles.length === 1")
    assert page.ask("coverslip.editor.image.finished.rectangles[0]") == pytest.approx(
        [0, 20, 20, 120, 150], abs=1
    )


def test_a_kill_in_mid_stroke_loses_nothing(served, open_browser):
    page = open_browser
    open_page(page, served)
    draw(page, "b", (100, 40), (100, 80))
    kept = settled(page)
    served.kill()
    draw(page, "b", (220, 40), (220, 80))  # while nobody answers
    page.wait("document.getElementById('saved').dataset.state === 'away'")
    assert "1 correction waits here and will be sent" in page.ask(SAID)
    draw(page, "x", (150, 210))
    drawn = shown(page)
    assert (drawn[kept > 0] == kept[kept > 0]).all() and numbers(drawn) == [1, 2, 3, 4, 5]
    served.start()
    page.send("Target.createTarget", url=served.link, background=True)  # as a person opens it again
    page.wait(SAVED, seconds=40)
    labels = settled(page)
    assert numbers(labels) == [1, 2, 4, 5]
    assert (labels == 5).sum() == (drawn == 5).sum()
    served.kill()
    page.errors.clear()
    served.start()
    open_page(page, served)
    np.testing.assert_array_equal(shown(page), labels)
    page.errors.clear()


def test_what_waits_is_sent_by_the_next_page_where_the_tab_was_closed(served, open_browser):
    page = open_browser
    open_page(page, served)
    served.kill()
    draw(page, "x", (60, 60))
    page.wait("document.getElementById('saved').dataset.state === 'away'")
    page.errors.clear()
    page.ask("coverslip.outbox.entries.length = 0")  # as a tab that is torn away, asked by nobody
    page.visit("about:blank")
    served.start()
    open_page(page, served)
    page.wait("coverslip.editor.labelAt([60, 60]) === 0")
    assert numbers(settled(page)) == [2, 3]
    page.errors.clear()


def test_an_edit_sent_twice_is_done_once(page):
    send = """(async () => { const { postJson, framePath } = await import('/page/api.js');
        const { image } = coverslip.editor, body = { kind: 'delete', labels: [1], id: 'twice' };
        const first = await postJson(`${framePath(image.id, 0)}/edits`, body);
        const second = await postJson(`${framePath(image.id, 0)}/edits`, body);
        await postJson('/api/undo', { id: 'back' }); await postJson('/api/undo', { id: 'back' });
        return [first.cells, second.cells]; })()"""
    assert page.ask(send) == [2, 2]
    assert numbers(served_labels(page)) == [1, 2, 3]


def test_two_tabs_see_each_other_and_undo_nothing_of_one_another(page, shared, tmp_path):
    with Browser(tmp_path / "other") as other:
        open_page(other, shared, image=page.ask(NAME))
        draw(other, "b", (100, 150), (100, 190))
        other.wait(SAVED)
        page.wait("coverslip.editor.labelAt([100, 170]) === 4")
        draw(page, "b", (112, 150), (112, 190))
        draw(other, "e", (100, 180), (100, 190))
        page.wait(SAVED)
        other.wait(SAVED)
        other.wait("coverslip.editor.labelAt([115, 170]) === 5")
        page.wait("coverslip.editor.labelAt([100, 188]) === 0")  # what the other has erased
        np.testing.assert_array_equal(settled(page), settled(other))


def test_all_is_done_by_keys_alone(page):
    page.press("x")
    cross = "coverslip.viewer.cursor"
    page.press("ArrowUp")
    assert page.ask(cross) is not None
    page.ask("coverslip.viewer.cursor = [60, 45]; coverslip.viewer.fit()")
    page.press("ArrowRight")
    assert page.ask(SPOKEN).startswith("Cell 1 at")
    page.press("Enter")
    page.press("Enter")
    page.wait("coverslip.editor.labelAt([60, 45]) === 0")
    page.press("b")
    page.ask("coverslip.viewer.cursor = [100, 100]")
    page.press("Enter")
    for _ in range(5):
        page.press("ArrowRight")
    page.press("Enter")
    page.wait("coverslip.editor.labelAt([100, 104]) === 4")
    assert numbers(settled(page)) == [2, 3, 4]
    page.press("?")
    assert page.ask("document.getElementById('help').open")
    page.press("Escape")
    page.press("PageDown")
    page.wait(f"{NAME}.endsWith('b.png')")


def test_every_control_has_a_name_and_keys_reach_it(page):
    unnamed = """[...document.querySelectorAll('button, input, select, canvas')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')))
        .map(e => e.outerHTML)"""
    assert page.ask(unnamed) == []
    press_b = (
        "[...document.querySelectorAll('#tools button')].map(b => b.getAttribute('aria-pressed'))"
    )
    page.press("b")
    assert page.ask(press_b).count("true") == 1


def test_errors_of_the_server_are_shown_as_sentences(page):
    page.ask("coverslip.editor.send({ kind: 'delete', labels: [4000] })")
    assert "4000" in page.wait(NOTES) or "nothing" in page.ask(NOTES)
    assert settled(page)[60, 60] == 1


def test_a_film_has_a_slider_and_its_frames_their_own_labels(open_browser, tmp_path):
    film = np.full((4, 64, 80), 50, np.uint8)
    frames = []
    for t in range(4):
        labels = np.zeros((64, 80), np.uint32)
        labels[20:40, 10 + 10 * t : 30 + 10 * t] = 7
        film[t][labels > 0] = 200
        frames.append(labels)
    tifffile.imwrite(
        tmp_path / "film.tif", film, photometric="minisblack", metadata={"axes": "TYX"}
    )
    put_labels(tmp_path, "film.tif", frames)
    server = Served(tmp_path)
    try:
        open_page(open_browser, server)
        assert open_browser.ask("!document.getElementById('film').hidden")
        open_browser.press(".")
        open_browser.press(".")
        open_browser.wait("coverslip.editor.frame === 2")
        np.testing.assert_array_equal(shown(open_browser), frames[2])
        draw(open_browser, "x", (30, 40))
        open_browser.wait(SAVED)
        open_browser.press(",")
        open_browser.wait("coverslip.editor.frame === 1")
        np.testing.assert_array_equal(shown(open_browser), frames[1])
        open_browser.press("z")
        open_browser.wait("coverslip.editor.frame === 2")
        open_browser.wait("coverslip.editor.labelAt([30, 40]) === 7")
    finally:
        server.end()


def test_a_large_image_is_read_in_tiles_and_corrected_by_small_patches(open_browser, tmp_path):
    rng = np.random.default_rng(0)
    side = 4096
    image = np.kron(rng.integers(40, 220, (64, 64)), np.ones((64, 64))).astype(np.uint8)
    tifffile.imwrite(tmp_path / "large.tif", image)
    labels = np.kron(np.arange(1, 64 * 64 + 1).reshape(64, 64), np.ones((64, 64))).astype(np.uint32)
    labels[:, ::64], labels[::64] = 0, 0
    put_labels(tmp_path, "large.tif", [labels])
    server = Served(tmp_path)
    try:
        open_page(open_browser, server)
        open_browser.wait(f"coverslip.editor.store.isLoaded([0, 0, {side}, {side}])", seconds=60)
        open_browser.wait("coverslip.viewer.tiles.drawn.size > 0")
        levels = open_browser.ask(
            "[...coverslip.viewer.tiles.raw.keys()].map(k => k.split('/')[1])"
        )
        assert "0" not in levels  # the whole of it needs no tile of full size
        open_browser.ask("coverslip.viewer.overlay.painted = 0")
        draw(open_browser, "x", (2000, 2000))
        open_browser.wait("coverslip.editor.labelAt([2000, 2000]) === 0")
        open_browser.wait(SAVED)
        assert (
            open_browser.ask("coverslip.viewer.overlay.painted") < 200_000
        )  # not the 16.8 million
        settled(open_browser)
    finally:
        server.end()

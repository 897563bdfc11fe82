"""Pens, fingers and keys on the page of the app, in a real browser; and hands that are too fast."""

from __future__ import annotations

import numpy as np
import pytest

from browser import PROGRAM
from served import (
    NAME,
    NOTES,
    SAVED,
    at,
    draw,
    numbers,
    settled,
    shown,
)

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")

MOVED = np.array([24, 0])  # by two fingers
PLACE = "[coverslip.viewer.x, coverslip.viewer.y, coverslip.viewer.scale]"
# Labels come only when `letLabels()` was called, as over a slow line.
SLOW = """(() => { const real = window.fetch;
    const gate = new Promise((resolve) => { window.letLabels = resolve; });
    window.fetch = (address, options) => String(address).includes('/labels')
        ? gate.then(() => real(address, options)) : real(address, options); })()"""


def move_pen(page, kind, y, x, force=0.5):
    px, py = at(page, y, x)
    pressed = {"button": "left", "buttons": 1} if kind != "mouseReleased" else {"button": "left"}
    page.send(
        "Input.dispatchMouseEvent",
        type=kind,
        x=px,
        y=py,
        clickCount=1,
        pointerType="pen",
        force=force,
        **pressed,
    )


def write_with_pen(page, *places, force=0.5):
    move_pen(page, "mousePressed", *places[0], force=force)
    for place in places[1:]:
        move_pen(page, "mouseMoved", *place, force=force)
    move_pen(page, "mouseReleased", *places[-1], force=0)


def drag_fingers(page, *ways):
    """Fingers go down one after the other, then along their ways, all at once, and up."""
    for n in range(len(ways)):
        page.touch("touchStart", *(way[0] for way in ways[: n + 1]))
    for places in zip(*ways, strict=True):
        page.touch("touchMove", *places)
    page.touch("touchEnd")


def test_a_pen_draws_broader_the_harder_it_is_pressed(page):
    page.press("b")
    write_with_pen(page, (220, 40), (220, 80), force=0.1)
    write_with_pen(page, (110, 160), (110, 200), force=0.9)
    labels = settled(page)
    assert numbers(labels) == [1, 2, 3, 4, 5]
    assert (labels == 5).sum() > 1.5 * (labels == 4).sum() > 0


def test_after_a_pen_was_seen_a_finger_moves_the_image_and_draws_nothing(page):
    page.press("b")
    write_with_pen(page, (220, 40), (220, 60))
    before, (x, _, scale) = settled(page), page.ask(PLACE)
    left, top = at(page, 110, 200)
    drag_fingers(page, [(left, top), (left - 30, top), (left - 60, top)])
    moved = page.ask(PLACE)
    assert moved[0] == pytest.approx(x + 60 / scale) and moved[2] == scale
    np.testing.assert_array_equal(settled(page), before)


def test_a_finger_draws_and_the_hand_that_holds_a_pen_does_not(page):
    page.press("b")
    drag_fingers(page, [at(page, 220, 40), at(page, 220, 60), at(page, 220, 80)])
    assert numbers(settled(page)) == [1, 2, 3, 4]
    begun = page.ask(PLACE)
    move_pen(page, "mousePressed", 110, 160)
    page.touch("touchStart", tuple(at(page, 130, 180)))  # the palm
    move_pen(page, "mouseMoved", 110, 190)
    page.touch("touchEnd")
    move_pen(page, "mouseReleased", 110, 190)
    labels = settled(page)
    assert labels[110, 175] == 5 and page.ask(PLACE) == begun


def test_two_fingers_move_and_zoom_and_what_the_first_began_to_draw_is_taken_back(page):
    before = shown(page)
    page.press("b")
    middle = np.array(at(page, 110, 160))
    place = page.ask(f"coverslip.viewer.toImage(...{in_canvas(page, middle)})")
    scale = page.ask(PLACE)[2]
    ways = [
        [tuple(middle + sign * (30 + 5 * n) * np.array([1, 0]) + (4 * n, 0)) for n in range(7)]
        for sign in (-1, 1)
    ]
    drag_fingers(page, *ways)
    assert page.ask(PLACE)[2] == pytest.approx(2 * scale, rel=0.02)  # 60 px apart, then 120
    carried = page.ask(f"coverslip.viewer.toImage(...{in_canvas(page, middle + MOVED)})")
    assert carried == pytest.approx(place, abs=2)  # what was between the fingers still is
    page.wait("coverslip.editor.isLoaded")
    np.testing.assert_array_equal(settled(page), before)


def in_canvas(page, place):
    box = page.ask("coverslip.viewer.canvas.getBoundingClientRect().toJSON()")
    return [float(place[0] - box["x"]), float(place[1] - box["y"])]


def test_two_fingers_choose_no_cell_where_they_are_lifted(page):
    a, b = at(page, 60, 60), at(page, 170, 210)
    drag_fingers(page, [a, a], [b, b])
    assert page.ask("coverslip.viewer.overlay.look.selected.size") == 0
    drag_fingers(page, [a, a])
    assert page.ask("[...coverslip.viewer.overlay.look.selected]") == [1]


def go_on_slowly(page):
    """To the second image, whose labels do not come yet."""
    page.ask(SLOW)
    page.press("PageDown")
    page.wait(f"{NAME}.endsWith('b.png')")
    assert not page.ask("coverslip.editor.isLoaded")


def test_what_is_drawn_before_the_cells_are_here_is_done_when_they_came(page):
    go_on_slowly(page)
    draw(page, "b", (100, 100), (100, 140))
    assert "still on their way" in page.ask(NOTES)
    draw(page, "d", (150, 40), (150, 100), (210, 100), (210, 40))
    px, py = at(page, 20, 200)
    page.press("b")
    page.mouse("mouseMoved", px, py)
    page.mouse("mousePressed", px, py)
    page.mouse("mouseMoved", px + 20, py, button="left", buttons=1)
    assert not shown(page).any()
    page.ask("letLabels()")
    page.wait("coverslip.editor.labelAt([100, 120]) > 0")
    page.mouse("mouseMoved", px + 60, py, button="left", buttons=1)
    page.mouse("mouseReleased", px + 60, py)
    page.wait("coverslip.outbox.entries.length === 0")
    labels = settled(page)
    assert len(numbers(labels)) == 3
    assert labels[100, 120] and labels[180, 70]
    here = page.ask(f"coverslip.viewer.toImage(...{in_canvas(page, (px + 50, py))})")
    assert labels[int(here[0]), int(here[1])]  # the stroke that was begun before goes on after


def test_what_was_drawn_on_an_image_that_was_left_is_said_to_be_gone(page):
    go_on_slowly(page)
    draw(page, "b", (100, 100), (100, 140))
    page.press("PageUp")
    page.wait(f"{NAME}.endsWith('a.png')")
    assert "not kept" in page.wait(NOTES)
    page.ask("letLabels()")
    page.wait(SAVED)
    page.wait("coverslip.editor.isLoaded")
    assert numbers(settled(page)) == [1, 2, 3]
    page.press("PageDown")
    page.wait(f"{NAME}.endsWith('b.png')")
    page.wait("coverslip.editor.isLoaded")
    assert not settled(page).any()

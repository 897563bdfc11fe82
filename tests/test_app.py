"""A folder of images, its page's addresses, and corrections that nothing loses."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest
from PIL import Image

import coverslip
from coverslip.app import guarded, make_app, make_session, open_folder
from coverslip.pipeline import keep_source

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from starlette.testclient import TestClient

TOKEN = "token-of-the-tests"
HOST = "127.0.0.1:1"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Host": HOST}
SHAPE = (40, 60)


def make_folder(path):
    """Two grey images, one of them with labels of three squares."""
    path.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 255, SHAPE).astype(np.uint8)).save(path / f"{name}.png")
    labels = np.zeros(SHAPE, np.uint32)
    labels[5:15, 5:15], labels[5:15, 15:25], labels[20:30, 40:50] = 1, 2, 3
    coverslip.write_labels(
        path / "coverslip" / "a_labels.tif", [labels], shape=SHAPE, axes="YX", dtype=np.uint16
    )
    keep_source(path / "coverslip", "a", path / "a.png")  # as segment does
    return labels


class Page:
    """What a page of the browser does, by its addresses."""

    def __init__(self, folder):
        self.session = make_session(open_folder(folder))
        web = guarded(make_app(self.session), token=TOKEN, hosts=frozenset([HOST]))
        self.client = TestClient(web, headers=HEADERS, base_url=f"http://{HOST}")
        images = self.get("/api/folder")["images"]
        self.ids = {image["name"]: image["id"] for image in images}

    def get(self, address):
        answer = self.client.get(address)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, address, content=None, status=200):
        answer = self.client.post(address, json=content)
        assert answer.status_code == status, answer.text
        return answer.json()

    def edit(self, name, content, frame=0, status=200):
        return self.post(f"/api/images/{self.ids[name]}/frames/{frame}/edits", content, status)

    def labels(self, name, frame=0, window=""):
        query = f"?window={window}" if window else ""
        address = f"/api/images/{self.ids[name]}/frames/{frame}/labels{query}"
        answer = self.client.get(address)
        shape = [int(length) for length in answer.headers["x-shape"].split(",")]
        return np.frombuffer(answer.content, "<u4").reshape(shape)

    def save(self):
        self.session.corrections.save_all()


def packed(labels):
    return base64.b64encode(zlib.compress(labels.astype("<u4").tobytes())).decode()


def unpacked(reply):
    top, left, bottom, right = reply["window"]
    data = zlib.decompress(base64.b64decode(reply["labels"]))
    return np.frombuffer(data, "<u4").reshape(bottom - top, right - left)


def patch(labels, window, **more):
    top, left, bottom, right = window
    part = labels[top:bottom, left:right]
    return {"kind": "patch", "window": list(window), "labels": packed(part), **more}


def read_back(folder, name="a"):
    return coverslip.read_labels(folder / "coverslip" / f"{name}_labels.tif")


def test_a_folder_lists_its_images_with_their_states(tmp_path):
    make_folder(tmp_path)
    images = Page(tmp_path).get("/api/folder")["images"]
    assert [(one["name"], one["state"]) for one in images] == [("a.png", "found"), ("b.png", "new")]
    assert [(one["height"], one["width"], one["frames"]) for one in images] == [(40, 60, 1)] * 2


def test_tiles_are_the_image_in_eight_bits(tmp_path):
    make_folder(tmp_path)
    page = Page(tmp_path)
    answer = page.client.get(f"/api/images/{page.ids['a.png']}/frames/0/tiles/0/0/0.png")
    (tmp_path / "tile.png").write_bytes(answer.content)
    tile = np.asarray(Image.open(tmp_path / "tile.png"))
    image = np.asarray(Image.open(tmp_path / "a.png")).astype(float)
    assert tile.shape == SHAPE and np.corrcoef(tile.ravel(), image.ravel())[0, 1] > 0.99


def test_a_large_image_has_levels_each_half_of_the_one_before(tmp_path):
    image = np.zeros((1030, 513), np.uint8)
    image[0:2, 0:2] = [[0, 100], [200, 100]]
    from coverslip.app.pictures import make_levels, n_levels

    levels = make_levels(image)
    assert [level.shape for level in levels] == [(1030, 513), (515, 257), (258, 129)]
    assert levels[1][0, 0] == 100 and n_levels(image.shape) == 3


def test_labels_come_as_rows_of_numbers(tmp_path):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    assert (page.labels("a.png") == labels).all()
    assert (page.labels("a.png", window="5,10,9,20") == labels[5:9, 10:20]).all()
    assert (page.labels("b.png") == 0).all()


def test_a_stroke_is_kept_at_once_and_written_later(tmp_path):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    drawn = labels.copy()
    drawn[33:36, 3:8] = 4
    reply = page.edit("a.png", patch(drawn, (30, 0, 40, 10)))
    assert reply["window"] == [33, 3, 36, 8] and (unpacked(reply) == 4).all()
    assert (reply["cells"], reply["next_label"], reply["edit"]) == (4, 5, 1)
    assert (read_back(tmp_path) == labels).all()
    assert (Page(tmp_path).labels("a.png") == drawn).all()  # another start, from the lines alone
    page.save()
    assert (read_back(tmp_path) == drawn).all()
    assert page.get("/api/folder")["images"][0]["state"] == "corrected"


def test_undo_and_redo_go_across_images_and_starts(tmp_path):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    page.edit("a.png", {"kind": "delete", "labels": [1, 3]})
    page.edit("b.png", {"kind": "outline", "points": [[2, 2], [2, 9], [9, 9], [9, 2]]})
    page.save()
    page = Page(tmp_path)
    assert page.post("/api/undo")["image"] == page.ids["b.png"]
    assert page.post("/api/undo")["image"] == page.ids["a.png"]
    assert (page.labels("a.png") == labels).all() and (page.labels("b.png") == 0).all()
    assert "nothing to undo" in page.post("/api/undo", status=409)["error"]
    page.post("/api/redo")
    page = Page(tmp_path)
    assert np.unique(page.labels("a.png")).tolist() == [0, 2]
    page.post("/api/redo")
    assert (page.labels("b.png")[2:10, 2:10] == 1).all()
    assert "nothing" in page.post("/api/redo", status=409)["error"]


def test_half_of_a_last_line_is_dropped(tmp_path):
    make_folder(tmp_path)
    page = Page(tmp_path)
    page.edit("a.png", {"kind": "delete", "labels": [1]})
    lines = tmp_path / "coverslip" / "a_edits.jsonl"
    whole = lines.read_bytes()
    lines.write_bytes(whole + b'{"edit": 2, "frame": 0, "kind": "patch", "wind')
    page = Page(tmp_path)
    assert lines.read_bytes()[: len(whole)] == whole and page.session.corrections.last == 1
    page.edit("a.png", {"kind": "delete", "labels": [2]})
    assert [json.loads(line) for line in lines.read_bytes().splitlines()][-1]["edit"] == 2


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_whatever_is_written_of_a_line_the_strokes_before_it_stay(tmp_path, cut):
    make_folder(tmp_path)
    page = Page(tmp_path)
    page.edit("a.png", {"kind": "delete", "labels": [1]})
    lines = tmp_path / "coverslip" / "a_edits.jsonl"
    before = len(lines.read_bytes())
    page.edit("a.png", {"kind": "delete", "labels": [2]})
    lines.write_bytes(lines.read_bytes()[: before + cut])
    assert np.unique(Page(tmp_path).labels("a.png")).tolist() == [0, 2, 3]


def test_a_patch_on_an_old_state_keeps_what_another_tab_did(tmp_path):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    mine, theirs = labels.copy(), labels.copy()
    theirs[0:3, 0:3] = 4
    theirs[5:15, 5:15] = 0
    mine[0:3, 5:8] = 4  # the same number, of another cell
    page.edit("a.png", patch(theirs, (0, 0, 40, 60), edit=0))
    reply = page.edit("a.png", patch(mine, (0, 0, 40, 60), edit=0))
    now = page.labels("a.png")
    assert (now[0:3, 0:3] == 4).all() and (now[0:3, 5:8] == 5).all()
    assert (now[5:15, 5:15] == 0).all() and reply["window"] == [0, 5, 3, 8]


def test_a_label_file_that_another_program_changed_is_taken_as_it_is(tmp_path):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    page.edit("a.png", {"kind": "delete", "labels": [1]})
    page.save()
    path = tmp_path / "coverslip" / "a_labels.tif"
    coverslip.write_labels(path, [2 * labels], shape=SHAPE, axes="YX")
    page = Page(tmp_path)
    assert (page.labels("a.png") == 2 * labels).all()
    page.post("/api/undo", status=409)


def test_a_label_file_changed_meanwhile_is_kept_under_another_name(tmp_path):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    page.edit("a.png", {"kind": "delete", "labels": [1]})
    path = tmp_path / "coverslip" / "a_labels.tif"
    coverslip.write_labels(path, [2 * labels], shape=SHAPE, axes="YX")
    page.save()
    kept = tmp_path / "coverslip" / "a_labels.corrected.tif"
    assert (coverslip.read_labels(kept) == 2 * labels).all()
    assert np.unique(read_back(tmp_path)).tolist() == [0, 2, 3]

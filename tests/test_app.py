"""A folder of images, its page's addresses, and corrections that nothing loses."""

from __future__ import annotations

import base64
import json
import shutil
import zlib

import numpy as np
import pytest
from PIL import Image

import coverslip

pytest.importorskip("fastapi")

from starlette.testclient import TestClient

from coverslip.app import guarded, make_app, make_session, open_folder
from coverslip.checkpoints import find_model
from coverslip.pipeline import keep_source

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


TOOLS = {
    "delete": {"labels": [1]},
    "merge": {"labels": [1, 2]},
    "split": {"label": 3, "line": [[18, 45], [32, 45]]},
    "outline": {"points": [[33, 33], [33, 38], [38, 38]], "label": None},
}


@pytest.mark.parametrize("kind", TOOLS)
def test_every_tool_is_one_stroke_that_can_be_undone(tmp_path, kind):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    reply = page.edit("a.png", {"kind": kind, **TOOLS[kind]})
    top, left, bottom, right = reply["window"]
    now = page.labels("a.png")
    assert (now[top:bottom, left:right] == unpacked(reply)).all() and (now != labels).any()
    assert reply["cells"] == len(np.unique(now)) - 1
    undone = page.post("/api/undo")
    assert (page.labels("a.png") == labels).all() and undone["cells"] == 3


MISTAKES = [
    ({"kind": "delete", "labels": [77]}, 400, "no cell 77"),
    ({"kind": "delete", "labels": []}, 422, "labels"),
    ({"kind": "paint"}, 422, "kind"),
    ({"kind": "patch", "window": [0, 0, 41, 60], "labels": ""}, 400, "does not lie in the image"),
    ({"kind": "patch", "window": [0, 0, 2, 2], "labels": "AAAA"}, 400, "cannot be read"),
    ({"kind": "patch", "window": [0, 0, 2, 2], "labels": packed(np.ones(3))}, 400, "needs 16"),
    ({"kind": "split", "label": 1, "line": [[0, 0], [0, 1]]}, 400, "does not cut"),
    ({"kind": "magic", "point": [-1, 3]}, 400, "not in the image"),
]


@pytest.mark.parametrize(("content", "status", "words"), MISTAKES)
def test_a_mistake_is_one_sentence_and_changes_nothing(tmp_path, content, status, words):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    error = page.edit("a.png", content, status=status)["error"]
    assert words in error and "Traceback" not in error
    assert (page.labels("a.png") == labels).all()


def test_finished_frames_are_remembered(tmp_path):
    make_folder(tmp_path)
    page = Page(tmp_path)
    address = f"/api/images/{page.ids['a.png']}/finished"
    assert page.post(address, {"frames": [0], "rectangles": [[0, 0, 9, 9]]})["state"] == "training"
    assert Page(tmp_path).get("/api/folder")["images"][0]["state"] == "training"
    assert page.post(address, {"frames": [0], "finished": False})["state"] != "training"
    page.post(address, {"frames": [1]}, status=404)


def test_a_film_is_corrected_frame_by_frame(tmp_path):
    film = np.random.default_rng(0).integers(0, 255, (3, 32, 48)).astype(np.uint8)
    import tifffile

    tifffile.imwrite(tmp_path / "film.tif", film, imagej=True, metadata={"axes": "TYX"})
    page = Page(tmp_path)
    square = {"kind": "outline", "points": [[2, 2], [2, 9], [9, 9], [9, 2]]}
    for frame in (0, 2):
        page.edit("film.tif", square, frame=frame)
    page.edit("film.tif", square, frame=3, status=404)
    page.save()
    labels = read_back(tmp_path, "film")
    assert [int((frame > 0).sum()) for frame in labels] == [64, 0, 64]
    assert (Page(tmp_path).labels("film.tif", frame=2) == labels[2]).all()


def wait_for(page, job):
    with pytest.MonkeyPatch.context():
        page.session.jobs.get(job["job"]).is_over.wait(240)
    return page.get(f"/api/jobs/{job['job']}")


def example(path, name="fluorescence_small"):
    path.mkdir(exist_ok=True)
    source = f"examples/nuclei/{name}.png"
    image = Image.open(source)
    image.save(path / f"{name}.png")
    return f"{name}.png"


def test_a_preview_is_what_segment_finds_and_a_threshold_moves_it(tmp_path):
    name = example(tmp_path)
    page = Page(tmp_path)
    address = f"/api/images/{page.ids[name]}/frames/0/preview"
    seen = page.client.post(address, json={"model": "nuclei"})
    labels = np.frombuffer(seen.content, "<u4").reshape(page.labels(name).shape)
    alone = coverslip.segment(tmp_path / name, "nuclei")
    assert int(seen.headers["x-cells"]) == len(alone.cells) and (labels == alone.labels).all()
    assert seen.headers["x-threshold"] == "0.55" and float(seen.headers["x-scale"]) > 0
    few = page.client.post(address, json={"model": "nuclei", "threshold": 0.95})
    assert (np.frombuffer(few.content, "<u4") > 0).sum() < (labels > 0).sum()
    assert (page.labels(name) == 0).all()
    wanted = {"model": "nuclei", "threshold": 0.55}
    page.post(f"/api/images/{page.ids[name]}/accept", wanted)
    assert (page.labels(name) == labels).all()
    page.post("/api/undo")
    assert (page.labels(name) == 0).all()


def test_magic_finds_a_deleted_cell_again(tmp_path):
    name = example(tmp_path)
    page = Page(tmp_path)
    page.post(f"/api/images/{page.ids[name]}/accept", {"model": "nuclei"})
    labels = page.labels(name)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    number = int(np.argmax(sizes))
    rows, columns = np.nonzero(labels == number)
    middle = [int(np.median(rows)), int(np.median(columns))]
    page.edit(name, {"kind": "delete", "labels": [number]})
    page.edit(name, {"kind": "magic", "point": middle})
    again = page.labels(name) == page.labels(name)[tuple(middle)]
    both = np.count_nonzero(again & (labels == number))
    assert both / np.count_nonzero(again | (labels == number)) > 0.8


def test_segmenting_all_leaves_corrected_labels_and_makes_tables_of_them(tmp_path):
    name, other = example(tmp_path), example(tmp_path, "stained_tissue")
    page = Page(tmp_path)
    page.edit(name, {"kind": "outline", "points": [[2, 2], [2, 20], [20, 20], [20, 2]]})
    drawn = page.labels(name)
    told = wait_for(page, page.post("/api/segment", {"model": "nuclei"}))
    assert (told["state"], told["done"]) == ("done", told["total"]), told
    assert (page.labels(name) == drawn).all()
    assert (read_back(tmp_path, "fluorescence_small") == drawn).all()
    assert page.labels(other).max() > 10
    import pandas as pd

    cells = pd.read_csv(tmp_path / "coverslip" / "cells.csv")
    own = cells[cells["file"].str.endswith(name)]
    assert own["area_px"].tolist() == [19 * 19] and len(cells) == 1 + page.labels(other).max()
    states = {one["name"]: one["state"] for one in page.get("/api/folder")["images"]}
    assert states == {name: "corrected", other: "found"}


def test_the_next_segment_on_the_command_line_takes_corrections_as_the_truth(tmp_path):
    name = example(tmp_path)
    coverslip.segment_files([tmp_path / name], tmp_path / "coverslip", model="nuclei")
    page = Page(tmp_path)
    page.edit(name, {"kind": "delete", "labels": [1, 2, 3]})
    page.save()
    drawn = page.labels(name)
    result = coverslip.segment_files([tmp_path / name], tmp_path / "coverslip", model="nuclei")
    (record,) = result.done.values()
    assert "taken as the truth" in " ".join(record.notes)
    assert (read_back(tmp_path, "fluorescence_small") == drawn).all()
    assert int(record.images["n_cells"].sum()) == len(np.unique(drawn)) - 1


def test_a_job_that_waits_can_be_stopped(tmp_path):
    name = example(tmp_path)
    page = Page(tmp_path)
    go = page.session.jobs.add("wait", lambda job: job.is_stopped.wait(60))
    second = page.post("/api/segment", {"model": "nuclei"})
    assert page.post(f"/api/jobs/{second['job']}/stop")["state"] == "stopped"
    page.post(f"/api/jobs/{go.number}/stop")
    assert page.get("/api/folder")["images"][0]["state"] == "new" and name
    page.client.get("/api/jobs/99").json()["error"].startswith("no job 99")


def test_a_stroke_that_is_sent_again_is_not_done_again(tmp_path):
    labels = make_folder(tmp_path)
    page = Page(tmp_path)
    content = {"kind": "delete", "labels": [1], "id": "one"}
    first = page.edit("a.png", content)
    page = Page(tmp_path)  # it was killed before it answered
    again = page.edit("a.png", content)
    assert (again["edit"], again["window"]) == (first["edit"], first["window"])
    page.post("/api/undo", {"id": "two"})
    page.edit("a.png", {"kind": "delete", "labels": [2]})
    page.post("/api/undo", {"id": "three"})
    assert page.post("/api/undo", {"id": "three"})["id"] == "three"
    assert (Page(tmp_path).labels("a.png") == labels).all()


def test_pixels_that_a_stroke_does_not_touch_stay_as_they_are_now(tmp_path):
    make_folder(tmp_path)
    page = Page(tmp_path)
    page.edit("a.png", {"kind": "delete", "labels": [1]})
    stroke = np.full(SHAPE, 2**32 - 1, np.uint32)
    stroke[0:2, 0:30] = 4
    reply = page.edit("a.png", patch(stroke, (0, 0, 40, 60), new=4))
    assert reply["window"] == [0, 0, 2, 30] and np.unique(page.labels("a.png")).tolist() == [
        0,
        2,
        3,
        4,
    ]
    stroke[:] = 2**32 - 1
    stroke[30:32, 0:5] = 4
    page.edit("a.png", patch(stroke, (0, 0, 40, 60), new=4))  # a tab that had not seen the other 4
    assert (page.labels("a.png")[30:32, 0:5] == 5).all()


def test_a_training_on_what_the_model_found_itself_keeps_the_old_model_and_says_so(tmp_path):
    name = example(tmp_path)
    page = Page(tmp_path)
    page.post("/api/train", {"from": "nuclei", "minutes": 0.1})
    assert "marked as finished" in wait_for(page, {"job": 1})["message"]
    page.post(f"/api/images/{page.ids[name]}/accept", {"model": "nuclei"})
    address = f"/api/images/{page.ids[name]}/finished"
    page.post(address, {"frames": [0], "rectangles": [[0, 0, 200, 256]]})
    told = wait_for(page, page.post("/api/train", {"from": "nuclei", "minutes": 0.05}))
    assert told["state"] == "done", told
    assert {"step", "loss"} <= set(told["curve"][0])
    assert told["improved"] is False and told["model"] == "nuclei"
    assert "nuclei was kept" in told["message"]
    low, high = told["after"].pop("ap_95")
    assert low < told["after"]["ap"] <= high  # the truth is what it found itself, cut by the strip
    assert told["before"] == told["after"] and told["after"]["images"] == 1
    assert "nuclei-1" not in {one["name"] for one in page.get("/api/models")}
    run = tmp_path / "coverslip/models/nuclei-1"
    assert not (run / "best.safetensors").exists() and (run / "before_after.csv").exists()
    labels = run / "data/labels"
    assert (
        coverslip.read_labels(labels / "fluorescence_small_00000.tif") == page.labels(name)
    ).all()
    told = json.loads((labels / "fluorescence_small_00000_rectangles.json").read_text())
    assert told == {"rectangles": [[0, 0, 200, 256]]}


def test_the_curve_has_the_score_of_each_epoch_and_the_loss_of_each_step(tmp_path):
    from coverslip.app.jobs import Job
    from coverslip.app.learning import enter
    from coverslip.app.trainer import read_history

    assert read_history(tmp_path) == []  # none is over yet
    (tmp_path / "history.csv").write_text("epoch,val_loss,val_ap\n1,0.3,0.25\n2,0.2,\n")
    rows = read_history(tmp_path)
    assert rows == [{"epoch": 1, "val_loss": 0.3, "val_ap": 0.25}, {"epoch": 2, "val_loss": 0.2}]
    job = Job(1, "train", work=print, on_change=lambda job: None)
    enter(job, {"step": 7, "n_steps": 14, "loss": 0.5, "seconds_left": 3.0})
    for row in rows:
        enter(job, {"epoch": row})
    assert job.curve == [{"step": 7, "loss": 0.5}, {"step": 7, "validation": 0.25}]
    assert (job.done, job.total, job.left_s) == (7, 14, 3.0)


def test_a_better_model_is_used_next(tmp_path, monkeypatch):
    name = example(tmp_path)
    page = Page(tmp_path)
    page.post(f"/api/images/{page.ids[name]}/accept", {"model": "nuclei"})
    page.post(f"/api/images/{page.ids[name]}/finished", {"frames": [0]})
    scores = [{"ap": ap, "f1": 0.5, "images": 1} for ap in (0.25, 0.5)]
    scores[1]["ap_95"] = [0.41, 0.6]

    def run_trainer(session, wanted, job):
        run = session.warm.own / wanted.name
        assert not list(run.glob("data/labels/*.json"))  # all of the frame is finished
        shutil.copy(find_model("nuclei"), run / "best.safetensors")
        return {"improved": True, "before": scores[0], "after": scores[1]}

    monkeypatch.setattr("coverslip.app.learning.run_trainer", run_trainer)
    told = wait_for(page, page.post("/api/train", {"from": "nuclei", "minutes": 1}))
    assert told["model"] == "nuclei-1" and told["improved"] is True, told
    assert [told["before"], told["after"]] == scores
    assert "mean AP 0.25 before, 0.50 after (0.41 to 0.60 by chance)" in told["message"]
    models = {one["name"]: one for one in page.get("/api/models")}
    assert models["nuclei-1"]["learnt_from"] == "nuclei"
    assert page.get("/api/folder")["model"] == "nuclei-1"
    address = f"/api/images/{page.ids[name]}/frames/0/preview"
    assert page.client.post(address, json={"model": "nuclei-1"}).status_code == 200


def test_a_training_can_be_stopped(tmp_path):
    name = example(tmp_path)
    page = Page(tmp_path)
    page.post(f"/api/images/{page.ids[name]}/accept", {"model": "nuclei"})
    page.post(f"/api/images/{page.ids[name]}/finished", {"frames": [0]})
    job = page.post("/api/train", {"from": "nuclei", "minutes": 30})
    while page.get(f"/api/jobs/{job['job']}")["state"] == "waiting":
        pass
    page.post(f"/api/jobs/{job['job']}/stop")
    assert wait_for(page, job)["state"] == "stopped"
    assert "nuclei-1" not in {one["name"] for one in page.get("/api/models")}


def test_tracks_are_corrected_undone_and_there_after_another_start(tmp_path):
    import tifffile

    film = np.random.default_rng(0).integers(0, 255, (4, 40, 60)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "film.tif", film, imagej=True, metadata={"axes": "TYX"})
    page = Page(tmp_path)
    address = f"/api/images/{page.ids['film.tif']}"
    assert page.get(f"{address}/tracks")["tracked"] is False
    assert "no labels yet" in wait_for(page, page.post(f"{address}/track"))["message"]
    for frame in range(4):
        for left in (5, 35):
            left += frame
            points = [[10, left], [10, left + 10], [20, left + 10], [20, left]]
            page.edit("film.tif", {"kind": "outline", "points": points}, frame=frame)
    told = wait_for(page, page.post(f"{address}/track"))
    assert told["state"] == "done", told
    before = page.get(f"{address}/tracks")["tracks"]
    assert [len(track["cells"]) for track in before] == [4, 4]
    assert before[0]["cells"][1] == [1, 1, 15.0, 11.0]
    reply = page.post(f"{address}/tracks/edits", {"kind": "cut", "at": [2, 1], "id": "x"})
    again = page.post(f"{address}/tracks/edits", {"kind": "cut", "at": [2, 1], "id": "x"})
    assert sorted(len(track["cells"]) for track in reply["tracks"]) == [2, 2, 4] and again == reply
    page = Page(tmp_path)
    assert page.get(f"{address}/tracks") == reply
    import pandas as pd

    written = tmp_path / "coverslip" / "tracks" / "film" / "corrected" / "tracks.csv"
    assert pd.read_csv(written)["track_id"].nunique() == 3
    assert page.post("/api/undo")["tracks"] is True
    assert page.get(f"{address}/tracks")["tracks"] == before
    assert pd.read_csv(written)["track_id"].nunique() == 2
    page.post(f"{address}/tracks/edits", {"kind": "cut", "at": [9, 1]}, status=400)


def test_the_most_doubtful_image_comes_first(tmp_path):
    names = [example(tmp_path), example(tmp_path, "stained_tissue")]
    page = Page(tmp_path)
    page.post("/api/model", {"name": "nuclei"})
    before = page.get("/api/folder?order=doubt")["images"]
    assert [one["doubt"] for one in before] == [None, None]
    assert wait_for(page, {"job": 1})["state"] == "done" and len(page.session.jobs.all()) == 1
    after = page.get("/api/folder?order=doubt")["images"]
    assert sorted(one["name"] for one in after) == sorted(names)
    assert after[0]["doubt"] > after[1]["doubt"] and "most uncertain" in after[0]["doubt_reason"]

"""Other programs send images and get cells; nobody gets anything without the token."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

import coverslip

pytest.importorskip("fastapi")

from starlette.testclient import TestClient

from coverslip.app import Limits, Service, guarded, make_service
from coverslip.app.jobs import Jobs
from coverslip.app.warm import Warm
from coverslip.cli.serve import choose_token
from coverslip.errors import SettingsError

TOKEN = "token-of-the-tests"
IMAGE = Path("examples/nuclei/fluorescence_small.png")


def client_of(**settings):
    service = Service(Jobs(), Warm(Path("no-models")), **settings)
    web = guarded(make_service(service), token=TOKEN, hosts=None, limits=Limits(body_bytes=2**22))
    return TestClient(web, headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture(scope="module")
def client():
    client = client_of(most_px=2**22)
    yield client
    client.app.app.state.service.jobs.close()


@pytest.fixture(scope="module")
def found():
    return coverslip.segment(IMAGE, "nuclei")


def ask(client, form, image=None, **more):
    query = {"as": form, "model": "nuclei", **more}
    answer = client.post("/segment", params=query, content=image or IMAGE.read_bytes())
    return answer


def test_labels_come_back_as_segment_finds_them(client, found, tmp_path):
    answer = ask(client, "labels")
    assert answer.status_code == 200 and answer.headers["x-model"] == "nuclei"
    path = tmp_path / "labels.tif"
    path.write_bytes(answer.content)
    assert (coverslip.read_labels(path) == found.labels).all()


def test_tables_outlines_and_rois_have_a_row_for_each_cell(client, found):
    pytest.importorskip("roifile")
    table = pd.read_csv(io.BytesIO(ask(client, "csv").content))
    assert table["area_px"].tolist() == found.cells["area_px"].tolist()
    features = json.loads(ask(client, "geojson").content)["features"]
    rois = zipfile.ZipFile(io.BytesIO(ask(client, "rois").content)).namelist()
    assert len(features) == len(rois) == len(found.cells)


def test_a_film_comes_back_frame_by_frame(client, tmp_path):
    frame = np.asarray(Image.open(IMAGE).convert("L"))[:100, :120]
    buffer = io.BytesIO()
    film = np.stack([frame, frame[::-1]])
    tifffile.imwrite(buffer, film, imagej=True, metadata={"axes": "TYX"})
    path = tmp_path / "labels.tif"
    path.write_bytes(ask(client, "labels", buffer.getvalue()).content)
    labels = coverslip.read_labels(path)
    assert labels.shape == (2, 100, 120) and labels.max() > 0


def test_a_job_is_asked_for_later_and_forgotten(client, found):
    job = client.post("/jobs", params={"model": "nuclei"}, content=IMAGE.read_bytes())
    assert job.status_code == 202
    number = job.json()["job"]
    client.app.app.state.service.jobs.get(number).is_over.wait(120)
    assert client.get(f"/jobs/{number}").json()["state"] == "done"
    answer = client.get(f"/jobs/{number}/result", params={"as": "csv"})
    assert answer.headers["x-cells"] == str(len(found.cells))
    assert client.delete(f"/jobs/{number}").status_code == 200
    assert client.get(f"/jobs/{number}/result").status_code == 404
    assert "no job 99" in client.get("/jobs/99").json()["error"]


MISTAKES = [
    (b"", {}, 400, "no image"),
    (b"no image at all", {}, 400, "the image"),
    (IMAGE.read_bytes()[:500], {}, 400, "the image"),
    (IMAGE.read_bytes(), {"model": "phse"}, 400, "no model 'phse'"),
    (IMAGE.read_bytes(), {"model": "/etc/passwd"}, 400, "no model"),
    (IMAGE.read_bytes(), {"threshold": 3}, 422, "threshold"),
    (IMAGE.read_bytes(), {"as": "xlsx"}, 422, "labels"),
    (IMAGE.read_bytes(), {"channel": "dapi"}, 400, "no channel dapi"),
    (bytes(2**22 + 1), {}, 413, "at most"),
]


@pytest.mark.parametrize(("image", "query", "status", "words"), MISTAKES)
def test_a_mistake_is_one_sentence(client, image, query, status, words):
    answer = client.post("/segment", params={"model": "nuclei", **query}, content=image)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert words in error and "/tmp" not in error and "Traceback" not in error


def test_an_image_of_too_many_pixels_is_refused_before_it_is_read(client):
    buffer = io.BytesIO()
    Image.new("L", (3000, 3000)).save(buffer, format="PNG")
    answer = ask(client, "labels", buffer.getvalue())
    assert answer.status_code == 400 and "that are taken here" in answer.json()["error"]


def test_a_queue_that_is_full_says_when_to_come_again():
    client = client_of(most_waiting=1)
    jobs = client.app.app.state.service.jobs
    first = jobs.add("wait", lambda job: job.is_stopped.wait(60))
    answer = ask(client, "labels")
    assert answer.status_code == 503 and "try again later" in answer.json()["error"]
    assert answer.headers["retry-after"]
    jobs.stop(first.number)


def test_a_request_that_waits_too_long_is_given_up():
    client = client_of(most_s=0.05)
    jobs = client.app.app.state.service.jobs
    first = jobs.add("wait", lambda job: job.is_stopped.wait(60))
    answer = ask(client, "labels")
    assert answer.status_code == 503 and "POST /jobs" in answer.json()["error"]
    jobs.stop(first.number)


def test_without_the_token_there_is_nothing(client):
    for address in ("/health", "/models", "/docs", "/openapi.json"):
        assert client.get(address, headers={"Authorization": ""}).status_code == 401
    assert client.get("/health").json()["status"] == "ok"
    assert "general" in {one["name"] for one in client.get("/models").json()}


def test_the_documents_come_from_nowhere_else(client):
    page = client.get("/docs").text
    assert "POST /segment" in page and "http://" not in page and "<script" not in page


def test_beyond_this_computer_a_token_is_wanted(monkeypatch):
    monkeypatch.delenv("COVERSLIP_TOKEN", raising=False)
    for host in ("0.0.0.0", "192.168.1.7", "::"):
        with pytest.raises(SettingsError, match="COVERSLIP_TOKEN"):
            choose_token(host, None)
        with pytest.raises(SettingsError, match="can be guessed"):
            choose_token(host, "secret")
    monkeypatch.setenv("COVERSLIP_TOKEN", "t" * 20)
    assert choose_token("0.0.0.0", None) == "t" * 20
    monkeypatch.delenv("COVERSLIP_TOKEN")
    assert len(choose_token("127.0.0.1", None)) >= 32

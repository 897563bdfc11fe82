"""Nobody but the page of this start gets anything, and a server that is killed loses nothing."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

pytest.importorskip("fastapi")

from coverslip.app import host_names, is_loopback
from test_app import HOST, SHAPE, TOKEN, Page, make_folder, packed


@pytest.fixture
def page(tmp_path):
    make_folder(tmp_path)
    return Page(tmp_path)


def ask(page, method="GET", address="/api/folder", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    bare = {"authorization": "", "host": HOST}
    answer = page.client.request(method, address, headers=bare | headers, follow_redirects=False)
    return answer


def test_without_the_token_there_is_nothing(page):
    for address in ("/", "/api/folder", "/docs", "/openapi.json", "/page/index.html", "/health"):
        answer = ask(page, address=address)
        assert answer.status_code == 401 and "token" in answer.json()["error"]
    for wrong in ("Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ü"):
        assert ask(page, authorization=wrong.encode()).status_code == 401
    assert ask(page, address="/?token=wrong").status_code == 401
    assert ask(page, address=f"/api/folder?token={TOKEN}").status_code == 401
    assert ask(page, authorization=f"Bearer {TOKEN}").status_code == 200


def test_the_first_request_gives_a_cookie_and_takes_the_token_out_of_the_address(page):
    answer = ask(page, address=f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert ask(page, cookie=cookie.split(";")[0]).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:1", "127.0.0.1:2", "127.0.0.1", ""])
def test_a_server_that_is_called_by_another_name_does_not_answer(page, host):
    answer = ask(page, host=host, authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 403 and "address that it printed" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:2"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_other_pages_may_not_use_it(page, headers):
    for method, address in (("GET", "/api/folder"), ("POST", "/api/undo")):
        answer = ask(page, method, address, authorization=f"Bearer {TOKEN}", **headers)
        assert answer.status_code == 403 and "another address" in answer.json()["error"]


def test_its_own_page_may(page):
    answer = ask(page, authorization=f"Bearer {TOKEN}", origin=f"http://{HOST}")
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_body_that_is_too_long_is_refused_before_it_is_read(page):
    answer = ask(
        page, "POST", "/api/undo", authorization=f"Bearer {TOKEN}", content_length="9" * 12
    )
    assert answer.status_code == 413 and "at most" in answer.json()["error"]


def test_a_body_in_pieces_that_is_too_long_is_given_up(page):
    def pieces():
        for _ in range(300):
            yield bytes(2**20)

    answer = page.client.post("/api/segment", content=pieces())
    assert answer.status_code == 413 and "at most" in answer.json()["error"]


@pytest.mark.parametrize(
    "address",
    [
        "/page/../../guard.py",
        "/page/..%2f..%2fguard.py",
        "/page/%2e%2e/server.py",
        "/page//etc/passwd",
        "/api/images/..%2f..%2fetc/thumbnail.png",
        "/api/images/000000000000",
    ],
)
def test_no_address_leads_out_of_the_folder(page, address):
    answer = page.client.get(address)
    assert answer.status_code in (404, 422) and "error" in answer.json()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_out_of_the_folder_is_left_out(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    make_folder(inside)
    make_folder(outside)
    (inside / "c.png").symlink_to(outside / "a.png")
    page = Page(inside)
    assert sorted(page.ids) == ["a.png", "b.png"]
    assert "leads out of the folder" in " ".join(page.get("/api/folder")["notes"])


def test_names_of_this_computer():
    assert "127.0.0.1:80" in host_names(80) and "localhost" in host_names(80)
    assert "localhost" not in host_names(8000)
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("192.168.0.2")
    assert not is_loopback("127.evil.example")


class Running:
    """A server of its own, as `coverslip app` starts it."""

    def __init__(self, folder):
        command = [sys.executable, "-m", "coverslip.cli", "app", str(folder), "--no-browser"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        line = ""
        while "http://" not in line:
            line = self.process.stdout.readline()
            assert line, "it ended before it listened"
        self.address, self.token = re.search(r"(http://\S+)/\?token=(\S+)", line).groups()

    def ask(self, address, body=None):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.address + address, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def end(self):
        self.process.terminate()
        self.process.communicate(timeout=60)
        return self.process.returncode


def test_a_server_that_is_killed_in_mid_stroke_loses_no_stroke_that_it_answered(tmp_path):
    import json

    labels = make_folder(tmp_path)
    running = Running(tmp_path)
    try:
        images = json.loads(running.ask("/api/folder"))["images"]
        address = f"/api/images/{images[0]['id']}/frames/0/edits"
        for number in range(4, 9):
            drawn = np.full((2, 2), number, np.uint32)
            top = 4 * (number - 4)
            content = {"kind": "patch", "window": [top, 50, top + 2, 52], "labels": packed(drawn)}
            running.ask(address, json.dumps(content).encode())
            labels[top : top + 2, 50:52] = number
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(running.address + "/api/folder", timeout=60)
        assert refused.value.code == 401
    finally:
        running.process.kill()
        running.process.communicate()
    lines = tmp_path / "coverslip" / "a_edits.jsonl"
    with lines.open("ab") as file:  # as if it was killed while it wrote a sixth
        file.write(b'{"edit": 6, "frame": 0, "before": "eJx')
    again = Page(tmp_path)
    assert (again.labels("a.png") == labels).all() and labels.shape == SHAPE
    again.post("/api/undo")
    assert again.labels("a.png").max() == 7


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_a_server_that_is_told_to_end_writes_the_label_file(tmp_path):
    import json

    import coverslip

    make_folder(tmp_path)
    running = Running(tmp_path)
    opener = tmp_path / "coverslip" / "records" / "open_app.html"
    assert stat.S_IMODE(os.stat(opener).st_mode) == 0o600 and running.token in opener.read_text()
    images = json.loads(running.ask("/api/folder"))["images"]
    content = json.dumps({"kind": "delete", "labels": [1, 2]}).encode()
    running.ask(f"/api/images/{images[0]['id']}/frames/0/edits", content)
    assert running.end() in (143, -15)
    written = coverslip.read_labels(tmp_path / "coverslip" / "a_labels.tif")
    assert np.unique(written).tolist() == [0, 3] and not opener.exists()
    assert (written.dtype, written.shape) == (np.uint16, SHAPE)

"""`coverslip app` in a process of its own, and what a person does in its page; for tests alone."""

from __future__ import annotations

import base64
import re
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

import coverslip
from coverslip.pipeline import keep_source

READY = "document.body?.classList.contains('ready') && coverslip.editor.store !== null"
SAVED = "document.getElementById('saved').dataset.state === 'saved'"
SAID = "document.getElementById('saved').textContent"
FACTS = "document.getElementById('image-facts').textContent"
NAME = "document.getElementById('image-name').textContent"
NOTES = "document.getElementById('notes').textContent"
SPOKEN = "document.getElementById('spoken').textContent"
SHAPE = (240, 320)


class Served:
    """`coverslip app` of a folder, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "coverslip.cli", "app", str(self.folder)]
        command += ["--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said = ""
        while not (found := re.search(r"http://\S+", said)):
            line = self.process.stdout.readline()
            assert line, f"the server has ended: {said}"
            said += line
        self.link = found.group(0)
        self.port = urlsplit(self.link).port

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self.process.stdout.close()


def make_pair(folder, first="a.png", second="b.png"):
    """Two images, the first with three square cells: 1 and 2 touch, 3 has a hole."""
    folder.mkdir(exist_ok=True)
    labels = np.zeros(SHAPE, np.uint32)
    labels[40:80, 40:80], labels[40:80, 80:120], labels[140:200, 200:260] = 1, 2, 3
    labels[165:175, 225:235] = 0
    rng = np.random.default_rng(0)
    image = (60 + 120 * (labels > 0) + rng.integers(0, 20, SHAPE)).astype(np.uint8)
    Image.fromarray(image).save(folder / first)
    Image.fromarray(image[::-1]).save(folder / second)
    put_labels(folder, first, [labels])
    return labels


def put_labels(folder, name, frames):
    """Labels as `coverslip segment` leaves them."""
    stem, out = Path(name).stem, folder / "coverslip"
    axes, shape = (
        ("YX", frames[0].shape) if len(frames) == 1 else ("TYX", (len(frames), *frames[0].shape))
    )
    coverslip.write_labels(
        out / f"{stem}_labels.tif", frames, shape=shape, axes=axes, dtype=np.uint16
    )
    keep_source(out, stem, folder / name)


def begin(browser):
    browser.visit("about:blank")  # else the page of a server that was killed goes on asking for it
    browser.errors.clear()
    browser.requests.clear()


def check_page(browser, served):
    browser.wait(SAVED)  # else the browser would ask whether the page may be left
    refused = ("(Bad Request)", "(Conflict)")
    assert [error for error in browser.errors if not error.rstrip().endswith(refused)] == []
    hosts = {urlsplit(address).netloc for address in browser.requests}
    assert hosts <= {f"127.0.0.1:{served.port}", ""}


def open_page(browser, served, image=None):
    browser.visit(served.link)
    browser.wait(READY)
    if image:
        find = f"coverslip.gallery.images.find(({{ name }}) => name === '{image}').id"
        browser.ask(f"coverslip.open({find})")
        browser.wait(f"{NAME} === '{image}'")
    browser.wait("coverslip.editor.store.isLoaded([0, 0, coverslip.editor.image.height, 1])")
    browser.ask("document.getElementById('canvas').focus()")


def at(browser, y, x):
    """Where a place of the image is in the window."""
    return browser.ask(
        "(() => { const r = coverslip.viewer.canvas.getBoundingClientRect();"
        f"const [x, y] = coverslip.viewer.toScreen({y}, {x}); return [r.left + x, r.top + y]; }})()"
    )


def draw(browser, tool, *places):
    """Take a tool and draw along places of the image."""
    browser.press(tool)
    browser.drag([at(browser, *place) for place in places])


def shown(browser):
    """The labels that the page shows."""
    text = browser.ask(
        "(async () => { const { packLabels } = await import('/page/api.js');"
        "const { editor } = coverslip;"
        "const { height, width } = editor.image;"
        "return packLabels(editor.store.read([0, 0, height, width])); })()"
    )
    shape = browser.ask("[coverslip.editor.image.height, coverslip.editor.image.width]")
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<u4").reshape(shape)


def served_labels(browser):
    """The labels that the server has."""
    values = browser.ask(
        "(async () => { const { getLabels, packLabels, framePath } = await import('/page/api.js');"
        "const { image, frame } = coverslip.editor;"
        "return packLabels((await getLabels(`${framePath(image.id, frame)}/labels`)).data); })()"
    )
    shape = browser.ask("[coverslip.editor.image.height, coverslip.editor.image.width]")
    return np.frombuffer(zlib.decompress(base64.b64decode(values)), "<u4").reshape(shape)


def settled(browser):
    """The page's labels once all is saved, which must be the server's."""
    browser.wait(SAVED)
    labels = shown(browser)
    np.testing.assert_array_equal(labels, served_labels(browser))
    return labels


def numbers(labels):
    return sorted(set(np.unique(labels)) - {0})

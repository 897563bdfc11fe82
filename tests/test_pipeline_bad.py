"""Odd images, broken images, full disks and interruptions: what is done stays done."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
from PIL import Image

from bright import bright_model
from coverslip.errors import FileError, SettingsError
from coverslip.inference import PredictSettings
from coverslip.io import read_labels, write_labels
from coverslip.pipeline import Job, SegmentSettings, Serial, segment_files
from drawn import squares
from pages import Page

CPU = PredictSettings(device="cpu")
SETTINGS = SegmentSettings(predict=CPU)
JOB = Job(model=bright_model(), model_name="bright", model_hash="1", settings=SETTINGS)
IMAGE, TRUTH = squares(4)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def paths(tmp_path):
    """Five images of 1 to 5 squares."""
    paths = [tmp_path / f"{n}.png" for n in range(1, 6)]
    for n, path in enumerate(paths, start=1):
        Image.fromarray(squares(n)[0]).save(path)
    return paths


def counts(out: Path) -> list[int]:
    return pd.read_csv(out / "images.csv").n_cells.tolist()


def left_over(out: Path) -> list[str]:
    """Temporary files that nobody removed."""
    return [path.name for path in out.rglob(".*")]


def write_odd(folder: Path, kind: str) -> Path:
    """Four squares (or nothing, where the kind has no room for them) in an unusual file."""
    path = folder / f"{kind}.{'tif' if 'float' in kind or kind == '12 bit' else 'png'}"
    if kind == "1 pixel":
        Image.fromarray(IMAGE[:1, :1]).save(path)
    elif kind == "black":
        Image.fromarray(0 * IMAGE).save(path)
    elif kind == "constant":
        Image.fromarray(0 * IMAGE + 255).save(path)
    elif kind == "RGBA":
        alpha = np.full_like(IMAGE, 255)
        alpha[:5] = 0
        Image.fromarray(np.stack([IMAGE] * 3 + [alpha], axis=2)).save(path)
    elif kind == "palette":
        Image.fromarray(IMAGE).convert("P").save(path)
    elif kind == "16 bit":
        Image.fromarray(IMAGE.astype(np.uint16) * 200).save(path)
    elif kind == "12 bit":
        tifffile.imwrite(path, IMAGE.astype(np.uint16) * 16)
    elif kind == "float with NaN":
        values = IMAGE / np.float32(255)
        values[0, :3] = np.nan, np.inf, -np.inf
        values[TRUTH == 2] = np.inf
        tifffile.imwrite(path, values)
    return path


@pytest.mark.parametrize(
    ("kind", "n_cells", "note"),
    [
        ("1 pixel", 0, ""),
        ("black", 0, ""),
        ("constant", 0, ""),
        ("RGBA", 4, "alpha channel was dropped"),
        ("palette", 4, ""),
        ("16 bit", 4, ""),
        ("12 bit", 4, ""),
        ("float with NaN", 4, "NaN or Inf were replaced"),
    ],
)
def test_odd_images(tmp_path, out, kind, n_cells, note):
    path = write_odd(tmp_path, kind)
    notes = []
    result = segment_files([path], out, job=JOB, on_note=notes.append)
    assert result.failed == {} and counts(out) == [n_cells]
    labels = read_labels(out / f"{kind}_labels.tif")
    expected = TRUTH if n_cells else np.zeros((1, 1) if kind == "1 pixel" else TRUTH.shape)
    np.testing.assert_array_equal(labels, expected)
    assert note in "".join(notes)
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert note in page.text
    assert page.text_of("td")[1] == str(n_cells)


def test_no_cell_anywhere_still_gives_whole_tables(tmp_path, out):
    segment_files([write_odd(tmp_path, "black")], out, job=JOB)
    cells = pd.read_csv(out / "cells.csv")
    assert len(cells) == 0 and {"file", "frame", "label", "area_px"} <= set(cells)
    (row,) = pd.read_csv(out / "images.csv").to_dict("records")
    assert row["confluence"] == 0 and np.isnan(row["median_area_px"])


def test_a_broken_image_is_reported_and_the_others_are_done(tmp_path, out, paths):
    paths[1].write_bytes(paths[1].read_bytes()[:60])
    paths[2].write_bytes(b"")
    (tmp_path / "text.png").write_text("This is not an image.")
    gone = tmp_path / "gone.png"
    everything = [*paths, tmp_path / "text.png", gone]
    result = segment_files(everything, out, job=JOB)
    assert list(result.done) == [paths[0], paths[3], paths[4]]
    assert list(result.failed) == [paths[1], paths[2], tmp_path / "text.png", gone]
    for path, message in result.failed.items():
        assert message.startswith(str(path))
    assert counts(out) == [1, 4, 5]
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert "4 files failed" in page.text
    assert "the file is empty" in page.text
    assert not (out / "2_labels.tif").exists() and left_over(out) == []


def test_a_name_that_is_no_text(tmp_path, out, paths):
    """The bytes of an old file system in Latin-1, which a newer one takes as they are."""
    odd = tmp_path / os.fsdecode(b"gr\xf6\xdfe.png")
    try:
        paths[0].rename(odd)
    except OSError:
        pytest.skip("this file system refuses such names")
    result = segment_files([odd, *paths[1:]], out, job=JOB)
    assert list(result.failed) == [odd] and "no text in UTF-8" in result.failed[odd]
    assert counts(out) == [2, 3, 4, 5]
    assert "rename it" in Page((out / "report.html").read_text(encoding="utf-8")).text


def test_nothing_but_broken_images_gives_tables_and_a_page_all_the_same(tmp_path, out):
    (tmp_path / "a.png").write_text("no")
    result = segment_files([tmp_path / "a.png"], out, job=JOB)
    assert result.done == {} and len(result.failed) == 1
    assert list(pd.read_csv(out / "cells.csv").columns[:3]) == ["file", "frame", "label"]
    assert "1 file failed" in Page((out / "report.html").read_text(encoding="utf-8")).text


def test_a_film_that_breaks_off_leaves_no_half_labels(tmp_path, out):
    film = tmp_path / "film.tif"
    tifffile.imwrite(film, np.stack([squares(n)[0] for n in range(1, 7)]), metadata=None)
    film.write_bytes(film.read_bytes()[:-1500])
    result = segment_files([film], out, job=JOB)
    assert list(result.failed) == [film]
    assert not (out / "film_labels.tif").exists() and left_over(out) == []


def test_an_interruption_keeps_what_was_done_and_the_next_start_goes_on(out, paths, monkeypatch):
    def interrupt(path: Path, *_: object, **options: object) -> None:
        if path.name == "3_labels.tif":
            raise KeyboardInterrupt
        write_labels(path, *_, **options)

    with monkeypatch.context() as patched:
        patched.setattr("coverslip.pipeline.results.write_labels", interrupt)
        with pytest.raises(KeyboardInterrupt):
            segment_files(paths, out, job=JOB, executor=Serial())
    assert counts(out) == [1, 2]
    assert (out / "report.html").is_file()
    assert not (out / "3_labels.tif").exists() and left_over(out) == []

    again = []
    result = segment_files(paths, out, job=JOB, on_frame=lambda path, *_: again.append(path))
    assert result.skipped == paths[:2] and sorted(again) == paths[2:]
    assert counts(out) == [1, 2, 3, 4, 5]


def test_a_mistake_of_ours_costs_one_image_and_keeps_its_traceback(out, paths, monkeypatch):
    def fail(path: Path, *_: object, **options: object) -> None:
        if path.name == "3_labels.tif":
            raise ZeroDivisionError("by us")
        write_labels(path, *_, **options)

    monkeypatch.setattr("coverslip.pipeline.results.write_labels", fail)
    result = segment_files(paths, out, job=JOB)
    assert (
        list(result.failed) == [paths[2]] and "ZeroDivisionError: by us" in result.failed[paths[2]]
    )
    assert counts(out) == [1, 2, 4, 5]
    assert "in fail" in (out / "records" / "tracebacks.txt").read_text()


def test_an_interrupted_other_job_leaves_nothing_that_passes_for_the_first(out, paths):
    (path,) = paths[:1]
    segment_files([path], out, job=JOB)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    other = replace(JOB, settings=replace(SETTINGS, threshold=0.2))
    with pytest.raises(KeyboardInterrupt):
        segment_files([path], out, job=other, on_frame=interrupt)
    again = []
    segment_files([path], out, job=JOB, on_frame=lambda *frame: again.append(frame))
    assert len(again) == 1  # its overlay was the other job's by then


def test_a_disk_that_fills_up_costs_the_image_and_not_the_work(out, paths, monkeypatch):
    whole = Image.Image.save

    def save(image: Image.Image, target: object, *args: object, **options: object) -> None:
        if (
            isinstance(target, Path)
            and target.parent == out
            and len(list(out.glob("*_labels.tif"))) == 2
        ):
            target.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(image, target, *args, **options)

    monkeypatch.setattr(Image.Image, "save", save)
    result = segment_files(paths, out, job=JOB)
    assert list(result.done) == paths[:2] and list(result.failed) == paths[2:]
    assert result.failed[paths[2]].startswith(f"{out / '3_overlay.png'}: cannot be written")
    assert "disk is full: free some space" in result.failed[paths[2]]
    assert counts(out) == [1, 2] and left_over(out) == []

    monkeypatch.undo()
    assert segment_files(paths, out, job=JOB).skipped == paths[:2]
    assert counts(out) == [1, 2, 3, 4, 5]


def test_a_disk_full_of_labels_says_so_too(out, paths, monkeypatch):
    def write(*_: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tifffile.TiffWriter, "write", write)
    result = segment_files(paths[:1], out, job=JOB)
    assert "1_labels.tif: cannot be written (No space left" in result.failed[paths[0]]
    assert left_over(out) == []


def test_too_little_memory_for_one_image_does_not_stop_the_others(out, paths):
    network = bright_model()

    def short_of_memory(module: torch.nn.Module, images: tuple[torch.Tensor]) -> None:
        if images[0].mean() < -1.8:  # the darkest, which is that of one square
            torch.empty(10**15)

    network.network.register_forward_pre_hook(short_of_memory)
    result = segment_files(paths, out, job=replace(JOB, model=network))
    assert list(result.failed) == paths[:1]
    assert result.failed[paths[0]].startswith(f"{paths[0]}: the memory of the device is too small")
    assert "(--tile), such as 16" in result.failed[paths[0]]
    assert counts(out) == [2, 3, 4, 5]


def test_too_little_memory_elsewhere_names_the_image_and_a_cure(out, paths, monkeypatch):
    def measure(labels: np.ndarray, *_: object, **options: object) -> pd.DataFrame:
        if labels.max() == 2:
            np.empty(10**15)
        return whole(labels, *_, **options)

    # by its name in sys.modules: the package's attribute of that name is a function
    module = sys.modules["coverslip.pipeline.region"]
    whole = module.measure
    monkeypatch.setattr(module, "measure", measure)
    result = segment_files(paths, out, job=JOB)
    assert list(result.failed) == [paths[1]] and counts(out) == [1, 3, 4, 5]
    assert result.failed[paths[1]].startswith(f"{paths[1]}: the memory of this computer")
    assert "cut the image into smaller ones" in result.failed[paths[1]]


def test_an_image_that_broke_since_keeps_no_old_results(out, paths):
    segment_files(paths, out, job=JOB)
    paths[1].write_bytes(b"")
    result = segment_files(paths, out, job=JOB)
    assert list(result.failed) == [paths[1]] and counts(out) == [1, 3, 4, 5]
    assert list(out.rglob("2_*")) == [] and not (out / "records" / "2.json").exists()
    assert len(list(out.rglob("1_*"))) == 3  # the labels, overlay and thumbnail of another


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_folder_that_cannot_be_is_refused_before_any_work(tmp_path, paths, where):
    (tmp_path / "file").write_text("mine")
    frames = []
    with pytest.raises(FileError, match=r"(?s)file.*cannot be written.*choose another folder"):
        segment_files(
            paths, tmp_path / where, job=JOB, on_frame=lambda *frame: frames.append(frame)
        )
    assert frames == [] and (tmp_path / "file").read_text() == "mine"


def test_a_device_that_is_not_there_is_refused_before_any_work():
    if torch.cuda.is_available():
        pytest.skip("needs a machine without a GPU")
    with pytest.raises(SettingsError, match="cuda was asked for"):
        replace(JOB, settings=replace(SETTINGS, predict=PredictSettings(device="cuda")))


def test_tiles_too_small_for_the_network_are_refused_before_any_work():
    with pytest.raises(SettingsError, match="use a tile_px over 4"):
        tiny = replace(CPU, tile_px=2, overlap_px=1)
        replace(JOB, settings=replace(SETTINGS, predict=tiny))

"""What a file, a name, a link or a record claims costs nobody more than itself."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from bright import bright_job
from coverslip._text import as_it_was, clean_name, no_formula, no_formula_path, printable
from coverslip.cli import label_files
from coverslip.cli.compare import read_table_file
from coverslip.errors import FileError, SettingsError, say_why
from coverslip.file_measurements import match_labels, measure_files
from coverslip.io import (
    Ledger,
    find_images,
    find_pairs,
    fingerprint,
    open_image,
    part_masks,
    read_frame,
    read_labels,
)
from coverslip.io.formats.guard import MOST_PICTURES
from coverslip.pipeline import segment_files, summary
from coverslip.pipeline.record import read_any_record
from coverslip.pipeline.sources import name_below
from coverslip.plates import read_conditions
from coverslip.tables import without_formulas, write_table
from coverslip.training import Plan, TrainSettings, resume_plan, start_run
from coverslip.training.splits import read_list
from drawn import squares, write_dataset

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = bright_job()
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
XML = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
    '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="8" SizeY="8" {}>'
    '<Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData/></Pixels></Image></OME>'
)


def draw(path: Path, n: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(squares(n)[0]).save(path)
    return path


def draw_film(path: Path, *counts: int) -> Path:
    frames = np.stack([squares(n)[0] for n in counts])
    tifffile.imwrite(path, frames, ome=True, metadata={"axes": "TYX"})
    return path


def run(paths: list[Path], out: Path):
    said: list[str] = []
    return segment_files(paths, out, job=JOB, on_note=said.append), said


# --- headers


@pytest.mark.parametrize("size", [1e160, 1e300, 1e7, 1e-6, 1e-160, 1e-300])
def test_a_pixel_size_that_cannot_be_is_left_out_with_a_word(tmp_path, size):
    path = tmp_path / "a.ome.tif"
    about = {"axes": "YX"}
    about |= {f"PhysicalSize{a}": size for a in "XY"}
    about |= {f"PhysicalSize{a}Unit": "µm" for a in "XY"}
    tifffile.imwrite(path, squares(3)[0], ome=True, metadata=about)
    result, said = run([path], tmp_path / "out")
    assert not result.failed and "pixel_size_um" not in pd.read_csv(tmp_path / "out" / "images.csv")
    assert any("its pixel size" in text and "cannot be and was ignored" in text for text in said)


@pytest.mark.parametrize("size", [1e-4, 0.325, 2000.0])
def test_a_pixel_size_that_can_be_stays(tmp_path, size):
    path = tmp_path / "a.ome.tif"
    about = {"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeY": size}
    tifffile.imwrite(path, squares(3)[0], ome=True, metadata=about)
    assert open_image(path).pixel_size_um == (size, size)


def test_a_time_that_cannot_be_is_left_out(tmp_path):
    path = tmp_path / "a.ome.tif"
    about = {"axes": "TYX", "TimeIncrement": 1e300, "TimeIncrementUnit": "s"}
    tifffile.imwrite(path, np.zeros((2, 8, 8), np.uint8), ome=True, metadata=about)
    file = open_image(path)
    assert file.frame_interval_s is None and "1e+300 s, cannot be" in " ".join(file.notes)


@pytest.mark.parametrize("n", [20_000, MOST_PICTURES + 1, 10**9, 10**18])
@pytest.mark.parametrize("kind", ["T", "Z", "T and Z", "shape", "zarr"])
def test_more_pictures_than_a_file_can_hold(tmp_path, kind, n):
    image = np.zeros((8, 8), np.uint8)
    path = tmp_path / "a.tif"
    if kind == "zarr":
        pytest.importorskip("zarr")
        path = tmp_path / "a.zarr"
        path.mkdir()
        about = {"zarr_format": 2, "shape": [n, 8, 8], "chunks": [1, 8, 8], "dtype": "|u1"}
        about |= {"compressor": None, "fill_value": 0, "order": "C", "filters": None}
        (path / ".zarray").write_text(json.dumps(about))
        (path / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["t", "y", "x"]}')
    elif kind == "shape":
        tifffile.imwrite(path, image, description=json.dumps({"shape": [n, 8, 8]}), metadata=None)
    else:
        side = int(n**0.5) + 1
        sizes = {"T": (n, 1), "Z": (1, n), "T and Z": (side, side)}[kind]
        text = f'SizeC="1" SizeT="{sizes[0]}" SizeZ="{sizes[1]}"'
        tifffile.imwrite(path, image, description=XML.format(text), metadata=None)
    with pytest.raises(FileError, match=r"its header claims [\d,]+ pictures"):
        open_image(path)


def test_a_film_of_many_small_frames_is_read(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, np.zeros((10_001, 2, 2), np.uint8), imagej=True, metadata={"axes": "TYX"}
    )
    assert open_image(path).n_frames == 10_001


# --- pipes, devices and links


@POSIX
@pytest.mark.parametrize("what", ["pipe", "link to a pipe", "device", "loop", "dangling"])
def test_what_is_no_file_is_named_and_costs_only_itself(tmp_path, what):
    good = draw(tmp_path / "in" / "good.png")
    path = tmp_path / "in" / "odd.tif"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "link to a pipe":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    else:
        path.symlink_to({"device": "/dev/zero", "loop": "odd.tif", "dangling": "gone.tif"}[what])
    found = find_images([tmp_path / "in"])
    assert found == [good, path] == find_images([good, path])
    result, _ = run(found, tmp_path / "out")
    assert list(result.done) == [good] and list(result.failed) == [path]
    words = {"loop": "links that lead to one another", "dangling": "a link to gone.tif"}
    assert words.get(what, "where a file is wanted") in result.failed[path]
    with pytest.raises(FileError, match=r"odd\.tif: "):
        read_labels(path)


@pytest.fixture
def pipe(tmp_path):
    """Makes a pipe of a name into which somebody would write, so that a mistake does not wait."""
    made: list[tuple[Path, threading.Thread]] = []

    def make(name: str) -> Path:
        path = tmp_path / name
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(b"file,dose",), daemon=True)
        writer.start()
        made.append((path, writer))
        return path

    yield make
    for path, writer in made:
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        writer.join()
        os.close(reader)


@POSIX
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("list.csv", read_list),
        ("plate.csv", read_conditions),
        ("cells.csv", read_table_file),
        ("a.json", read_labels),
        ("a.geojson", read_labels),
        ("a_seg.npy", read_labels),
        ("a_rois.zip", read_labels),
        ("a.h5", read_labels),
    ],
)
def test_a_pipe_in_the_place_of_any_other_file_is_not_waited_for(pipe, name, read):
    with pytest.raises(FileError, match="a pipe, where a file is wanted"):
        read(pipe(name))


@POSIX
@pytest.mark.parametrize("what", ["file", "folder", "pipe", "chunk"])
def test_a_link_in_a_zarr_does_not_lead_out_of_it(tmp_path, what):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "a.zarr"
    array = zarr.open_array(path, mode="w", shape=(8, 8), chunks=(4, 4), dtype="u1")
    array[:] = 1
    outside = tmp_path / "secret"
    if what == "folder":
        outside.mkdir()
    elif what == "pipe":
        os.mkfifo(outside)
    else:
        outside.write_bytes(bytes(16))
    if what == "chunk":
        chunk = next(one for one in path.rglob("*") if one.is_file() and "zarr" not in one.name)
        chunk.unlink()
        chunk.symlink_to(outside)
    else:
        (path / "more").symlink_to(outside)
    for read in (open_image, fingerprint):
        with pytest.raises(FileError, match="a link that leads outside of it"):
            read(path)


@POSIX
def test_a_zarr_whose_links_stay_in_it_is_read(tmp_path):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "true.zarr"
    zarr.open_array(path, mode="w", shape=(8, 8), chunks=(4, 4), dtype="u1")[:] = 1
    (path / "again").symlink_to(path / "zarr.json")
    (tmp_path / "a.zarr").symlink_to(path)
    assert open_image(tmp_path / "a.zarr").frame_shape == (8, 8)


def annexed(repository: Path, git: Path) -> Path:
    """A Zarr as git-annex leaves it: each chunk is a link to what it keeps in .git."""
    zarr = pytest.importorskip("zarr")
    path = repository / "data" / "a.zarr"
    array = zarr.open_array(path, mode="w", shape=(8, 8), chunks=(4, 4), dtype="u1", zarr_format=2)
    array[:] = np.arange(64).reshape(8, 8)
    for number, chunk in enumerate(sorted(path.glob("[0-9]*"))):
        key = git / "annex" / "objects" / "Xx" / f"k{number}" / f"SHA256E-s16--{number}"
        key.parent.mkdir(parents=True)
        chunk.rename(key)
        chunk.symlink_to(os.path.relpath(key, path))
    return path


@POSIX
@pytest.mark.parametrize("kind", ["alone", "part of another"])
def test_a_zarr_in_a_repository_of_git_annex_is_read(tmp_path, kind):
    git = tmp_path / "all" / ".git"
    if kind == "alone":
        path = annexed(tmp_path / "all", git)
    else:
        git = git / "modules" / "part"
        path = annexed(tmp_path / "all" / "part", git)
        (tmp_path / "all" / "part" / ".git").symlink_to("../.git/modules/part")
    file = open_image(path)
    np.testing.assert_array_equal(read_frame(file), np.arange(64).reshape(8, 8))
    before = fingerprint(path)
    key = sorted((git / "annex" / "objects").rglob("SHA*"))[0]
    key.write_bytes(bytes(reversed(key.read_bytes())))
    assert fingerprint(path) != before


@POSIX
@pytest.mark.parametrize("kind", ["another's", "a link to another's", "no repository"])
def test_what_git_annex_keeps_for_others_is_not_read(tmp_path, kind):
    path = annexed(tmp_path / "ours", tmp_path / "theirs" / ".git")
    if kind == "another's":
        (tmp_path / "ours" / ".git" / "annex" / "objects").mkdir(parents=True)
    elif kind == "a link to another's":
        (tmp_path / "ours" / ".git").symlink_to(tmp_path / "theirs" / ".git")
    with pytest.raises(FileError, match="a link that leads outside of it"):
        open_image(path)


@POSIX
def test_content_that_git_annex_has_not_fetched_is_not_taken_for_empty(tmp_path):
    path = annexed(tmp_path, tmp_path / ".git")
    next((tmp_path / ".git").rglob("SHA*")).unlink()
    with pytest.raises(FileError, match=r"a\.zarr: .* in it: a link to .*git annex get, fetches"):
        open_image(path)
    (tmp_path / "a.tif").symlink_to(".git/annex/objects/Xx/k9/SHA256E-s9--9.tif")
    with pytest.raises(FileError, match=r"a\.tif: a link to .*git annex get, fetches it"):
        open_image(tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["../b.zarr", "/etc", "C:\\b", "x/../../b.zarr", 3])
@pytest.mark.parametrize("kind", ["well", "labels", "multiscales"])
def test_names_in_a_zarr_do_not_lead_out_of_it(tmp_path, name, kind):
    zarr = pytest.importorskip("zarr")
    zarr.open_array(tmp_path / "b.zarr", mode="w", shape=(8, 8), chunks=(4, 4), dtype="u1")
    about = {
        "well": {"images": [{"path": name}]},
        "labels": [name],
        "multiscales": [{"datasets": [{"path": name}], "axes": ["y", "x"]}],
    }
    zarr.open_group(tmp_path / "a.zarr", mode="w").attrs[kind] = about[kind]
    with pytest.raises(FileError):
        open_image(tmp_path / "a.zarr")


# --- records and what is kept


def changed(path: Path, **values: object) -> None:
    contents = json.loads(path.read_text())
    path.write_text(json.dumps(contents | values))


@pytest.mark.parametrize(
    "change",
    [
        {"notes": 3},
        {"notes": [{}]},
        {"parts": [{"name": "../../etc/x", "n_rows": 1, "columns": ["label"]}]},
        {"parts": [{"name": "records/a.json", "n_rows": -1, "columns": ["label"]}]},
        {"parts": [{"name": "records/rows/a/00000.npz", "n_rows": 3, "columns": ["nothing"]}]},
        {"parts": [{"name": "records/rows/a/00000.npz", "n_rows": 3, "columns": 3}]},
        {"digests": {"../x": "1"}},
        {"digests": [1]},
        {"images": {"types": {}, "columns": {}}},
        {"images": {"types": {"frame": "datetime64[ns]"}, "columns": {"frame": [1e300]}}},
        {"is_large": "yes"},
        {"truth": 1},
    ],
)
def test_a_record_that_was_tampered_with_is_done_anew(tmp_path, change):
    path, out = draw(tmp_path / "a.png"), tmp_path / "out"
    run([path], out)
    table = (out / "cells.csv").read_bytes()
    changed(out / "records" / "a.json", **change)
    assert read_any_record(out / "records" / "a.json") is None
    result, _ = run([path], out)
    assert not result.failed and not result.skipped
    assert (out / "cells.csv").read_bytes() == table
    assert run([path], out)[0].skipped == [path]


@pytest.mark.parametrize("column", ["n_cells", "height_px", "labels", "overlay", "file"])
@pytest.mark.parametrize("value", [None, "x", -1, 1e400, ["a"], "../../x"])
def test_a_table_in_a_record_that_was_tampered_with(tmp_path, column, value):
    path, out = draw(tmp_path / "a.png"), tmp_path / "out"
    run([path], out)
    record = out / "records" / "a.json"
    images = json.loads(record.read_text())["images"]
    images["columns"][column] = [value]
    changed(record, images=images)
    other = draw(tmp_path / "b.png", 2)
    result, _ = run([path, other], out)
    assert not result.failed and list(result.done) == [path, other]
    assert pd.read_csv(out / "images.csv").n_cells.tolist() == [3, 2]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "null", "[]", "\x00", '{"images": 1}'])
@pytest.mark.parametrize("name", ["a.json", "written/a.jsonl", "written.jsonl"])
def test_a_record_or_ledger_that_is_none(tmp_path, name, text):
    path, out = draw(tmp_path / "a.png"), tmp_path / "out"
    run([path], out)
    if name == "a.json":
        (out / "records" / name).write_text(text)
    else:
        with (out / "records" / name).open("a") as file:
            file.write(f"\n{text}\n" + '{"file": 1, "sha256": []}\n{"source": 5}\n{"file": "x"}\n')
    result, _ = run([path], out)
    assert not result.failed and pd.read_csv(out / "images.csv").n_cells.tolist() == [3]


@pytest.mark.parametrize("how", ["cut", "emptied", "gone", "other rows", "text"])
def test_rows_that_are_damaged_cost_their_image_alone(tmp_path, how):
    paths, out = [draw(tmp_path / f"{n}.png", n) for n in (1, 2, 3)], tmp_path / "out"
    run(paths, out)
    rows = out / "records" / "rows"
    damaged = next((rows / "2").iterdir())
    if how == "gone":
        damaged.unlink()
    elif how == "other rows":
        damaged.write_bytes(next((rows / "3").iterdir()).read_bytes())
    else:
        data = damaged.read_bytes()
        damaged.write_bytes({"cut": data[:200], "emptied": b"", "text": b"text"}[how])
    result, _ = run(paths, out)
    if how == "gone":  # which is seen at once, and done anew
        assert not result.failed
        return
    assert list(result.failed) == [paths[1]] and "Start again" in result.failed[paths[1]]
    assert pd.read_csv(out / "images.csv").n_cells.tolist() == [1, 3]
    assert pd.read_csv(out / "cells.csv").groupby("file").size().tolist() == [1, 3]
    result, _ = run(paths, out)
    assert not result.failed and pd.read_csv(out / "images.csv").n_cells.tolist() == [1, 2, 3]


@pytest.mark.parametrize("how", ["cut", "emptied", "of another image", "text"])
def test_a_kept_frame_that_is_damaged_is_done_anew(tmp_path, monkeypatch, how):
    path, out = draw_film(tmp_path / "f.tif", 1, 2, 3), tmp_path / "out"

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("coverslip.pipeline.tasks.write_results", die)
        run([path], out)
    first, *_ = sorted((out / "records" / "frames").rglob("*.npz"))
    if how == "of another image":
        np.savez(first, a=np.zeros(3))
    else:
        data = first.read_bytes()
        first.write_bytes({"cut": data[:200], "emptied": b"", "text": b"text"}[how])
    result, _ = run([path], out)
    if result.failed:
        assert "a frame that was done before can no longer be read" in result.failed[path]
        result, _ = run([path], out)
    assert not result.failed and pd.read_csv(out / "images.csv").n_cells.tolist() == [1, 2, 3]


@pytest.mark.parametrize("text", ["NaN", "1e308", "-1", "0", '"x"', "[[", "9" * 4000])
def test_a_kept_scale_that_cannot_be_is_found_anew(tmp_path, text):
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.plan import begin_image, keep_scale, kept_scale

    path = draw(tmp_path / "a.png")
    opened = begin_image(path, Outputs(tmp_path / "out", "a"), job=JOB, thumbnails=[])
    keep_scale(opened, JOB, 0.5)
    assert kept_scale(opened, JOB) == 0.5
    next(opened.parts(JOB).glob("scale.json")).write_text(text)
    assert kept_scale(opened, JOB) is None


def test_an_error_that_is_not_ours_costs_its_image_alone(tmp_path, monkeypatch):
    paths = [draw(tmp_path / f"{n}.png", n) for n in (1, 2, 3)]
    reads = summary.read_table

    def read(path: Path) -> pd.DataFrame:
        if path.parent.name == "2":
            raise ValueError("of a library")
        return reads(path)

    monkeypatch.setattr(summary, "read_table", read)
    result, _ = run(paths, tmp_path / "out")
    assert list(result.failed) == [paths[1]]
    assert pd.read_csv(tmp_path / "out" / "images.csv").n_cells.tolist() == [1, 3]


# --- text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\x07\x00\x9b", "a\\x07\\x00\\x9b"),
        ("zelle\u202efit.exe", "zelle\\u202efit.exe"),
        ("a\udcff", "a\\udcff"),
        ("µm, 37 °C, 細胞, é", "µm, 37 °C, 細胞, é"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_control_characters_are_shown_as_their_codes(text, shown):
    assert printable(text) == shown
    assert "\n" not in clean_name(text) and len(clean_name(text * 1000)) == 200


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\uff1d1"])
def test_no_text_in_a_csv_is_a_formula(tmp_path, text):
    table = pd.DataFrame({"file": [text], "name": [text], "unit": ["µm"], "n": [-1.5], text: [1]})
    written = without_formulas(table)
    assert written.iloc[0].tolist() == [f"./{text}", f"'{text}", "µm", -1.5, 1]
    assert list(written)[-1] == f"'{text}" and table["name"].tolist() == [text]
    assert as_it_was(no_formula(text)) == text and as_it_was("'quoted'") == "'quoted'"
    assert os.path.normpath(no_formula_path("=a.tif")) == "=a.tif"
    write_table(tmp_path / "a.csv", table.drop(columns=[text]))
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows[1:] == [[f"./{text}", f"'{text}", "µm", "-1.5"]]


@POSIX
def test_a_name_does_not_speak_to_the_terminal(tmp_path, coverslip):
    path = draw(tmp_path / "in" / "a\x1b[2J.png")
    path.write_bytes(b"no image")
    said = coverslip("segment", tmp_path / "in", "-o", tmp_path / "out", "--model", "egt")
    assert said.status == 1
    assert "\x1b" not in said.err + said.out and "\\x1b[2J.png" in said.err


@POSIX
@pytest.mark.parametrize("closed", [(2,), (1, 2), (0, 1, 2)])
def test_with_closed_streams_the_work_is_done(tmp_path, closed):
    path = draw(tmp_path / "in" / "a.png")
    words = ["-m", "coverslip.cli", "segment", path, "-o", tmp_path / "out", "--model", "egt"]
    shut = " ".join(f"{number}>&-" for number in closed)
    command = [sys.executable, *map(str, words)]
    done = subprocess.run(["sh", "-c", f'"$@" {shut}', "sh", *command], check=False)
    assert done.returncode == 0 and (tmp_path / "out" / "report.html").is_file()


# --- many cells


def test_the_page_has_some_of_many_cells_evenly_and_all_of_those_it_shows(monkeypatch):
    monkeypatch.setattr(summary, "PAGE_CELLS", 100)
    sample = summary.PageSample(shown={("7", 0)})
    for file in range(50):
        rows = {"file": str(file), "frame": 0, "label": range(1, 41), "area_px": 1.0}
        sample.add(pd.DataFrame(rows))
    table = sample.table()
    assert 50 < len(table) <= 100 and sample.n_left_out == 2000 - len(table)
    assert (table["file"] == "7").sum() == 40
    others = table[table["file"] != "7"]
    assert len({int(file) // 10 for file in others["file"]}) == 5
    assert table.index.tolist() == list(range(len(table)))
    assert table["file"].astype(int).is_monotonic_increasing


def test_of_few_cells_the_page_has_all():
    sample = summary.PageSample()
    rows = pd.DataFrame({"file": "a", "frame": 0, "label": [1, 2, 3]})
    assert [len(part) for part in sample.watch([rows, rows.iloc[:0], rows])] == [3, 0, 3]
    assert sample.table()["label"].tolist() == [1, 2, 3, 1, 2, 3] and sample.n_left_out == 0


# --- names


@pytest.mark.parametrize("letter", ["x", "ü", "細"])
def test_a_name_that_leaves_no_room_is_named(tmp_path, letter):
    n = len(letter.encode())
    long = draw(tmp_path / "in" / f"{letter * (248 // n)}.png")
    fits = draw(tmp_path / "in" / f"{letter * (227 // n)}.png", 2)
    result, _ = run([long, fits], tmp_path / "out")
    assert list(result.done) == [fits]
    assert "its name is too long" in result.failed[long] and "Rename it" in result.failed[long]
    labels = tmp_path / "out" / f"{fits.stem}_labels.tif"
    labels.write_bytes(labels.read_bytes() + b"x")  # which is kept under a longer name
    segment_files([fits], tmp_path / "out", job=JOB, overwrite=True)
    assert len(list((tmp_path / "out").glob("*_labels.corrected.tif"))) == 1


@pytest.mark.parametrize(
    "pattern",
    ["plate [day 1]/*.png", "plate [day 1]/im [2]*", "plate*/im*", "*/im [[]*.png", "pl*[1]]/*"],
)
def test_brackets_in_folders_and_patterns(tmp_path, monkeypatch, pattern):
    path = draw(tmp_path / "plate [day 1]" / "im [2].png")
    monkeypatch.chdir(tmp_path)
    found = find_images([pattern]) if pattern != "pl*[1]]/*" else [path.relative_to(tmp_path)]
    assert found == [path.relative_to(tmp_path)]
    assert find_images([tmp_path / pattern]) == [path] or pattern == "pl*[1]]/*"


def test_masks_beside_images_are_told_from_them(tmp_path):
    names = ["a.png", "a_cp_masks.png", "b.png", "b_seg.png", "c_mask.png", "d_labels.png", "d.tif"]
    paths = [draw(tmp_path / name) for name in names]
    images, masks = part_masks(paths)
    assert [path.name for path in masks] == ["a_cp_masks.png", "b_seg.png", "d_labels.png"]
    assert [path.name for path in images] == ["a.png", "b.png", "c_mask.png", "d.tif"]


def test_masks_beside_images_are_not_segmented(tmp_path, coverslip):
    for name in ("a.png", "a_cp_masks.png", "deep/images/b.png", "deep/masks/b.png"):
        draw(tmp_path / "in" / name)
    out = tmp_path / "out"
    said = coverslip("segment", tmp_path / "in", "-o", out, "--model", "egt", "--recursive")
    assert said.status == 0 and "2 files" in said.err and "left out" in said.err
    assert sorted(one.name for one in out.glob("*_labels.tif")) == [
        "a_labels.tif",
        "deep_images_b_labels.tif",
    ]
    mask = tmp_path / "in" / "a_cp_masks.png"
    assert coverslip("segment", mask, "-o", out, "--model", "egt").status == 0
    assert (out / "a_cp_masks_labels.tif").is_file()


def test_names_in_wells_do_not_depend_on_their_neighbours(tmp_path, coverslip):
    first = draw(tmp_path / "in" / "A1" / "img.png", 1)
    out = tmp_path / "out"
    command = ["segment", tmp_path / "in", "-o", out, "--model", "egt", "--recursive"]
    assert coverslip(*command).status == 0
    names = {"A1_img_labels.tif"}
    assert {one.name for one in out.glob("*_labels.tif")} == names
    draw(tmp_path / "in" / "A2" / "img.png", 2)
    draw(tmp_path / "in" / "A1" / "img.bmp", 3)
    (tmp_path / "in" / ".hidden").mkdir()
    draw(tmp_path / "in" / ".hidden" / "img.png", 2)
    said = coverslip(*command)
    assert said.status == 0 and "1 was done before" in said.err
    names |= {"A2_img_labels.tif", "A1_img_bmp_labels.tif"}
    assert {one.name for one in out.glob("*_labels.tif")} == names
    assert name_below(first, tmp_path / "in") == "A1_img"


def test_a_folder_of_folders_says_how_it_is_taken(tmp_path):
    draw(tmp_path / "A1" / "img.png")
    with pytest.raises(FileError, match="--recursive"):
        find_images([tmp_path])


# --- ledgers


def test_a_ledger_with_lines_that_are_none_is_read(tmp_path):
    ledger = Ledger(tmp_path, "a")
    ledger.enter(tmp_path / "x", "1")
    with ledger.file.open("a") as file:
        file.write("[" * 100_000 + '\n{"file": 1}\n{"file": "y"}\n[1]\n{"source": 1}\n')
    ledger.enter(tmp_path / "z", "2")
    assert ledger.last() == {"x": "1", "z": "2"} and ledger.source is None


# --- other verbs


def break_one(name: str, read: Callable[..., object]) -> Callable[..., object]:
    """A function that raises what no one expects where it is given a file of some name."""

    def broken(path: Path, *rest: object, **options: object) -> object:
        if Path(path).name.startswith(name):
            raise ZeroDivisionError("of a library")
        return read(path, *rest, **options)

    return broken


def test_an_error_that_is_not_ours_does_not_stop_an_export(tmp_path, coverslip, monkeypatch):
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / f"{name}_labels.tif", squares(3)[1].astype(np.uint16))
    read = label_files.load_label_image
    monkeypatch.setattr(label_files, "load_label_image", break_one("a_", read))
    out = tmp_path / "out"
    said = coverslip("export", tmp_path, "--to", "geojson", "-o", out)
    assert said.status == 1 and (out / "b.geojson").is_file()
    assert "a_labels.tif: something went wrong that coverslip did not expect" in said.err


def test_why_a_file_could_not_be_done_names_it():
    path = Path("a.tif")
    assert say_why(path, SettingsError("no.")) == "a.tif: no."
    assert say_why(path, FileError("a.tif: damaged.")) == "a.tif: damaged."
    assert say_why(path, MemoryError()).startswith("a.tif: the memory of this computer")
    assert "(ValueError: x). Please report it" in say_why(path, ValueError("x"))


def test_a_table_is_written_as_it_is_measured(tmp_path, coverslip):
    (tmp_path / "labels").mkdir()
    for n in (2, 0, 3):
        tifffile.imwrite(tmp_path / "labels" / f"{n}.tif", squares(n)[1].astype(np.uint16))
    files = match_labels(tmp_path / "labels", None).files
    write_table(tmp_path / "whole.csv", measure_files(files))
    assert coverslip("measure", tmp_path / "labels", "-o", tmp_path / "parts.csv").status == 0
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    empty = tmp_path / "labels" / "0.tif"
    write_table(tmp_path / "none.csv", measure_files(match_labels(empty, None).files))
    assert coverslip("measure", empty, "-o", tmp_path / "0.csv").status == 0
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "none.csv").read_bytes()


def test_a_zarr_beside_the_metadata_of_another_is_its_own(tmp_path):
    zarr = pytest.importorskip("zarr")
    (tmp_path / "zarr.json").write_text("{}")
    (tmp_path / "elsewhere").symlink_to("/tmp")
    zarr.open_array(tmp_path / "a.zarr", mode="w", shape=(8, 8), chunks=(4, 4), dtype="u1")[:] = 1
    assert open_image(tmp_path / "a.zarr").frame_shape == (8, 8)


@pytest.mark.parametrize(
    "change",
    [
        {"train": 3},
        {"train": [{}], "val": []},
        {"weights": 1},
        {"weights": [float("nan")]},
        {"weights": "1e999"},
        {"settings": 3},
        {"settings": {}},
        {"fingerprint": None},
    ],
)
def test_settings_of_a_training_that_were_tampered_with(tmp_path, change):
    write_dataset(tmp_path / "data", n=4)
    pairs = find_pairs(tmp_path / "data")
    start_run(tmp_path / "run", Plan(TrainSettings(device="cpu"), pairs[:2], pairs[2:]))
    assert resume_plan(tmp_path / "run", pairs).train == pairs[:2]
    changed(tmp_path / "run" / "settings.json", **change)
    with pytest.raises(SettingsError, match=r"no training to resume|not in the data|have changed"):
        resume_plan(tmp_path / "run", pairs)
    (tmp_path / "run" / "settings.json").write_text("[" * 100_000)
    with pytest.raises(SettingsError, match="no training to resume there"):
        resume_plan(tmp_path / "run", pairs)

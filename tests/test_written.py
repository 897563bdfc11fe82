"""A person's work is never lost, and nothing that coverslip did not write is replaced."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from bright import bright_job, write_bright
from coverslip.errors import FileError
from coverslip.io import (
    Ledger,
    fingerprint,
    is_written,
    read_labels,
    remove_leftovers,
    write_labels,
    write_text,
    writing,
)
from coverslip.pipeline import Job, segment_files
from coverslip.pipeline.job import job_key
from coverslip.pipeline.outputs import Outputs
from coverslip.pipeline.plan import begin_image
from coverslip.pipeline.tasks import finish_image
from coverslip.tiling import RegionSettings
from drawn import squares, write_dataset

JOB = bright_job()
KEPT = (".corrected", ".corrected2", ".corrected3", "")
OTHER = replace(JOB, settings=replace(JOB.settings, threshold=0.6))
LARGE = replace(JOB, regions=RegionSettings(core_px=8, margin_px=8, most_margin_px=32))


def draw(path: Path, n: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(squares(n)[0]).save(path)
    return path


def draw_film(path: Path, *counts: int) -> Path:
    frames = np.stack([squares(n)[0] for n in counts])
    tifffile.imwrite(path, frames, ome=True, metadata={"axes": "TYX"})
    return path


def run(path: Path, out: Path, job: Job = JOB, **options: bool) -> list[str]:
    """Segment an image; what was said."""
    said: list[str] = []
    result = segment_files([path], out, job=job, on_note=said.append, **options)
    assert not result.failed
    return said


def correct(path: Path, *numbers: int) -> np.ndarray:
    """Take cells out of a label file, as in Fiji or napari; what it holds then."""
    labels = read_labels(path)
    labels[np.isin(labels, numbers)] = 0
    labels = labels.astype(np.uint16)
    tifffile.imwrite(path, labels, imagej=labels.ndim == 3)
    return labels


def cells(out: Path) -> list[int]:
    return pd.read_csv(out / "cells.csv").label.tolist()


def test_corrected_labels_are_the_truth_of_the_same_settings(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    run(path, out)
    overlay = (out / "a_overlay.png").read_bytes()
    labels = correct(out / "a_labels.tif", 2, 3)
    kept = (out / "a_labels.tif").read_bytes()
    (said,) = run(path, out)
    assert "a_labels.tif was changed since it was written: its 3 cells are taken as" in said
    assert cells(out) == [1, 4, 5] == np.unique(labels)[1:].tolist()
    assert pd.read_csv(out / "cells.csv").area_px.tolist() == [36, 36, 36]
    assert pd.read_csv(out / "images.csv").n_cells.tolist() == [3]
    assert (out / "a_overlay.png").read_bytes() != overlay
    assert "taken as the truth" in (out / "report.html").read_text()
    assert (out / "a_labels.tif").read_bytes() == kept
    (said,) = run(path, out)  # and it stays so
    assert "3 cells" in said and cells(out) == [1, 4, 5]


def test_a_second_correction_counts_too(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    for number, left in ((2, 4), (4, 3)):
        run(path, out)
        correct(out / "a_labels.tif", number)
        run(path, out)
        assert len(cells(out)) == left


@pytest.mark.parametrize("how", ["settings", "model", "format", "overwrite"])
def test_corrected_labels_are_kept_beside_a_new_result(tmp_path, how):
    if how == "format":
        pytest.importorskip("zarr")
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    run(path, out)
    correct(out / "a_labels.tif", 2)
    kept = (out / "a_labels.tif").read_bytes()
    jobs = {
        "settings": OTHER,
        "model": replace(JOB, model_hash="2"),
        "format": replace(JOB, labels="zarr"),
    }
    said = run(path, out, jobs.get(how, JOB), overwrite=how == "overwrite")
    assert (out / "a_labels.corrected.tif").read_bytes() == kept
    assert any("a_labels.tif was changed" in s and "a_labels.corrected.tif" in s for s in said)
    assert cells(out) == [1, 2, 3, 4, 5]
    new = out / ("a_labels.ome.zarr" if how == "format" else "a_labels.tif")
    assert read_labels(new).max() == 5


def test_each_correction_is_kept_by_a_name_of_its_own(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    for job in (JOB, OTHER, JOB):
        run(path, out, job)
        correct(out / "a_labels.tif", 2)
    run(path, out, OTHER)
    names = sorted(one.name for one in out.glob("a_labels*"))
    assert names == [
        f"a_labels{end}.tif" for end in (".corrected", ".corrected2", ".corrected3", "")
    ]


@pytest.mark.parametrize("job", [JOB, OTHER], ids=["same", "other"])
@pytest.mark.parametrize(
    "at", ["tasks.write_results", "frame_cells.write_frame_pictures", "tasks.write_record"]
)
def test_killed_in_between(tmp_path, monkeypatch, job, at):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    run(path, out)
    correct(out / "a_labels.tif", 2)
    kept = (out / "a_labels.tif").read_bytes()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"coverslip.pipeline.{at}", die)
        run(path, out, job)
    run(path, out, job)
    where = "a_labels.tif" if job is JOB else "a_labels.corrected.tif"
    assert (out / where).read_bytes() == kept
    assert cells(out) == ([1, 3, 4, 5] if job is JOB else [1, 2, 3, 4, 5])
    assert len(list(out.glob("a_labels*"))) == (1 if job is JOB else 2)


def test_maps_are_not_asked_for_of_corrected_labels(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    job = replace(JOB, keep_probs=True)
    run(path, out)
    correct(out / "a_labels.tif", 2)
    run(path, out, job)
    result = segment_files([path], out, job=job)
    assert result.skipped == [path] and cells(out) == [1, 3, 4, 5]


@pytest.mark.parametrize("axes", ["TYX", "ZYX", "CYX"])
def test_a_corrected_film_by_whatever_a_tool_calls_its_frames(tmp_path, axes):
    path, out = draw_film(tmp_path / "f.tif", 2, 3), tmp_path / "out"
    run(path, out)
    labels = read_labels(out / "f_labels.tif")
    labels[labels == 2] = 0
    tifffile.imwrite(out / "f_labels.tif", labels, ome=True, metadata={"axes": axes})
    run(path, out)
    assert cells(out) == [1, 1, 3]
    assert not list(out.glob("*.corrected*"))


def test_a_corrected_film_with_large_frames(tmp_path):
    path, out = draw_film(tmp_path / "f.tif", 2, 3), tmp_path / "out"
    run(path, out, LARGE)
    labels = out / "f_labels" / "frame_00001.tif"
    kept = correct(labels, 2)
    run(path, out, LARGE)
    rows = pd.read_csv(out / "cells.csv")
    assert sorted(rows.label[rows.frame == 1]) == [1, 3] and len(rows) == 4
    run(path, out)  # done whole: other settings
    assert np.array_equal(read_labels(labels.with_name("frame_00001.corrected.tif")), kept)
    run(path, out, LARGE)
    assert labels.with_name("frame_00001.corrected.tif").is_file()


def test_a_corrected_film(tmp_path):
    path, out = draw_film(tmp_path / "f.tif", 2, 3, 4), tmp_path / "out"
    run(path, out)
    labels = correct(out / "f_labels.tif", 2)
    (said,) = run(path, out)
    assert "its 6 cells" in said
    rows = pd.read_csv(out / "cells.csv")
    found = [rows.label[rows.frame == n].tolist() for n in range(3)]
    assert found == [np.unique(frame)[1:].tolist() for frame in labels] == [[1], [1, 3], [1, 3, 4]]
    kept = (out / "f_labels.tif").read_bytes()
    run(path, out, OTHER)
    assert (out / "f_labels.corrected.tif").read_bytes() == kept
    assert len(cells(out)) == 9


def test_a_corrected_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    job = replace(JOB, labels="zarr")
    run(path, out, job)
    level = zarr.open_group(out / "a_labels.ome.zarr", mode="r+")["labels/cells/0"]
    labels = level[:]
    labels[labels == 4] = 0
    level[:] = labels
    (said,) = run(path, out, job)
    assert "a_labels.ome.zarr was changed" in said and cells(out) == [1, 2, 3, 5]
    run(path, out, replace(OTHER, labels="zarr"))
    kept = read_labels(out / "a_labels.corrected.ome.zarr")
    assert np.array_equal(kept, labels) and cells(out) == [1, 2, 3, 4, 5]


def test_a_corrected_large_image(tmp_path):
    path, out = draw(tmp_path / "a.png", 9), tmp_path / "out"
    run(path, out, LARGE)
    assert pd.read_csv(out / "images.csv").n_cells.tolist() == [9]
    labels = read_labels(out / "a_labels.tif")
    labels[labels == 5] = 0
    labels[labels == 6] = 40
    write_labels(out / "a_labels.tif", [labels], shape=labels.shape, axes="YX")
    (said, *_) = run(path, out, LARGE)
    assert "its 8 cells" in said
    assert sorted(cells(out)) == [1, 2, 3, 4, 7, 8, 9, 40]
    assert pd.read_csv(out / "cells.csv").area_px.tolist() == [36] * 8


@pytest.mark.parametrize("value", [1, 2, 128, 255])
@pytest.mark.parametrize("job", [JOB, LARGE], ids=["held", "large"])
def test_a_mask_of_one_value_is_its_pieces(tmp_path, job, value):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    run(path, out, job)
    mask = correct(out / "a_labels.tif", 2) > 0
    tifffile.imwrite(out / "a_labels.tif", value * mask.astype(np.uint8))
    (said, *_) = run(path, out, job)
    assert "its 4 cells are taken as the truth (a mask of one number" in said
    assert cells(out) == [1, 2, 3, 4]
    assert pd.read_csv(out / "cells.csv").area_px.tolist() == [36] * 4
    assert (read_labels(out / "a_labels.tif") == value * mask).all()


def test_a_film_of_masks_is_their_pieces(tmp_path):
    path, out = draw_film(tmp_path / "f.tif", 1, 3), tmp_path / "out"
    run(path, out)
    labels = read_labels(out / "f_labels.tif")
    tifffile.imwrite(out / "f_labels.tif", 255 * (labels > 0).astype(np.uint8))
    run(path, out)
    assert cells(out) == [1, 1, 2, 3]


def test_one_cell_that_is_left_keeps_its_number(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    run(path, out)
    correct(out / "a_labels.tif", 1, 2, 4, 5)
    (said,) = run(path, out)
    assert "its 1 cell is taken as the truth" in said and "mask" not in said
    assert cells(out) == [3]


def test_corrected_labels_are_the_truth_after_an_upgrade(tmp_path, monkeypatch):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    monkeypatch.setattr("coverslip.pipeline.job.code_version", lambda: "older")
    run(path, out)
    correct(out / "a_labels.tif", 2)
    monkeypatch.setattr("coverslip.pipeline.job.code_version", lambda: "newer")
    (said,) = run(path, out)
    assert "its 4 cells are taken as the truth" in said
    assert cells(out) == [1, 3, 4, 5] and not list(out.glob("*.corrected*"))
    monkeypatch.setattr("coverslip.pipeline.job.code_version", lambda: "newest")
    assert "its 4 cells" in run(path, out)[0]  # and it stays so
    other = run(path, out, OTHER)
    assert any("a_labels.corrected.tif" in said for said in other)


def test_corrected_labels_whose_record_does_not_say_what_was_asked_for_are_the_truth(
    tmp_path, monkeypatch
):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    monkeypatch.setattr("coverslip.pipeline.job.code_version", lambda: "older")
    run(path, out)
    record = out / "records" / "a.json"
    contents = json.loads(record.read_text())
    del contents["work"]
    record.unlink()
    with writing(Ledger(out)):
        write_text(record, json.dumps(contents))
    monkeypatch.setattr("coverslip.pipeline.job.code_version", lambda: "newer")
    labels = (out / "a_labels.tif").read_bytes()
    run(path, out)  # nothing was corrected: all is done anew
    assert (out / "a_labels.tif").read_bytes() == labels and cells(out) == [1, 2, 3, 4, 5]
    record.unlink()
    with writing(Ledger(out)):
        write_text(record, json.dumps(contents))
    correct(out / "a_labels.tif", 2)
    (said,) = run(path, out)
    assert "its 4 cells are taken as the truth" in said
    assert cells(out) == [1, 3, 4, 5] and not list(out.glob("*.corrected*"))


def test_after_an_upgrade_all_else_is_done_again(tmp_path, monkeypatch):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    monkeypatch.setattr("coverslip.pipeline.job.code_version", lambda: "older")
    run(path, out)
    monkeypatch.setattr("coverslip.pipeline.job.code_version", lambda: "newer")
    result = segment_files([path], out, job=JOB)
    assert not result.skipped and cells(out) == [1, 2, 3, 4, 5]
    assert segment_files([path], out, job=JOB).skipped == [path]


def test_what_is_set_aside_while_a_film_is_drawn_is_named(tmp_path):
    path, out = draw_film(tmp_path / "f.tif", 2, 3), tmp_path / "out"
    run(path, out)
    overlay = out / "f_overlays" / "frame_00001.png"
    overlay.write_bytes(b"mine")
    (out / "records" / "f.json").unlink()
    opened = begin_image(path, Outputs(out, "f"), job=JOB, thumbnails=[])
    overlay.write_bytes(b"mine")  # meanwhile
    record = finish_image(opened, job=JOB)
    assert any("frame_00001.corrected2.png" in note for note in record.notes)
    assert overlay.with_name("frame_00001.corrected2.png").read_bytes() == b"mine"


@pytest.mark.parametrize("how", ["emptied", "cut", "deleted", "of another size"])
def test_broken_labels_are_not_done(tmp_path, how):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    run(path, out)
    labels = out / "a_labels.tif"
    data = labels.read_bytes()
    if how == "deleted":
        labels.unlink()
    elif how == "of another size":
        tifffile.imwrite(labels, np.ones((3, 3), np.uint16))
    else:
        labels.write_bytes(data[: len(data) // 2 if how == "cut" else 0])
    run(path, out)
    assert labels.read_bytes() == data
    assert run(path, out) == []


def test_a_plate_map_is_not_overwritten(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    out.mkdir()
    (out / "images.csv").write_text("well,drug\nA1,none\n")
    with pytest.raises(FileError, match=r"images\.csv: is there already"):
        run(path, out)
    assert (out / "images.csv").read_text() == "well,drug\nA1,none\n"
    assert not (out / "a_labels.tif").exists()


def test_a_table_that_was_changed_is_kept(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    run(path, out)
    (out / "images.csv").write_text("mine")
    (said,) = run(path, out)
    assert "images.corrected.csv" in said
    assert (out / "images.corrected.csv").read_text() == "mine"


def test_labels_of_another_tool_stay_and_ours_get_another_name(tmp_path):
    path, out = draw(tmp_path / "day" / "a.png", 5), tmp_path / "out"
    out.mkdir()
    tifffile.imwrite(out / "a_labels.tif", squares(2)[1])
    before = (out / "a_labels.tif").read_bytes()
    (said,) = run(path, out)
    assert (out / "a_labels.tif").read_bytes() == before
    assert "not of this image" in said and (out / "a_png_labels.tif").is_file()


def test_hidden_files_of_others_stay(tmp_path):
    names = [f".{'0' * 32}.part", f".{'0' * 32}.part.tif", ".download.part", ".coverslip-x.part"]
    for name in names:
        (tmp_path / name).write_text("theirs")
    (tmp_path / f".coverslip-{'0' * 32}.part.tif").write_text("ours")
    remove_leftovers(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(names)


def test_an_image_called_by_dots_alone(tmp_path):
    out = tmp_path / "out"
    run(draw(tmp_path / "a.png", 5), out)
    path = tmp_path / "...tif"
    tifffile.imwrite(path, squares(3)[0])
    run(path, out)
    run(path, out, OTHER)
    assert (out / "records" / "a.json").is_file() and (out / "___labels.tif").is_file()
    assert run(tmp_path / "a.png", out) == []


def test_the_next_day_does_not_replace_the_first(tmp_path):
    out = tmp_path / "out"
    first, second = (draw(tmp_path / f"day{n}" / "img.png", n) for n in (1, 2))
    run(first, out)
    (said,) = run(second, out)
    assert str(second) in said and "img_png" in said
    assert [read_labels(out / f"{name}_labels.tif").max() for name in ("img", "img_png")] == [1, 2]
    assert run(first, out) == run(second, out) == []
    result = segment_files([first, second], out, job=JOB)
    assert result.skipped == [first, second]


def test_names_do_not_depend_on_the_neighbours(tmp_path):
    out = tmp_path / "out"
    one = draw(tmp_path / "a.png", 1)
    run(one, out)
    other = tmp_path / "a.tif"
    tifffile.imwrite(other, squares(2)[0])
    assert segment_files([one, other], out, job=JOB).skipped == [one]
    assert sorted(p.name for p in out.glob("*_labels.tif")) == ["a_labels.tif", "a_tif_labels.tif"]


def test_images_that_were_moved_keep_their_names(tmp_path):
    out = tmp_path / "out"
    run(draw(tmp_path / "old" / "a.png", 3), out)
    (tmp_path / "old").rename(tmp_path / "new")
    run(tmp_path / "new" / "a.png", out)
    assert [path.name for path in out.glob("*_labels.tif")] == ["a_labels.tif"]


def test_the_same_relative_name_elsewhere_is_another_image(tmp_path, monkeypatch):
    keys = []
    for day in ("one", "two"):
        draw(tmp_path / day / "a.png", 3)
        os.utime(tmp_path / day / "a.png", ns=(1, 1))
        monkeypatch.chdir(tmp_path / day)
        keys.append(job_key(Path("a.png"), JOB))
    assert keys[0] != keys[1]


@pytest.mark.parametrize("size", [10_000, 100_000_000])
def test_a_change_under_the_same_size_and_time_is_seen(tmp_path, size):
    path = tmp_path / "a.tif"
    with path.open("wb") as file:
        file.truncate(size)
    os.utime(path, ns=(1, 1))
    before = fingerprint(path)
    with path.open("r+b") as file:
        file.seek(size - 5)
        file.write(b"x")
    os.utime(path, ns=(1, 1))
    assert fingerprint(path) != before


def test_exchanged_chunks_are_seen(tmp_path):
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    for name, data in (("0", b"one"), ("1", b"two")):
        (folder / name).write_bytes(data)
        os.utime(folder / name, ns=(1, 1))
    before = fingerprint(folder)
    (folder / "0").rename(folder / "x")
    (folder / "1").rename(folder / "0")
    (folder / "x").rename(folder / "1")
    assert fingerprint(folder) != before


def test_results_of_an_earlier_version_are_done_again_with_a_word(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    make_old(path, out)
    (said,) = run(path, out)
    assert "earlier version" in said
    assert not list(out.glob("*.corrected*")) and cells(out) == [1, 2, 3, 4, 5]
    assert run(path, out) == []


def test_corrected_results_of_an_earlier_version_are_kept(tmp_path):
    path, out = draw(tmp_path / "a.png", 5), tmp_path / "out"
    make_old(path, out)
    kept = correct(out / "a_labels.tif", 2)
    run(path, out)
    assert np.array_equal(read_labels(out / "a_labels.corrected.tif"), kept)


def make_old(path: Path, out: Path) -> None:
    """What version 0.1.0 left: a record without hashes, and no ledger."""
    run(path, out)
    shutil.rmtree(out / "records" / "written")
    (out / "records" / "written.jsonl").unlink()
    (out / "methods.txt").unlink()  # which it did not write
    record = out / "records" / "a.json"
    contents = json.loads(record.read_text())
    del contents["digests"], contents["truth"]
    record.write_text(json.dumps(contents))


def test_own_pictures_are_not_segmented_on_the_second_start(tmp_path, coverslip, monkeypatch):
    model = write_bright(tmp_path / "bright.safetensors", monkeypatch)
    draw(tmp_path / "in" / "a.png", 3)
    draw_film(tmp_path / "in" / "f.tif", 2, 3)
    out = tmp_path / "in" / "deep" / "out"
    for _ in range(3):
        pattern = tmp_path / "in" / "**" / "*.*"
        said = coverslip("segment", pattern, "-o", out, "--model", model, "--device", "cpu")
        assert said.status == 0
    assert pd.read_csv(out / "images.csv").frame.tolist() == [0, 0, 1]
    assert "left out" in said.err
    assert is_written(out / "f_overlays" / "frame_00001.png") and is_written(out / "a_labels.tif")
    assert not is_written(tmp_path / "in" / "a.png")


def test_export_does_not_remove_a_raw_image(tmp_path, coverslip):
    pytest.importorskip("zarr")
    labels, raw = tmp_path / "a_labels.tif", tmp_path / "raw"
    write_labels(labels, [squares(3)[1]], shape=(32, 32), axes="YX")
    image = raw / "a.ome.zarr"
    image.mkdir(parents=True)
    (image / "zarr.json").write_text("raw")
    (raw / "a.geojson").write_text("mine")
    said = coverslip("export", labels, "--to", "ome-zarr", "-o", raw)
    assert said.status == 1 and "coverslip did not write it" in " ".join(said.err.split())
    assert (image / "zarr.json").read_text() == "raw"
    assert coverslip("export", labels, "--to", "geojson", "-o", raw).status == 1
    assert (raw / "a.geojson").read_text() == "mine"
    for _ in range(2):  # our own is replaced
        assert coverslip("export", labels, "--to", "ome-zarr", "-o", tmp_path / "new").status == 0


def test_measure_replaces_no_table_but_its_own(tmp_path, coverslip):
    labels, table = tmp_path / "a_labels.tif", tmp_path / "plate.csv"
    write_labels(labels, [squares(3)[1]], shape=(32, 32), axes="YX")
    table.write_text("mine")
    assert coverslip("measure", labels, "-o", table).status == 2
    assert table.read_text() == "mine"
    for _ in range(2):
        assert coverslip("measure", labels, "-o", tmp_path / "b.csv").status == 0


def test_train_replaces_no_model_of_others(tmp_path, coverslip):
    data, out = write_dataset(tmp_path / "data"), tmp_path / "run"
    out.mkdir()
    (out / "best.safetensors").write_text("theirs")
    said = coverslip("train", data, "-o", out, "--device", "cpu")
    assert said.status == 2 and "best.safetensors" in said.err
    assert (out / "best.safetensors").read_text() == "theirs"
    assert not (out / "settings.json").exists()


def test_the_rule(tmp_path):
    path, ledger = tmp_path / "a.txt", Ledger(tmp_path)
    with writing(ledger):
        write_text(path, "ours")
        write_text(path, "ours too")
        path.write_text("theirs")
        with pytest.raises(FileError, match="is there already"):
            write_text(path, "ours again")
        write_text(path, "theirs")  # nothing is lost
    assert path.read_text() == "theirs"


def test_a_model_is_hashed_as_it_is_loaded(tmp_path, monkeypatch):
    from coverslip.checkpoints import zoo as shipped
    from coverslip.errors import ModelError

    path = write_bright(tmp_path / "bright.safetensors", monkeypatch)
    whole = shipped.load_checkpoint

    def replaced(*arguments: object) -> object:
        model = whole(*arguments)
        path.write_bytes(path.read_bytes() + b" ")
        return model

    monkeypatch.setattr(shipped, "load_checkpoint", replaced)
    with pytest.raises(ModelError, match="was changed while it was read"):
        shipped.load_model(str(path))

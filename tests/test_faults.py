"""Disks that fill up, folders that go, shares that do not answer: told, and nothing half done."""

from __future__ import annotations

import errno
import io
import math
import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import tifffile

from bright import bright_job, bright_model
from coverslip.errors import FileError, SettingsError
from coverslip.io import only_here, open_image, read_frame
from coverslip.pipeline import BatchResult, Serial, segment_files
from coverslip.pipeline.worker import holder_of
from drawn import save_picture, squares

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

JOB = bright_job()


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def paths(tmp_path):
    """Four images of 1 to 4 squares."""
    return [save_picture(tmp_path / "in" / f"{n}.png", squares(n)[0]) for n in range(1, 5)]


@pytest.fixture
def film(tmp_path):
    """A film of 1 to 6 squares."""
    return draw_film(tmp_path / "film.tif", range(1, 7))


def draw_film(path: Path, counts: range) -> Path:
    with tifffile.TiffWriter(path) as writer:
        for n in counts:
            writer.write(squares(n)[0], contiguous=False, metadata=None)
    return path


def counts(out: Path) -> list[int]:
    return pd.read_csv(out / "images.csv").n_cells.tolist()


def half_files(out: Path) -> list[str]:
    """Files under a temporary name, and the lock."""
    return [path.name for path in out.rglob("*") if ".part" in path.name or "in-use" in path.name]


def stop_at(n: int) -> Callable[..., None]:
    """An `on_frame` that interrupts once the n-th frame is done."""
    seen = []

    def on_frame(*frame: object) -> None:
        seen.append(frame)
        if len(seen) == n:
            raise KeyboardInterrupt

    return on_frame


# --- a film goes on where it was stopped


def in_turn(*arguments: object, **options: object) -> BatchResult:
    """One task after the other, so that it is known what is done when."""
    return segment_files(*arguments, executor=Serial(), **options)


def test_the_frames_of_a_stopped_film_are_kept(out, film):
    with pytest.raises(KeyboardInterrupt):
        in_turn([film], out, job=JOB, on_frame=stop_at(4))
    assert len(list((out / "records" / "frames" / "film").rglob("*.npz"))) == 4
    assert not (out / "film_labels.tif").exists() and half_files(out) == []

    again, notes = [], []
    segment_files([film], out, job=JOB, on_frame=lambda *f: again.append(f), on_note=notes.append)
    assert [frame for _, frame, _ in again] == [5, 6] and counts(out) == [1, 2, 3, 4, 5, 6]
    assert notes[0] == f"{film}: 4 of 6 frames were done before"
    assert not (out / "records" / "frames").exists()


@pytest.mark.parametrize("change", ["model", "film", "overwrite", "overlay", "probs"])
def test_what_no_longer_holds_is_done_again(out, film, change):
    with pytest.raises(KeyboardInterrupt):
        in_turn([film], out, job=JOB, on_frame=stop_at(4))
    job, n_again = JOB, 6
    if change == "model":
        job = bright_job(model_hash="1")
    elif change == "film":
        draw_film(film, range(2, 8))
        os.utime(film, ns=(1, 1))
    elif change == "overlay":
        (out / "film_overlays" / "frame_00001.png").unlink()
        n_again = 3
    elif change == "probs":
        job = replace(JOB, keep_probs=True)
    again = []
    segment_files(
        [film],
        out,
        job=job,
        overwrite=change == "overwrite",
        on_frame=lambda *f: again.append(f),
    )
    assert len(again) == n_again
    assert counts(out) == ([2, 3, 4, 5, 6, 7] if change == "film" else [1, 2, 3, 4, 5, 6])
    assert not (out / "records" / "frames").exists()


def test_a_kept_frame_that_was_damaged_is_made_anew(out, film):
    with pytest.raises(KeyboardInterrupt):
        in_turn([film], out, job=JOB, on_frame=stop_at(6))
    part = next((out / "records" / "frames").rglob("00002/region_00000_00000.npz"))
    part.write_bytes(part.read_bytes()[:-30])
    notes = []
    assert segment_files([film], out, job=JOB, on_note=notes.append).failed == {}
    assert notes[0] == f"{film}: 5 of 6 frames were done before"
    assert counts(out) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("damage", [b"", b"null", None])
def test_a_damaged_picture_of_an_image_done_before_costs_the_page_that_picture(out, paths, damage):
    in_turn(paths[:2], out, job=JOB)
    picture = sorted((out / "records").glob("*.jpg"))[0]
    whole = picture.read_bytes()
    picture.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    result = in_turn(paths[:2], out, job=JOB)
    assert len(result.skipped) == 2 and result.failed == {}
    assert (out / "report.html").read_text("utf-8").count("data:image/jpeg") == 1


# --- disks


@pytest.mark.parametrize("when", ["write", "close", "rename"])
@pytest.mark.parametrize("what", ["_labels.tif", "_overlay.png", ".json", ".npz"])
def test_a_disk_that_is_full_at_any_moment(out, paths, film, monkeypatch, when, what):
    """The file that does not fit costs its image; space is freed, and the rest is done."""
    path = film if what == ".npz" else paths[1]
    segment_files(paths[:1], out, job=JOB)
    fill_disk(monkeypatch, when=when, what=what, but=out / "records" / "1.json")
    result = segment_files([paths[0], path], out, job=JOB)
    assert result.skipped == paths[:1] and list(result.failed) == [path]
    assert "cannot be written (No space left on device)" in result.failed[path]
    assert "free some space" in result.failed[path]
    assert not (out / "2_labels.tif").exists() or what == ".json"
    assert half_files(out) == []
    monkeypatch.undo()
    assert segment_files([paths[0], path], out, job=JOB).failed == {}


def fill_disk(monkeypatch, *, when: str, what: str, but: Path) -> None:
    """Let the disk be full for the files whose final names end so."""
    renamed, opened = Path.replace, io.open
    full = OSError(errno.ENOSPC, "No space left on device")

    class Full(io.FileIO):
        def write(self, data):
            if when == "write" and self.tell() + len(data) > 100:
                super().write(bytes(data)[:10])
                raise full
            return super().write(data)

        def close(self):
            was_open = not self.closed
            super().close()
            if was_open and when == "close":
                raise full

    def replace(self, target):
        if when == "rename" and str(target).endswith(what) and target != but:
            raise full
        return renamed(self, target)

    def open_full(file, mode="r", *args, **options):
        if str(file).endswith(f".part.{what.rpartition('.')[2]}") and set(mode) & set("wx+"):
            return Full(file, mode.replace("b", ""))
        return opened(file, mode, *args, **options)

    monkeypatch.setattr(Path, "replace", replace)
    if when != "rename":
        monkeypatch.setattr(io, "open", open_full)
        monkeypatch.setattr("builtins.open", open_full)


def test_a_real_limit_for_files(tmp_path):
    """The system itself refuses what is longer than 2000 bytes."""
    pytest.importorskip("resource")
    target = tmp_path / "file"
    code = f"""
import resource, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from coverslip.errors import FileError
from coverslip.io import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
write_bytes(Path({str(target)!r}), bytes(1500))
try:
    write_bytes(Path({str(target)!r}), bytes(5000))
except FileError as error:
    sys.exit(str(error))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr.startswith(f"{target}: cannot be written (File too large). No file may be")
    assert len(target.read_bytes()) == 1500 and list(tmp_path.iterdir()) == [target]


def test_a_folder_that_may_no_longer_be_written(out, paths, monkeypatch):
    """As root may write everywhere, the system's answer is put in its mouth."""
    refused = PermissionError(errno.EACCES, "Permission denied")

    def replace(self, target):
        if (out / "2_labels.tif").exists():
            raise refused
        os.replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(FileError, match=r"cells\.csv: cannot be written.*You may not write here"):
        in_turn(paths, out, job=JOB)
    monkeypatch.undo()
    result = segment_files(paths, out, job=JOB)
    assert len(result.skipped) == 1 and counts(out) == [1, 2, 3, 4]


# --- what is read


def test_an_input_that_goes_between_listing_and_reading(out, paths):
    def on_frame(path: Path, *_: int) -> None:
        if path == paths[0]:
            paths[1].unlink()
            shutil.copy(paths[0], paths[2])

    result = in_turn(paths, out, job=JOB, on_frame=on_frame)
    assert list(result.failed) == [paths[1]]
    assert result.failed[paths[1]].startswith(f"{paths[1]}: cannot be read (No such file")
    assert counts(out) == [1, 1, 4]


@pytest.mark.parametrize("how", ["shorter", "other"])
def test_a_film_that_is_replaced_while_it_is_read(out, film, how):
    other = film.with_name("other.tif")

    def on_frame(path: Path, frame: int, n_frames: int) -> None:
        if frame == 3 and n_frames == 6:
            draw_film(other, range(1, 3) if how == "shorter" else range(2, 8))
            film.write_bytes(other.read_bytes())

    result = segment_files([film], out, job=JOB, on_frame=on_frame)
    assert str(film) in result.failed[film]
    if how == "other":
        assert "was changed while it was read: start again" in result.failed[film]
    assert not (out / "film_labels.tif").exists()
    assert segment_files([film], out, job=JOB).failed == {}
    assert counts(out) == ([1, 2] if how == "shorter" else [2, 3, 4, 5, 6, 7])


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (errno.EIO, "disk or network share does not answer"),
        (errno.ESTALE, "disk or network share does not answer"),
    ],
)
def test_a_share_that_does_not_answer(out, paths, monkeypatch, code, cure):
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fail)
        with pytest.raises(FileError, match=f"1.png: cannot be read .*{cure}"):
            read_frame(open_image(paths[0]))
    stat = Path.stat

    def no_stat(self: Path, **options: bool) -> os.stat_result:
        if self == paths[1]:
            fail()
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", no_stat)
    result = segment_files(paths, out, job=JOB)
    assert list(result.failed) == [paths[1]] and counts(out) == [1, 3, 4]
    assert "2.png: cannot be read" in result.failed[paths[1]]


def test_no_more_files_can_be_opened(out, paths):
    segment_files(paths[:1], out, job=JOB)  # so that all is imported
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [open(os.devnull)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0].fileno() + 40, before[1]))
    messages = []
    try:
        with pytest.raises(OSError, match="Too many open files"):
            while True:
                held.append(open(os.devnull))
        for work in (lambda: open_image(paths[0]), lambda: segment_files(paths, out, job=JOB)):
            with pytest.raises(FileError) as caught:
                work()
            messages.append(str(caught.value))
    finally:
        for file in held:
            file.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert messages[0].startswith(f"{paths[0]}: cannot be read (Too many open files)")
    assert messages[1].startswith(f"{out / 'in-use'}: cannot be written (Too many open files)")
    assert all("ulimit -n" in message for message in messages)
    assert segment_files(paths, out, job=JOB).skipped == paths[:1]


def test_a_network_that_answers_nan_for_one_image(out, paths):
    model = bright_model()

    def answer(module: torch.nn.Module, images: tuple[torch.Tensor], logits: torch.Tensor):
        # the second darkest: the mean brightness grows with the number of squares
        return logits * math.nan if -1.75 < images[0].mean() < -1.6 else logits

    model.network.register_forward_hook(answer)
    result = segment_files(paths, out, job=bright_job(model))
    assert list(result.failed) == [paths[1]] and counts(out) == [1, 3, 4]
    assert result.failed[paths[1]].startswith(f"{paths[1]}: the network's answer is no number")


# --- the folder of the results


@pytest.mark.parametrize("how", ["deleted", "moved", "emptied"])
def test_the_folder_goes_while_it_is_worked_in(out, paths, how):
    seen = []

    def on_frame(path: Path, *_: int) -> None:
        seen.append(path)
        if path != paths[1]:
            return
        if how == "moved":
            out.rename(out.with_name("elsewhere"))
        else:
            shutil.rmtree(out)
        if how == "emptied":
            out.mkdir()

    with pytest.raises(FileError, match=r"out: was deleted, moved or emptied .* start again"):
        in_turn(paths, out, job=JOB, on_frame=on_frame)
    assert seen == paths[:2]
    assert segment_files(paths, out, job=JOB).failed == {} and counts(out) == [1, 2, 3, 4]


def test_two_at_work_in_one_folder(out, paths):
    with only_here(out):
        said = f"out: another coverslip is at work here \\(process {os.getpid()} on .*in-use"
        with pytest.raises(SettingsError, match=said):
            segment_files(paths, out, job=JOB)
    assert segment_files(paths, out, job=JOB).failed == {}


@pytest.mark.skipif(sys.platform == "win32", reason="needs the system's locks")
def test_a_lock_goes_with_its_process(out):
    code = f"""
import sys, time
sys.path[:0] = {sys.path!r}
from pathlib import Path
from coverslip.io import only_here
with only_here(Path({str(out)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(SettingsError, match=f"process {other.pid} on "), only_here(out):
            pass
        other.kill()
    assert (out / "in-use").exists() and (out / "in-use.lock").exists()
    with only_here(out):
        assert (out / "in-use").read_text().split()[-1] == str(os.getpid())
    assert list(out.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs the system's locks")
def test_a_share_without_locks_goes_by_what_the_file_says(out, monkeypatch):
    def no_locks(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filelock.lock_descriptor", no_locks)
    out.mkdir()
    (out / "in-use").write_text("another-host 1\n")
    said = r"process 1 on another-host.*delete in-use and in-use.lock in it"
    with pytest.raises(SettingsError, match=said), only_here(out):
        pass
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    (out / "in-use").write_text(f"{socket.gethostname()} {ended.pid}\n")
    with only_here(out):
        pass


def test_windows_is_never_asked_for_a_process_which_would_end_it(out, monkeypatch):
    def no_locks(*_: object, **__: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filelock.lock_descriptor", no_locks)
    monkeypatch.setattr("coverslip.io.lock.sys.platform", "win32")
    monkeypatch.setattr("os.kill", lambda *_: pytest.fail("asked"))
    out.mkdir()
    (out / "in-use").write_text(f"{socket.gethostname()} {os.getpid()}\n")
    with only_here(out):
        pass
    (out / "in-use").write_text("another-host 1\n")
    with pytest.raises(SettingsError, match="process 1 on another-host"), only_here(out):
        pass


def test_who_holds_a_folder_can_be_read_by_anyone(out):
    with only_here(out):
        assert holder_of(out) == f"{socket.gethostname()} {os.getpid()}\n"
    assert holder_of(out) == ""


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
@pytest.mark.parametrize("name", ["in-use", "in-use.lock"])
def test_a_lock_that_is_a_link_leaves_alone_what_it_leads_to(tmp_path, out, name, link):
    precious = tmp_path / "precious.txt"
    precious.write_text("years of work")
    out.mkdir()
    getattr(out / name, link)(precious)
    with only_here(out) as check_there:
        check_there()
        assert precious.read_text() == "years of work"
    assert precious.read_text() == "years of work" and list(out.iterdir()) == []


def test_who_has_lost_a_folder_does_not_free_it_for_a_third(out):
    with ExitStack() as first, ExitStack() as second:
        check_there = first.enter_context(only_here(out))
        shutil.rmtree(out)
        second.enter_context(only_here(out))
        with pytest.raises(FileError, match="was deleted, moved or emptied"):
            check_there()
        first.close()
        with pytest.raises(SettingsError, match="another coverslip is at work"), only_here(out):
            pass
    assert list(out.iterdir()) == []


def test_however_many_take_and_leave_a_folder_no_two_hold_it_at_once(tmp_path, out):
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from coverslip.errors import SettingsError
from coverslip.io import only_here
alone, held = Path({str(tmp_path / "alone")!r}), 0
while held < 100:
    try:
        with only_here(Path({str(out)!r})):
            alone.mkdir()  # fails where it is
            alone.rmdir()
            held += 1
    except SettingsError:
        pass
"""
    crowd = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [one.wait(timeout=120) for one in crowd] == [0, 0, 0]
    assert list(out.iterdir()) == []


# --- nobody listens


def test_the_work_goes_on_when_nobody_reads_what_it_says(tmp_path, paths, out):
    command = [sys.executable, "-m", "coverslip.cli", "segment", str(paths[0]), "-o", str(out)]
    reads, writes = os.pipe()
    os.close(reads)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with open(writes, "wb") as nobody:
        done = subprocess.run(
            [*command, "--model", "phantast"],
            stdout=nobody,
            stderr=nobody,
            env=environment,
            check=False,
        )
    assert done.returncode == 0
    assert (out / "1_labels.tif").exists() and (out / "report.html").exists()

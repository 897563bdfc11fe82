"""Files are written whole or not at all."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from coverslip.errors import FileError
from coverslip.io import (
    check_writable,
    open_image,
    open_pages,
    read_frame,
    whole_or_nothing,
    write_bytes,
    write_image,
    write_labels,
    write_text,
)

LABELS = np.array([[0, 1, 1], [7, 0, 2]])


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 3)])
def test_picture(tmp_path, shape):
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    write_image(tmp_path / "a.png", values)
    np.testing.assert_array_equal(read_frame(open_image(tmp_path / "a.png")), values)


def test_numbers(tmp_path):
    values = np.array([[0, 0.1], [0.5, 1]], np.float32)
    write_image(tmp_path / "a.tif", values)
    np.testing.assert_array_equal(read_frame(open_image(tmp_path / "a.tif")), values)


@pytest.mark.parametrize(
    ("name", "dtype", "shape"),
    [
        ("a.png", np.float32, (2, 2)),
        ("a.tif", np.uint8, (2, 2)),
        ("a.png", np.uint8, (2, 2, 4)),
        ("a.jpg", np.uint8, (2, 2)),
    ],
)
def test_pictures_that_do_not_fit_their_suffix(tmp_path, name, dtype, shape):
    with pytest.raises(ValueError, match="cannot hold"):
        write_image(tmp_path / name, np.zeros(shape, dtype))
    assert list(tmp_path.iterdir()) == []


def test_text_is_utf8_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "Zellkörper 1.txt", "µm\n")
    assert (tmp_path / "Zellkörper 1.txt").read_bytes() == b"\xc2\xb5m\n"


def test_bytes_replace_an_older_file(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_temporary_has_the_suffix_and_the_folder_but_is_not_the_file(tmp_path):
    with whole_or_nothing(tmp_path / "new" / "a.npz") as temporary:
        assert temporary.suffix == ".npz"
        assert temporary.parent == tmp_path / "new"
        temporary.touch()
        assert not (tmp_path / "new" / "a.npz").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.npz"]


def test_new_file_has_the_rights_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()])
def test_failure_leaves_the_older_file_and_no_other(tmp_path, error):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(type(error)), whole_or_nothing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def write_maps(path):
    with open_pages(path) as write_page:
        write_page(LABELS.astype(np.float32))


WRITERS = {
    "labels": lambda path: write_labels(
        path.with_suffix(".tif"), [LABELS], shape=LABELS.shape, axes="YX"
    ),
    "maps": lambda path: write_maps(path.with_suffix(".tif")),
    "image": lambda path: write_image(path.with_suffix(".png"), LABELS.astype(np.uint8)),
    "text": lambda path: write_text(path.with_suffix(".txt"), "words"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_file_in_place_of_a_folder(tmp_path, kind):
    (tmp_path / "out").touch()
    with pytest.raises(FileError, match=r"out.*a\..*A file stands where a folder is wanted"):
        WRITERS[kind](tmp_path / "out" / "a")
    with pytest.raises(FileError, match="A file stands where a folder is wanted"):
        WRITERS[kind](tmp_path / "out" / "deeper" / "a")


def test_folder_in_place_of_a_file(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(FileError, match=r"a\.txt.*A folder of that name is in the way"):
        write_text(tmp_path / "a.txt", "words")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("kind", WRITERS)
def test_disk_full(tmp_path, kind, monkeypatch):
    """The disk fills up after the first bytes; neither half a file nor a temporary one is left."""
    real = Path.replace

    def full(self, target):
        assert self.stat().st_size > 0
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(FileError, match=r"a\..*The disk is full: free some space"):
        WRITERS[kind](tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(Path, "replace", real)
    WRITERS[kind](tmp_path / "a")
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("kind", WRITERS)
def test_disk_that_is_full_while_writing(tmp_path, kind, monkeypatch):
    """The temporary file is a link to /dev/full, to which every write fails as on a full disk."""
    real = Path.with_name

    def onto_full_disk(self, name):
        path = real(self, name)
        path.symlink_to("/dev/full")
        return path

    monkeypatch.setattr(Path, "with_name", onto_full_disk)
    with pytest.raises(FileError, match=r"a\..*The disk is full"):
        WRITERS[kind](tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_every_failure_has_a_cure(tmp_path, code, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(FileError, match=r"a\.txt.*hoose another folder"):
        write_text(tmp_path / "a.txt", "words")


def test_what_cannot_be_written_is_found_before_and_nothing_is_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("a text")
    (tmp_path / "folder").mkdir()
    for path, is_file in (("folder", False), ("a/b", False), ("a/b.csv", True)):
        check_writable(tmp_path / path, is_file=is_file)
    with pytest.raises(FileError, match="file: is there already, and coverslip did not write it"):
        check_writable(tmp_path / "file", is_file=True)
    monkeypatch.chdir(tmp_path)
    check_writable(Path("a.csv"), is_file=True)
    for path, is_file, cure in (
        ("file", False, "A file stands where a folder is wanted"),
        ("file/b", False, "A file stands where a folder is wanted"),
        ("file/b.csv", True, "A file stands where a folder is wanted"),
        ("folder", True, "A folder of that name is in the way"),
    ):
        with pytest.raises(FileError, match=f"{path}: cannot be written.*{cure}"):
            check_writable(tmp_path / path, is_file=is_file)
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["file", "folder"]
    monkeypatch.setattr("os.access", lambda path, mode: mode == os.F_OK and Path(path).exists())
    with pytest.raises(FileError, match="You may not write here"):
        check_writable(tmp_path / "folder")


def test_a_name_with_bytes_that_are_no_utf8(tmp_path):
    """Linux allows such names, and Python holds such a byte as half of a character."""
    write_text(tmp_path / "a.csv", "name\n" + os.fsdecode(b"Zellk\xf6rper") + "\n")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "name\nZellk\\udcf6rper\n"

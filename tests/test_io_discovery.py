"""Files, folders and patterns."""

import os
import unicodedata

import pytest

from coverslip.errors import FileError
from coverslip.io import find_images, stem


@pytest.fixture
def folder(tmp_path):
    for name in ("t10.png", "t2.tif", "t1.JPG", "notes.txt", ".t3.png"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.png").touch()
    (tmp_path / "odd.png").mkdir()
    return tmp_path


def names(paths):
    return [path.name for path in paths]


def test_folder_in_natural_order_without_what_is_inside(folder):
    assert names(find_images([folder])) == ["t1.JPG", "t2.tif", "t10.png"]


def test_pattern(folder):
    assert names(find_images([folder / "*.png"])) == ["t10.png"]
    assert names(find_images([str(folder / "**" / "*.png")])) == ["deep.png", "t10.png"]


@pytest.mark.skipif(os.name == "nt", reason="where letters of both sizes are one")
def test_a_pattern_in_other_letters_names_what_is_there(folder):
    with pytest.raises(FileError, match=r"small and capital letters, as t1\.JPG does in others"):
        find_images([folder / "*.jpg"])


def test_what_computers_keep_for_themselves_is_no_image(tmp_path):
    for name in ("a.tif", "A1/b.tif", "@eaDir/a.tif/THUMB.jpg", "__MACOSX/._a.tif", "A1/._b.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_images([tmp_path], recursive=True)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in found) == ["A1/b.tif", "a.tif"]


def test_file_is_taken_whatever_its_suffix(folder):
    assert names(find_images([folder / "notes.txt"])) == ["notes.txt"]


def test_file_whose_name_looks_like_a_pattern(tmp_path):
    (tmp_path / "a[1].png").touch()
    assert names(find_images([tmp_path / "a[1].png"])) == ["a[1].png"]


def test_order_of_the_sources_and_each_file_once(folder):
    found = find_images([folder / "t2.tif", folder, folder / "t10.png"])
    assert names(found) == ["t2.tif", "t1.JPG", "t10.png"]


def test_all_problems_at_once(folder):
    (folder / "empty").mkdir()
    sources = [folder / "t3.tif", folder, folder / "empty", folder / "*.bmp"]
    with pytest.raises(FileError) as error:
        find_images(sources)
    lines = str(error.value).splitlines()
    assert len(lines) == 3
    assert "no such file" in lines[0]
    assert f"Did you mean {folder / 't2.tif'}?" in lines[0]
    assert "no image in this folder" in lines[1]
    assert "no image fits this pattern" in lines[2]


def test_images_one_folder_deeper_are_named(tmp_path):
    for name in ("b10", "b2", "none"):
        (tmp_path / name).mkdir()
    for name in ("b10", "b2"):
        (tmp_path / name / "a.png").write_bytes(b"")
    deeper = f"{tmp_path / 'b2'}, {tmp_path / 'b10'}."
    with pytest.raises(FileError) as error:
        find_images([tmp_path])
    assert str(error.value).endswith(f"The images lie one folder deeper: name {deeper}")
    with pytest.raises(FileError, match="Check its path"):
        find_images([tmp_path / "none"])


def test_no_source():
    with pytest.raises(FileError, match="no image was named"):
        find_images([])


def test_stem_of_ome_and_of_umlauts_in_two_characters(tmp_path):
    assert stem(tmp_path / "a.b.ome.tif") == "a.b"
    assert stem(tmp_path / unicodedata.normalize("NFD", "Körper.png")) == "Körper"

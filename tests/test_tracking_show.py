"""What coverslip track gives to look at: page, figures, video; and intensities of images."""

import json
import subprocess

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from skimage.io import imsave
from typer.testing import CliRunner

from coverslip._optional import is_installed
from coverslip.cli.command_line import app
from coverslip.errors import SettingsError
from swimming import film

RUNNER = CliRunner()
MOVES = film(*([(40, 30 + 4 * t, 8), (90, 130 - 4 * t, 8)] for t in range(5))).astype(np.uint16)


def run(*words):
    result = RUNNER.invoke(app, ["track", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, MOVES, imagej=True, metadata={"axes": "TYX"})
    return path


@pytest.fixture
def images(tmp_path):
    """Frames in which the first cell is as bright as 10 × its frame, the second always 200."""
    folder = tmp_path / "images"
    folder.mkdir()
    for t, frame in enumerate(MOVES):
        values = np.zeros(frame.shape, dtype=np.uint8)
        values[40 - 12 : 40 + 12] = 10 * t
        values[90 - 12 : 90 + 12] = 200
        # t2 before t10: the order of names is the natural one
        imsave(folder / f"t{t + 8}.png", values, check_contrast=False)
    return folder


def test_a_page_is_written_beside_the_tables(labels, tmp_path):
    result = run(labels, "-o", tmp_path / "out")
    assert "report.html" in result.output
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert data["nFrames"] == 5 and data["pictures"] == []
    assert "intensity_mean" not in pd.read_csv(tmp_path / "out" / "tracks.csv")
    assert "done before" in run(labels, "-o", tmp_path / "out").output


def test_images_give_intensities_and_the_pictures_of_the_page(labels, images, tmp_path):
    run(labels, "-o", tmp_path / "out", "--images", images)
    table = pd.read_csv(tmp_path / "out" / "tracks.csv")
    upper = table[table["centroid_y_px"] < 60]
    assert upper["intensity_mean"].tolist() == [0, 10, 20, 30, 40]
    assert set(table.loc[table["centroid_y_px"] > 60, "intensity_mean"]) == {200}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 5
    # Without images, the results are others.
    assert "done before" not in run(labels, "-o", tmp_path / "out").output


def test_a_frame_without_an_image_shows_none_and_not_the_one_before(images, tmp_path):
    (tmp_path / "labels").mkdir()
    for t in (0, 1, 3, 4):
        tifffile.imwrite(tmp_path / "labels" / f"t{t}.tif", MOVES[t])
    (images / "t10.png").unlink()
    run(tmp_path / "labels", "-o", tmp_path / "out", "--images", images)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert [bool(picture) for picture in data["pictures"]] == [True, True, False, True, True]
    table = pd.read_csv(tmp_path / "out" / "tracks.csv")
    assert table.loc[table["centroid_y_px"] < 60, "intensity_mean"].tolist() == [0, 10, 30, 40]
    assert "frames are missing" in page
    assert page.index('<section id="events">') < page.index("frames are missing")


def test_images_that_do_not_fit_are_refused_in_words(labels, images, tmp_path):
    (images / "t12.png").unlink()
    result = run(labels, "-o", tmp_path / "out", "--images", images)
    assert result.exit_code == 1
    assert "images: 4 frames, where the labels of film have 5" in " ".join(result.output.split())
    imsave(images / "t12.png", np.zeros((7, 9), np.uint8), check_contrast=False)
    result = run(labels, "-o", tmp_path / "out", "--images", images)
    assert result.exit_code == 1
    assert "t12.png: 7 × 9 pixels, where" in " ".join(result.output.split())
    assert not (tmp_path / "out" / "tracks.csv").exists()


def test_images_of_several_films_are_refused(labels, images, tmp_path):
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, MOVES, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(SettingsError, match="these labels are 2 films"):
        run(labels, other, "-o", tmp_path / "out", "--images", images)


def test_figures_are_vectors_and_the_same_again(labels, tmp_path):
    run(labels, "-o", tmp_path / "a", "--figures")
    run(labels, "-o", tmp_path / "b", "--figures")
    for name in ("lineage_tree.svg", "lineage_tree.pdf", "trajectories.svg", "trajectories.pdf"):
        once, again = ((tmp_path / out / name).read_bytes() for out in "ab")
        assert once == again
        assert once.startswith(b"%PDF" if name.endswith("pdf") else b"<?xml")
    tree = (tmp_path / "a" / "lineage_tree.svg").read_text(encoding="utf-8")
    assert tree.count("<path") >= 2 and ">frame</text>" in tree


@pytest.mark.skipif(not is_installed("imageio_ffmpeg"), reason="the extra video is not here")
def test_the_video_shows_every_frame_with_its_outlines(labels, images, tmp_path):
    run(labels, "-o", tmp_path / "out", "--images", images, "--video")
    with Image.open(tmp_path / "out" / "film.gif") as gif:
        assert gif.n_frames == 5 and gif.size == MOVES.shape[:0:-1]
    import imageio_ffmpeg

    program, height, width = imageio_ffmpeg.get_ffmpeg_exe(), *MOVES.shape[1:]
    command = [program, "-loglevel", "error", "-i", tmp_path / "out" / "film.mp4"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = subprocess.run(command, capture_output=True, check=True).stdout
    pictures = np.frombuffer(pixels, np.uint8).reshape(-1, height, width, 3)
    assert len(pictures) == 5
    # The rim of the upper cell in the first frame is coloured, the dark around it is not.
    rim = pictures[0][40, 30 - 9 : 30 - 5].astype(int)
    assert np.ptp(rim, axis=1).max() > 60
    assert np.ptp(pictures[0][5, 5].astype(int)) < 20

"""What ImageJ's own reader sees of label files: by their bytes, and by ImageJ where it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile

from coverslip.io import open_image, read_labels, write_label_regions, write_labels

JAR = Path("/usr/share/java/ij.jar")  # Debian's package imagej, 1.53t
PROGRAM = """
import ij.*;
import ij.measure.Calibration;
public class Look {
    public static void main(String[] paths) {
        for (String path : paths) {
            ImagePlus image = IJ.openImage(path);
            Calibration known = image.getCalibration();
            int[] size = image.getDimensions();
            image.setSlice(image.getStackSize());
            System.out.println(size[0] + " " + size[1] + " " + size[2] + " " + size[3] + " "
                + size[4] + " " + image.getBitDepth() + " " + known.pixelWidth + " "
                + known.pixelHeight + " " + known.frameInterval + " "
                + image.getProcessor().getPixelValue(3, 2));
        }
    }
}
"""
FRAMES = np.zeros((6, 20, 30), np.uint16)
FRAMES[:, 2, 3] = [300, 40000, 65535, 4, 5, 54321]
KINDS = [  # axes, lengths, type; channels, slices and frames as ImageJ counts them; interval
    ("YX", (20, 30), np.uint16, (1, 1, 1), 0.0),
    ("YX", (20, 30), np.uint32, (1, 1, 1), 0.0),
    ("TYX", (6, 20, 30), np.uint16, (1, 1, 6), 300.0),
    ("ZYX", (6, 20, 30), np.uint16, (1, 6, 1), 0.0),
    ("TZYX", (3, 2, 20, 30), np.uint16, (1, 2, 3), 300.0),
]


def write(path, axes, shape, dtype):
    n_frames = int(np.prod(shape[:-2], dtype=int))
    write_labels(
        path,
        iter(FRAMES[-n_frames:]),
        shape=shape,
        axes=axes,
        pixel_size_um=(0.25, 0.5),
        frame_interval_s=300.0 if "T" in axes else None,
        dtype=dtype,
    )
    return path


@pytest.mark.parametrize(("axes", "shape", "dtype", "counts", "interval"), KINDS)
def test_both_descriptions_are_there_and_ome_comes_first(
    tmp_path, axes, shape, dtype, counts, interval
):
    path = write(tmp_path / "a.tif", axes, shape, dtype)
    with tifffile.TiffFile(path) as tif:
        first, second = (tag.value for tag in tif.pages[0].tags if tag.code == 270)
        assert first.startswith("<?xml") and first == tif.ome_metadata
        assert tif.is_imagej and tif.pages[0].dtype == dtype
        about = dict(line.split("=") for line in second.splitlines())
        assert len(tif.pages) == int(about.get("images", 1))
        assert (int(about.get("slices", 1)), int(about.get("frames", 1))) == counts[1:]
        assert about["unit"] == "um" and float(about.get("finterval", 0)) == interval
        assert float(about["max"]) == FRAMES[-len(tif.pages) :].max()
    file = open_image(path)
    assert (file.axes, file.shape, file.notes) == (axes, shape, ())
    assert (file.pixel_size_um, file.frame_interval_s or 0.0) == ((0.25, 0.5), interval)
    labels = read_labels(path)
    np.testing.assert_array_equal(
        labels.reshape(-1, 20, 30), FRAMES[-len(labels.reshape(-1, 20, 30)) :]
    )


def test_tiles_have_both_descriptions_too(tmp_path):
    path = tmp_path / "a.tif"
    write_label_regions(
        path,
        shape=(20, 30),
        read=lambda rows, columns: FRAMES[5][rows, columns].astype(np.uint32),
        pixel_size_um=(0.25, 0.5),
        dtype=np.uint16,
    )
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome and tif.is_imagej and tif.pages[0].dtype == np.uint16
    np.testing.assert_array_equal(read_labels(path), FRAMES[5])


def test_equal_labels_are_equal_bytes(tmp_path):
    written = []
    for _ in range(2):
        written.append(write(tmp_path / "a.tif", "TYX", (6, 20, 30), np.uint16).read_bytes())
    assert written[0] == written[1]


@pytest.mark.skipif(
    not JAR.is_file() or shutil.which("javac") is None,
    reason="ImageJ (Debian's package imagej) or a JDK is not there",
)
def test_imagej_sees_frames_pixel_size_and_interval(tmp_path):
    paths = [
        write(tmp_path / f"{n}.tif", axes, shape, dtype)
        for n, (axes, shape, dtype, *_) in enumerate(KINDS)
    ]
    (tmp_path / "Look.java").write_text(PROGRAM, encoding="utf-8")
    command = ["java", "-Djava.awt.headless=true", "-cp", str(JAR), str(tmp_path / "Look.java")]
    done = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, timeout=120, check=True
    )
    expected = [
        " ".join(
            map(
                str,
                (30, 20, *counts, 16 if dtype == np.uint16 else 32, 0.5, 0.25, interval, 54321.0),
            )
        )
        for _, _, dtype, counts, interval in KINDS
    ]
    assert done.stdout.splitlines() == expected

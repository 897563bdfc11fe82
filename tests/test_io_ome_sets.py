"""OME-TIFF in several files: the XML says which page of which file each plane is.

What is expected of the four layouts is what Bio-Formats 7.3.1 gives for the same files.
"""

import itertools

import numpy as np
import pytest
import tifffile

from coverslip.errors import FileError
from coverslip.io import (
    find_gap,
    find_images,
    fingerprint,
    list_series,
    open_frame,
    open_image,
    read_frame,
)
from handmade_ome import HEAD, NAMESPACE, identity, value, write_set

T, Z, C = 3, 2, 2
PLACES = [(0, t, z, c) for t, z, c in itertools.product(range(T), range(Z), range(C))]


def by(name_of):
    """Planes by the file that they lie in."""
    layout = {}
    for place in PLACES:
        layout.setdefault(name_of(*place), []).append(place)
    return layout


LAYOUTS = {
    "a file for each channel": by(lambda i, t, z, c: f"s_c{c}.ome.tif"),
    "a file for each time": by(lambda i, t, z, c: f"s_t{t}.ome.tif"),
    "a file for each plane": by(lambda i, t, z, c: f"s_{t}{z}{c}.ome.tif"),
    "cut in two in the midst": {"s.ome.tif": PLACES[:7], "s_1.ome.tif": PLACES[7:]},
}


def values(file):
    return [
        [read_frame(file, frame, channel=c)[0, 0] for c in range(file.n_channels)]
        for frame in range(file.n_frames)
    ]


WANTED = [[value(0, t, z, c) for c in range(C)] for t in range(T) for z in range(Z)]


@pytest.mark.parametrize("uuids", [True, False])
@pytest.mark.parametrize("order", ["XYZCT", "XYTZC"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_plane_is_that_of_the_metadata(tmp_path, layout, order, uuids):
    write_set(tmp_path, layout, order=order, uuids=uuids)
    for name in layout:
        file = open_image(tmp_path / name)
        assert (file.axes, file.shape) == ("TZCYX", (T, Z, C, 20, 24))
        assert (file.channel_names, file.frame_interval_s) == (("DAPI", "phase"), 60)
        assert file.pixel_size_um == (0.25, 0.5)
        assert f"a set of {len(layout)} files" in file.notes[0].replace("an OME-TIFF", "a")
        assert values(file) == WANTED
        with open_frame(file, 3, channel=1) as opened:
            part = opened.read(slice(2, 5), slice(3, 9))
        np.testing.assert_array_equal(part, np.full((3, 6), value(0, 1, 1, 1)))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_set_is_given_once(tmp_path, layout):
    write_set(tmp_path, layout)
    names = list(layout)
    assert find_images([tmp_path]) == [tmp_path / names[0]]
    assert find_images([tmp_path / names[1], tmp_path / names[0]]) == [tmp_path / names[0]]
    assert find_images([tmp_path / names[-1]]) == [tmp_path / names[-1]]


def test_all_files_of_a_set_count_for_what_was_done_before(tmp_path):
    layout = LAYOUTS["a file for each channel"]
    write_set(tmp_path, layout)
    before = fingerprint(tmp_path / "s_c0.ome.tif")
    data = bytearray((tmp_path / "s_c1.ome.tif").read_bytes())
    data[-1] ^= 1
    (tmp_path / "s_c1.ome.tif").write_bytes(data)
    assert fingerprint(tmp_path / "s_c0.ome.tif") != before


def test_planes_of_a_missing_file_are_empty_and_it_is_named(tmp_path):
    layout = LAYOUTS["a file for each time"]
    write_set(tmp_path, layout)
    (tmp_path / "s_t1.ome.tif").unlink()
    file = open_image(tmp_path / "s_t2.ome.tif")
    assert file.shape == (T, Z, C, 20, 24)
    assert "s_t1.ome.tif is missing" in file.notes[0]
    expected = [[0, 0] if n in (2, 3) else row for n, row in enumerate(WANTED)]
    assert values(file) == expected
    assert [find_gap(file, n, channel=1) is not None for n in range(6)] == [0, 0, 1, 1, 0, 0]


def test_a_channel_whose_file_is_missing_is_refused_by_its_name(tmp_path):
    write_set(tmp_path, LAYOUTS["a file for each channel"])
    (tmp_path / "s_c0.ome.tif").unlink()
    file = open_image(tmp_path / "s_c1.ome.tif")
    with pytest.raises(FileError, match=r"channel 0 DAPI.*s_c0\.ome\.tif is missing.*1 phase"):
        read_frame(file)
    assert read_frame(file, 5, channel=1)[0, 0] == value(0, 2, 1, 1)


def test_renamed_files_are_known_by_their_identity(tmp_path):
    layout = LAYOUTS["a file for each channel"]
    write_set(tmp_path, layout)
    (tmp_path / "s_c0.ome.tif").rename(tmp_path / "x.ome.tif")
    (tmp_path / "s_c1.ome.tif").rename(tmp_path / "s_c0.ome.tif")  # as if it were the other one
    for name in ("x.ome.tif", "s_c0.ome.tif"):
        assert values(open_image(tmp_path / name)) == WANTED
    assert len(find_images([tmp_path])) == 1


def test_one_file_that_was_renamed_is_no_set(tmp_path):
    write_set(tmp_path, {"a.ome.tif": PLACES})
    (tmp_path / "a.ome.tif").rename(tmp_path / "b.tif")
    file = open_image(tmp_path / "b.tif")
    assert values(file) == WANTED
    assert not any("set" in note or "missing" in note for note in file.notes)


def test_positions_in_files_of_their_own_are_images_of_their_own(tmp_path):
    layout = {f"x_MMStack_Pos{n}.ome.tif": [(n, t, 0, 0) for t in range(3)] for n in range(2)}
    write_set(tmp_path, layout)
    paths = [tmp_path / name for name in layout]
    assert find_images([tmp_path]) == paths
    for number, path in enumerate(paths):
        assert list_series(path) == [path]
        file = open_image(path)
        assert (file.axes, file.shape, file.notes) == ("TYX", (3, 20, 24), ())
        assert values(file) == [[value(number, t, 0, 0)] for t in range(3)]


def test_positions_in_one_file_are_named(tmp_path):
    path = tmp_path / "x.ome.tif"
    write_set(tmp_path, {path.name: [(n, t, 0, 0) for n in range(3) for t in range(2)]})
    assert list_series(path) == [path / "0", path / "1", path / "2"]
    assert "it holds 3 images (Pos0, Pos1, Pos2)" in open_image(path).notes[0]
    for number in range(3):
        file = open_image(path / str(number))
        assert values(file) == [[value(number, t, 0, 0)] for t in range(2)]


def test_positions_that_share_files_are_each_whole(tmp_path):
    layout = {
        "a.ome.tif": [(0, 0, 0, 0), (0, 1, 0, 0), (1, 0, 0, 0)],
        "b.ome.tif": [(1, 1, 0, 0)],
    }
    write_set(tmp_path, layout)
    assert find_images([tmp_path]) == [tmp_path / "a.ome.tif"]
    for number, path in enumerate(list_series(tmp_path / "a.ome.tif")):
        assert values(open_image(path)) == [[value(number, t, 0, 0)] for t in range(2)]


def test_the_metadata_may_lie_in_one_file_alone(tmp_path):
    write_set(tmp_path, LAYOUTS["a file for each channel"], xml_in=["s_c1.ome.tif"])
    assert find_images([tmp_path]) == [tmp_path / "s_c1.ome.tif"]
    assert values(open_image(tmp_path / "s_c1.ome.tif")) == WANTED


@pytest.mark.parametrize("master", ["s_c1.ome.tif", "s.companion.ome"])
def test_a_file_may_name_the_one_that_has_the_metadata(tmp_path, master):
    write_set(tmp_path, LAYOUTS["a file for each channel"])
    own = identity("s_c0.ome.tif")
    only = (
        f'{HEAD}<OME {NAMESPACE} UUID="{own}"><BinaryOnly MetadataFile="{master}" UUID="x"/></OME>'
    )
    with tifffile.TiffFile(tmp_path / "s_c1.ome.tif") as tif:
        full = tif.pages[0].description
    if master.endswith(".ome"):
        (tmp_path / master).write_text(full, encoding="utf-8")
    with tifffile.TiffFile(tmp_path / "s_c0.ome.tif", _multifile=False) as tif:
        pages = [page.asarray() for page in tif.pages]
    with tifffile.TiffWriter(tmp_path / "s_c0.ome.tif") as writer:
        for number, page in enumerate(pages):
            text = only.encode() if number == 0 else None
            writer.write(page, description=text, metadata=None)
    assert values(open_image(tmp_path / "s_c0.ome.tif")) == WANTED
    for path in tmp_path.glob(master):
        path.unlink()
    alone = open_image(tmp_path / "s_c0.ome.tif")
    assert f"are in {master}, which is not there" in alone.notes[0]
    assert (alone.axes, alone.n_frames) == ("TYX", 6)


def test_a_plane_of_another_size_is_empty(tmp_path):
    layout = LAYOUTS["a file for each time"]
    write_set(tmp_path, layout)
    with tifffile.TiffFile(tmp_path / "s_t1.ome.tif", _multifile=False) as tif:
        pages = [page.asarray()[:-1] for page in tif.pages]
        text = tif.pages[0].description
    with tifffile.TiffWriter(tmp_path / "s_t1.ome.tif") as writer:
        for number, page in enumerate(pages):
            description = text.encode() if number == 0 else None
            writer.write(page, description=description, metadata=None)
    file = open_image(tmp_path / "s_t0.ome.tif")
    assert "19 × 24" in (find_gap(file, 2) or "")
    assert values(file)[2:5] == [[0, 0], [0, 0], WANTED[4]]


def test_a_claim_of_a_billion_planes_is_not_believed(tmp_path):
    write_set(tmp_path, LAYOUTS["a file for each channel"])
    path = tmp_path / "s_c0.ome.tif"
    with tifffile.TiffFile(path, _multifile=False) as tif:
        text = tif.pages[0].description
    tifffile.imwrite(
        path,
        np.zeros((20, 24), np.uint16),
        description=text.replace('SizeT="3"', 'SizeT="999999999"').encode(),
        metadata=None,
    )
    with pytest.raises(FileError, match="claims 3,999,999,996 pictures"):
        open_image(path)

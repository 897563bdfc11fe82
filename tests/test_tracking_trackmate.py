"""TrackMate's XML, out and in; geff's own reader of it is the judge of ours."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from coverslip.errors import DataError, FileError
from coverslip.tracking.assemble import build_tracks
from coverslip.tracking.ctc_writer import renumber
from coverslip.tracking.trackmate import read_trackmate
from coverslip.tracking.trackmate_writer import write_trackmate
from films import draw, linked, renamed, same_tracks


@pytest.fixture
def film():
    frames, tracks, _ = renamed()
    tracks.cells["speed_um_per_h"] = [np.nan, 1.5, *[2.0] * 8]
    return list(renumber(frames, tracks)), tracks


def test_a_file_says_what_trackmate_looks_for(film, tmp_path):
    frames, tracks = film
    path = tmp_path / "film.xml"
    write_trackmate(
        path,
        tracks,
        frames=frames,
        pixel_size_um=(0.5, 0.25),
        frame_interval_s=60,
        image="film.tif",
    )
    root = ElementTree.parse(path).getroot()
    model = root.find("Model")
    assert model.attrib == {"spatialunits": "micron", "timeunits": "sec"}
    groups = model.findall("AllSpots/SpotsInFrame")
    assert [group.get("frame") for group in groups] == ["0", "1", "2", "3"]
    assert [len(group) for group in groups] == [3, 1, 3, 3]
    spot = next(it for it in groups[2] if it.get("CELL_TRACK") == "2")
    # the square covers rows 4 to 9 and columns 6 to 11
    assert float(spot.get("POSITION_Y")) == 6.5 * 0.5
    assert float(spot.get("POSITION_X")) == 8.5 * 0.25
    assert float(spot.get("POSITION_T")) == 120
    assert float(spot.get("AREA_PX")) == 36
    assert float(spot.get("RADIUS")) == pytest.approx((36 * 0.5 * 0.25 / np.pi) ** 0.5)
    assert spot.get("ROI_N_POINTS") == "4"
    assert not spot.text[0].isspace()
    corners = np.array(spot.text.split(), float).reshape(-1, 2)
    np.testing.assert_allclose(corners.min(0), [-3 * 0.25, -3 * 0.5])
    np.testing.assert_allclose(corners.max(0), [3 * 0.25, 3 * 0.5])
    declared = {it.get("feature") for it in model.iterfind("FeatureDeclarations/SpotFeatures/*")}
    carried = {key for it in model.iter("Spot") for key in it.attrib}
    assert carried - declared == {"ID", "name", "ROI_N_POINTS"}
    assert "SPEED_UM_PER_H" in declared
    assert [track.get("TRACK_ID") for track in model.iterfind("AllTracks/Track")] == ["1", "4"]
    assert [len(track) for track in model.iterfind("AllTracks/Track")] == [5, 2]
    image = root.find("Settings/ImageData").attrib
    assert {key: image[key] for key in ("filename", "width", "height", "nframes", "nslices")} == {
        "filename": "film.tif", "width": "60", "height": "24", "nframes": "4", "nslices": "1",
    }  # fmt: skip
    assert (image["pixelwidth"], image["pixelheight"]) == ("0.25", "0.5")
    assert (image["voxeldepth"], image["timeinterval"]) == ("1.0", "60")


def test_out_and_in_again_is_the_same(film, tmp_path):
    frames, tracks = film
    path = tmp_path / "film.xml"
    write_trackmate(path, tracks, frames=frames, pixel_size_um=(0.5, 0.25), frame_interval_s=60)
    found = read_trackmate(path)
    same_tracks(found.tracks, tracks)
    assert (found.pixel_size_um, found.frame_interval_s) == ((0.5, 0.25), 60)
    speeds = found.tracks.cells["speed_um_per_h"]
    np.testing.assert_array_equal(speeds, tracks.cells["speed_um_per_h"])
    drawn, truth = list(found.frames), renamed()[0]
    assert len(drawn) == 4
    for labels, true in zip(drawn, truth, strict=True):
        np.testing.assert_array_equal(labels, true)


def test_a_ragged_outline_is_drawn_back_to_the_pixel(tmp_path):
    labels = draw({1: 10, 2: 30})
    labels[3, 12:14] = labels[10, 30] = labels[5:7, 36] = 0
    labels[10, 11], labels[5:7, 36], labels[6, 9] = 1, 2, 1
    frames, tracks = linked([labels, labels], {})
    write_trackmate(tmp_path / "film.xml", tracks, frames=frames)
    np.testing.assert_array_equal(read_trackmate(tmp_path / "film.xml").frames[1], labels)


def test_geff_reads_the_same_graph_from_it(film, tmp_path, recwarn):
    geff = pytest.importorskip("geff")
    from geff.convert import from_trackmate_xml_to_geff

    frames, tracks = film
    write_trackmate(tmp_path / "film.xml", tracks, frames=frames, frame_interval_s=60)
    from_trackmate_xml_to_geff(tmp_path / "film.xml", tmp_path / "film.geff")
    graph, _ = geff.read(tmp_path / "film.geff", backend="networkx")
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (10, 7)


THEIRS = """<?xml version="1.0" encoding="UTF-8"?>
<TrackMate version="7.13.2">
  <Model spatialunits="µm" timeunits="min">
    <FeatureDeclarations/>
    <AllSpots nspots="5">
      <SpotsInFrame frame="0">
        <Spot ID="90" name="a" VISIBILITY="1" POSITION_X="10.0" POSITION_Y="4.0" RADIUS="2.0" />
        <Spot ID="7" name="noise" VISIBILITY="0" POSITION_X="1" POSITION_Y="1" RADIUS="1" />
      </SpotsInFrame>
      <SpotsInFrame frame="1">
        <Spot ID="12" name="b" VISIBILITY="1" POSITION_X="8.0" POSITION_Y="4.0" RADIUS="2.0" />
        <Spot ID="5" name="c" VISIBILITY="1" POSITION_X="12.0" POSITION_Y="4.0" RADIUS="2.0" />
        <Spot ID="6" name="alone" VISIBILITY="1" POSITION_X="18.0" POSITION_Y="8.0" RADIUS="1.0" />
      </SpotsInFrame>
    </AllSpots>
    <AllTracks>
      <Track name="Track_0" TRACK_ID="0">
        <Edge SPOT_SOURCE_ID="90" SPOT_TARGET_ID="12" />
        <Edge SPOT_SOURCE_ID="90" SPOT_TARGET_ID="5" />
      </Track>
      <Track name="filtered out" TRACK_ID="1"><Edge SPOT_SOURCE_ID="7" SPOT_TARGET_ID="6" /></Track>
    </AllTracks>
    <FilteredTracks><TrackID TRACK_ID="0" /></FilteredTracks>
  </Model>
  <Settings>
    <ImageData filename="x.tif" width="50" height="20" nslices="1" nframes="3" pixelwidth="0.5"
      pixelheight="0.5" voxeldepth="1.0" timeinterval="2.0" />
  </Settings>
</TrackMate>
"""


def test_a_file_of_trackmate_is_read(tmp_path):
    (tmp_path / "theirs.xml").write_text(THEIRS, encoding="utf-8")
    film = read_trackmate(tmp_path / "theirs.xml")
    cells = film.tracks.cells
    assert cells["frame"].tolist() == [0, 1, 1, 1]
    assert cells["centroid_x_px"].tolist() == [20, 24, 36, 16]
    assert film.tracks.lineage["parent_track_id"].tolist() == [0, 1, 0, 1]
    assert film.tracks.lineage["fate"].tolist() == ["divides", "lost", "lost", "lost"]
    assert (film.pixel_size_um, film.frame_interval_s) == ((0.5, 0.5), 120)
    drawn = film.frames[1]
    assert drawn.shape == (20, 50)
    label = cells["label"].tolist()
    assert [drawn[8, 24], drawn[16, 36], drawn[8, 16]] == label[1:]
    assert abs((drawn == drawn[8, 16]).sum() - np.pi * 16) < 5  # a disc of 2 µm, 4 pixels
    assert not film.frames[2].any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("<TrackMate", '<!DOCTYPE a [<!ENTITY b "c">]><TrackMate'), "declares a document type"),
        (("</TrackMate>", ""), "no XML, or a damaged one"),
        (('ID="12" name', "name"), "damaged"),
        (('POSITION_X="8.0"', 'POSITION_X="here"'), "damaged"),
        (('SPOT_TARGET_ID="5"', 'SPOT_TARGET_ID="555"'), "damaged"),
        (("TrackMate version", "Tracks version"), "no XML"),
        (('POSITION_X="8.0"', 'POSITION_X="nan"'), "damaged"),
        (('frame="1"', 'frame="99999999999"'), "damaged"),
        (('"UTF-8"', '"UTF-nan"'), "no XML"),
    ],
)
def test_what_is_damaged_is_refused_in_words(tmp_path, change, words):
    (tmp_path / "theirs.xml").write_text(THEIRS.replace(*change, 1), encoding="utf-8")
    with pytest.raises(FileError, match=words):
        read_trackmate(tmp_path / "theirs.xml")


def test_another_xml_and_a_film_without_size_are_refused(tmp_path):
    (tmp_path / "a.xml").write_text("<Tracks nTracks='0'/>")
    with pytest.raises(FileError, match=r"no tracks of TrackMate \(its first element is 'Tracks'"):
        read_trackmate(tmp_path / "a.xml")
    (tmp_path / "b.xml").write_text(THEIRS.replace('width="50"', 'width="0"'), encoding="utf-8")
    with pytest.raises(DataError, match="the image is 0 × 20 pixels"):
        read_trackmate(tmp_path / "b.xml")


def test_a_track_that_merges_is_an_edge_to_the_other_and_is_read_again(tmp_path):
    frames = [draw({1: 10, 2: 30}), draw({1: 12, 2: 28}), draw({1: (14, 26)}), draw({1: (14, 26)})]
    cells = linked(frames, {})[1].cells
    tracks = build_tracks(cells, {}, n_frames=4, merges={2: 1})
    write_trackmate(tmp_path / "film.xml", tracks, frames=frames)
    model = ElementTree.parse(tmp_path / "film.xml").getroot().find("Model")
    assert [len(track) for track in model.iterfind("AllTracks/Track")] == [3 + 1 + 1]
    found = read_trackmate(tmp_path / "film.xml").tracks
    assert found.lineage["fate"].tolist() == ["end", "merges"]
    assert found.lineage["merges_into_track_id"].tolist() == [0, 1]

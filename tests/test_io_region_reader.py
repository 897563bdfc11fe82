"""Every region of every kind of file is the same window of the whole, and costs its own parts."""

import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image

from coverslip.errors import FileError
from coverslip.io import open_frame, open_image, project, read_frame
from coverslip.io.formats import guard, tiff_window
from handmade_czi import czi_bytes
from handmade_nd2 import nd2_bytes

HEIGHT, WIDTH = 75, 90
RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 4096, (HEIGHT, WIDTH), dtype=np.uint16)
COLOUR = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
STACK = RANDOM.integers(0, 4096, (2, 3, 2, HEIGHT, WIDTH), dtype=np.uint16)  # T, Z, C
# All; one pixel in corners and within; across tiles; one tile; odd; to the edges; beyond; none.
WINDOWS = [
    (slice(None), slice(None)),
    (slice(0, 1), slice(0, 1)),
    (slice(74, 75), slice(89, 90)),
    (slice(37, 38), slice(41, 42)),
    (slice(15, 17), slice(31, 33)),
    (slice(16, 32), slice(48, 64)),
    (slice(0, 75), slice(13, 14)),
    (slice(70, 75), slice(0, 90)),
    (slice(3, 58), slice(5, 77)),
    (slice(60, 200), slice(80, 200)),
    (slice(-5, None), slice(-7, -2)),
    (slice(20, 20), slice(0, 9)),
    (slice(80, 99), slice(0, 9)),
]


def tiff(**options):
    def write(path):
        values = options.get("values", GREY)
        how = {"photometric": "rgb" if values is COLOUR else "minisblack"}
        how |= {name: option for name, option in options.items() if name != "values"}
        tifffile.imwrite(path / "a.tif", values, **how)
        return path / "a.tif"

    return write


def tiff_by_imagecodecs(**options):
    def write(path):
        pytest.importorskip("imagecodecs")
        return tiff(**options)(path)

    return write


def pyramid(path):
    with tifffile.TiffWriter(path / "a.ome.tif", bigtiff=True, ome=True) as writer:
        options = {"tile": (16, 16), "compression": "zlib", "photometric": "minisblack"}
        writer.write(GREY, subifds=1, **options)
        writer.write(GREY[::2, ::2], subfiletype=1, **options)
    return path / "a.ome.tif"


def planes_in_colour(path):
    planes = COLOUR.transpose(2, 0, 1)
    options = {"photometric": "rgb", "planarconfig": "separate", "metadata": None}
    tifffile.imwrite(path / "a.tif", planes, tile=(16, 32), compression="zlib", **options)
    return path / "a.tif"


def imagej_with_a_single_header(path):
    """As ImageJ writes films beyond 4 GB."""
    film = STACK[0, :, 0].astype(">u2")
    description = "ImageJ=1.54f\nimages=3\nframes=3\n"
    options = {"byteorder": ">", "description": description, "metadata": None}
    tifffile.imwrite(path / "a.tif", film[0], **options)
    with (path / "a.tif").open("ab") as stream:
        stream.write(film[1:].tobytes())
    return path / "a.tif"


def picture(name, values):
    def write(path):
        Image.fromarray(values).save(path / name)
        return path / name

    return write


def zarr(version, values=GREY, **options):
    def write(path):
        package = pytest.importorskip("zarr")
        chunks = (*(1 for _ in values.shape[:-2]), 16, 32)
        how = {"chunks": chunks, "zarr_format": version} | options
        array = package.create_array(path / "a.zarr", shape=values.shape, dtype=values.dtype, **how)
        array[...] = values
        return path / "a.zarr"

    return write


def nd2(**options):
    def write(path):
        pytest.importorskip("nd2")
        frames = STACK.reshape(6, 2, HEIGHT, WIDTH).transpose(0, 2, 3, 1)
        loops = (("T", 2, 1000.0), ("Z", 3, 0.0))
        data = nd2_bytes(frames, names=("a", "b"), loops=loops, **options)
        (path / "a.nd2").write_bytes(data)
        return path / "a.nd2"

    return write


def czi(values):
    def write(path):
        """Four fields of a camera that overlap, beginning left of zero, and a smaller copy."""
        pytest.importorskip("czifile")
        blocks = [
            (values[top : top + 40, left : left + 50], {"X": left - 7, "Y": top + 3, "M": m}, 1)
            for m, (top, left) in enumerate([(0, 0), (0, 40), (35, 0), (35, 40)])
        ]
        blocks.append((values[::2, ::2], {"X": -7, "Y": 3}, 2))
        (path / "a.czi").write_bytes(czi_bytes(blocks))
        return path / "a.czi"

    return write


TILES = {"tile": (16, 32), "compression": "zlib"}
FILMS = {"values": STACK, "ome": True, "metadata": {"axes": "TZCYX"}}
KINDS = {
    "tiles": tiff(**TILES),
    "tiles of a BigTIFF": tiff(**TILES, bigtiff=True),
    "tiles that are not compressed": tiff(tile=(16, 16)),
    "tiles with predictor": tiff(**TILES, predictor=True),
    "tiles in colour": tiff(values=COLOUR, **TILES),
    "tiles in JPEG": tiff_by_imagecodecs(values=COLOUR, tile=(16, 32), compression="jpeg"),
    "strips in LZW": tiff_by_imagecodecs(rowsperstrip=7, compression="lzw", predictor=True),
    "planes in colour": planes_in_colour,
    "tiles of bits": tiff(values=GREY > 2000, tile=(16, 16)),
    "tiles, the last byte first": tiff(**TILES, byteorder=">"),
    "strips": tiff(rowsperstrip=7, compression="zlib"),
    "strips that are not compressed": tiff(rowsperstrip=7),
    "one strip": tiff(rowsperstrip=HEIGHT, compression="zlib"),
    "as an array": tiff(),
    "as an array, the last byte first": tiff(byteorder=">"),
    "white is zero": tiff(values=COLOUR[..., 0], photometric="miniswhite", **TILES),
    "pyramid": pyramid,
    "film in tiles": tiff(**FILMS, **TILES),
    "film as an array": tiff(**FILMS),
    "samples as channels": tiff(
        values=np.ascontiguousarray(STACK[0, 0].transpose(1, 2, 0)), planarconfig="contig", **TILES
    ),
    "planes as channels": tiff(values=STACK[0, 0], planarconfig="separate", **TILES),
    "film with a single header": imagej_with_a_single_header,
    "png": picture("a.png", COLOUR),
    "jpeg": picture("a.jpg", COLOUR),
    "zarr 2": zarr(2),
    "zarr 3": zarr(3),
    "zarr 3 in shards": zarr(3, shards=(32, 64)),
    "film in zarr": zarr(3, STACK, dimension_names=list("tzcyx")),
    "nd2": nd2(),
    "compressed nd2": nd2(is_compressed=True),
    "mosaic": czi(GREY),
    "mosaic in colour": czi(COLOUR),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_region_is_that_of_the_whole(kind, tmp_path):
    file = open_image(KINDS[kind](tmp_path))
    for frame in {0, file.n_frames - 1}:
        for channel in {0, file.n_channels - 1}:
            whole = read_frame(file, frame, channel=channel)
            with open_frame(file, frame, channel=channel) as reader:
                assert (reader.shape, reader.dtype) == (whole.shape[:2], whole.dtype)
                for rows, columns in WINDOWS:
                    region = reader.read(rows, columns)
                    assert region.dtype == whole.dtype
                    np.testing.assert_array_equal(region, whole[rows, columns])


def test_what_was_written_is_what_is_read(tmp_path):
    """That the whole read and the regions agree is not enough: both are these numbers."""
    for number, (kind, expected) in enumerate(
        [
            ("pyramid", GREY),
            ("mosaic", GREY),
            ("mosaic in colour", COLOUR),
            ("zarr 3 in shards", GREY),
            ("tiles in colour", COLOUR),
            ("film in tiles", STACK[0, 0, 0]),
            ("nd2", STACK[0, 0, 0]),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        np.testing.assert_array_equal(read_frame(open_image(KINDS[kind](folder))), expected)


def test_every_second_row_is_no_region(tmp_path):
    with open_frame(open_image(KINDS["tiles"](tmp_path))) as reader:
        with pytest.raises(ValueError, match=r"every 2\. row"):
            reader.read(slice(0, 9, 2), slice(0, 9))


@pytest.mark.parametrize(
    ("kind", "rows", "columns", "expected"),
    [
        # Tiles of 16 × 32: three across, five down.
        ("tiles", slice(0, 16), slice(0, 32), [0]),
        ("tiles", slice(15, 17), slice(31, 33), [0, 1, 3, 4]),
        ("tiles", slice(74, 75), slice(89, 90), [14]),
        ("pyramid", slice(16, 17), slice(16, 17), [7]),
        ("strips", slice(6, 15), slice(3, 4), [0, 1, 2]),
        ("strips that are not compressed", slice(0, 75), slice(3, 4), []),
        ("as an array", slice(0, 75), slice(3, 4), []),
        ("film in tiles", slice(0, 1), slice(0, 1), [0]),
    ],
)
def test_a_region_decodes_its_own_tiles_alone(kind, rows, columns, expected, tmp_path, monkeypatch):
    decoded = []
    original = tiff_window.decode_segment

    def watched(path, page, number):
        decoded.append(number)
        return original(path, page, number)

    file = open_image(KINDS[kind](tmp_path))
    monkeypatch.setattr(tiff_window, "decode_segment", watched)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_: pytest.fail("read whole"))
    with open_frame(file) as reader:
        assert decoded == []
        reader.read(rows, columns)
    assert decoded == expected


def test_one_channel_of_planes_costs_its_own_tiles(tmp_path, monkeypatch):
    file = open_image(KINDS["planes as channels"](tmp_path))
    decoded = []
    original = tiff_window.decode_segment
    monkeypatch.setattr(
        tiff_window, "decode_segment", lambda *how: decoded.append(how[-1]) or original(*how)
    )
    with open_frame(file, channel=1) as reader:
        region = reader.read(slice(0, 16), slice(0, 32))
    assert decoded == [15]
    np.testing.assert_array_equal(region, STACK[0, 0, 1, :16, :32])


def test_tiles_that_are_left_out_are_empty(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        tiles = iter([GREY[:16, :16], None, None, GREY[16:32, 16:32]])
        writer.write(tiles, shape=(32, 32), dtype=np.uint16, tile=(16, 16), compression="zlib")
    with open_frame(open_image(tmp_path / "a.tif")) as reader:
        region = reader.read(slice(0, 32), slice(0, 32))
    np.testing.assert_array_equal(region[:16, :16], GREY[:16, :16])
    assert not region[:16, 16:].any() and not region[16:, :16].any()


def test_a_tile_that_is_cut_off_is_told_and_the_others_are_read(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, tile=(16, 32), compression="zlib", metadata=None)
    path.write_bytes(path.read_bytes()[:-20])  # the last tile is the last thing in the file
    file = open_image(path)
    with open_frame(file) as reader:
        np.testing.assert_array_equal(reader.read(slice(0, 9), slice(0, 9)), GREY[:9, :9])
        with pytest.raises(FileError, match=r"a\.tif: cut off: its tile or strip 15 of 15"):
            reader.read(slice(70, 75), slice(80, 90))


def test_a_damaged_tile_is_told(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, tile=(16, 32), compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[0].dataoffsets[4]
    data = bytearray(path.read_bytes())
    data[offset : offset + 40] = bytes(40)
    path.write_bytes(data)
    with open_frame(open_image(path)) as reader:
        with pytest.raises(FileError, match=r"a\.tif: cannot be read.*damaged"):
            reader.read(slice(16, 17), slice(32, 33))


def test_an_array_that_is_cut_off_is_told(tmp_path):
    path = KINDS["as an array"](tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    with open_frame(open_image(path)) as reader:
        with pytest.raises(FileError, match=r"a\.tif: cut off"):
            reader.read(slice(0, 1), slice(0, 1))


def test_a_file_that_vanishes_is_told(tmp_path):
    path = KINDS["zarr 3"](tmp_path)
    file = open_image(path)
    shutil.rmtree(path)
    with pytest.raises(FileError, match=r"a\.zarr"), open_frame(file):
        pass


def test_mistakes_within_the_block_stay_what_they_are(tmp_path):
    """They are the caller's, and say nothing of the file."""
    for kind in ("tiles", "zarr 3", "png"):
        folder = tmp_path / kind
        folder.mkdir()
        file = open_image(KINDS[kind](folder))
        with pytest.raises(ZeroDivisionError), open_frame(file):
            _ = 1 / 0


@pytest.mark.parametrize("kind", ["tiles", "zarr 3"])
def test_no_such_frame_or_channel(kind, tmp_path):
    file = open_image(KINDS[kind](tmp_path))
    with pytest.raises(FileError, match="no frame 1; it has 1"), open_frame(file, 1):
        pass
    with pytest.raises(FileError, match="no channel 2; it has 1"), open_frame(file, channel=2):
        pass


# --- NaN and Inf


def test_what_is_not_finite_is_replaced_by_the_extremes_of_the_frame(tmp_path):
    values = np.arange(32 * 32, dtype=np.float32).reshape(32, 32)
    values[0, :3] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / "a.tif", values, tile=(16, 16), compression="zlib")
    said = []
    file = open_image(tmp_path / "a.tif")
    whole = read_frame(file)
    with open_frame(file, tell=said.append) as reader:
        np.testing.assert_array_equal(reader.read(slice(16, 20), slice(0, 4)), values[16:20, :4])
        assert said == []
        corner = reader.read(slice(0, 2), slice(0, 4))
    assert corner[0].tolist() == [3, 1023, 3, 3]
    np.testing.assert_array_equal(corner, whole[:2, :4])
    assert said == ["3 values that were NaN or Inf were replaced by 3 and 1023"]


def test_nothing_but_nan_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((32, 32), np.nan, np.float32), tile=(16, 16))
    with open_frame(open_image(tmp_path / "a.tif")) as reader:
        with pytest.raises(FileError, match="nothing but NaN"):
            reader.read(slice(0, 1), slice(0, 1))


# --- Sizes


def test_beyond_the_limit_a_file_is_read_by_region_alone(tmp_path, monkeypatch):
    """The limit is on what is held at once: here a tile, and not the frame."""
    file = open_image(KINDS["tiles"](tmp_path))
    monkeypatch.setattr(guard, "MAX_FRAME_PX", 32 * 32)
    assert open_image(file.path).frame_shape == (HEIGHT, WIDTH)
    with open_frame(file) as reader:
        np.testing.assert_array_equal(reader.read(slice(0, 9), slice(0, 9)), GREY[:9, :9])
    with pytest.raises(FileError, match=r"a\.tif: 90 × 75 pixels are too many to be read whole"):
        read_frame(file)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("one strip", "in pieces of 90 × 75"),
        ("png", "its header claims 90 × 75 pixels; at most 32 × 32"),
        ("mosaic", "in pieces of 50 × 40"),
    ],
)
def test_beyond_the_limit_what_must_be_read_whole_is_refused(kind, message, tmp_path, monkeypatch):
    path = KINDS[kind](tmp_path)
    monkeypatch.setattr(guard, "MAX_FRAME_PX", 32 * 32)
    with pytest.raises(FileError, match=message):
        open_image(path)


def test_a_chunk_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    package = pytest.importorskip("zarr")
    array = package.create_array(
        tmp_path / "a.zarr", shape=(4, 40, 40), chunks=(4, 40, 40), dtype="u1"
    )
    array[...] = 1
    monkeypatch.setattr(guard, "MAX_FRAME_PX", 50 * 50)
    with pytest.raises(FileError, match="in pieces of 40 × 160"):  # three more slices with it
        open_image(tmp_path / "a.zarr")


# --- Projections


@pytest.mark.parametrize("kind", ["film in tiles", "film in zarr", "nd2"])
@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("max", STACK.max(axis=1)),
        ("mean", STACK.mean(axis=1).astype(np.float32)),
        ("middle", STACK[:, 1]),
        ("2", STACK[:, 2]),
    ],
)
def test_regions_of_a_projection(kind, how, expected, tmp_path):
    file = project(open_image(KINDS[kind](tmp_path)), how)
    assert (file.axes, file.n_frames, file.frame_axes) == ("TCYX", 2, "T")
    whole = read_frame(file, 1, channel=1)
    assert file.dtype == whole.dtype == expected.dtype
    np.testing.assert_array_equal(whole, expected[1, 1])
    with open_frame(file, 1, channel=1) as reader:
        for rows, columns in WINDOWS:
            np.testing.assert_array_equal(reader.read(rows, columns), whole[rows, columns])

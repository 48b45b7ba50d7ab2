"""A sheet decodes to exactly its parts, and its parts stay apart."""

import struct

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.codecs import pictures
from unit.codecs.decoding import Rgb, image_size, pixels_of, sheet_parts
from webvdi.codecs import Kind, encode_sheet
from webvdi.codecs.sheet import SHEET_WIDTH, pack, sheet_payload
from webvdi.framebuffer import Pixels, Rect

Part = tuple[Rect, Rgb]

SIZES = st.lists(st.tuples(st.integers(1, 70), st.integers(1, 70)), min_size=1, max_size=40)


def parts_of(sizes: list[tuple[int, int]], colours: int, seed: int) -> list[Part]:
    """Parts side by side, a pixel between them."""
    parts, x = [], 0
    for n, (width, height) in enumerate(sizes):
        rgb = pictures.of_colours(width, height, colours, seed + n)
        parts.append((Rect(x, n, width, height), rgb))
        x += width + 1
    return parts


def encodable(parts: list[Part]) -> list[tuple[Rect, Pixels]]:
    return [(rect, pixels_of(rgb)) for rect, rgb in parts]


@settings(max_examples=60)
@given(SIZES, st.integers(1, 300), st.integers(0, 2**32 - 1000))
def test_an_exact_sheet_gives_exactly_its_parts(
    sizes: list[tuple[int, int]], colours: int, seed: int
) -> None:
    parts = parts_of(sizes, colours, seed)
    encoded = encode_sheet(encodable(parts))
    assert encoded.kind is Kind.SHEET
    assert not encoded.lossy
    codec, got = sheet_parts(encoded.payload)
    assert codec == 3
    assert [rect for rect, _ in got] == [rect for rect, _ in parts]
    for (_, rgb), (_, sent) in zip(got, parts, strict=True):
        assert np.array_equal(rgb, sent)


@settings(max_examples=30)
@given(SIZES, st.integers(30, 95))
def test_a_lossy_sheet_is_as_close_part_by_part(sizes: list[tuple[int, int]], quality: int) -> None:
    parts = [
        (Rect(100 * n, 0, width, height), pictures.photograph(width, height, seed=n))
        for n, (width, height) in enumerate(sizes)
    ]
    encoded = encode_sheet(encodable(parts), quality)
    assert encoded.lossy
    codec, got = sheet_parts(encoded.payload)
    assert codec == 4
    for (rect, rgb), (sent_rect, sent) in zip(got, parts, strict=True):
        assert rect == sent_rect
        assert pictures.psnr(rgb, sent) > 26


@pytest.mark.parametrize("quality", [30, 60, 85, 95])
@pytest.mark.parametrize("size", [(16, 16), (13, 9), (33, 17), (1, 1), (140, 76), (176, 140)])
def test_parts_of_a_jpeg_do_not_bleed_into_each_other(size: tuple[int, int], quality: int) -> None:
    """Whatever stands around it, a part decodes to the same pixels."""
    width, height = size
    part = pictures.photograph(width, height)

    def decoded_beside(colour: tuple[int, int, int]) -> Rgb:
        other = np.full((height, width, 3), colour, np.uint8)
        parts = [(Rect(200 * n, 0, width, height), part if n == 4 else other) for n in range(9)]
        _, got = sheet_parts(encode_sheet(encodable(parts), quality).payload)
        return got[4][1]

    alone = decoded_beside((0, 0, 0))
    for colour in ((255, 255, 255), (255, 0, 0), (0, 0, 255), (0, 255, 0)):
        assert np.array_equal(decoded_beside(colour), alone)


@pytest.mark.parametrize("size", [(11, 21), (188, 124)])
def test_a_flat_part_of_a_jpeg_stays_flat_up_to_its_edges(size: tuple[int, int]) -> None:
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (250, 250, 250), (5, 5, 5)]
    width, height = size
    parts = [
        (Rect(200 * n, 0, width, height), np.full((height, width, 3), colour, np.uint8))
        for n, colour in enumerate(colours)
    ]
    _, got = sheet_parts(encode_sheet(encodable(parts), 50).payload)
    for (_, rgb), (_, sent) in zip(got, parts, strict=True):
        assert len(np.unique(rgb.reshape(-1, 3), axis=0)) == 1
        assert np.abs(rgb.astype(int) - sent).max() <= 8


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 300)), min_size=1, max_size=60))
def test_packed_parts_do_not_overlap(sizes: list[tuple[int, int]]) -> None:
    packing = pack(sizes)
    assert packing.width <= max(SHEET_WIDTH, *(width for width, _ in sizes))
    taken: list[Rect] = []
    for (x, y), (width, height) in zip(packing.places, sizes, strict=True):
        cell = Rect(x, y, width, height)
        assert cell.right <= packing.width
        assert cell.bottom <= packing.height
        assert not any(cell.intersect(other).area for other in taken)
        taken.append(cell)


def test_tiles_are_packed_without_waste() -> None:
    packing = pack([(16, 16)] * 1000)
    assert packing.width * packing.height <= 1.05 * 1000 * 256


def test_many_parts_of_many_sizes_waste_little() -> None:
    random = np.random.default_rng(4)
    sizes = [(16 * int(w), 16 * int(h)) for w, h in random.integers(1, 8, (200, 2))]
    packing = pack(sizes)
    area = sum(width * height for width, height in sizes)
    assert packing.width * packing.height <= 1.2 * area


def test_a_part_wider_than_sheets_are() -> None:
    parts = parts_of([(SHEET_WIDTH + 300, 2), (5, 5)], 40, 1)
    encoded = encode_sheet(encodable(parts))
    assert image_size(encoded.payload)[0] == SHEET_WIDTH + 300
    assert all(
        np.array_equal(rgb, sent)
        for (_, rgb), (_, sent) in zip(sheet_parts(encoded.payload)[1], parts, strict=True)
    )


def test_the_payload_is_the_documented_one() -> None:
    """The same vectors as the wire's goldens."""
    rects = [Rect(16, 32, 8, 9), Rect(272, 32, 1, 2)]
    assert sheet_payload(3, rects, [(0, 0), (16, 0)], b"\x89PNG") == bytes.fromhex(
        "03 0002 0010 0020 0008 0009 0000 0000 0110 0020 0001 0002 0010 0000 89504e47"
    )
    assert sheet_payload(4, [Rect(0, 1, 2, 3)], [(4, 5)], b"\xff\xd8") == bytes.fromhex(
        "04 0001 0000 0001 0002 0003 0004 0005 ffd8"
    )


def test_letters_in_one_sheet_are_smaller_than_each_alone() -> None:
    letter = pictures.text(16, 16)
    sheet = encode_sheet(encodable([(Rect(40 * n, 0, 16, 16), letter) for n in range(50)]))
    assert len(sheet.payload) < 50 * 12 + 400


def subsampling(payload: bytes) -> str:
    """Of a lossy sheet's picture, as decoders name it."""
    _, count = struct.unpack_from(">BH", payload)
    header = simplejpeg.decode_jpeg_header(payload[3 + 12 * count :])
    return str(header[3])


@pytest.mark.parametrize(
    ("size", "quality", "colours"),
    [((16, 16), 60, "444"), ((320, 160), 60, "420"), ((320, 160), 92, "444")],
)
def test_large_parts_have_less_colour_and_borders(
    size: tuple[int, int], quality: int, colours: str
) -> None:
    width, height = size
    part = pixels_of(pictures.photograph(width, height))
    sheet = encode_sheet([(Rect(400 * n, 0, width, height), part) for n in range(5)], quality)
    assert subsampling(sheet.payload) == colours


def test_a_sheet_needs_parts() -> None:
    with pytest.raises(ValueError, match="1 to 65535 parts, not 0"):
        encode_sheet([])


@pytest.mark.parametrize(
    "sizes", [[(9_000, 8), (8, 9_000)], [(70_000, 1)], [(60_000, 4)] * 300], ids=str
)
def test_a_sheet_that_no_viewer_takes_is_not_made(sizes: list[tuple[int, int]]) -> None:
    nothing = np.zeros((1, 1, 4), np.uint8)  # a sheet would take 300 MB of memory
    parts = [(Rect(0, 0, w, h), np.broadcast_to(nothing, (h, w, 4))) for w, h in sizes]
    with pytest.raises(ValueError, match="67108864 in all, and 65535 a side, are the most"):
        encode_sheet(parts)


def test_a_part_has_its_rectangles_size() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode_sheet([(Rect(0, 0, 3, 4), np.zeros((3, 4, 4), np.uint8))])

"""Both viewers, the browser's own code under node and Python's model of it, draw the same."""

from collections.abc import Iterator
from enum import Enum

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.node_viewer import NodeViewer
from support.viewer import Picture
from support.viewer_pieces import copy, file, fill, noise, png, sheet
from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.pieces import SLOTS, TILE, Part, Run, Sheet, encode_sheet, piece_of_runs
from webvdi.wire.to_viewer import Codec, Desktop, Piece, ToViewer, Update, encode_to_viewer

WIDTH, HEIGHT = 100, 52
COLUMNS, ROWS = -(-WIDTH // TILE), -(-HEIGHT // TILE)


@pytest.fixture(scope="module")
def node() -> Iterator[NodeViewer]:
    with NodeViewer() as viewer:
        yield viewer


class Of(Enum):
    """What becomes of the browser's page between messages."""

    FRAME = "frame"
    SEEN = "seen"
    HIDDEN = "hidden"

    def happens(self, node: NodeViewer) -> None:
        match self:
            case Of.FRAME:
                node.frame()
            case _:
                node.see(seen=self is Of.SEEN)


def both(node: NodeViewer, *steps: ToViewer | Of) -> Picture:
    """Show the messages to a fresh viewer of each kind; the picture they agree on."""
    node.fresh()
    picture = Picture()
    for step in steps:
        if isinstance(step, Of):
            step.happens(node)
        else:
            data = encode_to_viewer(step)
            node.take(data)
            picture.take(data)
    assert np.array_equal(node.picture(), picture.rgb)
    return picture


@st.composite
def rects(draw: st.DrawFn) -> tuple[int, int, int, int]:
    width, height = draw(st.integers(1, WIDTH)), draw(st.integers(1, HEIGHT))
    return draw(st.integers(0, WIDTH - width)), draw(st.integers(0, HEIGHT - height)), width, height


@st.composite
def drawn_pieces(draw: st.DrawFn) -> Piece:
    x, y, width, height = draw(rects())
    seed = draw(st.integers(0, 99))
    match draw(st.sampled_from([Codec.FILL, Codec.COPY, Codec.PNG, Codec.SHEET])):
        case Codec.FILL:
            return fill(x, y, width, height, draw(st.binary(min_size=3, max_size=3)))
        case Codec.COPY:
            source = draw(st.integers(0, WIDTH - width)), draw(st.integers(0, HEIGHT - height))
            return copy(x, y, width, height, source)
        case Codec.PNG:
            colours = draw(st.sampled_from([None, 2, 200]))
            return png(x, y, noise(width, height, seed), colours=colours)
        case _:
            left = draw(st.integers(0, width - 1))
            parts = [Part(x + left, y, width - left, height, 3, 1)]
            if left:
                parts.append(Part(x, y, left, height, 0, 2))
            return sheet(parts, noise(width + 3, height + 2, seed))


@st.composite
def tile_runs(draw: st.DrawFn, slots: list[int]) -> Run:
    """Tiles in slots of which some lie beside the end of a row of the cache."""
    slot = draw(st.sampled_from(slots))
    column = draw(st.integers(0, COLUMNS - 1))
    count = draw(st.integers(1, min(COLUMNS - column, SLOTS - slot)))
    return Run(column, draw(st.integers(0, ROWS - 1)), slot, count)


KEPT = [0, 1, 120, 127, 128, 8190, SLOTS - COLUMNS]

all_kept = [
    piece_of_runs(Codec.KEEP, [Run(0, n % ROWS, slot + i, COLUMNS)], WIDTH, HEIGHT)
    for n, slot in enumerate(KEPT)
    for i in (0, COLUMNS)
    if slot + i + COLUMNS <= SLOTS
]


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    if draw(st.booleans()):
        return draw(drawn_pieces())
    codec = draw(st.sampled_from([Codec.KEEP, Codec.CACHED]))
    runs = draw(st.lists(tile_runs(KEPT), min_size=1, max_size=4))
    return piece_of_runs(codec, runs, WIDTH, HEIGHT)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(pieces(), max_size=4) | st.sampled_from(Of), max_size=10))
def test_the_same_pieces_give_the_same_picture(
    node: NodeViewer, steps: list[list[Piece] | Of]
) -> None:
    """Whenever the page is seen or hidden, and whenever its frames come."""
    background = png(0, 0, noise(WIDTH, HEIGHT, 1))
    first = Update(1, lossy=False, pieces=(background, *all_kept))
    rest = [
        step if isinstance(step, Of) else Update(n, lossy=False, pieces=tuple(step))
        for n, step in enumerate(steps, 2)
    ]
    both(node, Of.SEEN, Desktop(WIDTH, HEIGHT), first, *rest)


def test_what_a_frame_has_no_time_for_is_drawn_with_the_next_one(node: NodeViewer) -> None:
    node.fresh()
    node.see(seen=True)
    node.take(encode_to_viewer(Desktop(8, 8)))
    for n in range(1, 10):
        piece = fill(0, 0, 8, 8, bytes(3))
        node.take(encode_to_viewer(Update(n, lossy=False, pieces=(piece,))))
    shown, _ = node.shown()
    assert (shown.drawn, shown.acks) == (9, 3)  # two at once, and seven with the frame


def test_kept_tiles_survive_a_new_size_and_a_lost_connection(node: NodeViewer) -> None:
    pixels = noise(40, 40, 3)
    show = png(0, 0, pixels)
    keep = piece_of_runs(Codec.KEEP, [Run(0, 2, 7, 3)], 40, 40)
    both(node, Desktop(40, 40), Update(1, lossy=False, pieces=(show, keep)))
    assert node.lose().drawn == 1
    node.take(encode_to_viewer(Desktop(64, 16)))
    cached = piece_of_runs(Codec.CACHED, [Run(1, 0, 7, 3)], 64, 16)
    node.take(encode_to_viewer(Update(2, lossy=False, pieces=(cached,))))
    expected = np.zeros((16, 64, 3), np.uint8)
    expected[:8, 16:56] = pixels[32:]
    assert np.array_equal(node.picture(), expected)


def test_a_jpeg_is_nearly_right_and_counts_as_that(node: NodeViewer) -> None:
    smooth = np.linspace(0, 255, 64 * 32 * 3).reshape(32, 64, 3).astype(np.uint8)
    pieces = (
        sheet([Part(0, 0, 32, 32, 32, 0)], smooth, Codec.JPEG),
        Piece(Codec.JPEG, 32, 0, 64, 32, file(smooth, "JPEG")),
    )
    node.fresh()
    picture = Picture()
    for message in (Desktop(128, 32), Update(1, lossy=True, pieces=pieces)):
        node.take(encode_to_viewer(message))
        picture.take(encode_to_viewer(message))
    shown, rgb = node.shown()
    assert shown.lossy_share == 0.75
    for seen in (rgb, picture.rgb):
        off = np.abs(seen[:, 32:96].astype(int) - smooth)
        assert 0 < off.max() < 24
        off = np.abs(seen[:, :32].astype(int) - smooth[:, 32:])
        assert 0 < off.max() < 24


def tiles(codec: Codec, *runs: Run, width: int = 64, height: int = 48) -> Piece:
    return piece_of_runs(codec, runs, width, height)


def sheet_of(*parts: Part, picture: bytes = file(noise(8, 8, 1))) -> bytes:
    return encode_sheet(Sheet(Codec.PNG, parts, picture))


@pytest.mark.parametrize(
    "piece",
    [
        Piece(Codec.VIDEO, 0, 0, 64, 48, b"\1\1"),
        Piece(Codec.FILL, 1, 0, 64, 48, b"rgb"),
        Piece(Codec.COPY, 0, 0, 8, 8, bytes((0, 57, 0, 0))),
        Piece(Codec.PNG, 0, 0, 9, 8, file(noise(8, 8, 1))),
        Piece(Codec.KEEP, 0, 0, 16, 16, b""),
        Piece(Codec.KEEP, 0, 0, 16, 16, bytes(6)),
        Piece(Codec.CACHED, 0, 0, 16, 16, bytes(7)),
        Piece(Codec.KEEP, 0, 0, 16, 16, bytes((0, 0, 0, 0, 0x40, 0, 1))),
        tiles(Codec.CACHED, Run(0, 0, 5, 1)),
        tiles(Codec.KEEP, Run(3, 0, 5, 2)),
        tiles(Codec.KEEP, Run(0, 3, 5, 1), height=64),
        Piece(Codec.KEEP, 0, 0, 31, 16, tiles(Codec.KEEP, Run(0, 0, 5, 2)).payload),
        Piece(Codec.SHEET, 0, 0, 8, 8, b""),
        Piece(Codec.SHEET, 0, 0, 8, 8, sheet_of()),
        Piece(Codec.SHEET, 0, 0, 8, 8, sheet_of(Part(0, 0, 8, 9, 0, 0))),
        Piece(Codec.SHEET, 0, 0, 8, 8, sheet_of(Part(0, 0, 8, 8, 1, 0))),
    ],
    ids=lambda piece: f"{piece.codec.name}-{len(piece.payload)}-{piece.width}x{piece.height}",
)
def test_what_one_refuses_the_other_refuses(node: NodeViewer, piece: Piece) -> None:
    node.fresh()
    picture = Picture()
    desktop = encode_to_viewer(Desktop(64, 48))
    update = encode_to_viewer(Update(1, lossy=False, pieces=(piece,)))
    for viewer in (node, picture):
        viewer.take(desktop)
    node.take(update)
    shown, _ = node.shown()
    assert shown.error is not None
    assert shown.error.startswith("protocol")
    with pytest.raises(RemoteProtocolError):
        picture.take(update)

"""What is encoded once is there for all, as far as it is kept; what is begun is begun once."""

import io

import numpy as np
import pytest
from PIL import Image

from unit.managed import written
from webvdi.codecs import SKETCH, Encoded, Kind, sketched
from webvdi.framebuffer import Rect
from webvdi.managed import encodes as encodes_module
from webvdi.managed.encodes import Encodes, encoded
from webvdi.managed.messages import EncodeKey


def key(number: int, side: int = 16) -> EncodeKey:
    return EncodeKey((Rect(0, 0, side, side),), number, None)


def piece(size_bytes: int) -> Encoded:
    return Encoded(Kind.PNG, bytes(size_bytes))


def test_what_is_under_way_is_not_begun_again() -> None:
    encodes = Encodes()
    assert encodes.begin(key(1))
    assert not encodes.begin(key(1))
    assert encodes.done(key(1)) is None
    encodes.finish(key(1), piece(10))
    assert encodes.done(key(1)) == piece(10)
    assert encodes.begin(key(1))


def test_what_was_of_no_use_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodes_module, "KEPT_BYTES", 100)
    encodes = Encodes()
    for number in range(4):
        encodes.finish(key(number), piece(30))
        encodes.done(key(0))
    assert encodes.done(key(0)) is not None
    assert encodes.done(key(1)) is None
    encodes.finish(key(3), piece(20))  # another result for the same is none more
    assert encodes.done(key(2)) is not None
    encodes.finish(key(9), piece(500))
    assert encodes.done(key(9)) is not None, "the last one is kept however large"
    assert encodes.done(key(3)) is None


def test_pixels_being_encoded_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodes_module, "MAX_AREA", 1000)
    encodes = Encodes()
    seen = []
    for number in (1, 2):
        encodes.begin(key(number, side=30))
        seen.append(encodes.full)
    encodes.finish(key(1, side=30), piece(1))
    assert [*seen, encodes.full] == [False, True, False]


def test_one_rectangle_is_a_piece_and_several_are_a_sheet() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 4), np.uint8)
    one = encoded([(Rect(0, 0, 32, 32), pixels)], None)
    assert one.kind is Kind.PNG
    shown = np.asarray(Image.open(io.BytesIO(one.payload)).convert("RGB"))
    assert np.array_equal(shown, pixels[:, :, 2::-1])
    two = encoded([(Rect(0, 0, 32, 32), pixels), (Rect(64, 0, 32, 32), pixels)], 80)
    assert two.kind is Kind.SHEET
    assert two.lossy


def test_a_sketch_is_a_png_that_is_not_exact() -> None:
    text = written.coloured(320, 160)
    one = encoded([(Rect(0, 0, 320, 160), text)], SKETCH)
    assert (one.kind, one.lossy) == (Kind.PNG, True)
    shown = np.asarray(Image.open(io.BytesIO(one.payload)).convert("RGB"))
    assert np.array_equal(shown, sketched(text)[:, :, 2::-1])
    halves = [(Rect(0, y, 320, 80), text[y : y + 80]) for y in (0, 80)]
    two = encoded(halves, SKETCH)
    assert (two.kind, two.lossy) == (Kind.SHEET, True)
    assert len(two.payload) < len(encoded(halves, None, thorough=True).payload) / 2

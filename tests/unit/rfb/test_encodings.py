"""Every encoding that we ask for can be read."""

from webvdi.rfb.decoders import DECODERS
from webvdi.rfb.encodings import (
    COMPRESS_LEVEL_2,
    FEATURES,
    LOCAL_ENCODINGS,
    REMOTE_ENCODINGS,
    Encoding,
    PseudoEncoding,
    quality_level,
)
from webvdi.rfb.incoming import SERVER_MESSAGES
from webvdi.rfb.pseudo import PSEUDO_ENCODINGS

MESSAGES = {
    PseudoEncoding.CONTINUOUS_UPDATES: 150,
    PseudoEncoding.FENCE: 248,
    PseudoEncoding.XVP: 250,
}
"""Pseudo-encodings that bring a message instead of a rectangle."""


def test_what_is_asked_for_can_be_read() -> None:
    readable = {*DECODERS, *PSEUDO_ENCODINGS, PseudoEncoding.LAST_RECT, COMPRESS_LEVEL_2}
    readable |= {encoding for encoding, message in MESSAGES.items() if message in SERVER_MESSAGES}
    assert {*LOCAL_ENCODINGS, *REMOTE_ENCODINGS} <= readable
    assert set(DECODERS) == set(Encoding)
    assert set(FEATURES) == set(PseudoEncoding)


def test_pixels_stay_exact_unless_a_quality_is_asked_for() -> None:
    qualities = {quality_level(level) for level in range(10)}
    assert qualities == set(range(-32, -22))
    assert not qualities & {*LOCAL_ENCODINGS, *REMOTE_ENCODINGS}

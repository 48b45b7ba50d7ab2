"""Whatever a server sends, nothing but RemoteProtocolError comes out, wherever it is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.rfb import encoders, server_bytes
from unit.rfb.server_bytes import rectangle, s32, u16, u32, update
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.encodings import LOCAL_ENCODINGS, Encoding, PseudoEncoding
from webvdi.rfb.events import TlsRequired
from webvdi.rfb.link import Credentials, Encryption
from webvdi.rfb.protocol import RfbProtocol

CREDENTIALS = Credentials("", "secret")


def listen(pieces: list[bytes]) -> list[object]:
    """The events of the whole stream, and the error that ended it, if any did."""
    protocol = RfbProtocol(LOCAL_ENCODINGS, CREDENTIALS)
    events: list[object] = []
    try:
        for piece in pieces:
            # Event by event: those before an error count.
            for event in protocol.receive_data(piece):
                events += server_bytes.comparable([event])
    except RemoteProtocolError as error:
        events.append(str(error))
    return events


def a_long_conversation() -> bytes:
    """An honest server that uses everything there is."""
    rng = np.random.default_rng(3)

    def choose(count: int) -> int:
        return int(rng.integers(count))

    deflater, zlib, tight = encoders.Deflater(), encoders.Deflater(), encoders.TightServer()
    few = encoders.picture(20, 33, colours=3, seed=1)
    many = encoders.picture(20, 33, colours=200, seed=2)
    screen = u32(1) + u16(0, 0, 64, 48) + u32(0)
    return b"".join(
        [
            server_bytes.GREETING,
            server_bytes.VNC_SECURITY,
            bytes(16),
            server_bytes.RESULT_OK,
            server_bytes.server_init(64, 48),
            update(
                rectangle(0, 0, 0, 0, PseudoEncoding.QEMU_EXTENDED_KEY_EVENT),
                rectangle(1, 0, 0, 0, PseudoEncoding.QEMU_POINTER_MOTION_CHANGE),
                rectangle(0, 0, 0, 0, PseudoEncoding.QEMU_LED_STATE, b"\2"),
                rectangle(0, 0, 64, 48, PseudoEncoding.EXTENDED_DESKTOP_SIZE, b"\1\0\0\0" + screen),
                rectangle(1, 1, 3, 2, PseudoEncoding.CURSOR, bytes(24) + b"\xa0\x40"),
                rectangle(1, 1, 2, 2, PseudoEncoding.CURSOR_WITH_ALPHA, s32(0) + bytes(range(16))),
                rectangle(0, 0, 0, 0, PseudoEncoding.DESKTOP_NAME, server_bytes.text("büro")),
            ),
            update(
                rectangle(1, 2, 33, 20, Encoding.RAW, few.tobytes()),
                rectangle(5, 5, 33, 20, Encoding.COPY_RECT, u16(1, 2)),
                rectangle(1, 2, 33, 20, Encoding.RRE, encoders.rre(few)),
                rectangle(1, 2, 33, 20, Encoding.CORRE, encoders.corre(many)),
                rectangle(1, 2, 33, 20, Encoding.ZLIB, encoders.zlib_raw(few, zlib)),
                rectangle(1, 2, 33, 20, Encoding.ZLIB, encoders.zlib_raw(many, zlib)),
                rectangle(1, 2, 33, 20, Encoding.TIGHT_PNG, encoders.tight_png(few, choose)),
                rectangle(1, 2, 33, 20, Encoding.TIGHT_PNG, encoders.tight_png(many, choose)),
                rectangle(1, 2, 33, 20, Encoding.HEXTILE, encoders.hextile(few, choose)),
                rectangle(1, 2, 33, 20, Encoding.HEXTILE, encoders.hextile(many, choose)),
                rectangle(1, 2, 33, 20, Encoding.ZRLE, encoders.zrle(few, choose, deflater)),
                rectangle(1, 2, 33, 20, Encoding.ZRLE, encoders.zrle(many, choose, deflater)),
                rectangle(1, 2, 33, 20, Encoding.TIGHT, tight.copy(many, 1)),
                rectangle(1, 2, 33, 20, Encoding.TIGHT, tight.gradient(many, 2)),
                rectangle(1, 2, 33, 20, Encoding.TIGHT, tight.palette(few, 3)),
                rectangle(1, 2, 33, 20, Encoding.TIGHT, tight.fill(few)),
                rectangle(0, 0, 50, 40, PseudoEncoding.DESKTOP_SIZE),
                rectangle(0, 0, 0, 0, PseudoEncoding.LAST_RECT),
            ),
            b"\1\0" + u16(0, 2) + bytes(12),
            b"\2",
            b"\x96",
            b"\xf8\0\0\0" + u32(0x80000003) + b"\4ping",
            b"\xfa\0\1\1",
            b"\3\0\0\0" + u32(5) + b"hallo",
            update(rectangle(0, 0, 8, 8, Encoding.RAW, bytes(256))),
        ]
    )


CONVERSATION = a_long_conversation()
HANDSHAKE = len(server_bytes.GREETING + server_bytes.VNC_SECURITY) + 20


@given(cuts=st.lists(st.integers(0, len(CONVERSATION)), max_size=20).map(sorted))
@settings(max_examples=60, deadline=None)
def test_any_cut_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    ends = [*cuts, len(CONVERSATION)]
    pieces = [CONVERSATION[a:b] for a, b in zip([0, *cuts], ends, strict=True)]
    assert listen(pieces) == listen([CONVERSATION])


def test_the_honest_server_is_understood_to_its_end() -> None:
    events = listen([CONVERSATION])
    assert not isinstance(events[-1], str)
    assert type(events[-1]).__name__ == "UpdateEnded"


@given(
    changes=st.lists(
        st.tuples(st.integers(HANDSHAKE, len(CONVERSATION) - 1), st.integers(0, 255)), min_size=1
    ),
    cut=st.integers(0, len(CONVERSATION)),
)
@settings(max_examples=400, deadline=None)
def test_a_changed_stream_ends_in_an_orderly_way(changes: list[tuple[int, int]], cut: int) -> None:
    stream = bytearray(CONVERSATION)
    for place, byte in changes:
        stream[place] = byte
    assert listen([bytes(stream[:cut]), bytes(stream[cut:])]) == listen([bytes(stream)])


@given(
    prefix=st.integers(0, len(CONVERSATION)),
    junk=st.binary(max_size=400),
    cut=st.integers(0, 400),
)
@settings(max_examples=400, deadline=None)
def test_junk_after_any_prefix_ends_in_an_orderly_way(prefix: int, junk: bytes, cut: int) -> None:
    start = CONVERSATION[:prefix]
    assert listen([start + junk[:cut], junk[cut:]]) == listen([start + junk])


RECTANGLES = st.tuples(
    st.sampled_from([*Encoding, *PseudoEncoding]),
    st.integers(0, 70),
    st.integers(0, 70),
    st.binary(max_size=200),
)


@given(rectangles=st.lists(RECTANGLES, min_size=1, max_size=4))
@settings(max_examples=400, deadline=None)
def test_rectangles_of_junk_end_in_an_orderly_way(
    rectangles: list[tuple[int, int, int, bytes]],
) -> None:
    stream = server_bytes.opening(70, 70)
    stream += update(*(rectangle(0, 0, w, h, e, body) for e, w, h, body in rectangles))
    listen([stream])


def listen_through_tls(pieces: list[bytes]) -> list[object]:
    """As :func:`listen`, with an owner who does at once what is asked of him."""
    encryption = Encryption(required=True, anonymous=True)
    protocol = RfbProtocol(LOCAL_ENCODINGS, CREDENTIALS, encryption)
    events: list[object] = []
    try:
        for piece in pieces:
            for event in protocol.receive_data(piece):
                events.append(event)
                if isinstance(event, TlsRequired):
                    # What is there already would be an intruder's; test_vencrypt.py has that.
                    protocol.tls_established()
            events += protocol.events()
    except RemoteProtocolError as error:
        events.append(str(error))
    return events


ENCRYPTED = {
    "vencrypt": server_bytes.GREETING + b"\1\x13\0\2\0\2" + u32(258, 261) + b"\1" + bytes(16),
    "tls": server_bytes.GREETING + b"\1\x12\2\x10\2" + bytes(16),
}
ENCRYPTED = {
    name: start + server_bytes.RESULT_OK + server_bytes.server_init(64, 48)
    for name, start in ENCRYPTED.items()
}


@pytest.mark.parametrize("start", ENCRYPTED.values(), ids=list(ENCRYPTED))
@given(
    changes=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=3),
    cut=st.integers(0, 80),
)
@settings(max_examples=200, deadline=None)
def test_a_changed_handshake_ends_in_an_orderly_way(
    start: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    stream = bytearray(start)
    for place, byte in changes:
        stream[place % len(stream)] = byte
    pieces = [bytes(stream[:cut]), bytes(stream[cut:])]
    events = listen_through_tls(pieces)
    assert events == listen_through_tls([bytes([byte]) for byte in stream])
    if not changes:
        assert type(events[-1]).__name__ == "Connected"


@given(tiles=st.binary(max_size=300), cut=st.integers(1, 70))
@settings(max_examples=300, deadline=None)
def test_zrle_of_junk_ends_in_an_orderly_way(tiles: bytes, cut: int) -> None:
    body = encoders.zrle_of(tiles, encoders.Deflater())
    listen([server_bytes.opening(70, 70) + update(rectangle(0, 0, cut, 70, 16, body))])

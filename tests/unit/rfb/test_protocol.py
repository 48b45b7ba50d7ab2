"""The door of the room: what a client can say, and how a link ends."""

import pytest

from unit.rfb.server_bytes import heard, opened, opening, rectangle, u16, u32, update
from webvdi.base.errors import LocalProtocolError, RemoteProtocolError, StateError
from webvdi.framebuffer import MAX_AREA, MAX_SIDE, Rect
from webvdi.rfb import client_messages
from webvdi.rfb.encodings import Encoding, PseudoEncoding
from webvdi.rfb.events import Bell, Connected, ExtendedKeysSupported
from webvdi.rfb.link import Credentials, Link, Phase
from webvdi.rfb.parsing import Parser
from webvdi.rfb.protocol import RfbProtocol

SCANCODES = update(rectangle(0, 0, 0, 0, PseudoEncoding.QEMU_EXTENDED_KEY_EVENT))
MOTION = update(rectangle(0, 0, 0, 0, PseudoEncoding.QEMU_POINTER_MOTION_CHANGE))
SCREEN = u32(0x1234) + u16(0, 0, 64, 48) + u32(7)
SIZES = update(rectangle(0, 0, 64, 48, PseudoEncoding.EXTENDED_DESKTOP_SIZE, b"\1\0\0\0" + SCREEN))


def said(protocol: RfbProtocol) -> bytes:
    return protocol.data_to_send()


def test_update_requests_are_for_the_whole_framebuffer() -> None:
    protocol = opened(640, 480)
    protocol.request_update(incremental=False)
    protocol.request_update(incremental=True)
    rect = Rect(0, 0, 640, 480)
    assert said(protocol) == client_messages.framebuffer_update_request(
        rect, incremental=False
    ) + client_messages.framebuffer_update_request(rect, incremental=True)
    assert said(protocol) == b""


def test_other_encodings_can_be_asked_for_at_any_time() -> None:
    protocol = opened()
    protocol.set_encodings([Encoding.ZRLE, Encoding.RAW])
    assert said(protocol) == client_messages.set_encodings([16, 0])
    protocol.close()
    with pytest.raises(StateError):
        protocol.set_encodings([Encoding.RAW])


def test_an_update_is_under_way_from_its_first_byte_to_its_last() -> None:
    data = b"\2" + update(rectangle(0, 0, 1, 1, Encoding.RAW, bytes(4))) + b"\2"
    protocol = opened()
    under_way: list[bool] = []
    for byte in data:
        heard(protocol, bytes([byte]))
        under_way.append(protocol.updating)
    assert under_way == [False, *[True] * (len(data) - 3), False, False]


def test_keys_travel_as_keysyms_to_a_server_without_scancodes() -> None:
    protocol = opened()
    protocol.key(down=True, keysym=0x61, scancode=0x1E)
    assert said(protocol) == client_messages.key_event(0x61, down=True)
    protocol.key(down=True, keysym=0, scancode=0x1E)
    assert said(protocol) == b""


def test_keys_travel_as_scancodes_where_the_server_wants_them() -> None:
    protocol = opened()
    assert ExtendedKeysSupported() in heard(protocol, SCANCODES)
    assert protocol.takes_scancodes
    protocol.key(down=False, keysym=0xFF52, scancode=0xC8)
    assert said(protocol) == client_messages.qemu_key_event(0xFF52, 0xC8, down=False)
    protocol.key(down=True, keysym=0x61, scancode=0)
    assert said(protocol) == client_messages.key_event(0x61, down=True)


def test_the_acknowledgement_is_reported_once() -> None:
    protocol = opened()
    assert heard(protocol, SCANCODES + SCANCODES).count(ExtendedKeysSupported()) == 1


@pytest.mark.parametrize(
    ("place", "sent"), [((5, 6), (5, 6)), ((-1, -9), (0, 0)), ((999, 70_000), (63, 47))]
)
def test_the_pointer_stays_in_the_framebuffer(
    place: tuple[int, int], sent: tuple[int, int]
) -> None:
    protocol = opened(64, 48)
    protocol.pointer(*place, 0x101)
    assert said(protocol) == client_messages.pointer_event(*sent, 1)


def test_motion_is_said_only_to_a_server_that_wants_it() -> None:
    protocol = opened()
    protocol.motion(3, -4, 2)
    assert said(protocol) == b""
    heard(protocol, MOTION)
    assert not protocol.absolute_pointer
    protocol.motion(3, -4, 2)
    assert said(protocol) == client_messages.pointer_event(0x7FFF + 3, 0x7FFF - 4, 2)


def test_clipboard_text_has_a_bound() -> None:
    protocol = opened()
    protocol.cut_text("x" * ((1 << 20) + 1))
    assert said(protocol) == b""
    protocol.cut_text("häß")
    assert said(protocol) == client_messages.client_cut_text("häß")


def test_a_size_is_asked_of_a_server_that_can_change_it_under_its_own_screen_id() -> None:
    protocol = opened()
    protocol.request_size(800, 600)
    assert said(protocol) == b""
    heard(protocol, SIZES)
    protocol.request_size(800, 0)
    assert said(protocol) == b"\xfb\0" + u16(800, 1) + b"\1\0" + u32(0x1234) + u16(
        0, 0, 800, 1
    ) + u32(7)
    protocol.request_size(100_000, 10)
    assert said(protocol)[2:6] == u16(MAX_SIDE, 10)
    protocol.request_size(MAX_SIDE, MAX_SIDE)
    assert said(protocol)[2:6] == u16(MAX_SIDE, MAX_AREA // MAX_SIDE)


def test_a_nudge_is_the_release_of_a_key_that_nobody_has_pressed() -> None:
    protocol = opened()
    protocol.nudge()
    assert said(protocol) == b""
    heard(protocol, SCANCODES)
    protocol.nudge()
    assert said(protocol) == client_messages.qemu_key_event(0, 0x76, down=False)


def test_saying_something_too_early_names_both_states() -> None:
    with pytest.raises(StateError, match=r"waiting for the server's greeting.*open"):
        RfbProtocol().request_update(incremental=True)
    with pytest.raises(StateError, match="credentials"):
        opened().authenticate(Credentials("", "x"))


def test_an_unknown_message_ends_the_link() -> None:
    protocol = opened()
    with pytest.raises(RemoteProtocolError, match="type 77"):
        heard(protocol, b"\x02\x4d\x02")
    assert protocol.phase is Phase.CLOSED
    assert heard(protocol, b"\x02") == []
    assert list(protocol.events()) == []


def test_events_before_an_error_are_handed_out() -> None:
    events = opened().receive_data(b"\x02\x02\x4d")
    assert [next(events), next(events)] == [Bell(), Bell()]
    with pytest.raises(RemoteProtocolError):
        next(events)


def test_events_left_by_one_call_are_found_by_the_next() -> None:
    protocol = RfbProtocol()
    for event in protocol.receive_data(opening() + b"\2\2\2"):
        assert isinstance(event, Connected)
        break
    assert list(protocol.events()) == [Bell(), Bell(), Bell()]


def test_the_end_of_the_stream_says_what_was_going_on() -> None:
    assert "waiting for the server's greeting" in str(RfbProtocol().end_of_stream())
    protocol = opened()
    assert str(protocol.end_of_stream()) == "the display server closed the connection"
    assert protocol.phase is Phase.CLOSED


def test_a_picture_too_large_for_memory_ends_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(_link: Link) -> Parser[None]:
        yield from ()
        raise MemoryError

    monkeypatch.setattr("webvdi.rfb.protocol.SERVER_MESSAGES", {0: parse})
    protocol = opened()
    with pytest.raises(RemoteProtocolError, match="memory"):
        heard(protocol, b"\0")
    assert protocol.phase is Phase.CLOSED


def test_phases_follow_each_other_in_one_order() -> None:
    link = Link((), None, {})
    with pytest.raises(LocalProtocolError, match="cannot be open"):
        link.enter(Phase.OPEN)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Credentials("me", "secret"))

"""Size and name of the desktop."""

import numpy as np
import pytest

from unit.rfb.server_bytes import (
    heard,
    heard_bytewise,
    opened,
    painted,
    rectangle,
    text,
    u16,
    u32,
    update,
)
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.encodings import Encoding, PseudoEncoding
from webvdi.rfb.events import (
    NameChanged,
    Resized,
    ResizeReason,
    Screen,
    ScreensChanged,
    SizeAnswered,
    SizeStatus,
    UpdateEnded,
)

SIZE, EXTENDED = PseudoEncoding.DESKTOP_SIZE, PseudoEncoding.EXTENDED_DESKTOP_SIZE
TWO_SCREENS = b"\2\0\0\0" + b"".join(
    u32(number) + u16(10 * number, 0, 10, 20) + u32(0) for number in (1, 2)
)
SCREENS = (Screen(1, 10, 0, 10, 20, 0), Screen(2, 20, 0, 10, 20, 0))


def test_a_size() -> None:
    protocol = opened(64, 48)
    events = heard_bytewise(protocol, update(rectangle(0, 0, 30, 20, SIZE)))
    assert events == [Resized(30, 20, ResizeReason.SERVER), UpdateEnded()]
    assert protocol.size == (30, 20)


def test_the_size_that_is_known_is_no_news() -> None:
    assert heard(opened(64, 48), update(rectangle(0, 0, 64, 48, SIZE))) == [UpdateEnded()]


@pytest.mark.parametrize(
    ("reason", "known"), [(0, 0), (1, 1), (2, 2), (9, 0)], ids=["server", "us", "other", "unknown"]
)
def test_a_size_with_screens(reason: int, known: int) -> None:
    events = heard_bytewise(opened(), update(rectangle(reason, 0, 30, 20, EXTENDED, TWO_SCREENS)))
    assert events == [
        Resized(30, 20, ResizeReason(known)),
        ScreensChanged(SCREENS),
        UpdateEnded(),
    ]


@pytest.mark.parametrize("status", [*SizeStatus][1:])
def test_an_answer_changes_no_size(status: SizeStatus) -> None:
    protocol = opened(64, 48)
    events = heard(protocol, update(rectangle(1, status, 30, 20, EXTENDED, TWO_SCREENS)))
    assert events == [SizeAnswered(status), UpdateEnded()]
    assert protocol.size == (64, 48)


def test_a_server_without_screens_is_asked_for_one() -> None:
    protocol = opened(64, 48)
    heard(protocol, update(rectangle(0, 0, 64, 48, EXTENDED, bytes(4))))
    protocol.request_size(10, 20)
    assert protocol.data_to_send() == b"\xfb\0" + u16(10, 20) + b"\1\0" + u32(0) + u16(
        0, 0, 10, 20
    ) + u32(0)


def test_rectangles_after_a_resize_have_the_new_size_as_bounds() -> None:
    pixels = np.full((60, 80, 4), 7, np.uint8)
    pixels[:, :, 3] = 0
    data = update(
        rectangle(0, 0, 80, 60, SIZE), rectangle(0, 0, 80, 60, Encoding.RAW, pixels.tobytes())
    )
    np.testing.assert_array_equal(painted(heard(opened(64, 48), data), 64, 48), pixels)
    with pytest.raises(RemoteProtocolError, match="outside its 10x10 screen"):
        heard(
            opened(64, 48),
            update(rectangle(0, 0, 10, 10, SIZE), rectangle(0, 0, 11, 1, Encoding.RAW)),
        )


@pytest.mark.parametrize("encoding", [SIZE, EXTENDED])
@pytest.mark.parametrize("size", [(0, 1), (1, 0), (20000, 1)])
def test_an_impossible_size(size: tuple[int, int], encoding: int) -> None:
    body = bytes(4) if encoding == EXTENDED else b""
    with pytest.raises(RemoteProtocolError, match=f"{size[0]}x{size[1]}"):
        heard(opened(), update(rectangle(0, 0, *size, encoding, body)))


def test_a_name() -> None:
    data = update(rectangle(0, 0, 0, 0, PseudoEncoding.DESKTOP_NAME, text("büro")))
    assert heard_bytewise(opened(), data) == [NameChanged("büro"), UpdateEnded()]

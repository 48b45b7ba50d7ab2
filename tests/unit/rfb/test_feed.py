"""Bytes on their way into a parser."""

import pytest

from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.events import Bell, CutText, Event
from webvdi.rfb.feed import BUFFER_SIZE, LARGE, Feed
from webvdi.rfb.parsing import PAUSE, Parser


def pour(feed: Feed, data: bytes) -> list[Event]:
    """Offer *data* as a socket would; what was parsed."""
    events: list[Event] = []
    while data:
        buffer = feed.get_buffer()
        assert len(buffer)
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        data = data[size:]
        feed.buffer_updated(size)
        events += feed.events()
    return events


def echo(*sizes: int) -> Parser[None]:
    for size in sizes:
        yield CutText(str(len((yield size))))
    yield 1 << 30


@pytest.mark.parametrize("step", [1, 7, 5000, 1 << 20])
@pytest.mark.parametrize("first", [0, 1, LARGE - 1, LARGE, BUFFER_SIZE, 3 * BUFFER_SIZE + 1])
def test_needs_of_every_size_get_their_bytes(first: int, step: int) -> None:
    seen = []

    def parser() -> Parser[None]:
        for size in (3, first, 5, 0, LARGE + 3, 2):
            seen.append(bytes((yield size)))
            yield Bell()
        yield 1

    data = bytes(i * 7 % 251 for i in range(3 + first + 5 + LARGE + 3 + 2))
    feed = Feed(parser())
    events = [e for i in range(0, len(data), step) for e in pour(feed, data[i : i + step])]
    assert len(events) == 6
    assert b"".join(seen) == data
    assert [len(piece) for piece in seen] == [3, first, 5, 0, LARGE + 3, 2]


def test_large_memory_is_filled_in_place_and_not_beyond() -> None:
    target = bytearray(LARGE * 2)

    def parser() -> Parser[None]:
        yield 4
        yield memoryview(target)
        yield Bell()
        yield 4

    feed = Feed(parser())
    pour(feed, b"head" + b"x" * 10)
    buffer = feed.get_buffer()
    assert len(buffer) == len(target) - 10
    buffer[:5] = b"yyyyy"
    assert target[:15] == b"x" * 10 + b"y" * 5
    feed.buffer_updated(5)
    assert pour(feed, b"z" * (len(target) - 15)) == [Bell()]
    assert target[-1:] == b"z"


def test_the_short_rest_of_a_large_need_comes_with_what_follows() -> None:
    target = bytearray(LARGE)

    def parser() -> Parser[None]:
        yield memoryview(target)
        yield Bell()
        yield CutText(bytes((yield 4)).decode())
        yield 1

    feed = Feed(parser())
    pour(feed, b"x" * (LARGE - 3))
    assert len(feed.get_buffer()) == BUFFER_SIZE
    assert pour(feed, b"xxxtail") == [Bell(), CutText("tail")]


def test_a_pause_ends_when_it_is_said_to() -> None:
    def parser() -> Parser[None]:
        yield PAUSE
        yield Bell()
        yield PAUSE
        yield Bell()
        yield 1

    feed = Feed(parser())
    assert list(feed.events()) == []
    feed.wake()
    assert list(feed.events()) == [Bell()]
    assert list(feed.events()) == []


def test_a_pause_has_room_for_one_buffer() -> None:
    def parser() -> Parser[None]:
        yield PAUSE

    feed = Feed(parser())
    pour(feed, bytes(BUFFER_SIZE))
    with pytest.raises(RemoteProtocolError):
        feed.get_buffer()


def test_an_abandoned_iterator_loses_nothing() -> None:
    feed = Feed(echo(1, 2, 3))
    feed.get_buffer()[:6] = b"abcdef"
    feed.buffer_updated(6)
    assert next(iter(feed.events())) == CutText("1")
    assert list(feed.events()) == [CutText("2"), CutText("3")]

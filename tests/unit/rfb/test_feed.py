"""Bytes on their way into a parser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.events import Bell, CutText, Event
from webvdi.rfb.feed import BLOCK_SIZE, BUFFER_SIZE, LARGE, Feed
from webvdi.rfb.parsing import PAUSE, Parser, Span


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


def spans(*sizes: int, between: int, into: list[memoryview]) -> Parser[None]:
    """Asks for spans, and for some bytes before each."""
    for size in sizes:
        yield between
        span = Span(size)
        yield span
        into.append(span.memory)
        yield Bell()
    yield 4


def test_a_large_span_is_used_where_it_was_received() -> None:
    lent: list[memoryview] = []
    feed = Feed(spans(LARGE * 2, LARGE, between=4, into=lent))
    assert pour(feed, b"head" + b"x" * 10) == []
    buffer = feed.get_buffer()
    # All that follows as well, as far as the block reaches.
    assert len(buffer) == BLOCK_SIZE - 10
    received = b"y" * (LARGE * 2 - 10) + b"next" + b"z" * LARGE + b"ta"
    assert pour(feed, received) == [Bell(), Bell()]
    assert bytes(lent[0]) == b"x" * 10 + b"y" * (LARGE * 2 - 10)
    assert bytes(lent[1]) == b"z" * LARGE
    assert lent[0].obj is lent[1].obj is buffer.obj


def test_a_block_is_left_when_all_has_been_parsed() -> None:
    lent: list[memoryview] = []
    feed = Feed(spans(LARGE, between=4, into=lent))
    pour(feed, bytes(4 + LARGE))
    assert len(feed.get_buffer()) == BUFFER_SIZE
    assert feed.get_buffer().obj is not lent[0].obj


def test_a_large_need_that_is_no_span_is_received_into_memory_of_its_own() -> None:
    seen: list[bytes | bytearray] = []

    def parser() -> Parser[None]:
        seen.append((yield 2 * BUFFER_SIZE))
        yield Bell()
        seen.append((yield BUFFER_SIZE))
        yield Bell()
        yield 1

    feed = Feed(parser())
    buffer = feed.get_buffer()
    assert len(buffer) == 2 * BUFFER_SIZE
    assert pour(feed, b"x" * (3 * BUFFER_SIZE)) == [Bell(), Bell()]
    assert seen == [b"x" * (2 * BUFFER_SIZE), b"x" * BUFFER_SIZE]
    assert seen[0] is buffer.obj


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(
        st.one_of(
            st.integers(0, 50),
            st.integers(LARGE - 3, 5 * LARGE),
            st.integers(BUFFER_SIZE - 20, BUFFER_SIZE + 20),
            st.sampled_from([BLOCK_SIZE - 4, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE + 7]),
        ),
        max_size=9,
    ),
    between=st.sampled_from([0, 4, 12, 13]),
    steps=st.lists(st.sampled_from([1, 13, 5000, BUFFER_SIZE, 3 * BLOCK_SIZE]), min_size=1),
)
def test_spans_stay_as_they_were_received(sizes: list[int], between: int, steps: list[int]) -> None:
    """Those that are kept to the end, which nothing written later may touch."""
    data = np.random.default_rng(1).bytes(sum(sizes) + between * len(sizes))
    lent: list[memoryview] = []
    feed = Feed(spans(*sizes, between=between, into=lent))
    events, at, turn = len(list(feed.events())), 0, 0
    while at < len(data):
        step = steps[turn % len(steps)] if turn < 100 else BLOCK_SIZE
        events += len(pour(feed, data[at : at + step]))
        at, turn = at + step, turn + 1
    assert events == len(lent) == len(sizes)
    place = 0
    for size, memory in zip(sizes, lent, strict=True):
        place += between
        assert bytes(memory) == data[place : place + size]
        if size:
            assert np.frombuffer(memory, np.uint8).ctypes.data % 4 == 0
        place += size


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

"""A link's rate, length and bounded queue, by an injected clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.links import LINKS, SEGMENT_BYTES, Lane, Link, UnknownLink, links_named

SLOW = Link("slow", round_trip_s=0.1, rate=100_000, queue_bytes=20_000)


def arrivals(lane: Lane[str], until: float, step: float = 0.001) -> list[tuple[float, str, bytes]]:
    """What comes out, and when, to a millisecond."""
    found: list[tuple[float, str, bytes]] = []
    for tick in range(int(until / step) + 1):
        found += [(tick * step, to, part) for to, part in lane.arrived(tick * step)]
    return found


def test_a_byte_takes_half_a_round_trip_and_its_time_on_the_line() -> None:
    lane: Lane[str] = Lane(SLOW)
    lane.put("me", b"x" * 1000, now=0)
    assert lane.next_at() == pytest.approx(0.05 + 0.01)
    assert list(lane.arrived(0.0599)) == []
    assert list(lane.arrived(0.0601)) == [("me", b"x" * 1000)]
    assert lane.next_at() is None


def test_what_is_sent_later_waits_for_the_line() -> None:
    lane: Lane[str] = Lane(SLOW)
    lane.put("me", b"a" * 1000, now=0)
    lane.put("me", b"b" * 1000, now=0.002)
    assert [at for at, _, _ in arrivals(lane, 0.2)] == pytest.approx([0.06, 0.07], abs=0.0015)


def test_the_line_is_free_again_after_a_pause() -> None:
    lane: Lane[str] = Lane(SLOW)
    lane.put("me", b"a" * 1000, now=0)
    lane.put("me", b"b" * 1000, now=5)
    assert lane.waiting(5.0) == pytest.approx(1000)
    list(lane.arrived(1))
    assert lane.next_at() == pytest.approx(5.06)


def test_the_queue_is_bounded() -> None:
    lane: Lane[str] = Lane(SLOW)
    lane.put("me", bytes(20_000), now=0)
    assert lane.room(0) == 0
    with pytest.raises(ValueError, match="room for 0"):
        lane.put("me", b"x", now=0)
    assert lane.room(0.1) == 10_000
    assert lane.room_at() == pytest.approx(SEGMENT_BYTES / SLOW.rate)
    assert lane.room(lane.room_at()) >= SEGMENT_BYTES


def test_large_writes_travel_in_segments() -> None:
    lane: Lane[str] = Lane(SLOW)
    lane.put("me", bytes(3 * SEGMENT_BYTES), now=0)
    times = [at for at, _, _ in arrivals(lane, 0.2)]
    assert len(times) == 3
    assert times[2] - times[0] == pytest.approx(2 * SEGMENT_BYTES / SLOW.rate, abs=0.002)


def test_no_bytes_say_the_end_in_their_turn() -> None:
    lane: Lane[str] = Lane(SLOW)
    lane.put("me", b"a" * 100, now=0)
    lane.put("me", b"", now=0)
    lane.put("you", b"b", now=0)
    assert [(to, part[:1]) for _, to, part in arrivals(lane, 0.2)] == [
        ("me", b"a"),
        ("me", b""),
        ("you", b"b"),
    ]


@given(st.lists(st.tuples(st.floats(0, 0.2), st.binary(max_size=4000)), max_size=30))
def test_nothing_is_lost_reordered_or_faster_than_the_line(
    writes: list[tuple[float, bytes]],
) -> None:
    lane: Lane[str] = Lane(SLOW)
    now, sent = 0.0, b""
    for pause, wanted in writes:
        now += pause
        data = wanted[: lane.room(now)]
        lane.put("me", data, now)
        sent += data
    came, received = 0.0, b""
    while (at := lane.next_at()) is not None:
        assert at >= came
        came = at
        received += b"".join(part for _, part in lane.arrived(at))
    assert received == sent
    if sent:
        assert came >= SLOW.one_way_s + len(sent) / SLOW.rate - 1e-6
        assert came <= now + SLOW.one_way_s + SLOW.queue_bytes / SLOW.rate + 1e-6


def test_the_links_are_those_of_the_tables() -> None:
    said = {name: (link.round_trip_s, link.rate * 8 / 1e6) for name, link in LINKS.items()}
    assert said == {
        "lan": (0.001, 1000),
        "20ms": (0.02, 50),
        "80ms": (0.08, 8),
        "300ms": (0.3, 1),
    }
    assert all(64 << 10 <= link.queue_bytes <= 1 << 20 for link in LINKS.values())


def test_links_are_chosen_by_name() -> None:
    assert links_named("80ms,lan") == [LINKS["80ms"], LINKS["lan"]]
    with pytest.raises(UnknownLink, match="no link 'moon'; there are lan, 20ms"):
        links_named("lan,moon")

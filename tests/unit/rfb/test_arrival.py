"""Which links are taken for slow, and that a busy host's are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.rfb.arrival import MAX_WAIT_S, MIN_BYTES_PER_S, PATIENCE_S, Arrival

MIB = 1 << 20
SCREEN = 1920 * 1080 * 4


def receive(arrival: Arrival, size: int, pieces: list[tuple[int, float]], start: float) -> float:
    """One update of *size* bytes by *pieces*, used in turn: bytes, and the wait for them."""
    now, turn = start, 0
    arrival.read(1000, now, updating=False)
    while size > 0:
        piece, wait_s = pieces[turn % len(pieces)]
        now, turn, size = now + wait_s, turn + 1, size - piece
        arrival.read(piece, now, updating=True)
    return now


@pytest.mark.parametrize(
    ("pieces", "bytes_per_s"),
    [
        ([(32768, 0.0262)], 1.25e6),
        ([(32768, 0.00328)], 10e6),
        ([(32768, 0.262)], 32768 / MAX_WAIT_S),
    ],
    ids=["10 Mbit/s", "80 Mbit/s", "1 Mbit/s"],
)
def test_one_screen_through_a_tunnel_is_enough(
    pieces: list[tuple[int, float]], bytes_per_s: float
) -> None:
    arrival = Arrival()
    receive(arrival, SCREEN, pieces, 5.0)
    assert arrival.slow
    assert arrival.bytes_per_s == pytest.approx(bytes_per_s, rel=0.1)


@pytest.mark.parametrize(
    ("pieces", "screens"),
    [([(32768, 0.0001)] * 31 + [(32768, 0.1)], 2), ([(65536, 65536 / 24e6)], 3)],
    ids=["10 MB/s, a burst each round trip of 100 ms", "24 MB/s"],
)
def test_a_way_that_is_not_very_slow_takes_a_few_screens(
    pieces: list[tuple[int, float]], screens: int
) -> None:
    arrival, now, seen = Arrival(), 0.0, 0
    while not arrival.slow:
        now, seen = receive(arrival, SCREEN, pieces, now + 1), seen + 1
    assert seen == screens


@pytest.mark.parametrize(
    "pieces",
    [
        [(300_000, 0.0003)],
        [(300_000, 0.006)],
        [(65536, 0.0001)] * 30 + [(65536, 0.03)],
        [(MIB, 0.01)] * 7 + [(MIB, 60.0)],
    ],
    ids=["idle", "another process's turn before each read", "many stalls", "a long stall"],
)
def test_a_busy_host_is_not_slow(pieces: list[tuple[int, float]]) -> None:
    arrival, now = Arrival(), 0.0
    for _ in range(20):
        now = receive(arrival, SCREEN, pieces, now + 1)
        assert not arrival.slow


def test_silence_between_updates_is_not_slowness() -> None:
    arrival = Arrival()
    for second in range(1000):
        arrival.read(100, float(second), updating=False)
        arrival.read(100, second + 0.00001, updating=True)
    assert not arrival.slow


def test_what_comes_fast_makes_up_for_waits_but_is_not_saved_up() -> None:
    arrival = Arrival()
    now = receive(arrival, 100 * MIB, [(MIB, 0.001)], 0.0)
    now = receive(arrival, 3 * 1000, [(1000, MAX_WAIT_S)], now)
    assert not arrival.slow
    now = receive(arrival, 8 * MIB, [(MIB, 0.001)], now)
    now = receive(arrival, 3 * 1000, [(1000, MAX_WAIT_S)], now)
    assert not arrival.slow
    receive(arrival, 3 * 1000, [(1000, MAX_WAIT_S)], now)
    assert arrival.slow


@given(
    st.lists(
        st.tuples(st.integers(1, MIB), st.floats(0, 1), st.booleans()), min_size=1, max_size=60
    )
)
def test_slow_links_are_slower_than_the_bound_and_took_several_waits(
    reads: list[tuple[int, float, bool]],
) -> None:
    arrival, now, waits = Arrival(), 0.0, 0
    for size, wait_s, updating in reads:
        now, waits = now + wait_s, waits + updating
        arrival.read(size, now, updating=updating)
        if arrival.slow:
            assert arrival.bytes_per_s < MIN_BYTES_PER_S
            assert waits > PATIENCE_S / MAX_WAIT_S

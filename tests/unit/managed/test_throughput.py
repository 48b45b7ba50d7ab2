"""What a few arrivals tell of a link."""

import pytest

from webvdi.managed.throughput import (
    FIRST_RATE,
    MAX_RATE,
    MIN_RATE,
    ROUND_TRIP_MEMORY_S,
    Throughput,
    Train,
)

JITTER_S = 0.02


def train(size: int, sent: float, arrived: float, *, alone: bool = False) -> Train:
    return Train(size, sent, arrived, size, sent, alone)


def measured(rate: float = 1e6, round_trip_s: float = 0.08) -> Throughput:
    """A link that was kept busy for two seconds, until 3 s, after one small train."""
    link = Throughput()
    link.arrived(train(100, 0.0, round_trip_s, alone=True), JITTER_S)
    for number in range(40):
        passed = 1 + (number + 1) * 0.05
        sent = 1 + max(number - 0.3, 0) * 0.05
        link.arrived(train(int(rate * 0.05), sent, passed + round_trip_s), JITTER_S)
    return link


def test_nothing_is_known_at_first() -> None:
    link = Throughput()
    assert link.rate == FIRST_RATE
    assert link.round_trip_s == 0.0
    assert not link.round_trip_is_old(1e9)
    assert not link.ran_dry


@pytest.mark.parametrize("rate", [125e3, 1e6, 6.25e6])
def test_trains_that_wait_for_each_other_tell_the_rate(rate: float) -> None:
    link = measured(rate)
    assert 0.9 * rate <= link.rate <= 1.1 * rate
    assert link.round_trip_s == pytest.approx(0.08, abs=0.002)
    assert not link.ran_dry


def test_two_sizes_tell_rate_and_round_trip() -> None:
    link = Throughput()
    link.arrived(train(4_000, 0.0, 0.084, alone=True), JITTER_S)
    link.arrived(train(104_000, 1.0, 1.184, alone=True), JITTER_S)
    assert link.rate == pytest.approx(1e6, rel=0.04)
    assert link.round_trip_s == pytest.approx(0.08, abs=0.003)


def test_trains_of_one_size_that_find_the_link_empty_tell_nothing() -> None:
    link = Throughput()
    for number in range(5):
        link.arrived(train(16_000, float(number), number + 0.4, alone=True), JITTER_S)
    assert link.rate == FIRST_RATE
    assert link.ran_dry


def test_one_train_raises_the_rate_no_more_than_fourfold() -> None:
    link = Throughput()
    link.arrived(train(4_000, 0.0, 0.08, alone=True), JITTER_S)
    link.arrived(train(400_000, 1.0, 1.08, alone=True), JITTER_S)
    assert link.rate == 4 * FIRST_RATE


def test_a_small_train_that_is_late_says_nothing() -> None:
    link = measured()
    before = link.rate
    link.arrived(train(2_000, 5.0, 6.0, alone=True), JITTER_S)
    assert link.rate == before


def test_a_train_after_a_rest_may_wait_for_tcp() -> None:
    link = measured()
    before = link.rate
    # 60 kB: 15 at once, then 29, then the rest, each a round trip after the one before.
    link.arrived(train(60_000, 5.0, 5.0 + 3 * 0.08 + 0.016, alone=True), JITTER_S)
    assert link.rate == before


def test_a_large_train_that_is_very_late_says_that_the_link_is_slow() -> None:
    link = measured()
    link.arrived(train(60_000, 5.0, 5.68, alone=True), JITTER_S)
    assert link.rate <= 180e3


def test_the_newest_of_waiting_trains_has_the_last_word() -> None:
    link = measured()
    last = 3.08
    link.arrived(train(50_000, 2.9, last + 0.4), JITTER_S)
    assert link.rate <= 1.1 * 50_000 / 0.4


def test_two_arrivals_that_are_told_together_do_not_raise_the_rate_by_much() -> None:
    link = measured()
    link.arrived(train(50_000, 2.9, 3.18), JITTER_S)  # told late
    link.arrived(train(50_000, 2.95, 3.181), JITTER_S)
    assert link.rate <= 1.35e6


def test_the_round_trip_is_measured_again_in_time() -> None:
    link = measured()
    assert link.round_trip_is_old(ROUND_TRIP_MEMORY_S + 0.2)
    link.arrived(train(2_000, 20.0, 20.3), JITTER_S)
    assert link.round_trip_s < 0.1, "it may have waited"
    link.arrived(train(2_000, 21.0, 21.3, alone=True), JITTER_S)
    assert link.round_trip_s == pytest.approx(0.3, abs=0.005)
    assert not link.round_trip_is_old(22.0)


@pytest.mark.parametrize(
    ("before_s", "way_s", "old"),
    [(0.3, 0.3, False), (0.3, 0.33, False), (0.3, 0.4, True), (0.08, 0.083, True)],
)
def test_trains_that_are_as_quick_as_ever_show_that_a_long_way_has_not_become_longer(
    before_s: float, way_s: float, old: bool
) -> None:
    link = measured(round_trip_s=before_s)
    for number in range(4):
        sent = 9.0 + number
        link.arrived(train(50_000, sent, sent + way_s + 0.05), JITTER_S)
    assert link.round_trip_is_old(3.5 + ROUND_TRIP_MEMORY_S) == old


def test_another_connection_has_a_round_trip_of_its_own() -> None:
    link = measured()
    link.reconnected()
    assert link.rate == pytest.approx(1e6, rel=0.1)
    assert (link.trains, link.round_trip_s, link.ran_dry) == (0, 0.0, False)


def test_the_rate_has_bounds() -> None:
    link = Throughput()
    link.arrived(train(1, 0.0, 0.0, alone=True), JITTER_S)
    for number in range(30):
        link.arrived(train(1 << 24, float(number), float(number), alone=True), JITTER_S)
    assert link.rate == MAX_RATE
    for number in range(40, 80):
        link.arrived(train(10_000, 100.0 * number, 100.0 * number + 99), JITTER_S)
    assert link.rate == MIN_RATE

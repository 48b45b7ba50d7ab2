"""Pacing is arithmetic: links are simulated, the clock is a number."""

import pytest

from webvdi.managed.pacing import MAX_UPDATES, MIN_BUDGET_BYTES, Pacer


def send_through(pacer: Pacer, *, rate: float, delay_s: float, size: int, count: int) -> float:
    """Send *count* updates over a link as fast as the pacer allows; the longest an update took."""
    now, free, slowest = 0.0, 0.0, 0.0
    on_the_way: list[tuple[float, int, float]] = []
    number = 0
    while number < count or on_the_way:
        if number < count and pacer.may_send():
            number += 1
            pacer.sent(number, size, now)
            free = max(free, now) + size / rate
            on_the_way.append((free + delay_s, number, now))
        else:
            arrives, acked, began = on_the_way.pop(0)
            now = arrives
            pacer.acked(acked, now)
            slowest = max(slowest, now - began)
    return slowest


def test_with_nothing_in_flight_one_may_always_go() -> None:
    pacer = Pacer()
    assert pacer.may_send()
    pacer.sent(1, 1 << 30, 0.0)
    assert not pacer.may_send()
    pacer.acked(1, 99.0)
    assert pacer.may_send()


def test_the_number_of_updates_in_flight_is_bounded() -> None:
    pacer = Pacer()
    for number in range(MAX_UPDATES):
        assert pacer.may_send()
        pacer.sent(number, 10, 0.0)
    assert not pacer.may_send()
    pacer.acked(0, 0.01)
    assert pacer.may_send()


@pytest.mark.parametrize(
    ("rate", "delay_s"), [(125e6, 0.001), (6.25e6, 0.02), (1e6, 0.08), (125e3, 0.3)]
)
def test_old_pixels_do_not_pile_up_on_any_link(rate: float, delay_s: float) -> None:
    pacer = Pacer()
    size = 40_000
    send_through(pacer, rate=rate, delay_s=delay_s, size=size, count=60)
    slowest = send_through(pacer, rate=rate, delay_s=delay_s, size=size, count=60)
    # One update on the wire, and one waiting behind it: no more.
    assert slowest <= 2 * (delay_s + 0.05) + 3 * size / rate


def test_the_rate_follows_the_link() -> None:
    pacer = Pacer()
    send_through(pacer, rate=1e6, delay_s=0.05, size=50_000, count=60)
    assert 0.3e6 < pacer.rate < 1.3e6
    send_through(pacer, rate=20e6, delay_s=0.005, size=50_000, count=80)
    assert pacer.rate > 4e6


def test_small_updates_say_nothing_of_the_rate() -> None:
    pacer = Pacer()
    before = pacer.rate
    send_through(pacer, rate=1e4, delay_s=0.5, size=100, count=20)
    assert pacer.rate == before


def test_a_lost_connection_leaves_nothing_in_flight() -> None:
    pacer = Pacer()
    pacer.sent(1, MIN_BUDGET_BYTES * 100, 0.0)
    pacer.reset()
    assert pacer.in_flight == 0
    assert pacer.may_send()
    pacer.acked(1, 1.0)


def test_the_best_round_trip_is_forgotten_in_time() -> None:
    pacer = Pacer()
    pacer.sent(1, 10, 0.0)
    pacer.acked(1, 0.005)
    pacer.sent(2, 10, 20.0)
    pacer.acked(2, 20.2)
    assert pacer.round_trip_s == pytest.approx(0.2)

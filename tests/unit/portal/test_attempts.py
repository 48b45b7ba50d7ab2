"""Guessing is bounded: by address, in a window that slides."""

from hypothesis import given
from hypothesis import strategies as st

from webvdi.portal.attempts import MAX_ADDRESSES, Attempts


def test_after_so_many_failures_the_address_waits() -> None:
    attempts = Attempts(limit=3, window_s=60)
    for now in (0, 10, 20):
        assert attempts.pause_s("192.0.2.1", now) == 0
        attempts.failed("192.0.2.1", now)
    assert attempts.pause_s("192.0.2.1", 20) == 40
    assert attempts.pause_s("192.0.2.1", 59.5) == 1
    assert attempts.pause_s("192.0.2.2", 20) == 0
    assert attempts.pause_s("192.0.2.1", 60) == 0
    attempts.failed("192.0.2.1", 60)
    assert attempts.pause_s("192.0.2.1", 60) == 10


def test_one_subscriber_has_one_bound() -> None:
    attempts = Attempts(limit=1)
    attempts.failed("2001:db8:1:2::1", 0)
    assert attempts.pause_s("2001:db8:1:2:ffff::9", 0)
    assert not attempts.pause_s("2001:db8:1:3::1", 0)
    attempts.failed("::ffff:192.0.2.1", 0)
    assert attempts.pause_s("192.0.2.1", 0)
    attempts.failed("unix", 0)
    assert attempts.pause_s("unix", 0)


def test_the_memory_is_bounded() -> None:
    attempts = Attempts(limit=1)
    for number in range(MAX_ADDRESSES + 1):
        attempts.failed(f"host-{number}", 0)
    assert not attempts.pause_s("host-0", 0)
    assert attempts.pause_s("host-1", 0)
    assert len(attempts._failures) == MAX_ADDRESSES


@given(st.lists(st.floats(0, 300, allow_nan=False), max_size=60).map(sorted))
def test_never_more_than_the_limit_in_any_window(times: list[float]) -> None:
    attempts, let_in = Attempts(limit=5, window_s=60), list[float]()
    for now in times:
        if not attempts.pause_s("a", now):
            attempts.failed("a", now)
            let_in.append(now)
    for start in let_in:
        assert sum(start <= now < start + 60 for now in let_in) <= 5

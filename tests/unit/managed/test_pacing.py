"""Pacing is arithmetic: links and browsers are simulated, the clock is a number."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.paced_link import Browser, Rate, Simulation, each_frame, mixed, share, steady
from webvdi.managed.pacing import (
    FIRST_BYTES,
    FIRST_QUALITY,
    MAX_SIZE_BYTES,
    MAX_UPDATES,
    MIN_SIZE_BYTES,
    QUALITIES,
    Allowance,
    Pacer,
)
from webvdi.managed.throughput import ROUND_TRIP_MEMORY_S

LAN, HOME, FAR, SATELLITE = (125e6, 0.001), (6.25e6, 0.02), (1e6, 0.08), (125e3, 0.3)
LINKS = {"LAN": LAN, "20 ms 50 Mbit/s": HOME, "80 ms 8 Mbit/s": FAR, "300 ms 1 Mbit/s": SATELLITE}
SLOWER = {name: link for name, link in LINKS.items() if link is not LAN}

BROWSERS = {
    "quick": lambda: Browser(0.002),
    "by frames": lambda: Browser(0.004, 1 / 60, jitter_s=0.004),
    "busy": lambda: Browser(0.012, blocks=True, jitter_s=0.006),
    "skipping": lambda: Browser(0.003, 1 / 60, skips=True, jitter_s=0.01),
    "slow": lambda: Browser(0.06),
}
KEEPING_UP = ["quick", "by frames", "busy", "skipping"]

MAKING_S = 0.008
SETTLED_S = 3.0


def all_that_is_allowed(_: float, allowance: Allowance) -> int:
    return allowance.size_bytes


def of_many_sizes(now: float, allowance: Allowance) -> int:
    return int(allowance.size_bytes * (0.3 + 0.7 * (now * 7919 % 1)))


def saturated(link: tuple[float, float], browser: str, wanted: Callable[..., int]) -> Simulation:
    rate, round_trip_s = link
    simulation = Simulation(
        steady(rate), round_trip_s, BROWSERS[browser](), wanted, encode_s=MAKING_S
    )
    return simulation.run(15)


# ---------------------------------------------------------------- links that stay as they are


@pytest.mark.parametrize("wanted", [all_that_is_allowed, of_many_sizes])
@pytest.mark.parametrize("browser", KEEPING_UP)
@pytest.mark.parametrize("link", SLOWER.values(), ids=SLOWER)
def test_a_link_is_used_and_no_queue_stands_on_it(
    link: tuple[float, float], browser: str, wanted: Callable[..., int]
) -> None:
    rate, round_trip_s = link
    on = saturated(link, browser, wanted)
    assert on.use(SETTLED_S) >= 0.85
    waits = sorted(one.passed - one.sent - one.size_bytes / rate for one in on.since(SETTLED_S))
    assert share(waits, 0.5) <= 0.05
    assert share(waits, 0.95) <= 0.06
    ages = on.ages(SETTLED_S)
    typical_passage_s = share(sorted(o.size_bytes for o in on.since(SETTLED_S)), 0.5) / rate
    browser_s = MAKING_S + 0.035
    assert share(ages, 0.5) <= round_trip_s / 2 + typical_passage_s + 0.05 + browser_s
    assert share(ages, 0.95) <= round_trip_s + 0.15
    assert 0.8 * rate <= on.pacer.rate <= 1.1 * rate
    assert round_trip_s <= on.pacer.round_trip_s <= round_trip_s + 0.02


@pytest.mark.parametrize("browser", ["by frames", "busy", "skipping"])
def test_on_a_lan_two_updates_are_under_way_and_every_frame_shows_a_new_one(browser: str) -> None:
    on = saturated(LAN, browser, lambda _, allowance: min(allowance.size_bytes, 100_000))
    assert on.most_in_flight <= 2
    assert len(on.since(SETTLED_S)) / 12 >= 57
    assert share(on.ages(SETTLED_S), 0.95) <= 0.04


@pytest.mark.parametrize("link", [LAN, HOME, FAR], ids=["LAN", "home", "far"])
def test_a_slow_browser_is_kept_at_work_and_no_queue_stands_in_it(
    link: tuple[float, float],
) -> None:
    rate, round_trip_s = link
    size = min(60_000, int(rate * 0.04))
    on = saturated(link, "slow", lambda _, allowance: min(allowance.size_bytes, size))
    assert len(on.since(SETTLED_S)) / 12 >= 0.95 / 0.06
    longest_s = MAKING_S + size / rate + round_trip_s / 2 + 0.06 + 0.02
    assert share(on.ages(SETTLED_S), 0.95) <= longest_s


@pytest.mark.parametrize(
    ("link", "lowest", "highest"),
    [(LAN, 92, 92), (HOME, 76, 84), (FAR, 60, 60), (SATELLITE, 30, 36)],
    ids=LINKS,
)
def test_the_quality_is_what_the_link_affords(
    link: tuple[float, float], lowest: int, highest: int
) -> None:
    on = saturated(link, "by frames", of_many_sizes)
    assert lowest <= on.pacer.allowance(on.now).quality <= highest


@pytest.mark.parametrize("link", SLOWER.values(), ids=SLOWER)
def test_an_update_takes_the_link_no_longer_than_a_key_press_may_wait(
    link: tuple[float, float],
) -> None:
    rate, _ = link
    on = saturated(link, "by frames", all_that_is_allowed)
    sizes = sorted(one.size_bytes for one in on.since(SETTLED_S))
    assert share(sizes, 0.95) <= max(rate * 0.06, MIN_SIZE_BYTES)


def test_where_updates_become_larger_than_was_guessed_less_is_allowed() -> None:
    rate, _ = FAR
    on = saturated(FAR, "by frames", lambda _, allowance: 3 * allowance.size_bytes)
    sizes = sorted(one.size_bytes for one in on.since(SETTLED_S))
    assert share(sizes, 0.5) <= 1.25 * rate * 0.06
    assert on.use(SETTLED_S) >= 0.85
    on.wanted = of_many_sizes
    on.run(2)
    assert on.pacer.allowance(on.now).size_bytes >= 0.7 * rate * 0.06


def test_the_first_update_after_a_rest_goes_at_once() -> None:
    on = saturated(FAR, "by frames", all_that_is_allowed)
    on.wanted = lambda *_: 0
    on.run(1.0)
    assert on.pacer.in_flight == 0
    assert on.pacer.may_send(on.now)


def test_a_link_is_known_after_a_few_updates() -> None:
    for rate, round_trip_s in SLOWER.values():
        on = Simulation(steady(rate), round_trip_s, BROWSERS["by frames"]())
        on.run(round_trip_s * 5 + 1)
        assert 0.7 * rate <= on.pacer.rate <= 1.2 * rate
        assert max(on.ages(0)) <= round_trip_s + 0.35


# ---------------------------------------------------------------- links that change


def between(start: float, end: float, usual: float, then: float) -> Rate:
    return lambda now: then if start <= now < end else usual


@pytest.mark.parametrize("wanted", [all_that_is_allowed, of_many_sizes])
@pytest.mark.parametrize(
    ("usual", "then", "round_trip_s"),
    [(6.25e6, 0.625e6, 0.02), (1e6, 0.125e6, 0.08), (125e6, 1e6, 0.001), (1e6, 0.5e6, 0.08)],
    ids=["50 to 5 Mbit/s", "8 to 1 Mbit/s", "LAN to 8 Mbit/s", "8 to 4 Mbit/s"],
)
def test_a_link_that_becomes_slow_is_followed_at_once_and_so_is_its_recovery(
    usual: float, then: float, round_trip_s: float, wanted: Callable[..., int]
) -> None:
    on = Simulation(
        between(10, 20, usual, then),
        round_trip_s,
        BROWSERS["by frames"](),
        wanted,
        encode_s=MAKING_S,
    ).run(26)
    # What was under way is late; what was sent two round trips after it had come is not.
    late = [one for one in on.shown if one.drawn < 20 and one.age_s > round_trip_s + 0.3]
    assert all(one.drawn < 13 for one in late)
    slow = sorted(one.age_s for one in on.shown if 13 < one.drawn < 20)
    passage_s = max(0.06, MIN_SIZE_BYTES / then)
    assert share(slow, 0.95) <= round_trip_s + passage_s + 0.15
    if usual < 100e6:
        assert recovered_within_s(on, 20.0, usual) <= 3.0
    else:
        assert on.pacer.allowance(on.now).quality == QUALITIES[-1]


def recovered_within_s(on: Simulation, since: float, rate: float) -> float:
    """How long it took until the link was used as much as before, over half a second."""
    before = used(on, 7, 10) / (3 * rate)
    for tenth in range(1, 60):
        start = since + tenth / 10
        if used(on, start - 0.5, start) >= 0.9 * before * 0.5 * rate:
            return tenth / 10
    return float("inf")


def used(on: Simulation, start: float, end: float) -> int:
    return sum(one.size_bytes for one in on.shown if start < one.drawn <= end)


def test_a_longer_way_is_learnt_and_so_is_a_shorter_one() -> None:
    on = saturated(HOME, "by frames", of_many_sizes)
    on.round_trip_s = 0.12
    on.run(ROUND_TRIP_MEMORY_S + 2)
    assert 0.12 <= on.pacer.round_trip_s <= 0.14
    start = on.now
    on.round_trip_s = 0.02
    on.run(2)
    assert on.pacer.round_trip_s <= 0.035
    assert on.use(start + 1) >= 0.85


def test_a_full_far_link_is_not_left_idle_to_measure_it_again() -> None:
    on = saturated(SATELLITE, "by frames", all_that_is_allowed).run(3 * ROUND_TRIP_MEMORY_S)
    idle_s = [after.sent - before.passed for before, after in pairwise(on.since(5))]
    assert max(idle_s) <= 0.1


def test_typing_says_nothing_against_a_link() -> None:
    on = saturated(HOME, "by frames", of_many_sizes)
    rate, quality = on.pacer.rate, on.pacer.allowance(on.now).quality
    hiccups = iter(range(10_000))
    on.wanted = lambda *_: 900 if next(hiccups) % 7 == 0 else 0
    for _ in range(40):
        on.browser = Browser(0.25 if _ % 8 == 0 else 0.004)
        on.run(0.5)
    assert on.pacer.rate >= 0.95 * rate
    assert on.pacer.allowance(on.now).quality == quality


def test_one_hiccup_of_a_browser_is_no_reason_for_poor_pictures() -> None:
    on = saturated(LAN, "by frames", lambda _, allowance: min(allowance.size_bytes, 60_000))
    on.browser.draw_s, on.browser.blocks = 0.25, True
    on.run(0.26)
    on.browser.draw_s, on.browser.blocks = 0.004, False
    on.run(0.3)
    assert on.pacer.allowance(on.now).quality >= QUALITIES[-2]


# ---------------------------------------------------------------- small updates, told late

LATE = {
    "quick": lambda: Browser(0.002, told_late_s=(0.005, 0.02)),
    "by frames": lambda: Browser(0.004, 1 / 60, jitter_s=0.004, told_late_s=(0.005, 0.02)),
    "busy": lambda: Browser(0.012, blocks=True, jitter_s=0.006, told_late_s=(0.005, 0.02)),
    "later still": lambda: Browser(0.002, told_late_s=(0.005, 0.04)),
}


def small_ones_after(on: Simulation, frame_s: float = 1 / 60) -> tuple[float, int]:
    """The lowest rate and quality while small updates flow for a quarter of a minute."""
    on.wanted = each_frame(mixed(3_000, 10_000), frame_s)
    known = []
    for _ in range(60):
        on.run(0.25)
        known.append((on.pacer.rate, on.pacer.allowance(on.now).quality))
    return min(rate for rate, _ in known), min(quality for _, quality in known)


@pytest.mark.parametrize("frame_s", [1 / 60, 1 / 100, 1 / 200])
@pytest.mark.parametrize("browser", LATE.values(), ids=LATE)
def test_small_updates_that_are_told_late_do_not_make_a_fast_link_slow(
    browser: Callable[[], Browser], frame_s: float
) -> None:
    on = Simulation(*steadily(LAN), browser(), at_most(150_000), encode_s=0.004).run(4)
    known = on.pacer.rate
    lowest, quality = small_ones_after(on, frame_s)
    assert lowest >= min(0.4 * known, 8e6)
    assert quality >= 84


@pytest.mark.parametrize("browser", LATE.values(), ids=LATE)
def test_a_large_update_among_small_ones_closes_a_fast_link_for_a_moment_only(
    browser: Callable[[], Browser],
) -> None:
    on = Simulation(*steadily(LAN), browser(), at_most(150_000), encode_s=0.004).run(4)
    small_ones_after(on)
    on.wanted = lambda *_: 0
    on.run(1)
    on.pacer.sent(1 << 20, 40_000, on.now)
    assert on.pacer.opens(on.now) <= on.now + 0.02


@pytest.mark.parametrize("browser", LATE.values(), ids=LATE)
def test_what_nothing_speaks_against_is_shown_as_well_as_at_first(
    browser: Callable[[], Browser],
) -> None:
    on = Simulation(*steadily(LAN), browser(), encode_s=0.004)
    on.wanted = each_frame(mixed(3_000, 10_000, large=[40_000], every=60))
    on.run(4)  # how late they come is not known from the first few
    qualities = []
    for _ in range(60):
        on.run(0.25)
        qualities.append(on.pacer.allowance(on.now).quality)
    assert min(qualities) >= FIRST_QUALITY
    assert share(on.ages(4), 0.95) <= 0.04
    assert max(on.ages(4)) <= 0.06


@pytest.mark.parametrize("browser", LATE.values(), ids=LATE)
def test_a_link_that_becomes_slow_under_small_updates_is_noticed(
    browser: Callable[[], Browser],
) -> None:
    """They fill it, and so each waits longer than the one before."""
    rate = between(10, 30, LAN[0], 0.25e6)
    on = Simulation(rate, LAN[1], browser(), at_most(150_000), encode_s=0.004).run(6)
    on.wanted = each_frame(mixed(8_000, 12_000))
    on.run(18)
    assert on.pacer.rate <= 0.5e6
    assert share(sorted(one.age_s for one in on.shown if 13 < one.drawn < 24), 0.95) <= 0.2


@pytest.mark.parametrize("large", [[], [40_000], [100_000], [40_000, 200_000]], ids=str)
@pytest.mark.parametrize("browser", ["by frames", "busy"])
def test_scrolling_fills_a_slow_far_link_and_nothing_waits_but_for_what_is_large(
    browser: str, large: list[int]
) -> None:
    rate, round_trip_s = SATELLITE
    on = Simulation(*steadily(SATELLITE), LATE[browser](), encode_s=MAKING_S)
    on.wanted = each_frame(mixed(14_000, 16_000, large=large, every=20))
    on.run(25)
    assert on.use(5) >= 0.9
    assert 0.9 * rate <= on.pacer.rate <= 1.15 * rate
    assert on.pacer.allowance(on.now).quality == 36
    ages = on.ages(5)
    assert share(ages, 0.5) <= round_trip_s / 2 + 15_000 / rate + 0.15
    largest_s = max([15_000, *large]) / rate
    assert ages[-1] <= round_trip_s + largest_s + 0.2


def test_after_scrolling_a_slow_far_link_carries_the_rest_without_a_break() -> None:
    rate, round_trip_s = SATELLITE
    on = Simulation(*steadily(SATELLITE), LATE["by frames"](), encode_s=MAKING_S)
    on.wanted = each_frame(mixed(14_000, 16_000, large=[100_000], every=20))
    on.run(15)
    rests, left = on.now, 150_000

    def the_rest(_: float, allowance: Allowance) -> int:
        nonlocal left
        size = min(left, allowance.size_bytes)
        left -= size
        return size

    waiting_s = sum(one.size_bytes for one in on.shown[-1:]) / rate + 0.2
    on.wanted = the_rest
    on.run(10)
    assert left == 0
    assert on.shown[-1].drawn - rests <= waiting_s + round_trip_s + 1.25 * 150_000 / rate


def at_most(size_bytes: int) -> Callable[[float, Allowance], int]:
    return lambda _, allowance: min(allowance.size_bytes, size_bytes)


def steadily(link: tuple[float, float]) -> tuple[Rate, float]:
    return steady(link[0]), link[1]


# ---------------------------------------------------------------- one by one


def test_with_nothing_in_flight_one_may_always_go() -> None:
    pacer = Pacer()
    assert pacer.may_send(0.0)
    assert pacer.due(0.0) is None
    pacer.sent(1, 1 << 30, 0.0)
    assert not pacer.may_send(50.0)
    assert pacer.due(50.0) is None, "only an acknowledgement helps"
    pacer.acked(1, 0, 0, 99.0)
    assert pacer.may_send(99.0)
    assert pacer.opens(99.0) == 99.0


def test_before_anything_is_known_little_goes() -> None:
    pacer = Pacer()
    assert pacer.allowance(0.0) == Allowance(MIN_SIZE_BYTES // 4, FIRST_QUALITY)
    pacer.sent(1, FIRST_BYTES + 1, 0.0)
    assert not any(pacer.may_send(tenth / 10) for tenth in range(20))


def test_due_tells_when_one_may_go_without_a_word() -> None:
    pacer = known_link()
    pacer.sent(100, pacer.allowance(10.0).size_bytes, 10.0)
    due = pacer.due(10.0)
    assert due is not None
    assert 10.0 < due < 10.08
    assert not pacer.may_send(due - 0.001)
    assert pacer.may_send(due)
    assert pacer.opens(10.0) == due


def test_nothing_goes_while_an_acknowledgement_is_overdue() -> None:
    pacer = known_link()
    pacer.sent(100, pacer.allowance(10.0).size_bytes, 10.0)
    assert pacer.may_send(10.1)
    assert not pacer.may_send(10.4)
    assert pacer.due(10.4) is None
    assert 10.6 < pacer.opens(10.4) < 10.7, "as late again"
    pacer.acked(100, 4, 0, 10.41)
    assert pacer.may_send(10.41)


def patience_s(told_late_s: tuple[float, float]) -> float:
    """After how long without a word nothing more is sent."""
    browser = Browser(0.004, told_late_s=told_late_s)
    on = Simulation(*steadily(FAR), browser, each_frame(mixed(14_000, 16_000))).run(8)
    on.wanted = lambda *_: 0
    on.run(1)
    on.pacer.sent(1 << 20, 15_000, on.now)
    return max(ms for ms in range(1000) if on.pacer.may_send(on.now + ms / 1000)) / 1000


def test_where_words_are_unsteady_one_is_overdue_later_but_not_by_much() -> None:
    steady_s, unsteady_s = patience_s((0.0, 0.0)), patience_s((0.0, 0.1))
    assert steady_s + 0.04 <= unsteady_s <= steady_s + 0.15


def test_a_link_that_nothing_shows_full_is_not_thought_full_for_long() -> None:
    pacer, now = Pacer(), 0.0
    for update in range(6):
        pacer.sent(update, 3_000, now)
        pacer.acked(update, 2, 0, now + 0.012)
        now += 0.1
    pacer.sent(100, 200_000, now)
    assert pacer.rate < 2e6
    assert now < pacer.opens(now) <= now + 0.03


def test_while_updates_wait_in_the_browser_one_goes_at_a_time() -> None:
    pacer = known_link()
    for number, at in ((100, 10.0), (101, 10.06), (102, 10.12)):
        pacer.sent(number, 20_000, at)
    pacer.acked(100, 4, 2, 10.13)
    assert not pacer.may_send(10.14)
    assert pacer.due(10.14) is None
    pacer.acked(102, 40, 0, 10.2)
    assert pacer.may_send(10.2)


def test_a_lost_connection_leaves_nothing_in_flight_and_the_round_trip_unknown() -> None:
    pacer = known_link()
    rate = pacer.rate
    pacer.sent(100, 1 << 20, 10.0)
    pacer.reset()
    assert pacer.in_flight == 0
    assert pacer.may_send(10.0)
    assert pacer.round_trip_s == 0.0
    assert pacer.rate == rate, "a first guess"
    pacer.acked(100, 0, 0, 11.0)
    assert pacer.rate == rate, "an acknowledgement of what counts as lost"


def known_link() -> Pacer:
    """A pacer of the link of 80 ms and 8 Mbit/s, at rest at 10 s."""
    on = Simulation(steady(1e6), 0.08, Browser(0.004), of_many_sizes, now=5.0).run(4)
    on.wanted = lambda *_: 0
    on.run(1)
    assert on.pacer.in_flight == 0
    return on.pacer


acknowledgements = st.tuples(
    st.integers(0, 3), st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 1 << 24)
)


@given(st.lists(st.tuples(acknowledgements, st.floats(0, 20)), max_size=60))
def test_whatever_a_viewer_says_the_pacer_stays_within_its_bounds(
    story: list[tuple[tuple[int, int, int, int], float]],
) -> None:
    pacer, now, sent, acked = Pacer(), 0.0, 0, 0
    for (behind, cost_ms, waiting, size), passes in story:
        now += passes
        if pacer.may_send(now):
            sent += 1
            pacer.sent(sent, size, now)
        acked = max(acked, sent - behind)
        pacer.acked(acked, cost_ms, waiting, now)
        allowance = pacer.allowance(now)
        assert MIN_SIZE_BYTES // 4 <= allowance.size_bytes <= 1.5 * MAX_SIZE_BYTES
        assert allowance.quality in QUALITIES
        assert pacer.in_flight <= MAX_UPDATES
        assert pacer.round_trip_s >= 0
        assert pacer.rate > 0
        due = pacer.due(now)
        assert due is None or (due > now and pacer.may_send(due))
        assert pacer.opens(now) >= now


def test_sizes_come_in_steps() -> None:
    sizes = set()
    for rate in range(40, 400):
        pacer = Pacer()
        pacer._link.rate, pacer._link.trains = rate * 1e4, 9
        sizes.add(pacer.allowance(0.0).size_bytes)
    assert len(sizes) <= 8
    assert all(1.35 <= b / a <= 1.5 for a, b in pairwise(sorted(sizes)))

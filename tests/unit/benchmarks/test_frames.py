"""What was shown, put beside what was painted."""

from benchmarks.frames import Look, exact_since, parse_painted, shown
from benchmarks.scenes.office import Office
from benchmarks.scenes.scroll import Scroll


def test_the_stage_says_when_it_painted() -> None:
    assert parse_painted("1 100.000500\n2 100.5\n65537 101\n") == {1: 101_000.0, 2: 100_500.0}


def test_each_frame_counts_once_when_it_is_first_seen() -> None:
    looks = [
        Look(1010, [1, 1]),
        Look(1020, [1, 1]),
        Look(1030, [3, 1]),  # half of it
        Look(1040, [-1, 3]),
        Look(1050, [3, 3]),
        Look(1060, [2, 2]),  # an older one cannot be a newer picture
        Look(1100, [4, 4]),
    ]
    show = shown(looks, {1: 1000, 2: 1010, 3: 1020, 4: 1030}, Office())
    assert [(frame.number, frame.age_ms) for frame in show.frames] == [(1, 10), (3, 30), (4, 70)]
    assert (show.looks, show.torn) == (7, 2)
    assert show.until(1060) == 2


def test_a_scroll_in_parts_is_torn_and_shows_its_oldest_part() -> None:
    scroll = Scroll()
    before, after = scroll.readings(1), scroll.readings(2)
    looks = [Look(1010, before), Look(1020, [*after[:2], before[2]]), Look(1030, after)]
    show = shown(looks, {1: 1000, 2: 1005}, scroll)
    assert [frame.number for frame in show.frames] == [1, 2]
    assert (show.looks, show.torn) == (3, 1)


def test_frame_0_was_there_before() -> None:
    show = shown([Look(1000, [0, 0]), Look(1001, [9, 9])], {1: 990}, Office())
    assert show.frames == []


def test_exact_is_what_stays_exact() -> None:
    looks = [(1.0, "a"), (2.0, "b"), (3.0, "c"), (4.0, "b"), (5.0, "b")]
    assert exact_since(looks, "b") == 4.0
    assert exact_since(looks, "a") is None
    assert exact_since([], "a") is None

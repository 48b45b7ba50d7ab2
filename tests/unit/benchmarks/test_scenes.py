"""Scenes: where their marks are, and which frame a look has found."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.marks import HEIGHT, UNREADABLE, WIDTH
from benchmarks.scenes import SCENES, drag, scroll, slides
from benchmarks.scenes.scene import HIGH, WIDE, oldest

LAST = (scroll.RULER - HIGH) // scroll.STEP


@pytest.mark.parametrize("name", SCENES)
def test_marks_are_on_the_screen_and_frames_in_order(name: str) -> None:
    scene = SCENES[name]()
    places = [*scene.marks.places, *(at for ats in scene.marks.moving.values() for at in ats)]
    assert all(0 <= x <= WIDE - WIDTH and 0 <= y <= HIGH - HEIGHT for x, y in places)
    times = scene.times(5)
    assert all(later > earlier for earlier, later in pairwise(times))
    assert 4 < times[-1] <= 5


@pytest.mark.parametrize("name", SCENES)
def test_what_shows_a_frame_whole_shows_that_frame(name: str) -> None:
    scene = SCENES[name]()
    for number in (0, 1, 77, 200):
        readings = scene.readings(number)
        assert scene.shown(readings) == number
        assert scene.shown([*readings[:-1], UNREADABLE]) is None
        moving = scene.marks.moving
        assert len(readings) == len(scene.marks.places) + len(moving.get(number, ()))


@given(st.integers(0, LAST))
def test_every_frame_of_the_scroll_shows_other_lines_everywhere(number: int) -> None:
    lines = [(y + number * scroll.STEP) // HEIGHT for y in scroll.LOOKS_AT]
    assert scroll.Scroll().shown(lines) == number


@given(st.integers(10, LAST), st.integers(1, 9))
def test_a_torn_scroll_counts_as_its_oldest_part(number: int, behind: int) -> None:
    lines = [
        (y + (number - behind * (place == 1)) * scroll.STEP) // HEIGHT
        for place, y in enumerate(scroll.LOOKS_AT)
    ]
    assert scroll.Scroll().shown(lines) == number - behind
    assert scroll.Scroll().shown([*lines[:2], UNREADABLE]) is None


def test_the_ruler_is_long_enough_for_every_run() -> None:
    times = scroll.Scroll().times(1000)
    assert len(times) <= LAST
    assert len(times) / scroll.RATE > 25


def test_the_oldest_of_numbers_that_go_around() -> None:
    assert oldest([3, 1, 2]) == 1
    assert oldest([2, 65535, 0]) == 65535


@given(st.integers(0, 3600))
def test_the_window_stays_off_the_fixed_mark_and_moves_both_ways(number: int) -> None:
    (x, y), (then_x, then_y) = drag.position(number), drag.position(number + 1)
    assert 0 <= x <= WIDE - drag.SIZE[0]
    assert drag.FIXED[1] + HEIGHT < y <= HIGH - drag.SIZE[1]
    assert abs(then_x - x) <= 16
    assert abs(then_y - y) <= 16


def test_a_slide_is_shown_when_it_is_there_in_every_corner() -> None:
    scene = slides.Slides()
    assert scene.shown([slides.EACH + 2, 1, 1, 1]) == slides.EACH + 2
    assert scene.shown([slides.EACH + 2, 1, 0, 1]) is None
    assert scene.shown([slides.EACH - 1, 1, 1, 1]) is None
    assert scene.shown([UNREADABLE, 0, 0, 0]) is None

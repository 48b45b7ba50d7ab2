"""What moves on a desktop is found, to the pixel; what does not costs no moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.framebuffer.scenes import (
    applied,
    blank,
    differing,
    noise,
    paint,
    put,
    scroll,
    text,
    window,
)
from webvdi.framebuffer import Move, Pixels, Rect, TileMask, find_moves
from webvdi.framebuffer.grid import blank_pixel_mask, count_by_tile, words
from webvdi.framebuffer.motion import _place, explain

WIDTH, HEIGHT = 800, 600

ENOUGH = 1.5
"""A side may be put a row of tiles off where old and new are alike there; how much that costs is
judged on the same examples each time.  That nothing is shown wrong is tested in ``test_frames``."""


def search(old: Pixels, new: Pixels) -> tuple[tuple[Move, ...], TileMask]:
    """The moves, and the tiles that they leave wrong."""
    moves = find_moves(old, new, differing(old, new))
    return moves, differing(applied(old, moves), new)


def by(moves: tuple[Move, ...]) -> set[tuple[int, int]]:
    """The displacements."""
    return {(m.rect.x - m.from_x, m.rect.y - m.from_y) for m in moves}


def ideal(old: Pixels, new: Pixels, pane: Rect, dx: int, dy: int) -> int:
    """Tiles that are wrong if exactly what is known to have moved within *pane* is."""
    came = pane.intersect(Rect(pane.x + dx, pane.y + dy, pane.width, pane.height))
    move = Move(came, came.x - dx, came.y - dy)
    return int(differing(applied(old, [move]), new).sum())


@pytest.mark.parametrize(
    ("dx", "dy"), [(0, -1), (0, -16), (0, -48), (0, 33), (0, -301), (-8, 0), (57, 0), (-13, 22)]
)
def test_a_full_screen_of_text_scrolls(dx: int, dy: int) -> None:
    old = text(WIDTH, HEIGHT, 1)
    screen = Rect(0, 0, WIDTH, HEIGHT)
    moves, wrong = search(old, scroll(old, screen, dx, dy))
    assert by(moves) == {(dx, dy)}
    assert len(moves) == 1
    fresh = WIDTH * HEIGHT - (WIDTH - abs(dx)) * (HEIGHT - abs(dy))
    assert wrong.sum() <= fresh / 256 + 38 + 50 + 1


@settings(max_examples=40, derandomize=True)
@given(
    st.integers(0, 300),
    st.integers(0, 200),
    st.integers(200, 460),
    st.integers(160, 380),
    st.integers(1, 60),
    st.integers(0, 3),
)
def test_a_pane_scrolls_between_things_that_stay(
    x: int, y: int, width: int, height: int, distance: int, way: int
) -> None:
    """The pane starts and ends in the middle of tiles; around it is text that must stay right."""
    pane = Rect(x, y, width, height)
    dx, dy = [(0, distance), (0, -distance), (distance, 0), (-distance, 0)][way]
    old = put(text(WIDTH, HEIGHT, 1), x, y, text(width, height, 2))
    new = scroll(old, pane, dx, dy)
    moves, wrong = search(old, new)
    assert by(moves) == {(dx, dy)}
    assert wrong.sum() <= ENOUGH * ideal(old, new, pane, dx, dy) + 6


@settings(max_examples=40, derandomize=True)
@given(
    st.integers(20, 200),
    st.integers(20, 150),
    st.integers(-90, 90),
    st.integers(-90, 90),
    st.booleans(),
)
def test_a_window_is_dragged(x: int, y: int, dx: int, dy: int, photo: bool) -> None:
    x, y = x + 100, y + 100
    ground = noise(WIDTH, HEIGHT, 3) if photo else text(WIDTH, HEIGHT, 3)
    shown = window(330, 230, 4)
    old, new = put(ground, x, y, shown), put(ground, x + dx, y + dy, shown)
    if abs(dx) + abs(dy) < 4:
        return  # little changes in a small step over its own borders
    moves, wrong = search(old, new)
    assert by(moves) == {(dx, dy)}
    pane = Rect(x, y, 330, 230).union(Rect(x + dx, y + dy, 330, 230))
    assert wrong.sum() <= ENOUGH * ideal(old, new, pane, dx, dy) + 6


def test_a_window_over_flat_ground_needs_its_trail_alone() -> None:
    ground = blank(WIDTH, HEIGHT, 0x306090)
    shown = window(330, 230, 4)
    old, new = put(ground, 100, 100, shown), put(ground, 139, 87, shown)
    moves, wrong = search(old, new)
    assert by(moves) == {(39, -13)}
    assert wrong.sum() <= 70  # of 39 x 230 and 330 x 13 pixels


def test_two_panes_scroll_at_once() -> None:
    left, right = Rect(11, 30, 380, 500), Rect(405, 50, 380, 540)
    old = text(WIDTH, HEIGHT, 1)
    new = scroll(scroll(old, left, 0, -24, 7), right, 0, 40, 8)
    moves, wrong = search(old, new)
    assert by(moves) == {(0, -24), (0, 40)}
    assert len(moves) <= 4
    assert wrong.sum() < 0.2 * differing(old, new).sum()


def test_small_changes_do_not_hide_a_scroll() -> None:
    old = text(WIDTH, HEIGHT, 1)
    new = scroll(old, Rect(0, 40, WIDTH - 14, HEIGHT - 60), 0, -32)
    paint(new, Rect(200, 300, 2, 16), 0xFF0000)  # a caret
    paint(new, Rect(WIDTH - 10, 200, 8, 90), 0x808080)  # a scroll bar
    paint(new, Rect(600, 5, 60, 12), 0xFFFFFF)  # a clock
    moves, wrong = search(old, new)
    assert by(moves) == {(0, -32)}
    assert wrong.sum() < 0.2 * differing(old, new).sum()


def test_a_window_that_covers_the_scrolling_one_stays() -> None:
    """A page scrolls behind a window: the moves go around it, or mend it afterwards."""
    page, front = text(WIDTH, HEIGHT, 1), window(250, 200, 5)
    old = put(page, 300, 200, front)
    new = put(scroll(page, Rect(0, 0, WIDTH, HEIGHT), 0, -16), 300, 200, front)
    moves, wrong = search(old, new)
    assert by(moves) == {(0, -16)}
    assert wrong.sum() < 0.4 * differing(old, new).sum()


@pytest.mark.parametrize("lines", [5, 12, 30])
def test_lines_that_repeat_scroll_too(lines: int) -> None:
    old = text(WIDTH, HEIGHT + 48, 1, different_lines=lines)
    moves, wrong = search(old[:HEIGHT].copy(), old[48:].copy())
    assert moves
    assert wrong.sum() < 0.3 * 38 * 50


def test_parts_of_one_move_are_ordered_so_that_none_spoils_another() -> None:
    """A page goes down beside a window that ends half way: the lower part must go first."""
    for dy in (48, -48):
        old = text(WIDTH, HEIGHT, 1)
        new = scroll(scroll(old, Rect(304, 0, 496, 304), 0, 0), Rect(0, 304, WIDTH, 296), 0, 0)
        new[max(0, dy) : HEIGHT + min(0, dy)] = old[max(0, -dy) : HEIGHT - max(0, dy)]
        new = put(new, 0, 0, text(304, 304, 8))
        moves, wrong = search(put(old, 0, 0, text(304, 304, 8)), new)
        assert by(moves) == {(0, dy)}
        assert wrong.sum() < 0.25 * differing(old, new).sum()


def test_moves_that_would_need_each_other_s_pixels_are_not_both_made() -> None:
    """Two halves change places: whichever is copied first, the other's pixels are gone."""
    old = text(WIDTH, HEIGHT, 1)
    new = np.concatenate([old[:, 400:], old[:, :400]], axis=1)
    moves, wrong = search(old, new)
    assert len(moves) == 1
    assert abs(int(wrong.sum()) - 950) < 60


def test_where_a_move_can_go_in_the_order() -> None:
    """Sources must not meet what was painted before, nor a rectangle be painted over later."""
    first = Move(Rect(0, 100, 50, 50), 0, 0)
    for move, place in [
        (Move(Rect(200, 0, 50, 50), 300, 0), 1),  # has nothing to do with it
        (Move(Rect(0, 200, 50, 50), 0, 120), 0),  # draws from where the first paints
        (Move(Rect(0, 20, 50, 50), 200, 0), 1),  # paints where the first draws from
        (Move(Rect(0, 20, 50, 50), 0, 120), None),  # both
        (Move(Rect(0, 120, 50, 50), 200, 0), 1),  # paints over it
        (Move(Rect(0, 140, 50, 50), 0, 120), None),  # and draws from there
    ]:
        assert _place(move, [first]) == place


def explained(old: Pixels, new: Pixels, *expected: Move) -> tuple[tuple[Move, ...], TileMask]:
    """As :func:`search`, where some moves are expected; checks that it knows what is wrong."""
    wrong = blank_pixel_mask(WIDTH, HEIGHT)
    wrong[:HEIGHT, :WIDTH] = (old != new).any(axis=2)
    scratch = blank_pixel_mask(WIDTH, HEIGHT)
    scratch[:HEIGHT, :WIDTH] = True  # as the search before may have left it
    moves = explain(words(old), words(new), differing(old, new), wrong, expected, scratch)
    left = differing(applied(old, moves), new)
    assert np.array_equal(count_by_tile(wrong) != 0, left)
    return moves, left


def test_what_is_expected_is_found_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    pane = Rect(101, 33, 600, 500)
    old = text(WIDTH, HEIGHT, 1)
    new = scroll(old, pane, 0, -24)
    searched, _ = explained(old, new)
    monkeypatch.setattr("webvdi.framebuffer.motion.votes", None)
    moves, _ = explained(old, new, Move(Rect(90, 20, 620, 300), 90, 44))
    assert moves == searched


def test_what_is_expected_in_vain_does_not_hide_what_there_is() -> None:
    old = text(WIDTH, HEIGHT, 1)
    new = scroll(old, Rect(100, 50, 600, 500), 0, -24)
    elsewhere = Move(Rect(0, 0, 40, 40), 0, 24)
    others = [Move(Rect(200, 200, 300, 300), 200 + n, 200) for n in range(1, 9)]
    moves, wrong = explained(old, new, elsewhere, *others)
    assert by(moves) == {(0, -24)}
    assert wrong.sum() < 0.2 * differing(old, new).sum()


def test_flat_areas_say_nothing() -> None:
    old, new = blank(WIDTH, HEIGHT), blank(WIDTH, HEIGHT, 0x123456)
    assert search(old, new)[0] == ()
    paint(old, Rect(100, 100, 300, 300), 0xFF0000)
    paint(new, Rect(117, 105, 300, 300), 0xFF0000)
    search(old, new)


def test_other_pictures_have_no_moves() -> None:
    pictures = [noise(WIDTH, HEIGHT, 1), noise(WIDTH, HEIGHT, 2), text(WIDTH, HEIGHT, 3)]
    for old in pictures:
        for new in pictures:
            if old is not new:
                assert search(old, new)[0] == ()


def test_little_is_not_searched() -> None:
    old = text(WIDTH, HEIGHT, 1)
    pane = Rect(32, 32, 96, 96)
    assert search(old, scroll(old, pane, 0, -16))[0] == ()
    assert search(old, old)[0] == ()


@pytest.mark.parametrize("size", [(17, 900), (900, 17), (31, 400), (400, 12), (64, 64)])
def test_odd_sizes_are_searched(size: tuple[int, int]) -> None:
    old = noise(size[0], size[1] + 10, 1)
    search(old[10:].copy(), old[:-10].copy())

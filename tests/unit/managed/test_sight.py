"""A sight against a canvas: what it says of a viewer is true, whatever comes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.framebuffer import (
    TILE,
    Frame,
    Framebuffer,
    Frames,
    Move,
    Pixels,
    Rect,
    TileMask,
    covered,
)
from webvdi.managed.sight import MAX_PENDING, Sight, joint

WIDTH, HEIGHT = 200, 140
ROWS, COLUMNS = 9, 13


def nothing() -> TileMask:
    return np.zeros((ROWS, COLUMNS), np.bool_)


def tile(row: int, column: int) -> TileMask:
    mask = nothing()
    mask[row, column] = True
    return mask


def frame(*moves: Move, changed: TileMask | None = None, wrong: TileMask | None = None) -> Frame:
    none = nothing()
    changed = none if changed is None else changed
    return Frame(1, changed, moves, changed if wrong is None else wrong, resized=False)


def exact() -> Sight:
    """Of a viewer that has it all."""
    sight = Sight(WIDTH, HEIGHT)
    sight.sent(np.ones((ROWS, COLUMNS), np.bool_), None)
    return sight


def copied(canvas: Pixels, move: Move) -> None:
    source, to = move.source, move.rect
    pixels = canvas[source.y : source.bottom, source.x : source.right].copy()
    canvas[to.y : to.bottom, to.x : to.right] = pixels


def moved(canvas: Pixels, sight: Sight) -> Pixels:
    """*canvas* after the moves that are pending."""
    after = canvas.copy()
    for move in sight.pending:
        copied(after, move)
    return after


SCROLL = Move(Rect(0, 0, WIDTH, HEIGHT - 5), 0, 5)


def test_at_first_everything_is_stale() -> None:
    sight = Sight(WIDTH, HEIGHT)
    assert sight.behind
    assert sight.stale.all()
    assert not sight.any_lossy


def test_what_is_wrong_after_a_frame_is_stale_and_what_is_sent_is_not() -> None:
    sight = exact()
    assert not sight.behind
    sight.advance(frame(changed=tile(3, 4)))
    assert np.array_equal(sight.stale, tile(3, 4))
    sight.sent(nothing(), tile(3, 4))
    assert not sight.behind
    assert np.array_equal(sight.lossy, tile(3, 4))
    sight.sent(tile(3, 4), None)
    assert not sight.any_lossy


def test_moves_carry_staleness_and_loss_along() -> None:
    sight = exact()
    sight.sent(nothing(), tile(8, 1))
    sight.advance(frame(changed=tile(8, 2)))
    down = Move(Rect(0, 0, WIDTH, 7 * TILE), 0, TILE)
    sight.advance(frame(down))
    up = Move(Rect(0, TILE, WIDTH, TILE), 0, 8 * TILE)
    sight.advance(frame(up))
    assert sight.pending == [down, up]
    assert sight.lossy[1, 1]
    assert sight.stale[1, 2]


def test_a_viewer_that_does_not_look_has_no_moves_pending() -> None:
    sight = exact()
    sight.advance(frame(SCROLL))
    sight.overlook(frame(SCROLL, changed=tile(8, 12)))
    assert not sight.pending
    assert sight.stale.all()


def test_moves_that_would_draw_nothing_that_stays_are_not_made() -> None:
    sight = Sight(WIDTH, HEIGHT)
    sight.advance(frame(SCROLL))
    assert not sight.pending


def test_scrolls_of_one_area_become_one() -> None:
    sight = exact()
    strip = nothing()
    strip[7:] = True
    for _ in range(5):
        sight.advance(frame(SCROLL, changed=strip))
    assert sight.pending == [Move(Rect(0, 0, WIDTH, HEIGHT - 25), 0, 25)]


def test_there_and_back_is_no_move_at_all() -> None:
    sight = exact()
    sight.advance(frame(SCROLL, changed=nothing()))
    back = Move(SCROLL.rect, 0, -5)
    joined = joint(SCROLL, back)
    assert joined is not None
    assert (joined.from_x, joined.from_y) == (joined.rect.x, joined.rect.y)


def test_of_too_many_moves_the_smallest_become_stale_tiles() -> None:
    sight = exact()
    smallest = Move(Rect(34, 130, 4, 4), 34, 120)
    others = [Move(Rect(10 * x, 0, 8, 8), 10 * x, 50) for x in range(MAX_PENDING)]
    for move in [*others[:5], smallest, *others[5:]]:
        sight.advance(frame(move))
    assert sight.pending == others
    assert np.array_equal(sight.stale, tile(8, 2))


def test_what_would_have_been_drawn_from_a_move_that_is_not_made_is_stale_too() -> None:
    sight = exact()
    first = Move(Rect(0, 128, 12, 12), 0, 100)
    again = Move(Rect(48, 112, 16, 16), 0, 127)  # a line of it comes along
    others = [Move(Rect(13 * x, 0, 13, 13), 13 * x, 50) for x in range(MAX_PENDING - 1)]
    for move in [first, again, *others]:
        sight.advance(frame(move))
    assert sight.pending == others
    assert np.array_equal(sight.stale, tile(8, 0) | tile(7, 3))


def test_a_move_goes_back_past_what_it_has_nothing_to_do_with() -> None:
    sight = exact()
    bystander = Move(Rect(150, 0, 16, 16), 150, 50)
    for move in (Move(Rect(0, 0, 16, 64), 0, 16), bystander, Move(Rect(0, 0, 16, 48), 0, 16)):
        sight.advance(frame(move, changed=tile(3, 0)))
    assert sight.pending == [Move(Rect(0, 0, 16, 48), 0, 32), bystander]


def test_what_was_to_be_drawn_from_what_a_joint_move_leaves_out_is_stale_too() -> None:
    sight = exact()
    others = [Move(Rect(120 + 9 * x, 100, 8, 8), 120 + 9 * x, 120) for x in range(8)]
    reader = Move(Rect(96, 96, 16, 16), 0, 96)
    first, second = Move(Rect(0, 0, 16, 112), 0, 16), Move(Rect(0, 0, 16, 96), 0, 16)
    for move in [*others, first, reader, second]:
        sight.advance(frame(move))
    assert sight.pending == [*others, Move(second.rect, 0, 32), reader]
    assert np.array_equal(sight.stale, tile(6, 0) | tile(6, 6))


@pytest.mark.parametrize(
    "between",
    [
        Move(Rect(100, 0, 16, 16), 0, 5),  # reads what the second draws
        Move(Rect(0, 50, 20, 8), 100, 0),  # draws what it reads
        Move(Rect(0, 5, 16, 8), 100, 0),  # draws where it does
    ],
)
def test_a_move_does_not_go_past_what_it_has_to_do_with(between: Move) -> None:
    sight = exact()
    moves = [Move(Rect(0, 0, 16, 64), 0, 16), between, Move(Rect(0, 0, 16, 48), 0, 16)]
    for move in moves:
        sight.advance(frame(move, changed=tile(3, 0)))
    assert sight.pending == moves


def test_what_never_arrived_is_stale_and_so_is_what_would_have_drawn_from_it() -> None:
    sight = exact()
    sight.advance(frame(Move(Rect(0, 0, 32, 32), 100, 100)))
    sight.lost(tile(8, 8))
    assert not sight.pending
    assert sight.stale[:2, :2].all()
    assert sight.stale[8, 8]
    assert sight.stale.sum() == 5


# ---------------------------------------------------------------- against a canvas

RECTS = st.builds(
    Rect, st.integers(0, 150), st.integers(0, 100), st.integers(1, 50), st.integers(1, 40)
)


@st.composite
def moves(draw: st.DrawFn) -> Move:
    if draw(st.booleans()):
        dy = draw(st.integers(-9, 9))
        return Move(Rect(0, max(0, -dy), WIDTH, HEIGHT - abs(dy)), 0, max(0, dy))
    rect = draw(RECTS)
    x, y = draw(st.integers(0, WIDTH - rect.width)), draw(st.integers(0, HEIGHT - rect.height))
    return Move(rect, x, y)


STEPS = st.one_of(
    st.tuples(st.just("paint"), RECTS),
    st.tuples(st.just("move"), moves()),
    st.tuples(st.just("send"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("lose"), st.just(0)),
    st.tuples(st.just("overlook"), moves()),
)


@given(st.lists(STEPS, min_size=1, max_size=25))
def test_the_canvas_is_right_wherever_nothing_is_stale(steps: list[tuple[str, object]]) -> None:
    random = np.random.default_rng(1)
    picture = random.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    canvas = np.zeros_like(picture)
    sight = Sight(WIDTH, HEIGHT)
    for step, what in steps:
        before = picture.copy()
        match step, what:
            case "paint", Rect() as rect:
                picture[rect.y : rect.bottom, rect.x : rect.right] ^= 255
                sight.advance(frame(changed=differing(before, picture)))
            case "move", Move() as move:
                copied(picture, move)
                sight.advance(frame(move, changed=differing(before, picture), wrong=nothing()))
            case "overlook", Move() as move:
                copied(picture, move)
                sight.overlook(frame(move, changed=differing(before, picture), wrong=nothing()))
            case "send", int() as seed:
                chosen = np.random.default_rng(seed).random((ROWS, COLUMNS)) < 0.5
                send(sight, canvas, picture, chosen & sight.stale)
            case _:
                lose(sight, canvas, picture)
        assert not (differing(moved(canvas, sight), picture) & ~sight.stale).any()
    send(sight, canvas, picture, sight.stale.copy())
    assert np.array_equal(canvas, picture)
    assert not sight.behind


def differing(one: Pixels, other: Pixels) -> TileMask:
    mask = nothing()
    rows, columns = np.nonzero((one != other).any(axis=2))
    mask[rows // TILE, columns // TILE] = True
    return mask


def send(sight: Sight, canvas: Pixels, picture: Pixels, tiles: TileMask) -> None:
    for move in sight.pending:
        copied(canvas, move)
    for row, column in zip(*np.nonzero(tiles), strict=True):
        area = np.s_[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        canvas[area] = picture[area]
    sight.sent(tiles, None)


def lose(sight: Sight, canvas: Pixels, picture: Pixels) -> None:
    """An update with all that is pending and half of what is stale never arrives."""
    touched = sight.stale.copy()
    touched[::2] = False
    for move in sight.pending:
        rect = move.rect
        touched[
            rect.y // TILE : -(-rect.bottom // TILE), rect.x // TILE : -(-rect.right // TILE)
        ] = True
    kept = canvas.copy()
    send(sight, canvas, picture, sight.stale & touched)
    canvas[:] = kept
    sight.lost(touched)


@st.composite
def panes(draw: st.DrawFn) -> list[tuple[Rect, int]]:
    """Two to four of them side by side, and how far each scrolls in a frame."""
    edges = sorted(draw(st.sets(st.integers(0, WIDTH), min_size=3, max_size=5)))
    panes = []
    for left, right in pairwise(edges):
        top = draw(st.integers(0, 60))
        height = draw(st.integers(20, HEIGHT - top))
        panes.append((Rect(left, top, right - left, height), draw(st.integers(-19, 19))))
    return panes


def scrolled(picture: Pixels, pane: Rect, by: int, fresh: Pixels) -> Move | None:
    """What is in *pane* goes up by so many lines, or down; what is laid bare shows *fresh*."""
    if not by:
        return None
    height = pane.height - abs(by)
    move = Move(Rect(pane.x, pane.y + max(0, -by), pane.width, height), pane.x, pane.y + max(0, by))
    copied(picture, move)
    top = pane.y + height if by > 0 else pane.y
    bare = np.s_[top : top + abs(by), pane.x : pane.right]
    picture[bare] = fresh[bare]
    return move


@given(
    panes(),
    st.lists(st.one_of(moves(), st.none(), st.none()), min_size=1, max_size=24),
    st.integers(1, WIDTH),
)
def test_the_canvas_is_right_whatever_scrolls_side_by_side(
    panes: list[tuple[Rect, int]], others: list[Move | None], written: int
) -> None:
    random = np.random.default_rng(1)
    picture = random.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    canvas = picture.copy()
    sight = exact()
    for other in others:
        before, made = picture.copy(), []
        fresh = np.zeros_like(picture)
        fresh[:, :written] = random.integers(0, 256, (HEIGHT, written, 4), np.uint8)
        for pane, by in panes:
            made.append(scrolled(picture, pane, by, fresh))
        if other is not None:
            copied(picture, other)
            made.append(other)
        steps = [move for move in made if move is not None]
        carried = before.copy()
        for move in steps:
            copied(carried, move)
        wrong = differing(carried, picture)
        sight.advance(frame(*steps, changed=differing(before, picture), wrong=wrong))
        assert len(sight.pending) <= MAX_PENDING
        assert not (differing(moved(canvas, sight), picture) & ~sight.stale).any()
    send(sight, canvas, picture, sight.stale.copy())
    assert np.array_equal(canvas, picture)


@pytest.mark.parametrize("written", [1280, 300])
def test_of_panes_that_scroll_only_what_they_lay_bare_is_stale(written: int) -> None:
    width, height, by, times = 1280, 720, 16, 20  # by a tile: staleness goes by whole ones
    sight = Sight(width, height)
    sight.sent(np.ones_like(sight.stale), None)
    left, right = Rect(5, 7, 600, 700), Rect(640, 20, 630, 690)
    for _ in range(times):
        steps, wrong = [], np.zeros_like(sight.stale)
        for pane in (left, right):
            kept = Rect(pane.x, pane.y, pane.width, pane.height - by)
            steps.append(Move(kept, pane.x, pane.y + by))
            wrong[covered(Rect(pane.x, kept.bottom, min(written, pane.width), by))] = True
        sight.advance(Frame(1, wrong, tuple(steps), wrong, resized=False))
    bare = by * times * (left.width + right.width) / (width * height)
    assert len(sight.pending) <= MAX_PENDING
    assert sight.stale.mean() < 1.2 * bare


def test_frames_and_sights_fit_together() -> None:
    mirror = Framebuffer(WIDTH, HEIGHT)
    frames = Frames(mirror)
    first = frames.commit()
    assert first is not None
    assert first.changed.shape == (ROWS, COLUMNS)
    sight = exact()
    mirror.put(Rect(17, 17, 2, 2), np.full((2, 2, 4), 9, np.uint8))
    second = frames.commit()
    assert second is not None
    sight.advance(second)
    assert np.array_equal(sight.stale, tile(1, 1))

"""A sight against a canvas: what it says of a viewer is true, whatever comes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from webvdi.framebuffer import TILE, Frame, Framebuffer, Frames, Move, Pixels, Rect, TileMask
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


def test_too_many_moves_become_stale_tiles() -> None:
    sight = exact()
    for x in range(MAX_PENDING + 1):
        sight.advance(frame(Move(Rect(10 * x, 0, 8, 8), 10 * x, 50)))
    assert not sight.pending
    assert sight.stale[0, :11].all()
    assert not sight.stale[1:].any()


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
        believed = canvas.copy()
        for move in sight.pending:
            copied(believed, move)
        assert not (differing(believed, picture) & ~sight.stale).any()
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

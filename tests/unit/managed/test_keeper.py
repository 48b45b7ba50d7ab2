"""The store of tiles: contents get slots, whoever holds them is known, nothing grows."""

import numpy as np
import numpy.typing as npt
import pytest

from webvdi.codecs import Content
from webvdi.framebuffer import TILE, Frame, Pixels, TileMask
from webvdi.managed import keeper as keeper_module
from webvdi.managed.keeper import NOTHING_HELD, Generations, Keeper, tiles_of
from webvdi.wire.pieces import SLOTS, Run

ROWS, COLUMNS = 6, 10
EVERYTHING = np.ones((ROWS, COLUMNS), np.bool_)
TEXT = np.full((ROWS, COLUMNS), Content.TEXT, np.uint8)


def noise(seed: int = 1, width: int = COLUMNS * TILE, height: int = ROWS * TILE) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    pixels[:, :, 3] = 255
    return pixels


def fresh(rows: int = ROWS, columns: int = COLUMNS) -> Keeper:
    return Keeper(b"secret", rows, columns)


def full(monkeypatch: pytest.MonkeyPatch) -> tuple[Keeper, Pixels, Generations]:
    """A keeper of 64 slots after a screen of more tiles, that, and what its viewer holds."""
    monkeypatch.setattr(keeper_module, "SLOTS", 64)
    keeper, picture = fresh(), noise()
    keeper.give(EVERYTHING, picture)
    return keeper, picture, keeper.generations.copy()


def changed(mask: TileMask) -> Frame:
    return Frame(2, mask, (), mask, resized=False)


def tiles(*places: tuple[int, int]) -> TileMask:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    for place in places:
        mask[place] = True
    return mask


def test_what_is_kept_is_known_again_elsewhere() -> None:
    keeper, picture = fresh(), noise()
    keeper.give(EVERYTHING, picture)
    holds = keeper.generations.copy()
    other = noise(2)
    other[16:32, 32:48] = picture[48:64, 80:96]
    keeper.advance(changed(EVERYTHING))
    held = keeper.held(EVERYTHING, TEXT, other, holds)
    assert held is not None
    assert np.array_equal(held, tiles((1, 2)))
    (run,) = keeper.runs(held)
    assert run == Run(2, 1, 3 * COLUMNS + 5, 1)


def test_who_holds_nothing_is_asked_no_questions() -> None:
    keeper, picture = fresh(), noise()
    keeper.give(EVERYTHING, picture)
    assert keeper.held(EVERYTHING, TEXT, picture, NOTHING_HELD) is None


def test_a_viewer_holds_what_it_was_asked_to_keep_and_no_later_content_of_the_slot() -> None:
    keeper, picture = fresh(), noise()
    keeper.give(EVERYTHING, picture)
    holds = NOTHING_HELD.copy()
    assert np.array_equal(keeper.keepable(EVERYTHING, holds), EVERYTHING)
    slots = keeper.slots_of(tiles((0, 0), (0, 1)))
    holds[slots] = keeper.generations[slots]
    held = keeper.held(EVERYTHING, TEXT, picture, holds)
    assert held is not None
    assert np.array_equal(held, tiles((0, 0), (0, 1)))
    keeper.generations[slots[0]] += 1
    held = keeper.held(EVERYTHING, TEXT, picture, holds)
    assert held is not None
    assert np.array_equal(held, tiles((0, 1)))


def test_runs_are_long_and_end_with_the_row() -> None:
    keeper = fresh(2, 300)
    keeper.give(np.ones((2, 300), np.bool_), noise(1, 300 * TILE, 2 * TILE))
    runs = keeper.runs(np.ones((2, 300), np.bool_))
    assert runs == (
        Run(0, 0, 0, 255),
        Run(255, 0, 255, 45),
        Run(0, 1, 300, 255),
        Run(255, 1, 555, 45),
    )


def test_of_too_many_runs_the_longest_are_taken() -> None:
    keeper, picture = fresh(), noise()
    keeper.give(EVERYTHING, picture)
    scattered = tiles((0, 0), (0, 2), (0, 3), (0, 4), (0, 6), (3, 0), (3, 1), (5, 9))
    runs = keeper.runs(scattered, 2)
    assert runs == (Run(2, 0, 2, 3), Run(0, 3, 30, 2))
    assert np.array_equal(
        tiles_of(runs, scattered), tiles(*((0, c) for c in (2, 3, 4)), (3, 0), (3, 1))
    )


def test_equal_tiles_share_a_slot() -> None:
    keeper, picture = fresh(), noise()
    picture[0:16, 16:32] = picture[0:16, 0:16]
    keeper.give(tiles((0, 0), (0, 1)), picture)
    assert len(set(keeper.slots_of(tiles((0, 0), (0, 1))).tolist())) == 1


def test_tiles_cut_off_at_the_edge_are_only_equal_to_those_cut_off_alike() -> None:
    picture = noise(1, 5 * TILE, 2 * TILE + 5)
    picture[:, :, :3] = 7
    keeper = fresh(3, 5)
    everything = np.ones((3, 5), np.bool_)
    keeper.give(everything, picture)
    assert set(keeper.slots_of(everything).tolist()) == {0, 1}
    whole = everything.copy()
    whole[2] = False
    assert set(keeper.slots_of(whole).tolist()) == {0}


def test_slots_are_a_ring_and_what_is_overwritten_is_shown_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeper, picture, holds = full(monkeypatch)
    keeper.advance(changed(tiles(*((5, c) for c in range(COLUMNS)))))
    other = noise(2)
    other[:80] = picture[:80]
    keeper.give(tiles(*((5, c) for c in range(COLUMNS))), other)
    assert keeper._next == 6
    held = keeper.held(EVERYTHING, TEXT, other, holds)
    assert held is not None
    assert not held[0, :6].any()  # overwritten
    assert held[0, 6:].all()
    assert not held[5].any()  # new, and not held
    assert len(keeper._slots) == 64
    again = keeper.keepable(EVERYTHING, holds)
    assert not again[0, :6].any(), "a screen of more tiles than slots is kept for ever"


def test_who_loses_its_slot_while_others_are_given_theirs_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeper, picture, holds = full(monkeypatch)
    # Another size forgets who was offered what; the first row is known again by its content.
    keeper.resize(ROWS, COLUMNS)
    row = tiles(*((0, column) for column in range(COLUMNS)))
    assert keeper.held(row, TEXT, picture, holds) is not None
    other = noise(2)
    other[:16] = picture[:16]
    given = keeper.give(EVERYTHING & ~tiles(*((5, c) for c in range(COLUMNS))), other)
    assert not given[0].any(), "it counts as kept in a slot that another tile has taken"
    assert given[1:5].all()
    assert (keeper.slots_of(given) >= 0).all()


def test_runs_are_made_of_what_has_a_slot_alone() -> None:
    keeper, picture = fresh(), noise()
    keeper.give(tiles((1, 1), (1, 2)), picture)
    assert keeper.runs(EVERYTHING) == (Run(1, 1, 0, 2),)


def test_what_changed_may_be_kept_again() -> None:
    keeper, picture = fresh(), noise()
    keeper.give(EVERYTHING, picture)
    holds = keeper.generations.copy()
    assert not keeper.keepable(EVERYTHING, holds).any()
    keeper.advance(changed(tiles((2, 2))))
    assert np.array_equal(keeper.keepable(EVERYTHING, holds), tiles((2, 2)))


def test_of_a_wholly_new_picture_only_a_sample_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = fresh(60, 100)
    everything = np.ones((60, 100), np.bool_)
    kinds = np.full((60, 100), Content.TEXT, np.uint8)
    keeper.give(tiles_of_shape(everything), noise(1, 1600, 960))
    hashed = 0
    digests_of = keeper._digests_of

    def counted(which: npt.NDArray[np.intp], picture: Pixels) -> list[bytes]:
        nonlocal hashed
        hashed += len(which)
        return digests_of(which, picture)

    monkeypatch.setattr(keeper, "_digests_of", counted)
    keeper.advance(changed(everything))
    assert keeper.held(everything, kinds, noise(2, 1600, 960), keeper.generations.copy()) is None
    assert hashed < 100
    assert keeper.held(everything, kinds, noise(2, 1600, 960), keeper.generations.copy()) is None
    assert hashed < 100, "what nobody knew was looked up again"


def tiles_of_shape(like: TileMask) -> TileMask:
    mask = np.zeros_like(like)
    mask[0] = True
    return mask


def test_flat_tiles_are_not_looked_up() -> None:
    keeper, picture = fresh(), noise()
    keeper.give(EVERYTHING, picture)
    holds = keeper.generations.copy()
    keeper.advance(changed(EVERYTHING))
    flat = np.full((ROWS, COLUMNS), Content.FLAT, np.uint8)
    assert keeper.held(EVERYTHING, flat, picture, holds) is None


def test_contents_outlive_a_size() -> None:
    keeper, picture = fresh(), noise()
    keeper.give(EVERYTHING, picture)
    holds = keeper.generations.copy()
    keeper.resize(2, 2)
    small = np.ones((2, 2), np.bool_)
    held = keeper.held(small, TEXT[:2, :2], picture[:32, :32].copy(), holds)
    assert held is not None
    assert held.all()


def test_two_sessions_name_the_same_content_differently() -> None:
    one, other = Keeper(b"a", 1, 1), Keeper(b"b", 1, 1)
    tile = np.zeros(1, np.intp)
    assert one._digests_of(tile, noise()) != other._digests_of(tile, noise())
    assert SLOTS == 16384

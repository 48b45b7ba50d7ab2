"""Plans: everything that fits, small and new things first, each in the codec that pays."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from webvdi.codecs import Content, expected_bytes
from webvdi.framebuffer import TILE, Move, Rect, TileMask
from webvdi.managed import plan as plan_module
from webvdi.managed.plan import MAX_PIECE_AREA, MAX_RECTS, Draft, Job, Means, Plan

ROWS, COLUMNS = 30, 40
WIDTH, HEIGHT = COLUMNS * TILE - 5, ROWS * TILE - 9
PLENTY = Means(1 << 30, 80, 1 << 30)

Kinds = npt.NDArray[np.uint8]


def mask_of(*areas: tuple[slice, slice]) -> TileMask:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    for area in areas:
        mask[area] = True
    return mask


def kinds_of(kind: Content) -> Kinds:
    return np.full((ROWS, COLUMNS), kind, np.uint8)


def drawn(jobs: tuple[Job, ...], *, lossy: bool | None = None) -> TileMask:
    """The tiles of jobs; no tile is drawn twice."""
    mask = np.zeros((ROWS, COLUMNS), np.int64)
    for job in jobs:
        if lossy is None or (job.quality is not None) == lossy:
            for r in job.rects:
                assert r.x % TILE == r.y % TILE == 0
                assert r.fits(WIDTH, HEIGHT)
                mask[r.y // TILE : -(-r.bottom // TILE), r.x // TILE : -(-r.right // TILE)] += 1
    assert mask.max(initial=0) <= 1
    return mask > 0


def test_a_letter_is_one_exact_piece() -> None:
    mask = mask_of(np.s_[3:5, 7:8])
    jobs, exact, lossy, _ = Draft(WIDTH, HEIGHT, None, PLENTY).jobs(mask, 0)
    assert jobs == (Job((Rect(112, 48, 16, 32),), None),)
    assert np.array_equal(exact, mask)
    assert lossy is None


def test_photographs_are_lossy_and_what_is_around_them_is_not() -> None:
    kinds = kinds_of(Content.TEXT)
    photo = mask_of(np.s_[5:20, 5:30])
    kinds[photo] = Content.PHOTO
    everything = mask_of(np.s_[:, :])
    jobs, exact, lossy, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(everything, 0)
    assert lossy is not None
    assert np.array_equal(lossy, photo)
    assert np.array_equal(exact, ~photo)
    assert np.array_equal(drawn(jobs, lossy=True), photo)


def test_small_photographs_are_exact() -> None:
    kinds = kinds_of(Content.TEXT)
    kinds[3:5, 3:6] = Content.PHOTO
    _, exact, lossy, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(mask_of(np.s_[:, :]), 0)
    assert lossy is None
    assert exact.all()


def test_without_loss_nothing_is_lossy() -> None:
    means = Means(1 << 30, None, 1 << 30)
    jobs, exact, lossy, _ = Draft(WIDTH, HEIGHT, kinds_of(Content.PHOTO), means).jobs(
        mask_of(np.s_[:, :]), 0
    )
    assert lossy is None
    assert exact.all()
    assert all(job.quality is None for job in jobs)


def test_gaps_in_a_large_text_are_closed_and_photographs_are_not_drawn_for_it() -> None:
    kinds = kinds_of(Content.TEXT)
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    mask[:, ::2] = True
    jobs, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(mask, 0)
    assert exact[:, :-1].all()
    assert len(jobs) <= 2
    kinds[:, 1::2] = Content.PHOTO
    _, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(mask, 0)
    assert np.array_equal(exact, mask)


@pytest.mark.parametrize("one_in", [2, 4, 20])
def test_gaps_are_not_closed_at_the_cost_of_a_slow_link(one_in: int) -> None:
    mask: TileMask = np.random.default_rng(1).random((ROWS, COLUMNS)) < 1 / one_in
    kinds = kinds_of(Content.TEXT)
    means = Means(8 << 10, None, 1 << 30)
    _, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, means).jobs(mask, 0)
    assert expected_bytes(Content.TEXT, int(exact.sum()) * TILE * TILE, None) <= 10 << 10
    _, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(mask, 0)
    assert int(exact.sum()) > int(mask.sum())


def test_scattered_regions_share_a_sheet() -> None:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    mask[::8, ::10] = True
    mask[5:7, 5:8] = True
    kinds = kinds_of(Content.PHOTO)
    means = Means(1 << 30, None, 1 << 30)
    jobs, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, means).jobs(mask, 0)
    assert np.array_equal(exact, mask)
    (job,) = jobs
    assert len(job.rects) == 17


def test_large_pieces_are_cut_into_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "MAX_PIECE_AREA", 100_000)
    jobs, exact, _, _ = Draft(WIDTH, HEIGHT, kinds_of(Content.TEXT), PLENTY).jobs(
        mask_of(np.s_[:, :]), 0
    )
    assert exact.all()
    assert drawn(jobs).all()
    assert len(jobs) == 3
    assert MAX_PIECE_AREA >= 1 << 20


def test_what_does_not_fit_waits_and_gets_its_turn() -> None:
    draft = Draft(WIDTH, HEIGHT, kinds_of(Content.PHOTO), Means(30_000, 80, 1 << 30))
    left, cursor, rounds = mask_of(np.s_[:, :]), 0, 0
    while left.any():
        _, exact, lossy, cursor = draft.jobs(left, cursor)
        sent = exact if lossy is None else exact | lossy
        assert sent.any()
        left &= ~sent
        rounds += 1
    assert 2 < rounds < 30


def test_no_part_of_a_screen_that_changes_all_the_time_starves() -> None:
    draft = Draft(WIDTH, HEIGHT, kinds_of(Content.PHOTO), Means(30_000, 80, 1 << 30))
    everything, cursor = mask_of(np.s_[:, :]), 0
    seen = np.zeros_like(everything)
    for _ in range(12):
        _, exact, lossy, cursor = draft.jobs(everything, cursor)
        seen |= exact if lossy is None else exact | lossy
    assert seen.all()


def test_what_is_small_goes_before_what_is_large() -> None:
    mask = mask_of(np.s_[0:20, :], np.s_[25:27, 30:33])
    draft = Draft(WIDTH, HEIGHT, kinds_of(Content.PHOTO), Means(30_000, 80, 1 << 30))
    _, exact, lossy, _ = draft.jobs(mask, 0)
    sent = exact if lossy is None else exact | lossy
    assert sent[25:27, 30:33].all()
    assert not sent[:20].all()


def test_an_update_has_a_bounded_area() -> None:
    means = Means(1 << 30, 80, 100 * TILE * TILE)
    _, exact, _, _ = Draft(WIDTH, HEIGHT, kinds_of(Content.FLAT), means).jobs(
        mask_of(np.s_[:, :]), 0
    )
    assert exact.sum() <= 100


masks = hnp.arrays(np.bool_, (ROWS, COLUMNS))
some_kinds = hnp.arrays(np.uint8, (ROWS, COLUMNS), elements=st.sampled_from(list(Content)))


@given(
    masks, some_kinds, st.integers(0, 400_000), st.booleans(), st.integers(0, ROWS * COLUMNS - 1)
)
def test_any_plan_draws_what_it_says(
    mask: TileMask, kinds: Kinds, size_bytes: int, jpeg: bool, cursor: int
) -> None:
    means = Means(size_bytes, 60 if jpeg else None, 1 << 22)
    jobs, exact, lossy, cursor = Draft(WIDTH, HEIGHT, kinds, means).jobs(mask, cursor)
    soft = np.zeros_like(mask) if lossy is None else lossy
    assert np.array_equal(drawn(jobs, lossy=False), exact)
    assert np.array_equal(drawn(jobs, lossy=True), soft)
    assert not (exact & soft).any()
    assert not (soft & ~mask).any()
    assert (exact | soft).any() == mask.any()
    assert sum(len(job.rects) for job in jobs) <= 2 * MAX_RECTS + 16
    assert 0 <= cursor < mask.size


def test_a_plan_touches_what_it_draws_and_where_it_moves() -> None:
    move = Move(Rect(10, 10, 20, 20), 100, 100)
    plan = Plan(mask_of(np.s_[5:6, 5:6]), mask_of(np.s_[6:7, 6:7]), (move,))
    assert np.array_equal(plan.touched, mask_of(np.s_[5:6, 5:6], np.s_[6:7, 6:7], np.s_[0:2, 0:2]))

"""Plans: everything that fits, small and new things first, each in the codec that pays."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unit.managed import written
from webvdi.codecs import SKETCH, Content, contents
from webvdi.codecs.sheet import pack
from webvdi.framebuffer import TILE, Move, Pixels, Rect, TileMask
from webvdi.framebuffer.grid import grid_shape, pixel_slices
from webvdi.managed import plan as plan_module
from webvdi.managed.costs import NO_BYTES, Costs
from webvdi.managed.encodes import encoded
from webvdi.managed.plan import MAX_PIECE_AREA, MAX_RECTS, Draft, Job, Means, Plan, Turn

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
    jobs, exact, lossy, _ = Draft(WIDTH, HEIGHT, None, PLENTY).jobs(mask, Turn())
    assert jobs == (Job((Rect(112, 48, 16, 32),), None),)
    assert np.array_equal(exact, mask)
    assert lossy is None


def test_photographs_are_lossy_and_what_is_around_them_is_not() -> None:
    kinds = kinds_of(Content.TEXT)
    photo = mask_of(np.s_[5:20, 5:30])
    kinds[photo] = Content.PHOTO
    everything = mask_of(np.s_[:, :])
    jobs, exact, lossy, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(everything, Turn())
    assert lossy is not None
    assert np.array_equal(lossy, photo)
    assert np.array_equal(exact, ~photo)
    assert np.array_equal(drawn(jobs, lossy=True), photo)


def test_small_photographs_are_exact() -> None:
    kinds = kinds_of(Content.TEXT)
    kinds[3:5, 3:6] = Content.PHOTO
    _, exact, lossy, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(mask_of(np.s_[:, :]), Turn())
    assert lossy is None
    assert exact.all()


def test_without_loss_nothing_is_lossy() -> None:
    means = Means(1 << 30, None, 1 << 30)
    jobs, exact, lossy, _ = Draft(WIDTH, HEIGHT, kinds_of(Content.PHOTO), means).jobs(
        mask_of(np.s_[:, :]), Turn()
    )
    assert lossy is None
    assert exact.all()
    assert all(job.quality is None for job in jobs)


def test_small_gaps_in_a_large_text_are_closed_and_photographs_are_not_drawn_for_it() -> None:
    kinds = kinds_of(Content.TEXT)
    mask = mask_of(np.s_[:, :])
    mask[:, 2::5] = False
    jobs, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(mask, Turn())
    assert exact.all()
    assert len(jobs) <= 2
    kinds[:, 2::5] = Content.PHOTO
    _, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(mask, Turn())
    assert np.array_equal(exact, mask)


def test_flat_gaps_are_closed_however_many() -> None:
    kinds = kinds_of(Content.FLAT)
    mask = mask_of(np.s_[:, :])
    mask[:, 1::2] = False
    kinds[mask] = Content.TEXT
    _, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, PLENTY).jobs(mask, Turn())
    assert exact[:, :-1].all()


def test_text_that_nobody_lacks_does_not_fill_an_update() -> None:
    scattered = np.random.default_rng(1).random((ROWS, COLUMNS)) < 0.1
    for size_bytes in (1 << 30, 8_000, 4_000):
        draft = Draft(WIDTH, HEIGHT, kinds_of(Content.TEXT), Means(size_bytes, None, 1 << 30))
        _, exact, _, _ = draft.jobs(scattered, Turn())
        assert exact.sum() <= 1.4 * (exact & scattered).sum()
        if size_bytes < 8_000:
            assert not (exact & ~scattered).any(), "what was for a stale tile went into gaps"


WIDE = (1088, 1920)
SHARES = (0.05, 0.2, 0.5)


def scattered(random: np.random.Generator, share: float) -> TileMask:
    return random.random((WIDE[0] // TILE, WIDE[1] // TILE)) < share


def in_lines(random: np.random.Generator, share: float) -> TileMask:
    mask = np.zeros((WIDE[0] // TILE, WIDE[1] // TILE), np.bool_)
    while mask.mean() < share:
        row, column = random.integers(mask.shape[0]), random.integers(mask.shape[1])
        mask[row, column : column + random.integers(3, 50)] = True
    return mask


def in_a_block(random: np.random.Generator, share: float) -> TileMask:
    mask = np.zeros((WIDE[0] // TILE, WIDE[1] // TILE), np.bool_)
    mask[: int(mask.shape[0] * share**0.5), : int(mask.shape[1] * share**0.5)] = True
    return mask


@pytest.mark.parametrize("size_bytes", [16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10])
@pytest.mark.parametrize("stale", [scattered, in_lines, in_a_block])
def test_coloured_text_takes_what_it_may(
    size_bytes: int, stale: Callable[[np.random.Generator, float], TileMask]
) -> None:
    """Real encoders; the first update or two of a session are for learning."""
    picture = written.coloured(WIDE[1], WIDE[0])
    kinds = contents(picture)
    random = np.random.default_rng(1)
    for share in SHARES:
        costs, cursor = Costs(), Turn()
        for number in range(7):
            costs.adopt()
            means = Means(size_bytes, None, 1 << 22, factors=costs.factors)
            draft = Draft(WIDE[1], WIDE[0], kinds, means)
            mask = stale(random, share)
            jobs, exact, _, cursor = draft.jobs(mask, cursor)
            took = sum(len(payload_of(job, picture)) for job in jobs)
            costs.learn(draft.expected, took)
            assert took <= (1.5 if number >= 2 else 2.5) * size_bytes
            if took < size_bytes / 2 and len(jobs) < 2:
                rects = sum(len(job.rects) for job in jobs)
                assert exact[mask].all() or rects >= MAX_RECTS - 1, "there was more to be sent"


def payload_of(job: Job, picture: Pixels) -> bytes:
    return encoded([(r, picture[pixel_slices(r)]) for r in job.rects], job.quality).payload


def test_scattered_regions_share_a_sheet() -> None:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    mask[::8, ::10] = True
    mask[5:7, 5:8] = True
    kinds = kinds_of(Content.PHOTO)
    means = Means(1 << 30, None, 1 << 30)
    jobs, exact, _, _ = Draft(WIDTH, HEIGHT, kinds, means).jobs(mask, Turn())
    assert np.array_equal(exact, mask)
    (job,) = jobs
    assert len(job.rects) == 17


SLOW = Means(16_384, 36, 1 << 22, thorough=True)


def test_text_that_is_too_much_for_a_slow_link_is_sketched_and_photographs_are_not() -> None:
    kinds = kinds_of(Content.FLAT)
    photo = mask_of(np.s_[5:10, 5:12])
    kinds[:15] = Content.TEXT
    kinds[photo] = Content.PHOTO
    everything = mask_of(np.s_[:, :])
    draft = Draft(WIDTH, HEIGHT, kinds, SLOW)
    jobs, exact, lossy, _ = draft.jobs(everything, Turn())
    assert not exact.any()
    assert lossy is not None
    assert lossy.all(), "all of it fits"
    assert {job.quality for job in jobs} == {SKETCH, 36}
    assert np.array_equal(drawn(tuple(job for job in jobs if job.quality == 36)), photo)
    assert draft.expected == NO_BYTES, "it says nothing of what is exact"


@pytest.mark.parametrize(
    ("means", "rows", "sketch"),
    [
        (SLOW, 12, True),
        (SLOW, 9, False),
        (replace(SLOW, moves=True), 4, True),
        (replace(SLOW, moves=True), 2, False),
        (replace(SLOW, thorough=False), 30, False),
        (replace(SLOW, quality=None), 30, False),
    ],
)
def test_what_a_slow_link_carries_soon_is_exact(means: Means, rows: int, sketch: bool) -> None:
    """A row of tiles should take 3 kB."""
    kinds = kinds_of(Content.TEXT)
    jobs, exact, lossy, _ = Draft(WIDTH, HEIGHT, kinds, means).jobs(
        mask_of(np.s_[:rows, :]), Turn()
    )
    assert {job.quality for job in jobs} == ({SKETCH} if sketch else {None})
    assert (lossy is not None) == sketch
    assert exact.any() != sketch
    assert all(job.thorough == means.thorough for job in jobs if job.quality is None)


def test_few_tiles_are_exact_on_a_slow_link_too() -> None:
    jobs, exact, lossy, _ = Draft(WIDTH, HEIGHT, None, SLOW).jobs(mask_of(np.s_[3:5, 7:8]), Turn())
    assert jobs == (Job((Rect(112, 48, 16, 32),), None, thorough=True),)
    assert exact.any()
    assert lossy is None


@pytest.mark.parametrize("size", [(1920, 1080), (16384, 4096), (4096, 16384), (8192, 8192)])
@pytest.mark.parametrize("means", [PLENTY, replace(PLENTY, quality=None)], ids=["lossy", "exact"])
@pytest.mark.parametrize("kind", [Content.TEXT, Content.PHOTO])
def test_what_is_high_and_what_is_wide_share_sheets_without_much_between(
    size: tuple[int, int], means: Means, kind: Content
) -> None:
    width, height = size
    mask = np.zeros(grid_shape(width, height), np.bool_)
    for n in (1, 5, 9):
        mask[n, :250] = mask[:250, n] = True
    kinds = np.full(mask.shape, kind, np.uint8)
    jobs, exact, lossy, _ = Draft(width, height, kinds, means).jobs(mask, Turn())
    assert (exact if lossy is None else exact | lossy).sum() >= mask.sum()
    for job in jobs:
        area = sum(rect.area for rect in job.rects)
        packing = pack([(-(-r.width // 16) * 16 + 16, r.height + 16) for r in job.rects])
        assert len(job.rects) <= 1024
        if len(job.rects) > 1:
            assert packing.width * packing.height <= 8 * area + (1 << 18)


def test_large_pieces_are_cut_into_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "MAX_PIECE_AREA", 100_000)
    jobs, exact, _, _ = Draft(WIDTH, HEIGHT, kinds_of(Content.TEXT), PLENTY).jobs(
        mask_of(np.s_[:, :]), Turn()
    )
    assert exact.all()
    assert drawn(jobs).all()
    assert len(jobs) == 3
    assert MAX_PIECE_AREA >= 1 << 20


def test_what_does_not_fit_waits_and_gets_its_turn() -> None:
    draft = Draft(WIDTH, HEIGHT, kinds_of(Content.PHOTO), Means(30_000, 80, 1 << 30))
    left, cursor, rounds = mask_of(np.s_[:, :]), Turn(), 0
    while left.any():
        _, exact, lossy, cursor = draft.jobs(left, cursor)
        sent = exact if lossy is None else exact | lossy
        assert sent.any()
        left &= ~sent
        rounds += 1
    assert 2 < rounds < 30


def test_no_part_of_a_screen_that_changes_all_the_time_starves() -> None:
    draft = Draft(WIDTH, HEIGHT, kinds_of(Content.PHOTO), Means(30_000, 80, 1 << 30))
    everything, cursor = mask_of(np.s_[:, :]), Turn()
    seen = np.zeros_like(everything)
    for _ in range(12):
        _, exact, lossy, cursor = draft.jobs(everything, cursor)
        seen |= exact if lossy is None else exact | lossy
    assert seen.all()


def test_what_is_small_goes_before_what_is_large() -> None:
    mask = mask_of(np.s_[0:20, :], np.s_[25:27, 30:33])
    draft = Draft(WIDTH, HEIGHT, kinds_of(Content.PHOTO), Means(30_000, 80, 1 << 30))
    _, exact, lossy, _ = draft.jobs(mask, Turn())
    sent = exact if lossy is None else exact | lossy
    assert sent[25:27, 30:33].all()
    assert not sent[:20].all()


def test_what_moves_all_the_time_does_not_starve_what_is_large() -> None:
    """Four animations above a page, without loss on a slow link."""
    animated, page = np.zeros((68, 120), np.bool_), np.zeros((68, 120), np.bool_)
    for region in range(4):
        animated[2:8, 4 + 30 * region : 11 + 30 * region] = True
    page[20:50, 20:100] = True
    kinds = np.where(animated, np.uint8(Content.PHOTO), np.uint8(Content.TEXT))
    draft = Draft(1920, 1088, kinds, Means(16_384, None, 1 << 22))
    stale, cursor = animated | page, Turn()
    shown = np.zeros((68, 120), np.int64)
    for _ in range(30):
        _, exact, _, cursor = draft.jobs(stale, cursor)
        shown += exact
        stale &= ~exact
        stale |= animated
    assert not (stale & page).any()
    times = [int(shown[2:8, 4 + 30 * n : 11 + 30 * n].sum()) for n in range(4)]
    assert min(times) > 0.5 * max(times), "animations take turns"


def test_a_keys_echo_goes_before_lines_of_text() -> None:
    """Ragged lines are one region, if many rectangles."""
    random = np.random.default_rng(1)
    mask = np.zeros((68, 120), np.bool_)
    for row in range(4, 40):
        mask[row, 10 : 10 + random.integers(5, 60)] = True
    echo = np.zeros_like(mask)
    echo[60:62, 70:72] = True
    kinds = np.full(mask.shape, Content.TEXT, np.uint8)
    draft = Draft(1920, 1088, kinds, Means(16_384, 60, 1 << 22))
    for rest in (0, 2000, 60 * 120 + 80):
        _, exact, _, cursor = draft.jobs(mask | echo, Turn(0, rest))
        assert exact[echo].all()
        assert exact[mask].any()
        assert cursor.rest != rest


def test_what_is_tiny_goes_before_what_is_small() -> None:
    mask = np.zeros((68, 120), np.bool_)
    for row in range(0, 60, 10):
        for column in range(0, 120, 12):
            mask[row : row + 6, column : column + 7] = True
    mask[66:68, 110:112] = True
    kinds = np.full(mask.shape, Content.TEXT, np.uint8)
    draft = Draft(1920, 1088, kinds, Means(16_384, 60, 1 << 22))
    cursor = Turn()
    for _ in range(30):
        _, exact, _, cursor = draft.jobs(mask, cursor)
        assert exact[66:68, 110:112].all()


def test_what_is_first_is_not_what_too_many_rectangles_leave_out() -> None:
    mask = np.zeros((68, 120), np.bool_)
    mask[:60:2, ::2] = True
    mask[66:68, 110:112] = True
    kinds = np.full(mask.shape, Content.PHOTO, np.uint8)
    draft = Draft(1920, 1088, kinds, Means(600_000, None, 1 << 22))
    _, exact, _, _ = draft.jobs(mask, Turn())
    assert exact.sum() < mask.sum()
    assert exact[66:68, 110:112].all()


@given(hnp.arrays(np.bool_, (20, 30)), st.integers(2_000, 40_000))
def test_whatever_changes_all_the_time_each_tile_has_its_turn(
    mask: TileMask, size_bytes: int
) -> None:
    kinds = np.full(mask.shape, Content.PHOTO, np.uint8)
    draft = Draft(480, 320, kinds, Means(size_bytes, None, 1 << 22))
    seen, cursor = np.zeros_like(mask), Turn()
    for _ in range(60):
        _, exact, _, cursor = draft.jobs(mask, cursor)
        seen |= exact
    assert np.array_equal(seen, mask)


def test_an_update_has_a_bounded_area() -> None:
    means = Means(1 << 30, 80, 100 * TILE * TILE)
    _, exact, _, _ = Draft(WIDTH, HEIGHT, kinds_of(Content.FLAT), means).jobs(
        mask_of(np.s_[:, :]), Turn()
    )
    assert exact.sum() <= 100


masks = hnp.arrays(np.bool_, (ROWS, COLUMNS))
some_kinds = hnp.arrays(np.uint8, (ROWS, COLUMNS), elements=st.sampled_from(list(Content)))


@given(
    masks,
    some_kinds,
    st.integers(0, 400_000),
    st.booleans(),
    st.booleans(),
    st.builds(Turn, st.integers(0, ROWS * COLUMNS - 1), st.integers(0, ROWS * COLUMNS - 1)),
)
def test_any_plan_draws_what_it_says(
    mask: TileMask, kinds: Kinds, size_bytes: int, jpeg: bool, slow: bool, cursor: Turn
) -> None:
    means = Means(size_bytes, 60 if jpeg else None, 1 << 22, thorough=slow)
    jobs, exact, lossy, cursor = Draft(WIDTH, HEIGHT, kinds, means).jobs(mask, cursor)
    soft = np.zeros_like(mask) if lossy is None else lossy
    assert np.array_equal(drawn(jobs, lossy=False), exact)
    assert np.array_equal(drawn(jobs, lossy=True), soft)
    assert not (exact & soft).any()
    assert not (soft & ~mask).any()
    assert (exact | soft).any() == mask.any()
    assert sum(len(job.rects) for job in jobs) <= 2 * MAX_RECTS + 16
    assert all(0 <= tile < mask.size for tile in cursor)


def test_a_plan_touches_what_it_draws_and_where_it_moves() -> None:
    move = Move(Rect(10, 10, 20, 20), 100, 100)
    plan = Plan(mask_of(np.s_[5:6, 5:6]), mask_of(np.s_[6:7, 6:7]), (move,))
    assert np.array_equal(plan.touched, mask_of(np.s_[5:6, 5:6], np.s_[6:7, 6:7], np.s_[0:2, 0:2]))

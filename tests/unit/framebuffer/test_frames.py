"""Frames: whatever happens to a mirror, moves and wrong tiles make the old picture the new one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.framebuffer.scenes import (
    applied,
    blank,
    differing,
    noise,
    paint,
    put,
    replaced,
    scroll,
    text,
    window,
)
from webvdi.framebuffer import MAX_MOVES, Frame, Framebuffer, Frames, Pixels, Rect

WIDTH, HEIGHT = 417, 300


@dataclass(frozen=True)
class Change:
    """Something that happens to a screen; shown when a test fails."""

    name: str
    arguments: tuple[int, ...]

    def __call__(self, picture: Pixels) -> Pixels:
        return CHANGES[self.name](picture, *self.arguments)


def scrolled(picture: Pixels, x: int, y: int, dx: int, dy: int) -> Pixels:
    """A pane of a size that depends on where it is."""
    pane = Rect(x, y, picture.shape[1] - x - x // 2, picture.shape[0] - y - y // 2)
    if min(pane.width, pane.height) <= 40:
        return picture
    return scroll(picture, pane, dx, dy, 10_000 + dx * 100 + dy)


def dragged(picture: Pixels, x: int, y: int, dx: int, dy: int) -> Pixels:
    """What is at a place goes elsewhere and leaves a flat hole behind."""
    part = picture[y : y + 150, x : x + 200].copy()
    result = picture.copy()
    paint(result, Rect(x, y, part.shape[1], part.shape[0]), 0x204060)
    return put(result, max(0, x + dx), max(0, y + dy), part)


def sprinkled(picture: Pixels, seed: int, count: int) -> Pixels:
    """Single pixels change."""
    random, result = np.random.default_rng(seed), picture.copy()
    for _ in range(count):
        result[random.integers(picture.shape[0]), random.integers(picture.shape[1]), :3] ^= 1
    return result


CHANGES: dict[str, Callable[..., Pixels]] = {
    "scrolled": scrolled,
    "dragged": dragged,
    "sprinkled": sprinkled,
    "opened": lambda picture, x, y, seed: put(picture, x, y, window(190, 140, seed)),
    "noisy": lambda picture, x, y, seed: put(picture, x, y, noise(100, 90, seed)),
    "tiled": lambda picture, x, y, lines: put(
        picture, x, y, text(300, 250, 3, different_lines=lines)
    ),
}

xs, ys, small = st.integers(0, 250), st.integers(0, 200), st.integers(-40, 40)
seeds = st.integers(1, 9)


def change(name: str, *arguments: st.SearchStrategy[int]) -> st.SearchStrategy[Change]:
    return st.builds(Change, st.just(name), st.tuples(*arguments))


changes = st.one_of(
    change("scrolled", xs, ys, st.just(0), small),
    change("scrolled", xs, ys, small, st.just(0)),
    change("scrolled", xs, ys, small, small),
    change("dragged", xs, ys, small, small),
    change("sprinkled", seeds, st.integers(1, 30)),
    change("opened", xs, ys, seeds),
    change("noisy", xs, ys, seeds),
    change("tiled", xs, ys, seeds),
)


def mirror_of(picture: Pixels) -> Framebuffer:
    mirror = Framebuffer(picture.shape[1], picture.shape[0])
    mirror.put(mirror.rect, picture.copy())
    return mirror


def show(mirror: Framebuffer, picture: Pixels) -> None:
    mirror.put(mirror.rect, picture.copy())


def committed(frames: Frames) -> Frame:
    frame = frames.commit()
    assert frame is not None
    return frame


def check(old: Pixels, new: Pixels, frame: Frame | None) -> None:
    """Everything that is promised of a frame."""
    differs = differing(old, new)
    if frame is None:
        assert not differs.any()
        return
    predicted = applied(old, frame.moves)
    assert np.array_equal(frame.changed, differs)
    assert np.array_equal(frame.wrong, differing(predicted, new))
    assert np.array_equal(replaced(predicted, frame.wrong, new), new)
    assert len(frame.moves) <= MAX_MOVES
    for move in frame.moves:
        assert move.rect.fits(new.shape[1], new.shape[0])
        assert move.source.fits(new.shape[1], new.shape[0])
    assert frame.wrong.sum() + 12 * len(frame.moves) <= differs.sum()


@given(st.lists(st.lists(changes, min_size=1, max_size=3), min_size=1, max_size=4))
def test_moves_and_wrong_tiles_make_each_picture_of_the_one_before(
    script: list[list[Change]],
) -> None:
    picture = put(noise(WIDTH, HEIGHT, 0), 30, 20, window(330, 240, 1))
    mirror = mirror_of(picture)
    frames = Frames(mirror)
    frames.commit()
    for number, step in enumerate(script):
        old = frames.picture.copy()
        for event in step:
            picture = event(picture)
            show(mirror, picture)
        frame = frames.commit()
        check(old, picture, frame)
        assert np.array_equal(frames.picture, picture)
        assert frames.number <= number + 2
        assert frames.commit() is None


def test_a_smooth_scroll_goes_on_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    page = text(WIDTH, HEIGHT + 400, 1)
    mirror = mirror_of(page[:HEIGHT])
    frames = Frames(mirror)
    frames.commit()
    for step in range(1, 12):
        if step == 3:
            monkeypatch.setattr("webvdi.framebuffer.motion.votes", None)
        old = frames.picture.copy()
        new = page[step * 21 : step * 21 + HEIGHT]
        show(mirror, new)
        frame = committed(frames)
        check(old, new, frame)
        assert [move.distance for move in frame.moves] == [(0, -21)]


def test_a_scroll_by_few_distances_goes_on_without_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one does whose frames are left out now and then."""
    page = text(WIDTH, HEIGHT + 500, 1)
    mirror = mirror_of(page[:HEIGHT])
    frames = Frames(mirror)
    frames.commit()
    place = 0
    for number, step in enumerate((18, 36, 18, 18, 36, 18, 36, 36)):
        if number == 2:
            monkeypatch.setattr("webvdi.framebuffer.motion.votes", None)
        place += step
        old, new = frames.picture.copy(), page[place : place + HEIGHT]
        show(mirror, new)
        frame = committed(frames)
        check(old, new, frame)
        assert [move.distance for move in frame.moves] == [(0, -step)]


def test_the_first_frame_and_one_of_another_size_are_all_new() -> None:
    mirror = Framebuffer(70, 50)
    frames = Frames(mirror)
    assert frames.number == 0
    for number, (width, height) in enumerate([(70, 50), (33, 20), (33, 20)], 1):
        if number > 1:
            mirror.resize(width, height)
            mirror.put(Rect(1, 1, 9, 9), noise(9, 9, 2))
        frame = committed(frames)
        assert frame.number == frames.number == number
        assert frame.resized
        assert frame.moves == ()
        assert frame.changed.all()
        assert frame.wrong.all()
        assert frame.changed.shape == mirror.touched.shape
        assert frames.size == (width, height)
        assert np.array_equal(frames.picture, mirror.pixels)
        assert frames.commit() is None


def test_what_was_written_and_undone_is_no_frame() -> None:
    mirror = mirror_of(text(200, 100, 1))
    frames = Frames(mirror)
    frames.commit()
    mirror.put(Rect(10, 10, 20, 20), noise(20, 20, 1))
    mirror.put(Rect(10, 10, 20, 20), text(200, 100, 1)[10:30, 10:30].copy())
    assert mirror.touched.any()
    assert frames.commit() is None
    assert not mirror.touched.any()
    assert frames.number == 1


def test_places_far_apart_are_found_each_for_itself() -> None:
    mirror = mirror_of(blank(640, 480))
    frames = Frames(mirror)
    frames.commit()
    for x, y in ((3, 3), (600, 10), (320, 470)):
        mirror.put(Rect(x, y, 2, 2), np.zeros((2, 2, 4), np.uint8))
    frame = committed(frames)
    assert set(zip(*(axis.tolist() for axis in frame.changed.nonzero()), strict=True)) == {
        (0, 0),
        (0, 37),
        (29, 20),
    }
    assert not frame.resized
    assert np.array_equal(frame.changed, frame.wrong)


def test_a_frame_cannot_be_written() -> None:
    mirror = mirror_of(blank(40, 40))
    frames = Frames(mirror)
    first = committed(frames)
    mirror.put(Rect(0, 0, 2, 2), noise(2, 2, 1))
    for frame in (first, committed(frames)):
        for mask in (frame.changed, frame.wrong):
            with pytest.raises(ValueError, match="read-only"):
                mask[0, 0] = False


def test_a_snapshot_is_of_the_last_frame_and_stays() -> None:
    mirror = mirror_of(text(64, 64, 1))
    frames = Frames(mirror)
    frames.commit()
    rect = Rect(3, 5, 20, 30)
    before = mirror.snapshot(rect)
    mirror.put(mirror.rect, noise(64, 64, 1))
    first = frames.snapshot(rect)
    frames.commit()
    assert np.array_equal(first, before)
    assert np.array_equal(frames.snapshot(rect), mirror.snapshot(rect))
    with pytest.raises(ValueError, match="outside the 64x64 picture"):
        frames.snapshot(Rect(60, 60, 5, 5))

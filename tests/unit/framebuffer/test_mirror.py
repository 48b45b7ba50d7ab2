"""The mirror against plain arrays, and what it notes as touched against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unit.framebuffer.scenes import differing
from webvdi.framebuffer import MAX_SIDE, Framebuffer, Pixels, Rect, covered


def noise(width: int, height: int, seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 3, (height, width, 4), np.uint8)


@st.composite
def writes(draw: st.DrawFn) -> tuple[Rect, int]:
    x, y = draw(st.integers(0, 69)), draw(st.integers(0, 49))
    width, height = draw(st.integers(1, 70 - x)), draw(st.integers(1, 50 - y))
    return Rect(x, y, width, height), draw(st.integers(0, 5))


@settings(max_examples=80)
@given(st.lists(writes(), max_size=6))
def test_what_changes_is_touched_and_nothing_outside_of_what_is_written(
    script: list[tuple[Rect, int]],
) -> None:
    mirror = Framebuffer(70, 50)
    for rect, seed in script:
        before, since = mirror.pixels.copy(), mirror.version
        mirror.touched.fill(False)
        changed = mirror.put(rect, noise(rect.width, rect.height, seed))
        differs = differing(before, mirror.pixels)
        assert changed == differs.any() == mirror.touched.any()
        assert mirror.version == since + changed
        assert not (differs & ~mirror.touched).any()
        outside = mirror.touched.copy()
        outside[covered(rect)] = False
        assert not outside.any()


def test_rows_that_a_server_repeats_are_not_touched() -> None:
    mirror = Framebuffer(1024, 256)
    mirror.put(mirror.rect, noise(1024, 256, 1))
    mirror.touched.fill(False)
    again = mirror.pixels.copy()
    again[200, 5] = 77
    assert mirror.put(mirror.rect, again)
    assert mirror.pixels[200, 5].tolist() == [77, 77, 77, 255]
    assert not mirror.touched[:12].any()
    assert mirror.touched[12:].all()


@pytest.mark.parametrize("row", [0, 7, 8, 9, 31, 100, 255])
def test_what_follows_a_change_is_written_and_little_before_it_is_touched(row: int) -> None:
    mirror = Framebuffer(1024, 256)
    mirror.put(mirror.rect, noise(1024, 256, 1))
    mirror.touched.fill(False)
    again = mirror.pixels.copy()
    again[row:, 1000, :3] ^= 1
    expected = again.copy()
    again[:, :, 3] = 0
    assert mirror.put(mirror.rect, again)
    assert np.array_equal(mirror.pixels, expected)
    assert not mirror.touched[: row // 32].any()
    assert mirror.touched[row // 16 :].all()


def test_an_empty_rectangle_changes_nothing() -> None:
    mirror = Framebuffer(8, 8)
    for width, height in ((0, 5), (5, 0)):
        assert not mirror.put(Rect(1, 1, width, height), np.zeros((height, width, 4), np.uint8))


def test_put_writes_colours_and_makes_pixels_opaque() -> None:
    mirror = Framebuffer(4, 4)
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[:, :, 0] = 9
    assert mirror.put(Rect(1, 1, 2, 2), pixels)
    assert mirror.pixels[1, 1].tolist() == [9, 0, 0, 255]
    assert mirror.pixels[0, 0].tolist() == [0, 0, 0, 255]


def test_the_same_pixels_again_are_no_change() -> None:
    mirror = Framebuffer(64, 64)
    assert mirror.put(mirror.rect, noise(64, 64, 1))
    version = mirror.version
    assert not mirror.put(mirror.rect, noise(64, 64, 1))
    assert mirror.version == version


@pytest.mark.parametrize(("dx", "dy"), [(5, 3), (-5, -3), (0, 1), (1, 0)])
def test_copies_may_overlap(dx: int, dy: int) -> None:
    mirror = Framebuffer(40, 40)
    mirror.put(mirror.rect, noise(40, 40, 2))
    before = mirror.pixels.copy()
    mirror.copy(Rect(10 + dx, 10 + dy, 20, 20), 10, 10)
    moved = mirror.pixels[10 + dy : 30 + dy, 10 + dx : 30 + dx]
    assert np.array_equal(moved, before[10:30, 10:30])


def test_resize_starts_black_and_all_new() -> None:
    mirror = Framebuffer(32, 32)
    mirror.put(mirror.rect, noise(32, 32, 1))
    mirror.touched.fill(False)
    since, sizings = mirror.version, mirror.sizings
    mirror.resize(50, 20)
    assert (mirror.width, mirror.height) == (50, 20)
    assert mirror.touched.shape == (2, 4)
    assert mirror.touched.all()
    assert mirror.sizings == sizings + 1
    assert mirror.version > since
    assert not mirror.pixels[:, :, :3].any()


def test_a_snapshot_does_not_change_with_the_mirror() -> None:
    mirror = Framebuffer(8, 8)
    copy = mirror.snapshot(Rect(2, 2, 4, 4))
    mirror.put(mirror.rect, np.full((8, 8, 4), 7, np.uint8))
    assert not copy[:, :, :3].any()


@pytest.mark.parametrize(
    "size", [(0, 5), (5, 0), (MAX_SIDE + 1, 1), (1, MAX_SIDE + 1), (MAX_SIDE, MAX_SIDE)]
)
def test_absurd_sizes_are_refused(size: tuple[int, int]) -> None:
    mirror = Framebuffer(8, 8)
    with pytest.raises(ValueError, match=f"{size[0]}x{size[1]}"):
        Framebuffer(*size)
    with pytest.raises(ValueError, match="are possible"):
        mirror.resize(*size)
    assert mirror.pixels.shape == (8, 8, 4)


@pytest.mark.parametrize("rect", [Rect(-1, 0, 2, 2), Rect(7, 7, 2, 2), Rect(0, 9, 1, 1)])
def test_pixels_outside_are_refused(rect: Rect) -> None:
    mirror = Framebuffer(8, 8)
    with pytest.raises(ValueError, match="outside"):
        mirror.put(rect, np.zeros((rect.height, rect.width, 4), np.uint8))
    with pytest.raises(ValueError, match="outside"):
        mirror.snapshot(rect)
    with pytest.raises(ValueError, match="outside"):
        mirror.copy(Rect(0, 0, rect.width, rect.height), rect.x, rect.y)

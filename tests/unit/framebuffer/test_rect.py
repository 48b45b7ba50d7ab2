"""Rectangle arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from webvdi.framebuffer import Rect

rects = st.builds(
    Rect, st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 9), st.integers(0, 9)
)


def pixels(rect: Rect) -> set[tuple[int, int]]:
    return {(x, y) for x in range(rect.x, rect.right) for y in range(rect.y, rect.bottom)}


@given(rects, rects)
def test_intersection_is_what_both_hold(a: Rect, b: Rect) -> None:
    assert pixels(a.intersect(b)) == pixels(a) & pixels(b)
    assert a.intersect(b).area == len(pixels(a) & pixels(b))


@given(rects, rects)
def test_union_holds_both(a: Rect, b: Rect) -> None:
    assert pixels(a) | pixels(b) <= pixels(a.union(b))


@given(rects)
def test_fits_is_being_a_subset(a: Rect) -> None:
    inside = a.fits(8, 8)
    if a.area:
        assert inside == (pixels(a) <= pixels(Rect(0, 0, 8, 8)))

"""Where others point: seen soon, not too often, not for ever, and only by others."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from unit.managed.harness import FakeViewer, Playbook
from webvdi.display.source import PointerModeChanged
from webvdi.managed.messages import ViewerId
from webvdi.managed.pointers import EVERY_S, HIDE_AFTER_S, Pointers
from webvdi.wire import from_viewer as up
from webvdi.wire.to_viewer import RemotePointer, Role

ONE, TWO = ViewerId(1), ViewerId(2)


def seen(book: Playbook, viewer: FakeViewer) -> list[RemotePointer]:
    book.deliver(viewer)
    pointers = [m for m in viewer.picture.heard if isinstance(m, RemotePointer)]
    viewer.picture.heard.clear()
    return pointers


def test_the_first_move_is_told_at_once_and_the_last_one_in_time() -> None:
    pointers = Pointers()
    pointers.moved(ONE, 1, 1, 10.0)
    assert pointers.news(10.0) == [RemotePointer(1, True, 1, 1)]
    pointers.moved(ONE, 2, 2, 10.01)
    pointers.moved(ONE, 3, 3, 10.02)
    assert pointers.news(10.02) == []
    assert pointers.due == 10.0 + EVERY_S
    assert pointers.news(10.0 + EVERY_S) == [RemotePointer(1, True, 3, 3)]
    assert pointers.news(11.0) == []


def test_a_pointer_that_rests_is_hidden_and_comes_back_when_it_moves() -> None:
    pointers = Pointers()
    pointers.moved(ONE, 1, 1, 10.0)
    pointers.news(10.0)
    pointers.moved(ONE, 1, 1, 12.0)  # did not move
    assert pointers.due == 10.0 + HIDE_AFTER_S
    assert pointers.news(10.0 + HIDE_AFTER_S) == [RemotePointer(1, False, 0, 0)]
    assert pointers.shown() == []
    pointers.moved(ONE, 1, 1, 20.0)
    assert pointers.news(20.0) == [RemotePointer(1, True, 1, 1)]


@given(st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.floats(0, 0.2), st.integers(0, 9))))
def test_nobody_is_told_of_one_pointer_more_often_than_agreed(
    moves: list[tuple[ViewerId, float, int]],
) -> None:
    pointers, now = Pointers(), 0.0
    told: dict[int, list[float]] = {1: [], 2: []}
    for viewer, pause, x in moves:
        now += pause
        pointers.moved(viewer, x, 0, now)
        for news in pointers.news(now):
            told[news.viewer].append(now)
    for times in told.values():
        assert all(b - a >= EVERY_S * 0.999 for a, b in pairwise(times))


def test_others_see_it_whether_it_reaches_the_guest_or_not() -> None:
    book = Playbook()
    owner, looks = book.attach(subject="a"), book.attach(Role.OBSERVER, "b")
    book.say(looks, up.Pointer(1, 7, 8, 1))
    assert seen(book, owner) == [RemotePointer(2, True, 7, 8)]
    assert seen(book, looks) == []
    book.say(owner, up.Pointer(1, 3, 4, 0))
    assert seen(book, looks) == [RemotePointer(1, True, 3, 4)]
    book.pass_time(HIDE_AFTER_S + 1)
    assert seen(book, owner) == [RemotePointer(2, False, 0, 0)]


def test_the_pointer_of_who_leaves_is_hidden() -> None:
    book = Playbook()
    a, b = book.attach(subject="a"), book.attach(subject="b")
    book.say(b, up.Pointer(1, 7, 8, 0))
    book.cut(b)
    assert seen(book, a) == [RemotePointer(2, True, 7, 8), RemotePointer(2, False, 0, 0)]


def test_who_comes_or_looks_again_is_shown_where_others_point() -> None:
    book = Playbook()
    a = book.attach(subject="a")
    book.say(a, up.Pointer(1, 7, 8, 0))
    b = book.attach(subject="b")
    assert seen(book, b) == [RemotePointer(1, True, 7, 8)]
    book.say(b, up.Visibility(False))
    book.say(a, up.Pointer(2, 9, 9, 0))
    book.pass_time(1)
    assert seen(book, b) == []
    book.say(b, up.Visibility(True))
    assert seen(book, b) == [RemotePointer(1, True, 9, 9)]


def test_a_guest_that_takes_motions_has_no_places_to_show() -> None:
    book = Playbook()
    a, b = book.attach(subject="a"), book.attach(subject="b")
    book.display(PointerModeChanged(False))
    book.say(a, up.Motion(1, 5, 5, 0), up.Wheel(2, 0, 0, 0, 1))
    assert seen(book, b) == []

"""A viewer's hands."""

from hypothesis import given
from hypothesis import strategies as st

from webvdi.managed.input import MAX_HELD, Hands, rfb_buttons
from webvdi.managed.messages import Move, Point, Press, RequestSize, SetClipboard
from webvdi.wire.from_viewer import (
    Clipboard,
    Key,
    Motion,
    Pointer,
    ReleaseKeys,
    ScreenSize,
    Text,
    Wheel,
)

keys = st.builds(
    Key, st.just(1), st.booleans(), st.sampled_from([0, 97, 98]), st.sampled_from([0, 30, 48])
)


@given(st.lists(keys, max_size=40))
def test_after_release_nothing_is_down(script: list[Key]) -> None:
    hands = Hands()
    down: set[tuple[int, int]] = set()
    for command in [c for k in script for c in hands.handle(k)] + hands.release():
        assert isinstance(command, Press)
        identity = (command.scancode, 0) if command.scancode else (0, command.keysym)
        if command.down:
            down.add(identity)
        else:
            down.remove(identity)  # KeyError: went up without having been down
    assert not down


def test_the_key_that_goes_up_is_the_one_that_went_down_whatever_shift_made_of_it() -> None:
    hands = Hands()
    hands.handle(Key(1, True, ord("A"), 30))
    assert hands.handle(Key(2, False, ord("a"), 30)) == [Press(False, ord("a"), 30)]


def test_repeats_go_through() -> None:
    hands = Hands()
    for _ in range(3):
        assert hands.handle(Key(1, True, 97, 30)) == [Press(True, 97, 30)]


def test_held_keys_are_bounded() -> None:
    hands = Hands()
    for scancode in range(1, MAX_HELD + 5):
        hands.handle(Key(1, True, 0, scancode))
    assert len(hands.release()) == MAX_HELD


def test_buttons_are_released_where_the_pointer_is() -> None:
    hands = Hands()
    hands.handle(Pointer(1, 10, 20, 0b101))
    assert hands.handle(ReleaseKeys(2)) == [Point(10, 20, 0)]
    assert hands.release() == []


def test_back_and_forward_lie_behind_the_wheel() -> None:
    assert rfb_buttons(0b00111) == 0b111
    assert rfb_buttons(0b01000) == 1 << 7
    assert rfb_buttons(0b10000) == 1 << 8


def test_in_relative_mode_no_position_is_sent() -> None:
    hands = Hands()
    hands.handle(Motion(1, 3, 4, 1))
    assert hands.handle(Wheel(2, 50, 60, 0, 1)) == [Move(0, 0, 0b10001), Move(0, 0, 1)]
    assert hands.release() == [Move(0, 0, 0)]


def test_a_notch_is_a_button_that_goes_down_and_up() -> None:
    hands = Hands()
    hands.handle(Pointer(1, 1, 1, 1))
    assert hands.handle(Wheel(2, 5, 6, 0, -2)) == [
        Point(5, 6, 0b1001),
        Point(5, 6, 1),
        Point(5, 6, 0b1001),
        Point(5, 6, 1),
    ]
    assert hands.handle(Wheel(3, 5, 6, 1, 0))[0] == Point(5, 6, 1 << 6 | 1)


def test_the_rest_is_passed_on() -> None:
    hands = Hands()
    assert hands.handle(Motion(1, -3, 4, 1)) == [Move(-3, 4, 1)]
    assert hands.handle(Clipboard(2, "x")) == [SetClipboard("x")]
    assert hands.handle(ScreenSize(3, 800, 600)) == [RequestSize(800, 600)]
    assert hands.handle(Text(4, "x")) == []


def test_each_number_once_and_forward() -> None:
    hands = Hands()
    assert hands.fresh(ReleaseKeys(5))
    assert not hands.fresh(ReleaseKeys(5))
    assert not hands.fresh(ReleaseKeys(4))
    assert hands.fresh(ReleaseKeys(9))
    assert hands.last_input == 9

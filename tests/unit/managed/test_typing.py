"""Text becomes keystrokes, at a pace that guests can take."""

import string

from hypothesis import given
from hypothesis import strategies as st

from webvdi.managed.typing import MAX_AT_ONCE, MAX_WAITING, Stroke, Typist, keysym_of, strokes_for


@given(st.characters())
def test_every_stroke_that_goes_down_comes_up(character: str) -> None:
    held: list[tuple[int, int]] = []
    for stroke in strokes_for(character):
        key = (stroke.keysym, stroke.scancode)
        if stroke.down:
            held.append(key)
        else:
            held.remove(key)
    assert not held


def test_all_of_ascii_has_a_key() -> None:
    for character in string.printable.replace("\x0b", "").replace("\x0c", "").replace("\r", ""):
        assert all(stroke.scancode for stroke in strokes_for(character)), repr(character)


def test_shifted_characters_hold_shift() -> None:
    assert [s.scancode for s in strokes_for("!")] == [0x2A, 0x02, 0x02, 0x2A]
    assert [s.scancode for s in strokes_for("1")] == [0x02, 0x02]
    assert [s.scancode for s in strokes_for("?")] == [0x2A, 0x35, 0x35, 0x2A]


def test_other_characters_go_by_keysym() -> None:
    assert strokes_for("あ") == [Stroke(True, 0x01003042, 0), Stroke(False, 0x01003042, 0)]
    assert keysym_of("é") == 0xE9
    assert keysym_of("€") == 0x010020AC


def test_the_pace_is_kept() -> None:
    typist = Typist()
    assert typist.type("ab\r\nc")
    now, typed = 0.0, 0
    while (due := typist.due) is not None:
        now = max(now, due)
        typed += len(typist.strokes(now))
        assert not typist.strokes(now), "two characters at once"
    assert typed == 8
    assert now >= 6 / 160


def test_a_key_lets_a_word_out_and_ends_a_page() -> None:
    typist = Typist()
    typist.type("ab")
    assert [s.scancode for s in typist.interrupt()] == [0x1E, 0x1E, 0x30, 0x30]
    assert typist.due is None
    typist.type("x" * (MAX_AT_ONCE + 1))
    assert typist.interrupt() == []
    assert typist.due is None


def test_too_much_text_is_refused_whole() -> None:
    typist = Typist()
    assert typist.type("a" * MAX_WAITING)
    assert not typist.type("b")

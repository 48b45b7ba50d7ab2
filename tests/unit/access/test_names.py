"""Names that others are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.access.names import MAX_NAME, display_name


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", ""),
        ("  Ada\n Lovelace\t", "Ada Lovelace"),
        ("  Aki\n\tTanaka\x00 ", "Aki Tanaka"),
        ("\x1b[31mred\x00", "[31mred"),
        ("\u202eevil", "evil"),
        ("秋\u202e子", "秋 子"),
        ("花子", "花子"),
        ("x" * 1000, "x" * MAX_NAME),
        (" " * 100_000 + "x", ""),
    ],
)
def test_a_name_is_one_printable_line_and_not_endless(asked: str, shown: str) -> None:
    assert display_name(asked) == shown


@given(st.text())
def test_any_name_is_bounded_and_printable(asked: str) -> None:
    shown = display_name(asked)
    assert len(shown) <= MAX_NAME
    assert shown == shown.strip()
    assert shown.isprintable()
    assert display_name(shown) == shown

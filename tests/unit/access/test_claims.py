"""Signed claims, whatever they hold."""

from hypothesis import given
from hypothesis import strategies as st

from webvdi.access.claims import sign, verify


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=5))
def test_what_is_signed_is_read_back(claims: dict[str, str]) -> None:
    full = {**claims, "expires": 10}
    assert verify("test", sign("test", full, b"key"), b"key", now=9) == full

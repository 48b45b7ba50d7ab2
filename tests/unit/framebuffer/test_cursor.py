"""A pointer's picture has as many bytes as its size says."""

import pytest

from webvdi.framebuffer import Cursor


def test_bytes_fit_the_size() -> None:
    assert Cursor(2, 1, 0, 0, bytes(8)).rgba == bytes(8)
    assert Cursor(0, 0, 0, 0, b"").rgba == b""
    with pytest.raises(ValueError, match="2x1 cursor has 8 bytes, not 7"):
        Cursor(2, 1, 0, 0, bytes(7))

"""Frames, however the bytes come."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.base.errors import RemoteProtocolError
from webvdi.link.frames import FrameReader, frame


@given(st.lists(st.binary(max_size=20), max_size=8), st.lists(st.integers(0, 60), max_size=8))
def test_any_split_gives_the_same_frames(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(m) for m in messages)
    reader = FrameReader(20)
    found = []
    edges = sorted({0, len(stream), *(c for c in cuts if c < len(stream))})
    for start, end in pairwise(edges):
        found += reader.feed(stream[start:end])
    assert found == messages
    assert reader.rest() == b""


def test_a_frame_over_the_bound_is_refused_before_it_is_kept() -> None:
    reader = FrameReader(20)
    with pytest.raises(RemoteProtocolError, match="20 is the most"):
        reader.feed((21).to_bytes(4, "big"))

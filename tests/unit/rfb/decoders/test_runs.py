"""Run lengths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.rfb.encoders import zrle_length
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.decoders.runs import coloured_runs, run_length


@pytest.mark.parametrize("length", [1, 2, 254, 255, 256, 257, 510, 511, 4096])
def test_a_length(length: int) -> None:
    data = b"x" + zrle_length(length) + b"y"
    assert run_length(data, 1, len(data)) == (length, len(data) - 1)
    with pytest.raises(RemoteProtocolError, match="cut short"):
        run_length(data, 1, len(data) - 2)


@given(runs=st.lists(st.tuples(st.integers(0, 0xFFFFFF), st.integers(1, 700)), min_size=1))
def test_runs_of_every_length_among_each_other(runs: list[tuple[int, int]]) -> None:
    data = b"".join(c.to_bytes(3, "little") + zrle_length(n) for c, n in runs)
    size = sum(n for _, n in runs)
    words, position = coloured_runs(data + b"rest", 0, len(data) + 4, size)
    colours, lengths = zip(*runs, strict=True)
    np.testing.assert_array_equal(words & 0xFFFFFF, np.repeat(colours, lengths))
    assert position == len(data)

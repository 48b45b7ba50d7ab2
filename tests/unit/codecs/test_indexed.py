"""The indexed codec's bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.codecs import pictures
from unit.codecs.decoding import pixels_of, unpacked
from webvdi.codecs.indexed import bits_for, encode_indexed, pack_indices
from webvdi.codecs.palette import Indexed, indexed


def test_the_bytes_are_the_documented_ones() -> None:
    colours = np.array([0x112233, 0x445566, 0x778899], np.uint32)
    indices = np.array([[0, 1, 2, 0, 2]], np.uint8)
    packed = bytes([0b00011000, 0b10000000])
    assert encode_indexed(Indexed(colours, indices)) == (
        b"\x02\x11\x22\x33\x44\x55\x66\x77\x88\x99" + packed
    )


@pytest.mark.parametrize(
    ("colours", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)]
)
def test_bits_an_index(colours: int, bits: int) -> None:
    assert bits_for(colours) == bits


@given(
    st.sampled_from([1, 2, 4, 8]),
    st.integers(1, 40),
    st.integers(1, 10),
    st.integers(0, 2**32 - 1),
)
def test_packing(bits: int, width: int, height: int, seed: int) -> None:
    indices = np.random.default_rng(seed).integers(0, 1 << bits, (height, width), np.uint8)
    packed = pack_indices(indices, bits)
    assert packed.shape == (height, -(-width * bits // 8))
    for row, line in zip(indices.tolist(), packed.tolist(), strict=True):
        digits = "".join(f"{index:0{bits}b}" for index in row)
        assert "".join(f"{byte:08b}" for byte in line) == digits.ljust(8 * len(line), "0")


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 256), st.integers(0, 2**32 - 1))
def test_what_is_encoded_decodes(width: int, height: int, colours: int, seed: int) -> None:
    rgb = pictures.of_colours(width, height, colours, seed)
    picture = indexed(pixels_of(rgb))
    assert picture is not None
    assert np.array_equal(unpacked(encode_indexed(picture), width, height), rgb)

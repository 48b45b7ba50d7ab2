"""Pictures compared."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.pictures import TILE, Difference, digest, lossless_bytes, of_data_url

RANDOM = np.random.default_rng(4)
NOISE = RANDOM.integers(0, 256, (50, 70, 3), np.uint8)


def test_a_canvas_comes_as_a_data_url() -> None:
    file = io.BytesIO()
    Image.fromarray(NOISE).save(file, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    assert np.array_equal(of_data_url(url), NOISE)


def test_differences_are_counted_by_pixels() -> None:
    other = NOISE.copy()
    other[3, 4] = NOISE[3, 4] ^ 1
    other[9, 9, 2] ^= 0x80
    assert Difference.between(NOISE, NOISE) == Difference(0, 0)
    assert Difference.between(NOISE, other) == Difference(2, 128)
    with pytest.raises(ValueError, match="pictures of"):
        Difference.between(NOISE, NOISE[1:])


def test_only_what_is_wrong_need_be_sent() -> None:
    shown = NOISE.copy()
    assert lossless_bytes(shown, NOISE) == 0
    shown[20, 20] ^= 1
    one_tile = lossless_bytes(shown, NOISE)
    assert 3 * TILE * TILE < one_tile < 3 * TILE * TILE + 400
    assert lossless_bytes(255 - NOISE, NOISE) > 8 * one_tile


def test_a_digest_notices_places_and_values() -> None:
    swapped = NOISE.copy()
    swapped[0, [0, 1]] = swapped[0, [1, 0]]
    changed = NOISE.copy()
    changed[49, 69, 0] ^= 1
    assert len({digest(NOISE), digest(swapped), digest(changed)}) == 3

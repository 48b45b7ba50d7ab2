"""The gradient filter."""

import numpy as np
import pytest

from webvdi.rfb.decoders.gradient import undo_gradient


def by_definition(data: bytes, width: int, height: int) -> list[list[list[int]]]:
    """rfbproto's words, pixel by pixel."""
    out = [[[0, 0, 0] for _ in range(width + 1)] for _ in range(height + 1)]
    values = iter(data)
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            for c in range(3):
                predicted = out[y][x - 1][c] + out[y - 1][x][c] - out[y - 1][x - 1][c]
                out[y][x][c] = (min(max(predicted, 0), 255) + next(values)) % 256
    return [row[1:] for row in out[1:]]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (9, 1), (7, 5), (5, 7), (20, 20)])
def test_as_defined(width: int, height: int) -> None:
    data = np.random.default_rng(width).integers(0, 256, width * height * 3, np.uint8).tobytes()
    words = undo_gradient(data, width, height)
    colours = [[[w >> 16, w >> 8 & 255, w & 255] for w in row] for row in words.tolist()]
    assert colours == by_definition(data, width, height)


@pytest.mark.parametrize("size", [(0, 0), (0, 3), (3, 0)])
def test_nothing(size: tuple[int, int]) -> None:
    assert undo_gradient(b"", *size).size == 0

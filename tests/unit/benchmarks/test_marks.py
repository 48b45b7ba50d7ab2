"""Numbers on the screen, also as a lossy codec leaves them."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.marks import HEIGHT, NUMBERS, UNREADABLE, WIDTH, black_cells, later, read

numbers = st.integers(0, NUMBERS - 1)


def painted(number: int, x: int = 0, y: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = np.full((HEIGHT + 40, WIDTH + 40, 3), 120, np.uint8)
    picture[y : y + HEIGHT, x : x + WIDTH] = 255
    for left, top, width, height in black_cells(number, x, y):
        picture[top : top + height, left : left + width] = 0
    return picture


@given(numbers)
def test_a_number_is_read_back(number: int) -> None:
    assert read(painted(number)[HEIGHT // 2, :WIDTH, 0].tolist()) == number


@given(numbers, st.integers(0, 39), st.integers(0, 39), st.sampled_from((30, 50, 80)))
def test_jpeg_does_not_hurt_it(number: int, x: int, y: int, quality: int) -> None:
    file = io.BytesIO()
    Image.fromarray(painted(number, x, y)).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        grey = np.asarray(image.convert("L"))
    assert read(grey[y + HEIGHT // 2, x : x + WIDTH].tolist()) == number


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_a_plain_row_is_no_mark(grey: int) -> None:
    assert read([grey] * WIDTH) == UNREADABLE


@given(numbers, st.integers(0, 19))
def test_a_single_wrong_cell_is_noticed(number: int, cell: int) -> None:
    row = painted(number)[HEIGHT // 2, :WIDTH, 0]
    row[8 * cell : 8 * cell + 8] ^= 255
    assert read(row.tolist()) == UNREADABLE


def test_numbers_go_around() -> None:
    assert later(1, than=0)
    assert not later(0, than=1)
    assert not later(7, than=7)
    assert later(3, than=NUMBERS - 3)

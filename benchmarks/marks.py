"""Numbers on the screen that a page's canvas can be asked for, whatever codec brought them there.

A mark is a row of cells, black or white: a 16-bit number, high bit first, and four bits to check
it.  Cells are as wide as the blocks of JPEG, so that no quality blurs their middles.
"""

from collections.abc import Sequence

CELL = 8
"""Pixels across."""

HEIGHT = 16
"""Pixels."""

NUMBER_BITS, CHECK_BITS = 16, 4
BITS = NUMBER_BITS + CHECK_BITS
WIDTH = BITS * CELL
NUMBERS = 1 << NUMBER_BITS
"""Numbers go around after so many."""

UNREADABLE = -1


def bits(number: int) -> list[int]:
    """The cells of *number*, 1 for black."""
    code = number << CHECK_BITS | check(number)
    return [code >> place & 1 for place in reversed(range(BITS))]


def check(number: int) -> int:
    """The check bits; not 0 for 0, so that a white or black row is no mark."""
    return (number ^ number >> 4 ^ number >> 8 ^ number >> 12 ^ 0b0110) & 0b1111


def black_cells(number: int, x: int, y: int) -> list[tuple[int, int, int, int]]:
    """Rectangles (x, y, width, height) to paint black on a white mark at *x*, *y*."""
    return [(x + CELL * i, y, CELL, HEIGHT) for i, bit in enumerate(bits(number)) if bit]


def read(row: Sequence[int]) -> int:
    """The number in a row of brightnesses, 0 to 255, as wide as a mark; else UNREADABLE."""
    code = 0
    for cell in range(BITS):
        code = code << 1 | (row[CELL * cell + CELL // 2] < 128)
    number = code >> CHECK_BITS
    return number if code == number << CHECK_BITS | check(number) else UNREADABLE


def later(number: int, than: int) -> bool:
    """Whether *number* comes after *than*, for numbers that go around."""
    return 0 < (number - than) % NUMBERS < NUMBERS // 2

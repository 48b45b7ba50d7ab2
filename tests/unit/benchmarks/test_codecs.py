"""The pictures are always the same, and each figure is of the picture it names."""

import numpy as np
import pytest

from benchmarks.samples import Spread
from benchmarks.specimens import PICTURES, as_pixels
from benchmarks.workloads.codecs import Figure, Work, measured, table, works


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_always_the_same(name: str) -> None:
    first, again = PICTURES[name](), PICTURES[name]()
    assert first.dtype == np.uint8
    assert first.shape == (800, 1280, 3)
    assert np.array_equal(first, again)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("X core font text", 2, 2),
        ("antialiased text", 20, 256),
        ("text in colours", 257, 4000),
        ("subpixel text", 1000, 10000),
        ("photograph", 100_000, 1 << 24),
    ],
)
def test_colours(name: str, least: int, most: int) -> None:
    words = as_pixels(PICTURES[name]()).view(np.uint32)
    assert least <= len(np.unique(words)) <= most


def test_all_work_is_done() -> None:
    pixels = as_pixels(PICTURES["X core font text"]()[:96, :640])
    figures = [measured("text", name, work, 2) for name, work in works(pixels).items()]
    assert [figure.codec for figure in figures] == ["", "png", "png", "sheet", "sheet"]
    assert all(figure.kb_per_megapixel > 0 for figure in figures)
    assert all(figure.ms_per_megapixel.low > 0 for figure in figures)


def test_figures_are_per_megapixel() -> None:
    figure = measured("a", "b", Work(lambda: ("png", 3000), 500_000), 1)
    assert (figure.codec, figure.kb_per_megapixel) == ("png", 6.0)


def test_the_table_names_a_picture_once() -> None:
    figures = [Figure("a", work, "png", Spread(1, 0.5, 2), 7.25) for work in ("x", "y")]
    assert table(figures).splitlines()[2:] == [
        "| a | x | png | 1.00 (0.50–2.00) | 7.2 |",
        "|  | y | png | 1.00 (0.50–2.00) | 7.2 |",
    ]

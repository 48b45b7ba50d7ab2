"""PNG's filters, undone by a decoder that is not ours."""

import numpy as np
import pytest

from unit.codecs import pictures
from unit.codecs.decoding import image, pixels_of
from webvdi.codecs import filters
from webvdi.codecs.filters import filtered_rows
from webvdi.codecs.png import rgb_png


@pytest.mark.parametrize("kind", filters._FILTERS)
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 9), (5, 40), (97, 101)])
def test_each_filter(kind: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    only = filters._FILTERS[kind]
    monkeypatch.setattr(filters, "_FILTERS", {kind: only})
    monkeypatch.setattr(filters, "_EQUAL_IN_SMOOTH", 2.0)
    rgb = np.random.default_rng(kind).integers(0, 256, (size[1], size[0], 3), np.uint8)
    pixels = pixels_of(rgb)
    assert set(filtered_rows(pixels)[:, 0].tolist()) == {kind}
    assert np.array_equal(image(rgb_png(pixels)), rgb)


def test_text_is_not_filtered_and_photographs_are() -> None:
    text, photo = pictures.text(200, 64), pictures.photograph(200, 64)
    rows = filtered_rows(pixels_of(np.vstack([text, photo])))
    assert set(rows[:64, 0].tolist()) == {0}
    assert 0 not in rows[64:, 0]


def test_rows_that_equal_those_above_take_nothing() -> None:
    ramp = np.random.default_rng(1).integers(0, 256, (1, 300, 3), np.uint8)
    pixels = pixels_of(ramp.repeat(200, axis=0))
    assert len(rgb_png(pixels)) < 2500

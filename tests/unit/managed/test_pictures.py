"""Pictures as files: small ones fit, whole ones are exact."""

import io

import numpy as np
import pytest
from PIL import Image

from webvdi.framebuffer import Pixels
from webvdi.managed import pictures
from webvdi.managed.pictures import NoPicture, Picture, render


def noise(width: int, height: int) -> Pixels:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 4), np.uint8)
    pixels[:, :, 3] = 255
    return pixels


def test_a_whole_picture_is_exact() -> None:
    pixels = noise(40, 30)
    picture = render(pixels, "v", 0, 0)
    assert isinstance(picture, Picture)
    assert (picture.version, picture.media_type) == ("v", "image/png")
    shown = np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB"))
    assert np.array_equal(shown, pixels[:, :, 2::-1])


@pytest.mark.parametrize(
    ("space", "size"), [((320, 200), (40, 30)), ((20, 20), (20, 15)), ((1, 1), (1, 1))]
)
def test_a_thumbnail_fits_and_is_never_larger_than_the_screen(
    space: tuple[int, int], size: tuple[int, int]
) -> None:
    picture = render(noise(40, 30), "v", *space)
    assert isinstance(picture, Picture)
    assert (picture.width, picture.height) == size
    assert Image.open(io.BytesIO(picture.data)).size == size


def test_what_is_too_large_to_be_told_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PICTURE_BYTES", 100)
    answer = render(noise(40, 30), "v", 0, 0)
    assert isinstance(answer, NoPicture)
    assert "too large" in answer.words

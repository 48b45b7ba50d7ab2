"""Pictures of a kind, for tests of codecs."""

import numpy as np

from unit.codecs.decoding import Rgb


def of_colours(width: int, height: int, colours: int, seed: int) -> Rgb:
    """Noise of at most so many colours."""
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 3), np.uint8)
    rgb: Rgb = palette[random.integers(0, colours, (height, width))]
    return rgb


def with_every_colour(width: int, height: int, colours: int, seed: int) -> Rgb:
    """Noise of exactly so many colours (of an area that has room for them)."""
    random = np.random.default_rng(seed)
    codes = random.choice(1 << 24, colours, replace=False)
    which = np.concatenate(
        (np.arange(colours), random.integers(0, colours, width * height - colours))
    )
    words = codes[random.permutation(which)].reshape(height, width)
    return np.dstack([words >> 16, words >> 8, words]).astype(np.uint8)


def photograph(width: int, height: int, seed: int = 1) -> Rgb:
    """Smooth in both directions, with a camera's noise; no two neighbours are likely equal."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin((x + 3 * y) / 23), np.sin((2 * y - x) / 31), np.sin((x + y) / 47)]
    rgb = 128 + 70 * np.dstack(waves) + random.normal(0, 4, (height, width, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def text(width: int, height: int, seed: int = 1) -> Rgb:
    """Black strokes on white, about as dense as a page of text."""
    random = np.random.default_rng(seed)
    rgb = np.full((height, width, 3), 255, np.uint8)
    strokes = max(1, width * height // 60)
    ys, xs = random.integers(0, height, strokes), random.integers(0, width, strokes)
    for y, x in zip(ys.tolist(), xs.tolist(), strict=True):
        rgb[y, x : x + 4] = 0
    return rgb


def psnr(one: Rgb, other: Rgb) -> float:
    """How alike two pictures are, in dB."""
    error = np.mean((one.astype(int) - other) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))

"""The viewer's screen in real browsers, fed with messages, draws what it should, bit for bit."""

from collections.abc import Iterator

import numpy as np
import pytest

from support.drawing import Evaluate, Screen, serving
from support.firefox import firefox
from support.page import chromium
from support.viewer_pieces import Scribbler, copy, noise, png
from webvdi.wire.pieces import Run, piece_of_runs
from webvdi.wire.to_viewer import Codec, Desktop, Update

pytestmark = pytest.mark.browser


@pytest.fixture(
    scope="module", params=["chromium", "chromium-plain-http", "chromium-gpu", "firefox"]
)
def evaluate(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evaluate]:
    """Runs a script in a page of a browser that has the viewer's modules."""
    with serving() as url:
        if request.param == "firefox":
            with firefox(tmp_path_factory.mktemp("firefox")) as other, other.page() as tab:
                tab.open(url)
                yield tab.evaluate
        else:
            with chromium(gpu=request.param == "chromium-gpu") as browser:
                page = browser.new_page()
                if request.param == "chromium-plain-http":  # no secure context, no WebCodecs
                    page.add_init_script("delete globalThis.ImageDecoder")
                page.goto(url)
                yield page.evaluate


@pytest.mark.parametrize("seed", [1, 2])
def test_every_exact_codec_draws_what_it_should(evaluate: Evaluate, seed: int) -> None:
    screen = Screen(evaluate)
    number = 0
    for width, height in ((601, 335), (640, 360)):  # with tiles that are cut off, and without
        scribbler = Scribbler(width, height, seed)
        screen.show(
            Desktop(width, height),
            Update(number + 1, lossy=False, pieces=(scribbler.background(),)),
        )
        number += 1
        for _ in range(4):
            updates = [
                Update(number + n, lossy=False, pieces=scribbler.pieces(6)) for n in range(1, 5)
            ]
            number += len(updates)
            screen.show(*updates)


def test_under_load_what_comes_between_frames_is_drawn_together(evaluate: Evaluate) -> None:
    screen = Screen(evaluate)
    whole = [copy(0, 0, 640, 358, (0, 2)) for _ in range(600)]  # takes its time
    updates = [
        Update(n, lossy=False, pieces=tuple(whole if n == 1 else whole[:1])) for n in range(1, 9)
    ]
    screen.show(Desktop(640, 360), *updates)
    assert screen.tasks == [[1], [2, 3, 4, 5, 6, 7, 8]]


def test_a_large_png_is_as_exact_as_a_small_one(evaluate: Evaluate) -> None:
    screen = Screen(evaluate)
    large = png(3, 2, noise(760, 400, 1))  # more than 512 × 512 pixels: by way of a blob
    small = png(40, 50, noise(20, 10, 2))
    screen.show(Desktop(800, 420), Update(1, lossy=False, pieces=(large, small)))


def test_the_old_picture_stays_until_there_is_one_of_the_new_size(evaluate: Evaluate) -> None:
    screen = Screen(evaluate)
    screen.show(Desktop(640, 360), Update(1, lossy=False, pieces=(png(0, 0, noise(640, 360, 3)),)))
    before = screen.model.rgb
    screen.tell(Desktop(700, 300))
    assert np.array_equal(screen.look()[1], before)
    # Black where nothing is drawn yet, and nowhere the old picture.
    screen.show(Update(2, lossy=False, pieces=(png(20, 10, noise(600, 200, 4)),)))


def test_tiles_from_here_and_there_are_kept_and_drawn(evaluate: Evaluate) -> None:
    screen = Screen(evaluate)
    columns, rows = 41, 23  # the last ones are cut off
    places = [(n % columns, n // columns) for n in range(0, columns * rows, 3)]
    keep, cached = (
        piece_of_runs(codec, [Run(*at, 120 + n, 1) for n, at in enumerate(tiles)], 650, 364)
        for codec, tiles in ((Codec.KEEP, places), (Codec.CACHED, places[::-1]))
    )
    screen.show(
        Desktop(650, 364),
        Update(1, lossy=False, pieces=(png(0, 0, noise(650, 364, 5)), keep)),
        Update(2, lossy=False, pieces=(cached,)),
    )

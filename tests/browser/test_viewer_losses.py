"""Browsers drop pixels when the GPU's process dies: the picture comes anew, and is right."""

import pytest

from support.drawing import Screen, serving
from support.page import chromium
from support.processes import wait_until
from support.viewer_pieces import noise, png
from webvdi.wire.pieces import Run, piece_of_runs
from webvdi.wire.to_viewer import Codec, Desktop, Update

pytestmark = pytest.mark.browser


def test_when_the_gpus_process_dies_the_picture_is_asked_for_anew_and_is_right() -> None:
    with serving() as url, chromium(gpu=True) as browser:
        page = browser.new_page()
        page.goto(url)
        screen = Screen(page.evaluate)
        whole = png(0, 0, noise(640, 360, 9))
        kept = piece_of_runs(Codec.KEEP, [Run(0, 0, 0, 40)], 640, 360)
        screen.show(Desktop(640, 360), Update(1, lossy=False, pieces=(whole, kept)))
        browser.new_browser_cdp_session().send("Browser.crashGpuProcess")
        wait_until(lambda: page.evaluate("() => window.failures.length"), "the loss to be told")
        assert set(page.evaluate("() => window.failures")) == {"picture_lost"}
        cached = piece_of_runs(Codec.CACHED, [Run(0, 5, 0, 40)], 640, 360)

        def comes_anew() -> bool:
            """As after a fresh attach: what was kept is kept anew before it is drawn."""
            page.evaluate("() => window.reset()")
            first = Update(1, lossy=False, pieces=(whole, kept, cached))
            failures = screen.attempt(Desktop(640, 360), first)
            assert set(failures) <= {"picture_lost"}  # each canvas may tell its loss in its turn
            return not failures

        wait_until(comes_anew, "the picture to come anew")

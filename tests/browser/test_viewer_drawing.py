"""The viewer's screen in real browsers, fed with messages, draws what it should, bit for bit."""

import base64
import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.firefox import firefox
from support.page import chromium
from support.viewer import Picture, Rgb
from support.viewer_pieces import Scribbler, copy
from webvdi.wire.to_viewer import Desktop, ToViewer, Update, encode_to_viewer

BROWSER = Path(__file__).parents[2] / "src" / "webvdi" / "browser"

Evaluate = Callable[[str, object], Any]

pytestmark = pytest.mark.browser

# A screen of the page's own; show(messages) resolves with what it has drawn, and its pixels.
SET_UP = """async () => {
    const { Screen } = await import('/viewer/screen.js');
    const { decodeToViewer } = await import('/viewer/protocol.js');
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 0;
    document.body.replaceChildren(canvas);
    let tasks = [], last = 0, awaited = 0, done = () => {};
    const settle = () => last >= awaited && done();
    const screen = new Screen(canvas, {
        drawn: (drawn) => {
            tasks.push(drawn.map(({ update }) => update.update));
            last = drawn.at(-1).update.update;
            settle();
        },
        resized: () => {},
        failed: (error) => done(String(error)),
    });
    const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    window.show = async (messages) => {
        tasks = [];
        const ended = new Promise((resolve) => { done = resolve; });
        const decoded = messages.map(bytesOf).map(decodeToViewer);
        awaited = decoded.at(-1).update;
        for (const message of decoded) {
            if (message.type === 'Desktop') screen.desktop(message);
            else screen.update(message);
        }
        settle();
        const error = await ended;
        const { width, height } = canvas;
        const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
        let text = '';
        for (let i = 0; i < data.length; i += 32768) {
            text += String.fromCharCode(...data.subarray(i, i + 32768));
        }
        return { error: error ?? null, tasks, width, height, data: btoa(text),
            lossy: screen.lossyShare };
    };
}"""


class _Files(http.server.SimpleHTTPRequestHandler):
    """The viewer's modules, and an empty page."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>viewer</title><body></body>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    handler = functools.partial(_Files, directory=str(BROWSER))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def evaluate(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evaluate]:
    """Runs a script in a page of a browser that has the viewer's modules."""
    with serving() as url:
        if request.param == "chromium":
            with chromium() as browser:
                page = browser.new_page()
                page.goto(url)
                yield page.evaluate
        else:
            with firefox(tmp_path_factory.mktemp("firefox")) as other, other.page() as tab:
                tab.open(url)
                yield tab.evaluate


class Screen:
    """A screen in the page and its model, shown the same."""

    def __init__(self, evaluate: Evaluate) -> None:
        evaluate(SET_UP, None)
        self.model = Picture()
        self.tasks: list[list[int]] = []
        """The updates that each task has drawn."""
        self._evaluate = evaluate

    def show(self, *messages: ToViewer) -> None:
        """Give both the messages; their pictures are the same after it."""
        data = [encode_to_viewer(message) for message in messages]
        for message in data:
            self.model.take(message)
        told = self._evaluate(
            "(messages) => window.show(messages)", [base64.b64encode(m).decode() for m in data]
        )
        assert told["error"] is None
        self.tasks = told["tasks"]
        rgba = np.frombuffer(base64.b64decode(told["data"]), np.uint8)
        shown: Rgb = rgba.reshape(told["height"], told["width"], 4)[:, :, :3]
        assert shown.shape == self.model.rgb.shape
        differing = int((shown != self.model.rgb).any(axis=2).sum())
        assert differing == 0, f"{differing} pixels differ"
        assert told["lossy"] == 0


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

"""The viewer's screen alone in an empty page, fed with messages, and its model beside it."""

import base64
import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from support.viewer import Picture, Rgb
from webvdi.wire.to_viewer import ToViewer, encode_to_viewer

BROWSER = Path(__file__).parents[2] / "src" / "webvdi" / "browser"

Evaluate = Callable[[str, object], Any]
"""Runs a script in the page, with an argument."""

# A screen of the page's own; tell(messages) gives it some, show(messages) resolves when they are
# drawn, look() says how it stands.
SET_UP = """async () => {
    const { Screen } = await import('/viewer/screen.js');
    const { decodeToViewer } = await import('/viewer/protocol.js');
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 0;
    document.body.replaceChildren(canvas);
    window.failures = [];
    let tasks = [], last = 0, done = () => {};
    const screen = new Screen(canvas, {
        drawn: (drawn) => {
            tasks.push(drawn.map(({ update }) => update.update));
            last = drawn.at(-1).update.update;
            done();
        },
        resized: () => {},
        failed: (error) => { window.failures.push(error.code); done(); },
    });
    window.reset = () => { // as before a fresh attach
        window.failures = [];
        last = 0;
        screen.reset();
        screen.forget();
    };
    const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    window.tell = (messages) => {
        tasks = [];
        for (const message of messages.map(bytesOf).map(decodeToViewer)) {
            if (message.type === 'Desktop') screen.desktop(message);
            else screen.update(message);
        }
    };
    window.show = async (messages) => {
        const awaited = decodeToViewer(bytesOf(messages.at(-1))).update;
        window.tell(messages);
        while (last !== awaited && !window.failures.length) {
            await new Promise((resolve) => { done = resolve; });
        }
    };
    window.look = () => {
        const { width, height } = canvas;
        const { failures } = window;
        const copy = new OffscreenCanvas(width, height); // read from often, it leaves the GPU
        const context = copy.getContext('2d', { alpha: false, willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const { data } = context.getImageData(0, 0, width, height);
        let text = '';
        for (let i = 0; i < data.length; i += 32768) {
            text += String.fromCharCode(...data.subarray(i, i + 32768));
        }
        return { failures, tasks, width, height, data: btoa(text), lossy: screen.lossyShare };
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
    """The address of an empty page that may load the viewer's modules."""
    handler = functools.partial(_Files, directory=str(BROWSER))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


class Screen:
    """A screen in the page and its model, shown the same."""

    def __init__(self, evaluate: Evaluate) -> None:
        evaluate(SET_UP, None)
        self.model = Picture()
        self.tasks: list[list[int]] = []
        """The updates that each task has drawn."""
        self._evaluate = evaluate

    def tell(self, *messages: ToViewer) -> None:
        """Give both the messages, which the one in the page need not draw at once."""
        self._give("(messages) => window.tell(messages)", messages)

    def show(self, *messages: ToViewer) -> None:
        """Give both the messages; their pictures are the same after it."""
        assert self.attempt(*messages) == []

    def attempt(self, *messages: ToViewer) -> list[str]:
        """As :meth:`show`, or the codes of what has failed."""
        self._give("(messages) => window.show(messages)", messages)
        told, shown = self.look()
        self.tasks = told["tasks"]
        failures: list[str] = told["failures"]
        if not failures:
            assert shown.shape == self.model.rgb.shape
            differing = int((shown != self.model.rgb).any(axis=2).sum())
            assert differing == 0, f"{differing} pixels differ"
            assert told["lossy"] == 0
        return failures

    def look(self) -> tuple[dict[str, Any], Rgb]:
        """How the one in the page stands, and its picture."""
        told = self._evaluate("() => window.look()", None)
        rgba = np.frombuffer(base64.b64decode(told["data"]), np.uint8)
        shown: Rgb = rgba.reshape(told["height"], told["width"], 4)[:, :, :3]
        return told, shown

    def _give(self, script: str, messages: tuple[ToViewer, ...]) -> None:
        data = [encode_to_viewer(message) for message in messages]
        for message in data:
            self.model.take(message)
        self._evaluate(script, [base64.b64encode(m).decode() for m in data])

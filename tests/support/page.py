"""The real page in a real browser: Debian's Chromium, headless, driven by Playwright."""

import base64
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from support.processes import PATIENCE_S, wait_until
from support.viewer import Rgb

CHROMIUM = os.environ.get("WEBVDI_CHROMIUM", "/usr/bin/chromium")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# The way that pages are drawn with a GPU, which is software here.
WITH_GPU = [
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--ignore-gpu-blocklist",
    "--enable-gpu-rasterization",
    "--enable-unsafe-swiftshader",
]


@contextmanager
def chromium(*, gpu: bool = False) -> Iterator[Browser]:
    """A headless Chromium, drawing as with a GPU where asked; fails where there is none."""
    arguments = [a for a in ARGUMENTS if a != "--disable-gpu"] + WITH_GPU if gpu else ARGUMENTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


# Every canvas of the page, drawn where it lies on the page, read back as it is shown.
READ_PICTURE = """() => {
    const canvas = window.webvdi?.viewer?.canvas;
    if (!canvas || !canvas.width) return null;
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext('2d', { alpha: false });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = '';
    for (let i = 0; i < data.length; i += 32768) {
        text += String.fromCharCode(...data.subarray(i, i + 32768));
    }
    return { width: canvas.width, height: canvas.height, data: btoa(text) };
}"""

# Resolves with the milliseconds from the next key press to the next frame that shows a change.
_TIME_NEXT_KEY = """([x, y, width, height]) => new Promise((resolve) => {
    const { canvas } = window.webvdi.viewer;
    const reader = new OffscreenCanvas(width, height);
    const context = reader.getContext('2d', { alpha: false, willReadFrequently: true });
    const look = () => {
        context.drawImage(canvas, x, y, width, height, 0, 0, width, height);
        const { data } = context.getImageData(0, 0, width, height);
        let sum = 0;
        for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] + data[i + 1]) % 1e9;
        return sum;
    };
    const before = look();
    let pressed = 0;
    addEventListener('keydown', () => { pressed ||= performance.now(); },
        { capture: true, once: true });
    const frame = () => {
        if (pressed && look() !== before) resolve(performance.now() - pressed);
        else if (pressed && performance.now() - pressed > 5000) resolve(null);
        else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
})"""


# Playwright alone would send "A" without a Shift key, which no real keyboard does.
US_KEYS = {
    "\n": "Enter",
    " ": "Space",
    **{c: f"Shift+Key{c}" for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **dict(zip(")!@#$%^&*(", (f"Shift+Digit{n}" for n in range(10)), strict=True)),
    "~": "Shift+Backquote",
    ">": "Shift+Period",
    "<": "Shift+Comma",
    "?": "Shift+Slash",
    ":": "Shift+Semicolon",
    '"': "Shift+Quote",
    "_": "Shift+Minus",
    "|": "Shift+Backslash",
    "{": "Shift+BracketLeft",
    "}": "Shift+BracketRight",
    "+": "Shift+Equal",
}


class ViewerPage:
    """The viewer's page, as a test reads and uses it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, url: str) -> None:
        """Load the page."""
        self.page.goto(url)

    def evaluate(self, script: str, argument: object = None) -> Any:
        """Run script in the page."""
        return self.page.evaluate(script, argument)

    @property
    def state(self) -> str:
        """Of the viewer's connection."""
        return str(self.evaluate("() => window.webvdi?.viewer?.state ?? 'loading'"))

    def picture(self) -> Rgb | None:
        """The pixels of the canvas."""
        read = self.evaluate(READ_PICTURE)
        if read is None:
            return None
        rgba = np.frombuffer(base64.b64decode(read["data"]), np.uint8)
        rgb: Rgb = rgba.reshape(read["height"], read["width"], 4)[:, :, :3]
        return rgb

    def screenshot(self) -> Rgb:
        """What the browser shows, toolbar and all."""
        return np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))

    def wait_live(self) -> None:
        """Wait until the page is connected and has a picture."""
        wait_until(
            lambda: self.state == "live" and self.evaluate("() => window.webvdi.viewer.hasPicture"),
            "the page to be live",
        )

    def wait_for(self, script: str, what: str) -> None:
        """Wait until *script* is true in the page."""
        wait_until(lambda: self.evaluate(script), what)

    def changes(self, before: Rgb, what: str) -> Rgb:
        """Wait until the picture differs from *before*, and return it."""

        def other() -> list[Rgb]:
            now = self.picture()
            return [] if now is None or np.array_equal(now, before) else [now]

        return wait_until(other, what)[0]

    def type(self, text: str) -> None:
        """Type on a US keyboard, Shift and all, key by key."""
        for character in text:
            self.page.keyboard.press(US_KEYS.get(character, character), delay=10)

    def key_to_pixel_ms(self, key: str, area: tuple[int, int, int, int]) -> float | None:
        """Press *key*; the milliseconds until *area* of the canvas shows something else."""
        timer = self.page.evaluate_handle(
            f"(area) => {{ window.webvdiTimed = ({_TIME_NEXT_KEY})(area); }}", list(area)
        )
        timer.dispose()
        self.page.keyboard.press(key)
        took = self.evaluate("() => window.webvdiTimed")
        return None if took is None else float(took)


@contextmanager
def viewer_page(
    browser: Browser, *, width: int = 1280, height: int = 800, **options: Any
) -> Iterator[ViewerPage]:
    """A page of its own context (cookies, cache)."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height}, **options
    )
    context.set_default_timeout(PATIENCE_S * 1000)
    try:
        page = ViewerPage(context.new_page())
        yield page
        assert not page.errors, page.errors
    finally:
        context.close()

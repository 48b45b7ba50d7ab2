"""A headless Chromium, and pages of peers in it that are timed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.painter import MARKER_COLOURS, MARKER_PIXEL
from benchmarks.peers.peer import Peer
from benchmarks.processes import Failed, wait_until

CHROMIUM = "/usr/bin/chromium"
HERE = Path(__file__).parent

PAUSE_S = (0.04, 0.12)
"""Between two keys, at random: a fast typist, and no rhythm that could fit the screen's."""

PATIENCE_MS = 5000
"""A key that takes longer is lost."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"

_RESULT = f"""Promise.race([pageTimer.shown, new Promise((_, reject) => setTimeout(
    () => reject(new Error('the key did not show within {PATIENCE_MS} ms')), {PATIENCE_MS}))])"""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key on the page's clock, in milliseconds."""

    down: float
    """The page heard of it."""
    drawn: float
    """The change was drawn on the canvas; it will be seen with the next frame."""
    shown: float
    """A frame began with the change on the canvas."""

    @property
    def drawn_ms(self) -> float:
        """From key to canvas."""
        return self.drawn - self.down

    @property
    def latency_ms(self) -> float:
        """From key to pixel."""
        return self.shown - self.down


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that draws by itself, not on a GPU, whatever the host has."""
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
    arguments.append("--disable-background-networking")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


class TimedPage:
    """A peer's page, open and connected."""

    def __init__(self, browser: Browser, peer: Peer, *, traced: bool = False) -> None:
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        scripts = ["page_timer.js", *(["page_trace.js"] if traced else [])]
        for script in scripts:
            context.add_init_script(path=HERE / script)
        self.peer = peer
        self._context = context
        self.page: Page = context.new_page()
        self.page.goto(peer.url)
        self.page.evaluate(f"() => {{ pageTimer.canvas = () => {peer.canvas}; }}")
        colours = [[c >> 16, c >> 8 & 255, c & 255] for c in MARKER_COLOURS]
        place = {"place": list(MARKER_PIXEL), "colours": colours}
        self.page.evaluate("(it) => { Object.assign(pageTimer, it); }", place)
        self.clock: float = self.page.evaluate("performance.timeOrigin")
        """Milliseconds since 1970 when the page's own clock was 0."""
        self._ready()

    def connect(self) -> None:
        """Connect again; returns when the whole picture is there."""
        self.page.bring_to_front()
        self.page.evaluate(f"() => {{ {self.peer.connect}; }}")
        self._ready()

    def disconnect(self) -> None:
        """Leave the server to the other peers."""
        self.page.evaluate(f"() => {{ {self.peer.disconnect}; pageTimer.blank(); }}")

    def _ready(self) -> None:
        wait_until(
            lambda: self.page.evaluate("pageTimer.colour()") >= 0,
            f"the marker in the page of {self.peer.name}",
        )
        if self.page.evaluate("document.hidden"):
            raise Failed(f"the page of {self.peer.name} is hidden")

    def traffic(self) -> tuple[int, int]:
        """Bytes of WebSocket messages received and sent so far."""
        traffic: dict[str, int] = self.page.evaluate("pageTimer.traffic")
        return traffic["received"], traffic["sent"]

    def take_log(self) -> list[tuple[float, str, int]]:
        """What ``page_trace.js`` noted since it was asked last: when, what, how many bytes."""
        log: list[tuple[float, str, int]] = self.page.evaluate("pageTimer.takeLog()")
        return log

    def close(self) -> None:
        """Close the page."""
        self._context.close()

    def type(self, keys: int, random: Random) -> list[Stroke]:
        """Press keys, each when the one before has been seen."""
        return [self._press(random) for _ in range(keys)]

    def _press(self, random: Random) -> Stroke:
        self.page.evaluate("pageTimer.arm()")
        time.sleep(random.uniform(*PAUSE_S))
        letter = random.choice(LETTERS)
        self.page.keyboard.down(letter)
        shown: dict[str, float] = self.page.evaluate(_RESULT)
        self.page.keyboard.up(letter)
        return Stroke(shown["down"], shown["drawn"], shown["shown"])

"""A headless Chromium, and pages of peers in it that are timed."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.frames import Look
from benchmarks.painter import MARKER_COLOURS, MARKER_PIXEL
from benchmarks.peers.peer import Peer
from benchmarks.pictures import Rgb, of_data_url
from benchmarks.processes import Failed, wait_until
from benchmarks.scenes.scene import Marks

CHROMIUM = "/usr/bin/chromium"
HERE = Path(__file__).parent

PAUSE_S = (0.04, 0.12)
"""Between two keys, at random: a fast typist, and no rhythm that could fit the screen's."""

PATIENCE_MS = 5000
"""A key that takes longer is lost."""

QUIET_S, QUIET_BYTES = 0.6, 2000
"""A picture is complete when no more than so much comes in so long: pings, and the like."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"

_RESULT = f"""Promise.race([pageTimer.shown, new Promise((_, reject) => setTimeout(
    () => reject(new Error('the key did not show within {PATIENCE_MS} ms')), {PATIENCE_MS}))])"""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key on the page's clock, in milliseconds."""

    pressed: float
    """The browser heard of it."""
    down: float
    """The page heard of it; a busy one later."""
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
        """From key to pixel, in the page."""
        return self.shown - self.down

    @property
    def felt_ms(self) -> float:
        """From key to pixel, the page's own slowness in hearing of it included."""
        return self.shown - self.pressed


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


class PeerPage(ABC):
    """A peer's page, open and connected."""

    scripts: Sequence[str] = ("page_timer.js",)
    """Beside this file; they run in the page before its own."""

    def __init__(self, browser: Browser, peer: Peer) -> None:
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        for script in self.scripts:
            context.add_init_script(path=HERE / script)
        self.peer = peer
        self._context = context
        self.page: Page = context.new_page()
        self.page.goto(peer.url)
        self.page.evaluate(f"() => {{ pageTimer.canvas = () => {peer.canvas}; }}")
        self.clock: float = self.page.evaluate("performance.timeOrigin")
        """Milliseconds since 1970 when the page's own clock was 0."""

    @abstractmethod
    def ready(self) -> None:
        """Wait until the picture is there.  Raises :class:`Failed`."""

    def connect(self) -> None:
        """Connect again; returns when the whole picture is there."""
        self.page.bring_to_front()
        self.page.evaluate(f"() => {{ {self.peer.connect}; }}")
        self.ready()
        if self.page.evaluate("document.hidden"):
            raise Failed(f"the page of {self.peer.name} is hidden")

    def disconnect(self) -> None:
        """Leave the server to the other peers."""
        self.page.evaluate(f"() => {{ {self.peer.disconnect}; pageTimer.blank(); }}")

    def traffic(self) -> tuple[int, int]:
        """Bytes of WebSocket messages received and sent so far."""
        traffic: dict[str, int] = self.page.evaluate("pageTimer.traffic")
        return traffic["received"], traffic["sent"]

    def quiet(self) -> None:
        """Wait until next to nothing comes.  Raises :class:`Failed`."""
        before = -QUIET_BYTES

        def no_more() -> bool:
            nonlocal before
            time.sleep(QUIET_S)
            now, _ = self.traffic()
            come, before = now - before, now
            return come < QUIET_BYTES

        wait_until(no_more, f"the end of the first picture in the page of {self.peer.name}")

    def close(self) -> None:
        """Close the page."""
        self._context.close()


class TimedPage(PeerPage):
    """A page of which the keys are timed."""

    def __init__(self, browser: Browser, peer: Peer) -> None:
        super().__init__(browser, peer)
        colours = [[c >> 16, c >> 8 & 255, c & 255] for c in MARKER_COLOURS]
        place = {"place": list(MARKER_PIXEL), "colours": colours}
        self.page.evaluate("(it) => { Object.assign(pageTimer, it); }", place)
        self.ready()

    def ready(self) -> None:
        """Wait for the marker, and until the link is quiet.

        A gateway may first show the picture as it was when somebody last looked, marker and all.
        """
        wait_until(
            lambda: self.page.evaluate("pageTimer.colour()") >= 0,
            f"the marker in the page of {self.peer.name}",
        )
        self.quiet()

    def type(self, keys: int, random: Random) -> list[Stroke]:
        """Press keys, each when the one before has been seen."""
        return [self._press(random) for _ in range(keys)]

    def _press(self, random: Random) -> Stroke:
        name = self.peer.name
        wait_until(lambda: self.page.evaluate("pageTimer.arm()"), f"the marker in {name}'s page")
        time.sleep(random.uniform(*PAUSE_S))
        letter = random.choice(LETTERS)
        self.page.keyboard.down(letter)
        shown: dict[str, float] = self.page.evaluate(_RESULT)
        self.page.keyboard.up(letter)
        return Stroke(shown["pressed"], shown["down"], shown["drawn"], shown["shown"])


class TracedPage(TimedPage):
    """A page that also notes what comes, goes and is drawn."""

    scripts = ("page_timer.js", "page_trace.js")

    def take_log(self) -> list[tuple[float, str, int]]:
        """What ``page_trace.js`` noted since it was asked last: when, what, how many bytes."""
        log: list[tuple[float, str, int]] = self.page.evaluate("pageTimer.takeLog()")
        return log


class FramesPage(PeerPage):
    """A page of which the frames are looked at (``page_frames.js``)."""

    scripts = ("page_timer.js", "page_frames.js")

    def look_for(self, marks: Marks) -> None:
        """Where the marks of the scene are that is shown from now on."""
        where = {"places": marks.places, "moving": {str(n): at for n, at in marks.moving.items()}}
        self.page.evaluate("(it) => { Object.assign(pageFrames, it); }", where)

    def ready(self) -> None:
        """Wait for all marks, and until the link is quiet."""
        wait_until(self._complete, f"the marks in the page of {self.peer.name}")
        self.quiet()

    def _complete(self) -> bool:
        numbers: list[int] = self.page.evaluate("pageFrames.numbers()")
        return all(number >= 0 for number in numbers)

    def start(self) -> None:
        """Forget all looks so far."""
        self.page.evaluate("pageFrames.start()")

    def rest(self, readings: Sequence[int]) -> None:
        """From now on look at the whole canvas after each drawing; *readings* end it all."""
        self.page.evaluate("(it) => pageFrames.rest(it)", list(readings))

    def looks(self) -> list[Look]:
        """Since the start."""
        log: list[list[float]] = self.page.evaluate("pageFrames.log()")
        return [Look(self.clock + at, [int(n) for n in numbers]) for at, *numbers in log]

    def digests(self) -> list[tuple[float, str]]:
        """Of the whole canvas, since it rests: when (ms since 1970), and what it was."""
        digests: list[tuple[float, str]] = self.page.evaluate("pageFrames.digests()")
        return [(self.clock + at, digest) for at, digest in digests]

    def keep(self) -> None:
        """Remember the canvas as it is now."""
        self.page.evaluate("pageFrames.keep()")

    def kept(self) -> Rgb:
        """The canvas that was to be remembered."""
        return of_data_url(self.page.evaluate("pageFrames.picture('kept')"))

    def at_rest(self) -> Rgb:
        """The canvas as it was when the last frame was first seen at rest."""
        return of_data_url(self.page.evaluate("pageFrames.picture('atRest')"))

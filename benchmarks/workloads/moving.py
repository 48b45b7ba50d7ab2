"""What moves on the screen, and what of it a page shows: the runs of scroll, drag, slides, office.

A *run* is one scene for some seconds in one peer's page over one link.  The peers take turns on one
server; while one is measured the others are not connected.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from os import getpid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

from playwright.sync_api import Browser

from benchmarks.browser import CHROMIUM, FramesPage, chromium
from benchmarks.desktop import XServer, stage, x_server
from benchmarks.frames import exact_since, parse_painted, shown
from benchmarks.links import LINKS, Link, links_named
from benchmarks.machine import Machine, load, version_of
from benchmarks.moving_report import table
from benchmarks.peers.novnc import novnc
from benchmarks.peers.peer import StartPeer, over
from benchmarks.peers.webvdi import webvdi
from benchmarks.pictures import Difference, digest, lossless_bytes, of_display
from benchmarks.processes import Companion, programs_below, run_seconds
from benchmarks.report import JsonLines
from benchmarks.runs import Rest, Run
from benchmarks.samples import alternating
from benchmarks.scenes import SCENES

T = TypeVar("T")

SIZE = "1920x1080"

REST_S = 3.0
"""When after rest the picture is compared."""

LONGEST_REST_S = 30.0
"""How long an exact picture is waited for, where the link needs so long."""

STILL_S = 2.5
"""Without a drawing for so long, nothing more is waited for."""

EXACT_FOR_S = 0.3
"""How long it must stay exact to be believed."""


class Moving:
    """The workload that measures some scenes, one after the other in each round."""

    def __init__(self, summary: str, *scenes: str) -> None:
        self.__doc__ = summary
        self._scenes = scenes

    def options(self, parser: argparse.ArgumentParser) -> None:
        """The command line's."""
        options(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """Measure and print."""
        run(self._scenes, arguments)


SCROLL = Moving(
    "Text that fills the screen and scrolls 60 times a second: what the page shows of it.",
    "scroll",
)
DRAG = Moving(
    "A window that is dragged over a photo 60 times a second: what the page shows of it.", "drag"
)
SLIDES = Moving(
    "A slide show with a clock that moves 30 times a second: what the page shows of it.", "slides"
)
OFFICE = Moving(
    "Half a minute of office work: what the page shows of it, and all it takes.", "office"
)
ALL = Moving("Scroll, drag, slides and office, one after the other in each round.", *SCENES)


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    parser.add_argument("--rounds", type=int, default=3, help="repetitions (default: 3)")
    parser.add_argument("--seconds", type=float, help="of a run (default: 8, office 29)")
    parser.add_argument(
        "--links", default="lan,20ms,80ms", help=f"of {', '.join(LINKS)} (default: lan,20ms,80ms)"
    )
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="measure another checkout of webvdi too"
    )
    parser.add_argument("--alone", action="store_true", help="without noVNC")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure as a line")


def run(scenes: Sequence[str], arguments: argparse.Namespace) -> None:
    """Measure scenes and print."""
    lines = JsonLines(arguments.json)
    links = links_named(arguments.links)
    peers: list[StartPeer] = [webvdi()]
    if arguments.beside is not None:
        peers.append(webvdi(arguments.beside.absolute(), f"webvdi in {arguments.beside}"))
    if not arguments.alone:
        peers.append(novnc)
    with TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        tmp = Path(name)
        server = stack.enter_context(x_server(tmp, SIZE))
        told, log = stack.enter_context(stage(tmp, server))
        browser = stack.enter_context(chromium())
        facts = facts_of(links)
        print("\n".join(f"- {fact}: {value}" for fact, value in facts.items()), flush=True)
        lines.write("facts", facts)
        runs = []
        for link in links:
            (tmp / link.name).mkdir()
            benches = [Bench(name, link, server, told, log, arguments.seconds) for name in scenes]
            with benches[0].pages(peers, browser, tmp / link.name) as pages:
                for number in range(1, arguments.rounds + 1):
                    for bench in benches:
                        for page in turns(pages, number):
                            runs.append(bench.run(page, number))
                            lines.write("run", asdict(runs[-1]))
                            print(f"- {runs[-1]}", flush=True)
    print(f"\n{table(runs)}")


def facts_of(links: Sequence[Link]) -> dict[str, str]:
    """Who takes part."""
    return {
        "machine": str(Machine.this()),
        "server": f"TigerVNC {version_of('Xtigervnc', '-version')}, {SIZE}, 24 bits",
        "browser": f"Chromium {version_of(CHROMIUM, '--version')}, headless, no GPU",
        **{f"link {link.name}": str(link) for link in links},
    }


def turns(pages: Sequence[T], number: int) -> list[T]:
    """Each page once in a round, in an order that turns around with each round."""
    names = [str(place) for place in range(len(pages))]
    order = alternating(names, number)[-len(pages) :]
    return [pages[int(place)] for place in order]


class Watched(Protocol):
    """What is waited for here of a page."""

    def digests(self) -> list[tuple[float, str]]:
        """Of the whole canvas at rest: when (ms since 1970), and what it was."""


class Bench:
    """One scene over one link."""

    def __init__(
        self,
        scene: str,
        link: Link,
        server: XServer,
        told: Companion,
        log: Path,
        seconds: float | None,
    ) -> None:
        self._scene = SCENES[scene]()
        self._link = link
        self._server = server
        self._told = told
        self._log = log
        self._seconds = seconds or self._scene.seconds

    def prepare(self) -> None:
        """Bring the scene's first frame onto the screen."""
        self._told.ask(f"prepare {self._scene.name}")

    @contextmanager
    def pages(
        self, peers: Sequence[StartPeer], browser: Browser, tmp: Path
    ) -> Iterator[list[FramesPage]]:
        """A page for each peer over the link, ready and not connected."""
        self.prepare()
        with ExitStack() as stack:
            pages = []
            for number, start in enumerate(peers):
                place = tmp / str(number)
                peer = stack.enter_context(start(place, self._server.port, False))
                peer = stack.enter_context(over(self._link, peer, place))
                page = FramesPage(browser, peer)
                stack.callback(page.close)
                page.look_for(self._scene.marks)
                page.ready()
                page.disconnect()
                pages.append(page)
            yield pages

    def run(self, page: FramesPage, number: int) -> Run:
        """One peer's turn."""
        self.prepare()
        page.look_for(self._scene.marks)
        page.connect()
        browser = programs_below(getpid(), "chrom")
        pids = page.peer.processes(), [self._server.program.pid], browser
        page.start()
        before, received = [run_seconds(each) for each in pids], page.traffic()[0]
        began = time.time()
        self._told.tell(f"run {self._seconds}")
        _, last, rested = self._told.answer(self._seconds + 60).split()
        after, received_at_rest = [run_seconds(each) for each in pids], page.traffic()[0]
        rest = self._rest(page, int(last), float(rested))
        painted = parse_painted(self._log.read_text())
        show = shown(page.looks(), painted, self._scene)
        received_in_all = page.traffic()[0]
        page.disconnect()
        gateway_s, server_s, browser_s = (b - a for a, b in zip(before, after, strict=True))
        return Run(
            peer=page.peer.name,
            scene=self._scene.name,
            link=self._link.name,
            round=number,
            seconds=float(rested) - began,
            painted=len(painted),
            shown=show.until(float(rested) * 1000),
            ages_ms=[round(frame.age_ms, 1) for frame in show.frames],
            looks=show.looks,
            torn=show.torn,
            received_bytes=received_at_rest - received,
            received_in_all=received_in_all - received,
            gateway_cpu_s=round(gateway_s, 3),
            server_cpu_s=round(server_s, 3),
            browser_cpu_s=round(browser_s, 3),
            rest=rest,
            load=round(load(), 2),
        )

    def _rest(self, page: FramesPage, last: int, rested: float) -> Rest:
        """Watch the picture become exact after the *last* frame."""
        page.rest(self._scene.readings(last))
        wanted = of_display(self._server.display)
        exact = until_exact(page, digest(wanted), rested + REST_S)
        page.keep()
        if exact is None and self._link.name != "lan":
            exact = until_exact(page, digest(wanted), rested + LONGEST_REST_S, STILL_S)
        difference = Difference.between(page.kept(), wanted)
        missing = lossless_bytes(page.at_rest(), wanted)
        allowed = self._allowed_s(missing)
        return Rest(
            None if exact is None else round(exact - rested, 3),
            round(allowed, 3),
            missing,
            difference.pixels,
            difference.largest,
        )

    def _allowed_s(self, missing_bytes: int) -> float:
        """What the goal allows on this link for so many bytes."""
        slow = 4 * self._link.round_trip_s + 1.25 * missing_bytes / self._link.rate
        return 0.5 + (slow if self._link.name != "lan" else 0)


def until_exact(page: Watched, wanted: str, end: float, still_s: float = 1e9) -> float | None:
    """When the picture became exact; None: not before *end*, or nothing comes any more.

    Seconds since 1970; *still_s* without a drawing are the end, too.
    """
    while True:
        digests, now = page.digests(), time.time()
        since = exact_since(digests, wanted)
        over = now > end or now - digests[-1][0] / 1000 > still_s
        if since is not None and (over or now - since / 1000 > EXACT_FOR_S):
            return since / 1000
        if over:
            return None
        time.sleep(0.1)

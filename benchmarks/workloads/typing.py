"""Typing: from a key press in the page to the pixel on its canvas, and what it costs.

The peers take turns on one server, in short blocks; while one is measured the others are not
connected, for a connected one would have the server encode for it too.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeVar

from playwright.sync_api import Browser

from benchmarks.browser import TimedPage, TracedPage, chromium
from benchmarks.desktop import Desktop, desktop, moving_desktop
from benchmarks.links import LINKS, Link, links_named
from benchmarks.machine import load
from benchmarks.peers.novnc import novnc
from benchmarks.peers.peer import StartPeer, over
from benchmarks.peers.webvdi import webvdi
from benchmarks.processes import cpu_seconds
from benchmarks.report import JsonLines, markdown_table, spread
from benchmarks.samples import Spread, Summary, alternating
from benchmarks.stages import (
    TAPS,
    Incomplete,
    Logs,
    Note,
    durations,
    journey,
    parse_painter,
    parse_tap,
)
from benchmarks.workloads.moving import facts_of

SIZE = "1920x1080"
BLOCK_KEYS = 25
WARM_UP_KEYS = 10
LONGEST_BLOCK_S = 27
"""As long as a scene can go on while it is typed."""

SEED = 2007

P = TypeVar("P", bound=TimedPage)


@dataclass(frozen=True, slots=True)
class Block:
    """Some keys in a row in one peer's page."""

    peer: str
    round: int
    latencies_ms: list[float]
    drawn_ms: list[float]
    """Without the wait for the next frame."""
    felt_ms: list[float]
    """With the wait until the page heard of the key."""
    received_bytes: float
    """A key; WebSocket payload."""
    sent_bytes: float
    gateway_cpu_ms: float
    """A key; all processes of the gateway."""
    server_cpu_ms: float
    """A key; the RFB server."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One peer's figures in one round."""

    latency: Summary
    drawn: Summary
    felt: Summary
    received_bytes: float
    sent_bytes: float
    gateway_cpu_ms: float
    server_cpu_ms: float

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> "Figures":
        """Of blocks of equal length; there must be some."""

        def mean(of: Callable[[Block], float]) -> float:
            return sum(of(block) for block in blocks) / len(blocks)

        return cls(
            latency=Summary.of([ms for block in blocks for ms in block.latencies_ms]),
            drawn=Summary.of([ms for block in blocks for ms in block.drawn_ms]),
            felt=Summary.of([ms for block in blocks for ms in block.felt_ms]),
            received_bytes=mean(lambda block: block.received_bytes),
            sent_bytes=mean(lambda block: block.sent_bytes),
            gateway_cpu_ms=mean(lambda block: block.gateway_cpu_ms),
            server_cpu_ms=mean(lambda block: block.server_cpu_ms),
        )


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    parser.add_argument("--rounds", type=int, default=3, help="repetitions (default: 3)")
    parser.add_argument(
        "--keys", type=int, default=100, help="keys for each peer in a round (default: 100)"
    )
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="measure another checkout of webvdi too"
    )
    parser.add_argument("--links", help=f"one after the other, of {', '.join(LINKS)}")
    parser.add_argument("--under", choices=("scroll", "drag"), help="type while this goes on")
    parser.add_argument("--no-stages", action="store_true", help="leave out the traced round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure as a line")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    lines = JsonLines(arguments.json)
    peers = [webvdi(), novnc]
    if arguments.beside is not None:
        peers.insert(1, webvdi(arguments.beside.absolute(), f"webvdi in {arguments.beside}"))
    links = links_named(arguments.links) if arguments.links else []
    ways: list[Link | None] = [*links] or [None]
    with TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        tmp = Path(name)
        under = arguments.under
        screen = stack.enter_context(
            moving_desktop(tmp, SIZE, under) if under else desktop(tmp, SIZE)
        )
        browser = stack.enter_context(chromium())
        facts = facts_of(links)
        print("\n".join(f"- {fact}: {value}" for fact, value in facts.items()), flush=True)
        lines.write("facts", facts)
        for link in ways:
            place = tmp / (link.name if link else "direct")
            print(_compared(arguments, peers, browser, screen, place, link, lines), flush=True)
        if not (arguments.no_stages or links or under):
            with _pages(peers, browser, screen, tmp / "traced", TracedPage) as traced:
                for page in traced:
                    print(f"\n{_traced(page, screen, arguments.keys, lines)}")


def _compared(
    arguments: argparse.Namespace,
    peers: Sequence[StartPeer],
    browser: Browser,
    screen: Desktop,
    tmp: Path,
    link: Link | None,
    lines: JsonLines,
) -> str:
    """Type in all peers' pages over a link; the table."""
    loads = [load()]
    blocks = []
    with _pages(peers, browser, screen, tmp, TimedPage, link) as pages:
        for number in range(1, arguments.rounds + 1):
            for block in _round(number, pages, screen, arguments.keys):
                blocks.append(block)
                where = {"link": link.name if link else "", "under": arguments.under or ""}
                lines.write("block", where | asdict(block))
            loads.append(load())
    said = f"- load average: {', '.join(f'{value:.1f}' for value in loads)}\n"
    if link:
        said = f"\n- over the link {link.name}\n" + said
    return f"{said}\n{comparison(blocks)}"


@contextmanager
def _pages(
    peers: Sequence[StartPeer],
    browser: Browser,
    screen: Desktop,
    tmp: Path,
    kind: type[P],
    link: Link | None = None,
) -> Iterator[list[P]]:
    """A page for each peer, ready and not connected."""
    tmp.mkdir()
    with ExitStack() as stack:
        pages = []
        for number, start in enumerate(peers):
            traced = issubclass(kind, TracedPage)
            peer = stack.enter_context(start(tmp / str(number), screen.port, traced))
            peer = stack.enter_context(over(link, peer, tmp / str(number)))
            page = kind(browser, peer)
            stack.callback(page.close)
            page.disconnect()
            pages.append(page)
        yield pages


def _round(number: int, pages: Sequence[TimedPage], screen: Desktop, keys: int) -> Iterator[Block]:
    """Blocks in alternation; the order of the first two changes with each round."""
    by_name = {page.peer.name: page for page in pages}
    names = list(by_name) if number % 2 else list(reversed(by_name))
    for turn, name in enumerate(alternating(names, -(-keys // BLOCK_KEYS))):
        random = Random(f"{SEED} {number} {turn // len(names)}")  # the same keys for all peers
        yield _block(number, by_name[name], screen, random)


def _block(number: int, page: TimedPage, screen: Desktop, random: Random) -> Block:
    page.connect()
    if screen.stage:
        screen.stage.tell(f"run {LONGEST_BLOCK_S}")
    page.type(WARM_UP_KEYS, random)
    gateway = page.peer.processes()
    before = (*page.traffic(), cpu_seconds(gateway), cpu_seconds([screen.server.pid]))
    strokes = page.type(BLOCK_KEYS, random)
    after = (*page.traffic(), cpu_seconds(gateway), cpu_seconds([screen.server.pid]))
    if screen.stage:
        screen.stage.ask("stop")
    page.disconnect()
    received, sent, gateway_s, server_s = (
        (later - earlier) / BLOCK_KEYS for earlier, later in zip(before, after, strict=True)
    )
    return Block(
        peer=page.peer.name,
        round=number,
        latencies_ms=[round(stroke.latency_ms, 2) for stroke in strokes],
        drawn_ms=[round(stroke.drawn_ms, 2) for stroke in strokes],
        felt_ms=[round(stroke.felt_ms, 2) for stroke in strokes],
        received_bytes=received,
        sent_bytes=sent,
        gateway_cpu_ms=gateway_s * 1000,
        server_cpu_ms=server_s * 1000,
    )


def comparison(blocks: Sequence[Block]) -> str:
    """The table of all peers: the median of the rounds' figures, and their range."""
    times = ("p50 ms", "p95 ms", "mean ms", "drawn p50", "drawn p95", "felt p50", "felt p95")
    costs = ("bytes in", "bytes out", "gateway CPU ms", "server CPU ms")
    names = dict.fromkeys(block.peer for block in blocks)
    rows = [[name, *_row([block for block in blocks if block.peer == name])] for name in names]
    return markdown_table(("", "n", *times, *costs), rows)


def _row(blocks: Sequence[Block]) -> list[str]:
    rounds = [
        Figures.of([block for block in blocks if block.round == number])
        for number in sorted({block.round for block in blocks})
    ]
    return [
        str(sum(figures.latency.n for figures in rounds)),
        spread(Spread.of([figures.latency.p50 for figures in rounds])),
        spread(Spread.of([figures.latency.p95 for figures in rounds])),
        spread(Spread.of([figures.latency.mean for figures in rounds])),
        spread(Spread.of([figures.drawn.p50 for figures in rounds])),
        spread(Spread.of([figures.drawn.p95 for figures in rounds])),
        spread(Spread.of([figures.felt.p50 for figures in rounds])),
        spread(Spread.of([figures.felt.p95 for figures in rounds])),
        spread(Spread.of([figures.received_bytes for figures in rounds]), 0),
        spread(Spread.of([figures.sent_bytes for figures in rounds]), 0),
        spread(Spread.of([figures.gateway_cpu_ms for figures in rounds]), 2),
        spread(Spread.of([figures.server_cpu_ms for figures in rounds]), 2),
    ]


# ------------------------------------------------------------------------- the traced round


def _traced(page: TracedPage, screen: Desktop, keys: int, lines: JsonLines) -> str:
    """Type with all taps open; the table of stages."""
    page.connect()
    page.type(WARM_UP_KEYS, Random(SEED))
    page.take_log()
    strokes = page.type(keys, Random(SEED))
    logs = _logs(page, screen)
    page.disconnect()
    stages = []
    for stroke in strokes:
        down, shown = page.clock + stroke.down, page.clock + stroke.shown
        try:
            stages.append(durations(down, journey(down, shown, logs)))
        except Incomplete as error:
            print(f"left out: {error}")
    lines.write("stages", {"peer": page.peer.name, "strokes": stages})
    return stage_table(page.peer.name, stages)


def _logs(page: TracedPage, screen: Desktop) -> Logs:
    taps = {name: parse_tap(log.open()) for name, log in page.peer.taps.items()}
    in_order = {name: taps[name] for name in TAPS if name in taps}
    notes = [Note(at, what, size) for at, what, size in page.take_log()]
    assert screen.painter_trace is not None, "only the painter's keys are traced"
    return Logs(notes, in_order, parse_painter(screen.painter_trace.open()))


def stage_table(name: str, strokes: Sequence[dict[str, float]]) -> str:
    """What each stage takes; the means add up to the mean latency."""
    head = (f"{name}, traced: milliseconds of", "mean", "p50", "p95")
    total = [sum(stroke.values()) for stroke in strokes]
    samples = {stage: [stroke[stage] for stroke in strokes] for stage in strokes[0]}
    rows = []
    for stage, values in [*samples.items(), ("**all**", total)]:
        summary = Summary.of(values)
        rows.append([stage, *(f"{ms:.2f}" for ms in (summary.mean, summary.p50, summary.p95))])
    return markdown_table(head, rows)

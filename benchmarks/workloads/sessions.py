"""What a session takes at rest, what each viewer adds, and what one that stalls does.

Memory and processor time of the gateway's processes, with viewers that speak the viewer protocol
(``benchmarks/crowd.py``): at rest with none, one and more; and while text scrolls for one that
reads and one that has stopped reading.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.desktop import stage, x_server
from benchmarks.machine import load
from benchmarks.peers.peer import Peer, crowd
from benchmarks.peers.webvdi import HERE, webvdi
from benchmarks.processes import Companion
from benchmarks.report import JsonLines, markdown_table, spread
from benchmarks.samples import Spread
from benchmarks.usage import Memory, Share, count_of, memory_of, share
from benchmarks.workloads.moving import SIZE, facts_of

NOBODY = "nobody has looked yet"
SETTLE_S = 5.0
STEP_S = 5.0
"""Between two looks at the memory while one viewer stalls."""


@dataclass(frozen=True, slots=True)
class State:
    """The gateway in one situation."""

    situation: str
    memory: Memory
    workers: Memory
    """Those of its processes that hold sessions."""
    shares: list[Share]
    """Of processor time, a window each; none where only memory was looked at."""
    load: float


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    parser.add_argument("--windows", type=int, default=3, help="of each rest (default: 3)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of a window (default: 20)")
    parser.add_argument("--viewers", default="1,2,4,16", help="(default: 1,2,4,16)")
    parser.add_argument("--checkout", type=Path, default=HERE, help="of webvdi (default: this one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure as a line")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    lines = JsonLines(arguments.json)
    facts = facts_of([])
    print("\n".join(f"- {fact}: {value}" for fact, value in facts.items()), flush=True)
    lines.write("facts", facts)
    checkout = arguments.checkout.absolute()
    with TemporaryDirectory(prefix="bench-") as directory, ExitStack() as stack:
        tmp = Path(directory)
        server = stack.enter_context(x_server(tmp, SIZE))
        told, _ = stack.enter_context(stage(tmp, server))
        told.ask("prepare scroll")
        peer = stack.enter_context(webvdi(checkout)(tmp / "gateway", server.port, False))
        viewers = stack.enter_context(crowd(peer, checkout, tmp))
        states = [*at_rest(peer, viewers, told, arguments), *stalled(peer, viewers, told)]
    for state in states:
        lines.write("state", asdict(state))
    print(f"\n{table(states)}")


def at_rest(
    peer: Peer, viewers: Companion, told: Companion, arguments: argparse.Namespace
) -> list[State]:
    """Without a viewer, then with more and more of them; each crowd has seen something move."""
    states = [look(peer, NOBODY, arguments.windows, arguments.seconds)]
    there = 0
    for count in (int(count) for count in arguments.viewers.split(",")):
        viewers.ask(f"join {count - there}")
        there = count
        told.ask("prepare scroll")
        told.ask("run 3")
        name = f"{count} viewer{'s' * (count > 1)} at rest"
        states.append(look(peer, name, arguments.windows, arguments.seconds))
    viewers.ask("leave")
    return states


def stalled(peer: Peer, viewers: Companion, told: Companion) -> list[State]:
    """Memory while text scrolls, before and after one of two viewers has stopped reading."""
    viewers.ask("join 2")
    told.ask("prepare scroll")
    told.tell("run 25")
    time.sleep(STEP_S)
    states = [look(peer, "scrolling, 2 viewers")]
    viewers.ask("stall 1")
    for number in range(1, 4):
        time.sleep(STEP_S)
        states.append(look(peer, f"scrolling, one stalled for {number * STEP_S:.0f} s"))
    told.answer()
    time.sleep(1)
    had = json.loads(viewers.ask("count"))
    assert had[1][0] > had[0][0], "the viewer that stalled had as much as the other"
    return states


def look(peer: Peer, situation: str, windows: int = 0, seconds: float = 0.0) -> State:
    """Memory now, and what is taken in some windows from now on, after a pause."""
    shares = []
    if windows:
        time.sleep(SETTLE_S)
    for _ in range(windows):
        pids = peer.processes()
        before, began = count_of(pids), time.monotonic()
        time.sleep(seconds)
        shares.append(share(before, count_of(pids), time.monotonic() - began))
    pids = peer.processes()
    workers = [pid for pid in pids if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    state = State(situation, memory_of(pids), memory_of(workers), shares, round(load(), 2))
    print(f"- {situation}: {state.memory.pss:.0f} MiB, load {state.load:.1f}", flush=True)
    return state


def table(states: Sequence[State]) -> str:
    """A row a situation; and what a session and a viewer come to."""
    head = (
        "situation",
        "CPU of a core, %",
        "wake-ups a second",
        "PSS MiB",
        "of it workers",
        "load",
    )
    rows = markdown_table(head, [_row(state) for state in states])
    return "\n\n".join([rows, *_each(states)])


def _each(states: Sequence[State]) -> Iterator[str]:
    """By what the gateway takes with one viewer, and with the most."""
    crowds = {
        int(state.situation.split()[0]): state.memory.pss
        for state in states
        if state.situation.endswith("at rest")
    }
    first = [state.memory.pss for state in states if state.situation == NOBODY]
    if first and 1 in crowds:
        yield f"A session with its first viewer: {crowds[1] - first[0]:.1f} MiB."
        most = max(crowds)
        if most > 1:
            each = (crowds[most] - crowds[1]) / (most - 1)
            yield f"Each further viewer: {each:.2f} MiB."


def _row(state: State) -> list[str]:
    shares = state.shares
    return [
        state.situation,
        spread(Spread.of([each.cpu_percent for each in shares]), 2) if shares else "",
        spread(Spread.of([each.wake_ups for each in shares])) if shares else "",
        f"{state.memory.pss:.1f}",
        f"{state.workers.pss:.1f}",
        f"{state.load:.1f}",
    ]

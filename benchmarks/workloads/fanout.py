"""Several viewers of one screen, and what each of them costs: text that scrolls, then rest.

The viewers speak the viewer protocol and draw nothing (``benchmarks/crowd.py``), without a link in
between: they are equal, and as fast as they can be.  Counted are the gateway's processes and the
RFB server, not the crowd, which takes its part of the machine all the same.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.desktop import stage, x_server
from benchmarks.machine import load
from benchmarks.peers.peer import Peer, crowd
from benchmarks.peers.webvdi import HERE, webvdi
from benchmarks.processes import Companion, run_seconds
from benchmarks.report import JsonLines, markdown_table, spread
from benchmarks.samples import Spread
from benchmarks.usage import memory_of
from benchmarks.workloads.moving import SIZE, facts_of

SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Cost:
    """So many viewers, for some seconds."""

    name: str
    viewers: int
    round: int
    seconds: float
    updates: float
    """A viewer, on the average."""
    received_bytes: float
    """A viewer, on the average."""
    gateway_cpu_s: float
    server_cpu_s: float
    memory_mib: float
    """PSS of the gateway's processes, at rest afterwards."""
    load: float

    @property
    def server_side_ms(self) -> float:
        """Processor time of gateway and RFB server for an update that reached all."""
        return 1000 * (self.gateway_cpu_s + self.server_cpu_s) / max(1, self.updates)


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    parser.add_argument("--rounds", type=int, default=3, help="repetitions (default: 3)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a run (default: 8)")
    parser.add_argument("--viewers", default="1,2,4,16", help="(default: 1,2,4,16)")
    parser.add_argument("--scene", default="scroll", help="(default: scroll)")
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="measure another checkout of webvdi too"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure as a line")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    lines = JsonLines(arguments.json)
    counts = [int(count) for count in arguments.viewers.split(",")]
    checkouts = [("webvdi", HERE)]
    if arguments.beside is not None:
        checkouts.append((f"webvdi in {arguments.beside}", arguments.beside.absolute()))
    facts = facts_of([])
    print("\n".join(f"- {fact}: {value}" for fact, value in facts.items()), flush=True)
    lines.write("facts", facts)
    costs: list[Cost] = []
    with TemporaryDirectory(prefix="bench-") as directory, ExitStack() as stack:
        tmp = Path(directory)
        server = stack.enter_context(x_server(tmp, SIZE))
        told, _ = stack.enter_context(stage(tmp, server))
        told.ask(f"prepare {arguments.scene}")
        for number in range(1, arguments.rounds + 1):
            for name, checkout in checkouts:
                for count in counts:
                    place = tmp / f"{number}-{len(costs)}"
                    with (
                        webvdi(checkout, name)(place, server.port, False) as peer,
                        crowd(peer, checkout, place) as viewers,
                    ):
                        told.ask(f"prepare {arguments.scene}")
                        pids = [server.program.pid]
                        cost = measure(peer, viewers, told, pids, count, number, arguments.seconds)
                    costs.append(cost)
                    lines.write("fanout", asdict(cost))
    print(f"\n{table(costs)}")


def measure(
    peer: Peer,
    viewers: Companion,
    told: Companion,
    server: Sequence[int],
    count: int,
    number: int,
    seconds: float,
) -> Cost:
    """One run with so many viewers."""
    viewers.ask(f"join {count}")
    time.sleep(SETTLE_S)
    before, had = (run_seconds(peer.processes()), run_seconds(server)), counted(viewers)
    began = time.monotonic()
    told.ask(f"run {seconds}", seconds + 60)
    after, have = (run_seconds(peer.processes()), run_seconds(server)), counted(viewers)
    took = time.monotonic() - began
    time.sleep(SETTLE_S)
    return Cost(
        name=peer.name,
        viewers=count,
        round=number,
        seconds=took,
        updates=(have[0] - had[0]) / count,
        received_bytes=(have[1] - had[1]) / count,
        gateway_cpu_s=round(after[0] - before[0], 2),
        server_cpu_s=round(after[1] - before[1], 2),
        memory_mib=round(memory_of(peer.processes()).pss, 1),
        load=round(load(), 2),
    )


def counted(viewers: Companion) -> tuple[int, int]:
    """Updates and bytes that all of them have had."""
    each: list[tuple[int, int]] = json.loads(viewers.ask("count"))
    return sum(updates for updates, _ in each), sum(size for _, size in each)


def table(costs: Sequence[Cost]) -> str:
    """Medians of the rounds; the last column beside the smallest crowd."""
    rows = []
    for name in dict.fromkeys(cost.name for cost in costs):
        ours = [cost for cost in costs if cost.name == name]
        counts = list(dict.fromkeys(cost.viewers for cost in ours))
        base = _median([c for c in ours if c.viewers == counts[0]], lambda c: c.server_side_ms)
        rows += [_row(name, [cost for cost in ours if cost.viewers == n], base) for n in counts]
    head = ("", "viewers", "updates/s each", "kB an update", "gateway, % of a core")
    more = ("VNC server, %", "ms an update, both", "beside the fewest", "gateway PSS MiB", "load")
    return markdown_table((*head, *more), rows)


def _row(name: str, rounds: Sequence[Cost], base: float) -> list[str]:
    def figure(of: Callable[[Cost], float], digits: int = 1) -> str:
        return spread(Spread.of([of(cost) for cost in rounds]), digits)

    return [
        name,
        str(rounds[0].viewers),
        figure(lambda c: c.updates / c.seconds),
        figure(lambda c: c.received_bytes / max(1, c.updates) / 1000),
        figure(lambda c: 100 * c.gateway_cpu_s / c.seconds, 0),
        figure(lambda c: 100 * c.server_cpu_s / c.seconds, 0),
        figure(lambda c: c.server_side_ms),
        f"{_median(rounds, lambda c: c.server_side_ms) / base:.2f} ×",
        figure(lambda c: c.memory_mib, 0),
        figure(lambda c: c.load),
    ]


def _median(rounds: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    return Spread.of([of(cost) for cost in rounds]).median

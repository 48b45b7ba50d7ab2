"""What a page full of live thumbnails costs: machines that nobody watches, glanced at for pictures.

Fake RFB servers show large screens; a broker asks for a thumbnail of each at an even pace, as the
machines page does.  Counted are the Managed Server's processes alone, not the screens'.
"""

import argparse
import asyncio
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import Machine, load
from benchmarks.still_screens import half_photograph
from support.screens import FakeScreen
from support.server import Server, managed_server

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Of one phase."""

    cpu_share: dict[str, float]
    memory_mib: dict[str, float]
    latency_ms: list[float]
    updates: int


def options(parser: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    parser.add_argument("--machines", type=int, default=20)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two thumbnails")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each phase")
    parser.add_argument("--size", default="1280x800")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    asyncio.run(_run(arguments))


async def _run(arguments: argparse.Namespace) -> None:
    width, height = map(int, arguments.size.split("x"))
    print(f"{Machine.this()}, load {load():.1f}")
    print(f"{arguments.machines} machines of {width}x{height}, each every {arguments.every:g} s")
    with tempfile.TemporaryDirectory() as directory:
        run_directory = Path(directory)
        async with managed_server(run_directory) as server:
            screens = [
                FakeScreen(run_directory / f"screen-{n}", width, height)
                for n in range(arguments.machines)
            ]
            for number, screen in enumerate(screens):
                await screen.open()
                screen.pixels[: height // 2] = half_photograph(width, height // 2)
                await server.show(f"m{number}", screen)
            await _ask(server, screens, arguments.every, {}, changing=False)  # links are made
            for name, changing in (("still screens", False), ("all of each changes", True)):
                _print(name, await _measure(server, screens, arguments, changing=changing))
            for screen in screens:
                await screen.close()


async def _measure(
    server: Server, screens: list[FakeScreen], arguments: argparse.Namespace, *, changing: bool
) -> Cost:
    before, began = _cpu_s(server), time.monotonic()
    updates = sum(screen.updates for screen in screens)
    latencies: list[float] = []
    versions: dict[int, str | None] = {}
    while time.monotonic() - began < arguments.seconds:
        latencies += await _ask(server, screens, arguments.every, versions, changing=changing)
    took = time.monotonic() - began
    after = _cpu_s(server)
    return Cost(
        {name: (after[name] - before.get(name, 0.0)) / took for name in after},
        _memory_mib(server),
        latencies,
        sum(screen.updates for screen in screens) - updates,
    )


async def _ask(
    server: Server,
    screens: list[FakeScreen],
    every_s: float,
    versions: dict[int, str | None],
    *,
    changing: bool,
) -> list[float]:
    """One thumbnail of each, spread over the time; the milliseconds each took."""
    latencies = []
    for number, screen in enumerate(screens):
        due = time.monotonic() + every_s / len(screens)
        if changing:
            screen.pixels[:] = np.roll(screen.pixels, 16, axis=0)
            await screen.paint_as_it_is()
        asked = time.monotonic()
        known = versions.get(number)
        answer = await server.picture(f"m{number}", width=320, height=200, known=known)
        assert "none" not in answer, answer
        versions[number] = answer.get("version", known)
        latencies.append(1000 * (time.monotonic() - asked))
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return latencies


def _processes(server: Server) -> dict[str, list[int]]:
    """The router, and its workers: the lookout and the spare."""
    return {"router": [server.process.pid], "workers": sorted(server.workers())}


def _cpu_s(server: Server) -> dict[str, float]:
    def of(pid: int) -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    return {name: sum(map(of, pids)) for name, pids in _processes(server).items()}


def _memory_mib(server: Server) -> dict[str, float]:
    def of(pid: int) -> float:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        (line,) = [line for line in rollup.splitlines() if line.startswith("Pss:")]
        return int(line.split()[1]) / 1024

    return {
        f"{name} {index}" if len(pids) > 1 else name: of(pid)
        for name, pids in _processes(server).items()
        for index, pid in enumerate(pids)
    }


def _print(name: str, cost: Cost) -> None:
    cpu = ", ".join(f"{who} {100 * share:.1f} %" for who, share in cost.cpu_share.items())
    memory = ", ".join(f"{who} {mib:.0f} MiB" for who, mib in cost.memory_mib.items())
    times = np.array(cost.latency_ms)
    median, slow = np.percentile(times, (50, 99))
    print(f"{name}: CPU of one core: {cpu}")
    print(f"  memory: {memory}; updates sent by screens: {cost.updates}")
    print(f"  {len(times)} thumbnails, each {median:.0f} ms (median), {slow:.0f} ms (99 %)")

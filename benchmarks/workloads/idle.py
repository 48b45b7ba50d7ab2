"""Idle: what the service takes while nothing happens, of processor and memory, a process kind each.

First ``webvdi serve`` with no machine and with real small guests (QEMU without KVM), then the same
service before an engine that runs nothing, with many machines whose screens stand still.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from json import loads
from os import environ
from pathlib import Path
from subprocess import run as run_command
from tempfile import TemporaryDirectory
from typing import TypeAlias

from playwright.sync_api import Browser, Page

from benchmarks.browser import CHROMIUM, chromium
from benchmarks.machine import Machine, load, version_of
from benchmarks.processes import Failed, Program, family, free_port, program
from benchmarks.report import JsonLines, markdown_table, spread
from benchmarks.samples import Spread
from benchmarks.usage import (
    NO_MEMORY,
    Memory,
    Share,
    count_of,
    memory_of,
    named_workers,
    share,
)

GUEST_KINDS = ("shepherds", "QEMU")
"""Kinds that are not the service's: they live with their machines."""

KINDS = ("supervisor", "web", "router", "spare", "lookout", "session worker", *GUEST_KINDS)
"""In the order of the tables."""

VIEWPORT = {"width": 1920, "height": 2400}
"""All thumbnails are in view, for no others are asked for."""

LOOKOUT_ENDS_WITHIN_S = 180.0
BOOTED_WITHIN_S = 600.0

Processes: TypeAlias = dict[str, list[int]]


@dataclass(frozen=True, slots=True)
class Window:
    """One kind of process during one stretch of one situation."""

    situation: str
    kind: str
    number: int
    processes: int
    share: Share
    memory: Memory
    """At the end of it."""
    load: float


class Served:
    """A service that runs, and which of its processes is what."""

    def __init__(self, program: Program, home: Path, url: str) -> None:
        self.url = url
        self.state = home / "state/webvdi"
        self._program = program
        self._run = home / "run/webvdi"
        self._workers: dict[int, str] = {}

    def look(self, *, hired: bool = False) -> Processes:
        """The pids of each kind; *hired*: a session got a worker since the last look."""
        web, router = (int((self._run / f"{name}.pid").read_text()) for name in ("web", "managed"))
        children = Path(f"/proc/{router}/task/{router}/children").read_text().split()
        self._workers = named_workers(self._workers, [int(pid) for pid in children], hired=hired)
        found = {"supervisor": [self._program.pid], "web": family(web), "router": [router]}
        for pid, kind in self._workers.items():
            found.setdefault(kind, []).append(pid)
        machines = [loads(file.read_text()) for file in self.state.glob("machines/*/run.json")]
        if machines:
            found["shepherds"] = [machine["shepherd"]["pid"] for machine in machines]
            found["QEMU"] = [machine["qemu"]["pid"] for machine in machines]
        return found


# ------------------------------------------------------------------------- what is measured


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    parser.add_argument("--windows", type=int, default=3, help="of each situation (default: 3)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of a window (default: 30)")
    parser.add_argument("--settle", type=float, default=20.0, help="seconds before (default: 20)")
    parser.add_argument("--machines", type=int, default=20, help="that do not run (default: 20)")
    parser.add_argument("--guests", type=int, default=4, help="that do; 0: none (default: 4)")
    parser.add_argument("--size", default="1280x800", help="of screens that stand still")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure as a line")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    lines = JsonLines(arguments.json)
    facts = {
        "machine": str(Machine.this()),
        "guests": f"tiny, QEMU {version_of('qemu-system-x86_64', '--version')}, without KVM",
        "browser": f"Chromium {version_of(CHROMIUM, '--version')}, headless, no GPU",
        "windows": f"{arguments.windows} of {arguments.seconds:g} s",
    }
    print("\n".join(f"- {fact}: {value}" for fact, value in facts.items()), flush=True)
    lines.write("facts", facts)
    idle = Idle(arguments, lines)
    with TemporaryDirectory(prefix="bench-") as name:
        idle.real_service(Path(name) / "real")
        idle.many_machines(Path(name) / "many")
    print(f"\n{table(idle.windows)}")


class Idle:
    """The situations, one after the other."""

    def __init__(self, arguments: argparse.Namespace, lines: JsonLines) -> None:
        self.windows: list[Window] = []
        self._arguments = arguments
        self._lines = lines

    def real_service(self, home: Path) -> None:
        """No machine; then guests that really run, unseen, on a page, and in a viewer."""
        guests = self._arguments.guests
        with service(home, "-m", "webvdi", "serve", "--no-auth", "--no-open") as served:
            self.measure("no machine", served)
            if not guests:
                return
            with running_guests(home, served, guests):
                self.measure(f"{guests} guests, nobody looks", served)
                with opened(f"{served.url}?all=1") as page:
                    thumbnails(page, guests)
                    self.measure(f"{guests} guests, machines page open", served)
                machine = machine_ids(home)[0]
                without_lookout(served)
                with opened(f"{served.url}view?m={machine}") as page:
                    page.wait_for_function("() => window.webvdi?.viewer.state === 'live'")
                    self.measure(f"{guests} guests, one viewer", served, hired=True)

    def many_machines(self, home: Path) -> None:
        """Machines with still screens, unseen and on a page."""
        count = self._arguments.machines
        home.mkdir()
        screens = (sys.executable, "-m", "benchmarks.still_screens", str(home), str(count))
        with program([*screens, self._arguments.size], home / "screens.log") as showing:
            showing.said("ready")
            arguments = ("-m", "benchmarks.fake_service", str(home), str(count))
            with service(home, *arguments) as served:
                until_all_run(home, count)
                self.measure(f"{count} machines, nobody looks", served)
                with opened(f"{served.url}?all=1") as page:
                    thumbnails(page, count)
                    self.measure(f"{count} machines, machines page open", served)

    def measure(self, situation: str, served: Served, *, hired: bool = False) -> None:
        """Let everything settle, then count."""
        print(f"\n{situation}; load {load():.1f}", end="", flush=True)
        time.sleep(self._arguments.settle)
        processes = served.look(hired=hired)
        for number in range(1, self._arguments.windows + 1):
            found = window(situation, number, processes, self._arguments.seconds)
            if served.look() != processes:
                raise Failed(f"{situation}: processes came or went while they were measured")
            for each in found:
                self._lines.write("window", asdict(each))
            self.windows += found
            print(f", {found[0].load:.1f}", end="", flush=True)


def window(situation: str, number: int, processes: Processes, seconds: float) -> Sequence[Window]:
    """Count each kind of process for a while."""
    began = time.monotonic()
    before = {kind: count_of(pids) for kind, pids in processes.items()}
    time.sleep(seconds)
    after = {kind: count_of(pids) for kind, pids in processes.items()}
    took = time.monotonic() - began
    return [
        Window(
            situation,
            kind,
            number,
            len(pids),
            share(before[kind], after[kind], took),
            memory_of(pids),
            load(),
        )
        for kind, pids in processes.items()
    ]


# ------------------------------------------------------------------------- what is set up


@contextmanager
def service(home: Path, *arguments: str) -> Iterator[Served]:
    """A service on directories below *home*; *arguments* lack the port to serve on."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    port = str(free_port())
    listen = (port,) if "benchmarks.fake_service" in arguments else ("--listen", port)
    command = [sys.executable, *arguments, *listen]
    with program(command, home / "service.log", environment(home)) as running:
        running.said("Open  http")
        yield Served(running, home, f"http://127.0.0.1:{port}/")


def environment(home: Path) -> dict[str, str]:
    """Where a service and its command line meet; what it downloads is kept for the next time."""
    return {"XDG_RUNTIME_DIR": str(home / "run"), "XDG_STATE_HOME": str(home / "state")}


def webvdi(home: Path, *arguments: str) -> str:
    """What the command prints.  Raises :class:`Failed`."""
    command = [sys.executable, "-m", "webvdi", *arguments]
    done = run_command(
        command, env=environ | environment(home), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"webvdi {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def machine_ids(home: Path, state: str = "running") -> list[str]:
    """Of the machines in a state."""
    return [
        m["id"] for m in loads(webvdi(home, "machine", "list", "--json")) if m["state"] == state
    ]


@contextmanager
def running_guests(home: Path, served: Served, count: int) -> Iterator[None]:
    """Small guests with their desktops up; they are switched off in the end."""
    try:
        for number in range(count):
            name = f"guest{number}"
            webvdi(home, "machine", "create", name, "--guest", "tiny", "--network", "none")
        patiently(lambda: desktops(served.state) == count, "the guests' desktops", BOOTED_WITHIN_S)
        yield
    finally:
        for machine in machine_ids(home):
            webvdi(home, "machine", "kill", machine)


def desktops(state: Path) -> int:
    """Guests that say on their serial port that their desktop stands."""
    logs = [log.read_text(errors="replace") for log in state.glob("machines/*/serial.log")]
    return sum("webvdi-guest: desktop ready" in log for log in logs)


def until_all_run(home: Path, count: int) -> None:
    """Wait for machines that need no time to start."""
    patiently(lambda: len(machine_ids(home)) == count, f"{count} machines to run", 120)


def without_lookout(served: Served) -> None:
    """Wait until nobody's thumbnails are looked after."""
    patiently(lambda: "lookout" not in served.look(), "the lookout's end", LOOKOUT_ENDS_WITHIN_S)


def patiently(question: Callable[[], bool], what: str, seconds: float) -> None:
    """Ask now and then, for what takes long.  Raises :class:`Failed`."""
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(1)


@contextmanager
def opened(url: str) -> Iterator[Page]:
    """A page in a browser of its own: without one there is no browser at all."""
    with ExitStack() as stack:
        browser: Browser = stack.enter_context(chromium())
        page = browser.new_page(viewport=VIEWPORT)  # type: ignore[arg-type]
        page.goto(url)
        yield page


def thumbnails(page: Page, count: int) -> None:
    """Wait until all are shown."""
    page.wait_for_function(
        "(count) => [...document.images].filter((i) => i.naturalWidth >= 160).length >= count",
        arg=count,
    )


# ------------------------------------------------------------------------- what is printed


def table(windows: Sequence[Window]) -> str:
    """Every situation with its kinds of processes, and the service as a whole."""
    head = ("situation", "processes", "CPU of a core, %", "wake-ups a second", "PSS MiB", "RSS MiB")
    rows = []
    for situation in dict.fromkeys(window.situation for window in windows):
        of_it = [window for window in windows if window.situation == situation]
        kinds = sorted({window.kind for window in of_it}, key=KINDS.index)
        ours = [kind for kind in kinds if kind not in GUEST_KINDS]
        name = situation
        for kind in kinds:
            rows.append([name, *_row(kind, [w for w in of_it if w.kind == kind])])
            name = ""
        rows.append(["", *_row("**the service**", _together(of_it, ours))])
    return markdown_table(head, rows)


def _together(windows: Sequence[Window], kinds: Sequence[str]) -> list[Window]:
    """For each number, all of these kinds as one."""
    together = []
    for number in sorted({window.number for window in windows}):
        parts = [w for w in windows if w.number == number and w.kind in kinds]
        memory = sum((part.memory for part in parts), NO_MEMORY)
        total = Share(
            sum(part.share.cpu_percent for part in parts),
            sum(part.share.wake_ups for part in parts),
        )
        count = sum(part.processes for part in parts)
        first = parts[0]
        together.append(
            Window(first.situation, "service", number, count, total, memory, first.load)
        )
    return together


def _row(name: str, windows: Sequence[Window]) -> list[str]:
    count = windows[0].processes
    return [
        f"{name} × {count}" if count > 1 and not name.startswith("**") else name,
        spread(Spread.of([window.share.cpu_percent for window in windows]), 2),
        spread(Spread.of([window.share.wake_ups for window in windows])),
        spread(Spread.of([window.memory.pss for window in windows]), 0),
        spread(Spread.of([window.memory.rss for window in windows]), 0),
    ]

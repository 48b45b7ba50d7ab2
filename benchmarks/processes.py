"""Programs that a benchmark runs: started, waited for, accounted for, always ended."""

import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60.0
"""How long to wait for something that takes a second on a quiet machine."""

STOP_S = 10.0
"""How long a program may take to end before it is killed."""


class Failed(Exception):
    """A part of the benchmark does not do what it should; the message says which and what."""


def wait_until(question: Callable[[], object], what: str) -> None:
    """Ask until the answer is true.  Raises :class:`Failed`."""
    end = time.monotonic() + PATIENCE_S
    while not question():
        if time.monotonic() > end:
            raise Failed(f"waited {PATIENCE_S:.0f} s in vain: {what}")
        time.sleep(0.02)


def free_port() -> int:
    """A loopback port that nobody had a moment ago."""
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        port: int = end.getsockname()[1]
        return port


class Program:
    """A running program, its output in a file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self.pid = process.pid

    def said(self, pattern: str) -> None:
        """Wait until a line of its output matches.  Raises :class:`Failed` with what it said."""

        def look() -> bool:
            output = self._log.read_text(errors="replace")
            if re.search(pattern, output):
                return True
            if self._process.poll() is not None:
                raise Failed(f"{self._process.args!r} ended: {output}")
            return False

        wait_until(look, f"{pattern!r} in {self._log}")

    def stop(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def program(
    arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Run *arguments* until the block ends; its output goes to the file *log*."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | dict(env or {}),
            start_new_session=True,
        )
    running = Program(process, log)
    try:
        yield running
    finally:
        running.stop()


class Companion:
    """A program that is told lines and answers each with one."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def ask(self, line: str, patience_s: float = PATIENCE_S) -> str:
        """The answer to a line.  Raises :class:`Failed`."""
        self.tell(line)
        return self.answer(patience_s)

    def tell(self, line: str) -> None:
        """Say a line; the answer is for later."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self, patience_s: float = PATIENCE_S) -> str:
        """The next answer.  Raises :class:`Failed`."""
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], patience_s)[0]:
            raise Failed(f"no answer from {self._process.args!r} within {patience_s:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"{self._process.args!r} ended: {self._log.read_text()}")
        return line.strip()


@contextmanager
def companion(
    arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[Companion]:
    """Run *arguments* until the block ends; what it complains of goes to the file *log*."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            env=os.environ | dict(env or {}),
            text=True,
            bufsize=1,
            start_new_session=True,
        )
    try:
        yield Companion(process, log)
    finally:
        process.terminate()
        process.communicate()


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for member in found:
        found += parents.get(member, [])
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """What the threads of these processes have run, to the nanosecond (proc(5), schedstat)."""
    total = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(thread.read_text().split()[0])
            except OSError:
                continue
    return total / 1e9


def run_seconds(pids: Sequence[int]) -> float:
    """What these processes have run, threads that have ended included (proc(5), stat).

    In the kernel's ticks of 10 ms: for stretches of seconds.
    """
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def programs_below(pid: int, name: str) -> list[int]:
    """Descendants of a process that run a program whose name begins so."""
    found = []
    for each in family(pid):
        try:
            comm = Path(f"/proc/{each}/comm").read_text()
        except OSError:
            continue
        if comm.startswith(name):
            found.append(each)
    return found

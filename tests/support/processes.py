"""Real processes for tests: started, waited for by what they say or do, always ended."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 60.0
"""How long a test waits for something that takes a second on a quiet machine."""


def wait_until(
    question: Callable[[], T | bool | None], what: str, *, patience_s: float = PATIENCE_S
) -> T:
    """Ask until the answer is true; fail with *what* did not happen."""
    end = time.monotonic() + patience_s
    while True:
        answer = question()
        if answer:
            return answer  # type: ignore[return-value]  # True only where T is bool
        assert time.monotonic() < end, f"waited {patience_s:.0f} s in vain: {what}"
        time.sleep(0.02)


def free_port() -> int:
    """A loopback port that nobody had a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")


class Program:
    """A program of ours, its output in a file."""

    def __init__(self, arguments: Sequence[str], log: Path, env: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | env,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """All it said so far."""
        return self.log.read_text(errors="replace")

    def said(self, pattern: str, *, patience_s: float = PATIENCE_S) -> re.Match[str]:
        """Wait for a line that matches."""

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.output)
            if found is None and self.process.poll() is not None:
                found = re.search(pattern, self.output)
                assert found is not None, f"it ended without saying {pattern}: {self.output}"
            return found

        return wait_until(look, f"{pattern!r} in {self.output!r}", patience_s=patience_s)

    def interrupt(self) -> int:
        """Ctrl-C, and its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@contextmanager
def webvdi(*arguments: str, tmp: Path, **env: str) -> Iterator[Program]:
    """The ``webvdi`` command, with a run directory of its own."""
    run = tmp / "run"
    run.mkdir(exist_ok=True)
    log = tmp / f"webvdi-{len(list(tmp.glob('webvdi-*.log')))}.log"
    settings = {"XDG_RUNTIME_DIR": str(run), "XDG_STATE_HOME": str(tmp / "state"), **env}
    program = Program([sys.executable, "-m", "webvdi", *arguments], log, settings)
    try:
        yield program
    finally:
        program.interrupt()


@contextmanager
def vnc_server(
    tmp: Path, *arguments: str, size: str = "640x480", port: int | None = None
) -> Iterator["VncServer"]:
    """A real Xtigervnc on a free display, with a root window and nothing else."""
    display = _free_display()
    port = port or free_port()
    program = Program(
        [
            "Xtigervnc",
            f":{display}",
            "-rfbport",
            str(port),
            "-localhost",
            "-geometry",
            size,
            "-depth",
            "24",
            "-ac",
            *(arguments or ("-SecurityTypes", "None")),
        ],
        tmp / f"xvnc-{display}.log",
        {},
    )
    server = VncServer(f":{display}", port, program.process.pid)
    try:
        wait_until(lambda: Path(f"/tmp/.X11-unix/X{display}").exists(), "the X server's socket")
        program.said("Listening for VNC connections")
        _hide_pointer(server, tmp)
        yield server
    finally:
        program.process.terminate()
        program.process.wait()


class VncServer:
    """An X server that speaks RFB."""

    def __init__(self, display: str, port: int, pid: int) -> None:
        self.display = display
        self.port = port
        self.pid = pid

    def run(self, *arguments: str) -> bytes:
        """Run an X program on it and return what it printed."""
        done = subprocess.run(
            arguments, env=os.environ | {"DISPLAY": self.display}, capture_output=True, check=True
        )
        return done.stdout

    @contextmanager
    def events(self, tmp: Path, *arguments: str) -> Iterator[Path]:
        """Run xev with *arguments* on it, its window mapped; the file that tells its events."""
        log = tmp / "xev.log"
        with log.open("wb") as out:
            xev = subprocess.Popen(
                ["xev", *arguments], stdout=out, env=os.environ | {"DISPLAY": self.display}
            )
        try:
            wait_until(lambda: b"Event Tester" in self.run("xwininfo", "-root", "-tree"), "xev")
            yield log
        finally:
            xev.terminate()
            xev.wait()


def _hide_pointer(server: "VncServer", tmp: Path) -> None:
    """TigerVNC paints the pointer into the picture until its client has moved it; xwd never does.

    So the root window gets a pointer without pixels.
    """
    blank = tmp / "blank.xbm"
    blank.write_text(
        "#define b_width 8\n#define b_height 1\n#define b_x_hot 0\n#define b_y_hot 0\n"
        "static char b_bits[] = {\n0x00 };\n"
    )
    server.run("xsetroot", "-cursor", str(blank), str(blank))


def _free_display() -> int:
    for display in range(60, 200):
        if (
            not Path(f"/tmp/.X11-unix/X{display}").exists()
            and not Path(f"/tmp/.X{display}-lock").exists()
        ):
            return display
    raise AssertionError("no free X display")

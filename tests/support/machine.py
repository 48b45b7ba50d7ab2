"""A running machine as a test reaches it from the side: monitor and serial port."""

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.processes import PATIENCE_S, wait_until
from support.screen import ppm
from support.viewer import Rgb


class Monitor:
    """QMP on the spare socket, which is for people and repair."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rw")
        self._file.readline()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: object) -> Any:
        """Run a command; its answer."""
        self._file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._file.flush()
        while True:
            answer = json.loads(self._file.readline())
            assert "error" not in answer, answer
            if "return" in answer:
                return answer["return"]

    def screendump(self, scratch: Path) -> Rgb:
        """What QEMU itself has on the screen."""
        scratch.unlink(missing_ok=True)
        self.execute("screendump", filename=str(scratch))
        return ppm(scratch.read_bytes())

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Serial:
    """The root shell on the demo guest's serial port."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(1)
        self._socket.connect(str(path))
        self._number = 0

    def run(self, command: str) -> str:
        """Run a command in the guest; what it printed."""
        self._number += 1
        begin, end = f"<{self._number}", f"{self._number}>"
        # The markers are put together in the guest, so the echo of the line is not an answer.
        line = (
            f"printf '%s%s\\n' '<' {self._number}; {command}; printf '%s%s\\n' {self._number} '>'\n"
        )
        self._socket.sendall(line.encode())
        said = ""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(f"{begin}\r?\n(.*?){end}\r?\n", said, re.DOTALL)):
            assert time.monotonic() < deadline, f"the guest did not answer {command!r}: {said!r}"
            try:
                said += self._socket.recv(65536).decode(errors="replace")
            except TimeoutError:
                continue
        return found[1].replace("\r", "")

    def close(self) -> None:
        self._socket.close()


def _key(directory: Path) -> str:
    return str(json.loads((directory / "machine.json").read_text())["key"])


class RunningMachine:
    """The one machine below a state directory, or the one with this id."""

    def __init__(self, state: Path, run: Path, machine: str | None = None) -> None:
        (self.directory,) = (
            directory
            for directory in (state / "machines").iterdir()
            if machine in (None, _key(directory))
        )
        self._run = run / self.directory.name

    @property
    def qemu_pid(self) -> int:
        """The process."""
        return int(json.loads((self.directory / "run.json").read_text())["qemu"]["pid"])

    @property
    def serial_log(self) -> str:
        """What the guest wrote to its serial port."""
        return (self.directory / "serial.log").read_text(errors="replace")

    def wait_for_desktop(self) -> None:
        """Wait until the demo guest says that its desktop stands."""
        wait_until(
            lambda: "webvdi-guest: desktop ready" in self.serial_log,
            "the desktop",
            patience_s=240,
        )

    @contextmanager
    def monitor(self) -> Iterator[Monitor]:
        monitor = Monitor(self._run / "qmp2")
        try:
            yield monitor
        finally:
            monitor.close()

    @contextmanager
    def serial(self) -> Iterator[Serial]:
        serial = Serial(self._run / "serial")
        try:
            yield serial
        finally:
            serial.close()

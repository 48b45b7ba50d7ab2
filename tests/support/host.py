"""A state directory with our processes on it, and the commands that people give there."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.machine import RunningMachine
from support.processes import Program, free_port, wait_until, webvdi
from webvdi.base.paths import places

MEMTEST_ISO = "/usr/lib/memtest86+/memtest86+x64.iso"


@dataclass
class Host:
    """A state directory, and the commands on it."""

    tmp: Path

    @property
    def state(self) -> Path:
        return self.tmp / "state"

    @contextmanager
    def serving(self, *options: str, **env: str) -> Iterator[tuple[Program, str]]:
        """A running service, once its web process has answered; and its address."""
        address = f"127.0.0.1:{free_port()}"
        arguments = ("serve", "--state", str(self.state), "--no-open", "--listen", address)
        with webvdi(*arguments, *options, tmp=self.tmp, **env) as program:
            program.said("Serving on|Open ")
            wait_until(lambda: self.run("machine", "list").code == 0, "the service to answer")
            yield program, address

    def run(self, *arguments: str) -> "Ended":
        """A command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "webvdi", *arguments, "--state", str(self.state)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str) -> Any:
        """What a command that has to succeed says in JSON."""
        ended = self.run(*arguments, "--json")
        assert ended.code == 0, ended.errors
        return json.loads(ended.output)

    def machine(self, name: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.json("machine", "show", name)
        return shown

    def make(self, name: str, *more: str) -> dict[str, Any]:
        """A machine that counts through its memory for ever."""
        wanted = ("--iso", MEMTEST_ISO, "--memory", "128", "--cpus", "1", "--disk-size", "1")
        made: dict[str, Any] = self.json("machine", "create", name, *wanted, *more)
        return made

    def running(self, name: str) -> RunningMachine:
        """A machine as it is reached from the side."""
        return RunningMachine(self.state, places(self.state).run, self.machine(name)["id"])

    def qemu_pid(self, name: str) -> int:
        """Its process."""
        return self.running(name).qemu_pid


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    output: str
    errors: str

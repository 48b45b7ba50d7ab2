"""Every command there is, given once to a running service, on real parts."""

import os
import pty
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from support.host import MEMTEST_ISO, Ended, Host
from webvdi.cli.main import app

pytestmark = pytest.mark.qemu

ELSEWHERE = {
    "demo": ("tests/integration/test_demo.py", '"demo", "--state"'),
    "view": ("tests/integration/test_view.py", '"view", f"tcp:'),
    "image uploads": ("tests/unit/cli/test_other_commands.py", '"image", "uploads"'),
    "image abort": ("tests/unit/cli/test_other_commands.py", '"image", "abort"'),
    "guest cancel": ("tests/unit/cli/test_other_commands.py", '"guest", "cancel"'),
    "guest build": ("tests/unit/cli/test_other_commands.py", '"guest", "build"'),
}
"""Commands that need a world of their own; the file whose tests give them, and how."""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Heard"]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("BROWSER", "true")  # "machine open" opens one
    (tmp_path / "run").mkdir()
    host = Heard(tmp_path)
    yield host
    for machine in host.json("machine", "list"):
        host.run("machine", "delete", machine["name"], "--yes")


def commands(within: Any = None, *path: str) -> Iterator[str]:
    """Every command, as it is typed."""
    group: Any = within or get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name))


class Heard(Host):
    """A host that remembers which commands it was given."""

    given: set[str]

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.given = {"serve"}

    def run(self, *arguments: str) -> Ended:
        self.given.add(_command(arguments))
        return super().run(*arguments)

    def does(self, *arguments: str) -> str:
        """A command that has to succeed; what it said."""
        ended = self.run(*arguments)
        assert ended.code == 0, (arguments, ended)
        return ended.output

    def state_of(self, name: str) -> str:
        return str(self.machine(name)["state"])


def _command(arguments: tuple[str, ...]) -> str:
    """Which command these words are."""
    known = set(commands())
    return next(c for c in (" ".join(arguments[:2]), arguments[0]) if c in known)


def test_every_command_is_given_once(host: Heard) -> None:
    with host.serving() as (program, address):
        _images(host)
        _settings(host)
        _power(host)
        _looking(host)
        _links(host, address)
        _about_the_host(host)
        host.does("machine", "delete", "box", "--yes")
        assert host.json("machine", "list") == []
        host.does("image", "delete", "medium", "--yes")
        assert host.json("image", "list") == []
        host.does("shutdown", "--deadline", "10s")
        assert program.process.wait(30) == 0
    assert host.given | set(ELSEWHERE) == set(commands())
    assert not host.given & set(ELSEWHERE)


def test_the_others_are_given_where_it_says() -> None:
    root = Path(__file__).parents[2]
    for file, words in ELSEWHERE.values():
        assert words in (root / file).read_text()


def _images(host: Heard) -> None:
    host.does("image", "add", MEMTEST_ISO, "--name", "medium")
    assert [image["kind"] for image in host.json("image", "list")] == ["iso"]
    wanted = ("--image", "medium", "--memory", "128", "--disk-size", "1", "--no-start")
    made = host.json("machine", "create", "first", *wanted)
    assert (made["phase"], made["state"]) == ("ready", "stopped")
    assert host.run("image", "delete", "medium", "--yes").code != 0  # it is needed


def _settings(host: Heard) -> None:
    host.does("machine", "rename", "first", "box")
    assert "box" in host.does("machine", "list")
    assert "first" not in host.does("machine", "list")
    host.does("machine", "set", "box", "--memory", "160", "--notes", "for the lab")
    shown = host.machine("box")
    assert (shown["memory_mib"], shown["notes"]) == (160, "for the lab")
    assert "for the lab" in host.does("machine", "show", "box")


def _power(host: Heard) -> None:
    host.does("machine", "start", "box")
    for verb, state in (
        ("pause", "paused"),
        ("resume", "running"),
        ("reset", "running"),
        ("save", "saved"),
        ("start", "running"),
        ("kill", "stopped"),
        ("start", "running"),
    ):
        host.does("machine", verb, "box")
        assert host.state_of("box") == state, verb
    host.does("machine", "stop", "box", "--hard")
    assert host.state_of("box") == "stopped"
    host.does("machine", "start", "box")


def _looking(host: Heard) -> None:
    host.does("machine", "screenshot", "box", str(host.tmp / "box.png"))
    assert (host.tmp / "box.png").read_bytes().startswith(b"\x89PNG")
    assert "m=" in host.json("machine", "open", "box")["url"]
    kinds = [entry["kind"] for entry in host.json("logs", "box")]
    assert kinds[0] == "created"
    assert {"started", "paused", "resumed", "reset", "saved"} <= set(kinds)
    host.given.add("machine serial")
    _serial(host)


def _serial(host: Heard) -> None:
    """The serial console wants a terminal; Ctrl-] leaves it."""
    ours, its = pty.openpty()
    argv = [sys.executable, "-m", "webvdi", "machine", "serial", "box", "--state", str(host.state)]
    with subprocess.Popen(argv, stdin=its, stdout=its, stderr=its) as console:
        os.close(its)
        said = b""
        while b"Ctrl-] leaves" not in said:
            said += os.read(ours, 4096)
        os.write(ours, b"\x1d")
        try:
            assert console.wait(30) == 0
        finally:
            console.kill()
    os.close(ours)


def _links(host: Heard, address: str) -> None:
    assert host.json("url")["url"].startswith(f"http://{address}/?token=")
    made = host.json("share", "create", "box", "--view", "--expires", "1h", "--label", "Aiko")
    (share,) = host.json("share", "list")
    assert (share["label"], share["control"], share["revoked"]) == ("Aiko", False, False)
    assert f"http://{address}/join#" in made["url"]
    host.does("share", "revoke", share["id"])
    assert all(share["revoked"] for share in host.json("share", "list"))


def _about_the_host(host: Heard) -> None:
    assert {guest["name"] for guest in host.json("guest", "list")} >= {"tiny", "desk"}
    host.does("guest", "prune")
    host.does("doctor", "--bundle", str(host.tmp / "bundle.tar.gz"))
    with tarfile.open(host.tmp / "bundle.tar.gz") as bundle:
        assert bundle.getnames()
    host.given.add("completion")  # which is of no state
    argv = [sys.executable, "-m", "webvdi", "completion", "bash"]
    assert b"webvdi" in subprocess.run(argv, capture_output=True, check=True).stdout
    assert "ExecStart=" in host.does("service", "install", "--user", "--print")

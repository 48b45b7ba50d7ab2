"""The words that systemd waits for."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from webvdi.cli.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        if request.param == "path":
            name = str(tmp_path / "notify")
            sock.bind(name)
        else:
            name = f"@webvdi-test-{id(sock)}-{tmp_path.name}"
            sock.bind("\0" + name[1:])
        sock.settimeout(5)
        yield sock, name


def test_each_state_is_one_datagram(manager: tuple[socket.socket, str]) -> None:
    sock, name = manager
    environ = {"NOTIFY_SOCKET": name}
    notifier = Notifier(environ)
    assert notifier.managed
    assert environ == {}  # children do not speak for us
    notifier.ready("Serving on http://x/")
    notifier.reloading()
    notifier.stopping()
    assert [sock.recv(200) for _ in range(3)] == [
        b"READY=1\nSTATUS=Serving on http://x/",
        b"RELOADING=1",
        b"STOPPING=1",
    ]


def test_without_a_manager_nothing_is_said() -> None:
    notifier = Notifier({})
    assert not notifier.managed
    notifier.ready()


def test_a_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()

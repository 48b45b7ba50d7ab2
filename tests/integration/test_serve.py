"""``webvdi serve`` and the command line before it: all our processes, a real QEMU, no browser."""

import json
import os
import signal
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from support.browserless import LiveViewer, Site
from support.host import MEMTEST_ISO, Host
from support.processes import free_port, gone, wait_until
from webvdi.base.paths import places
from webvdi.wire.to_viewer import MachineState

pytestmark = pytest.mark.qemu


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    host = Host(tmp_path)
    yield host
    for machine in host.json("machine", "list"):
        host.run("machine", "delete", machine["name"], "--yes")
    assert not list(host.state.glob("machines/*/run.json"))


def logged_in(link: str) -> Site:
    """The site that a login link leads to."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with opener.open(link, timeout=30) as page:
        assert page.status == 200
    (cookie,) = jar
    return Site(link.partition("?")[0], f"{cookie.name}={cookie.value}")


def test_the_life_of_a_service(host: Host) -> None:
    with host.serving() as (program, address):
        assert "token=" not in program.output  # a log is no place for a login
        assert f"http://{address}/" in program.output
        made = host.make("lab")
        assert (made["state"], made["phase"]) == ("running", "ready")
        site = logged_in(host.json("url")["url"])
        assert [m["name"] for m in site.get("api/v1/machines")] == ["lab"]  # type: ignore[index]
        assert host.run("machine", "screenshot", "lab", str(host.tmp / "lab.png")).code == 0
        assert (host.tmp / "lab.png").read_bytes().startswith(b"\x89PNG")
        second = host.run("serve", "--listen", f"127.0.0.1:{free_port()}")
        assert second.code == 1
        assert "served already" in second.errors
        program.process.terminate()
        assert program.process.wait(30) == 0
        assert "keep running" in program.output

    # Without a service, a command stands in for it, on the same machine.
    lab = host.machine("lab")
    assert (lab["state"], lab["generation"]) == ("running", made["generation"])
    assert host.json("machine", "pause", "lab")["machines"][0]["state"] == "paused"

    # The next service finds it, also after its predecessor's sudden death.
    with host.serving() as (program, _):
        assert host.machine("lab")["state"] == "paused"
        assert host.json("machine", "resume", "lab")["machines"][0]["state"] == "running"
        os.kill(program.process.pid, signal.SIGKILL)
        program.process.wait()
    with host.serving("--no-auth") as (_, address):
        site = Site(f"http://{address}")
        with LiveViewer(site) as viewer:
            viewer.attach()
            viewer.listen_until(
                lambda p: p.machine and p.machine.state is MachineState.LIVE, "its screen"
            )
        assert host.machine("lab")["generation"] == made["generation"]
        stopped = host.json("machine", "stop", "lab", "--hard")["machines"][0]
        assert stopped["state"] == "stopped"
        assert host.json("logs", "lab")[-1]["kind"] in ("exit", "stopped")


def test_machines_start_with_the_service_unless_told_otherwise(host: Host) -> None:
    host.make("by-itself", "--no-start", "--autostart")
    host.make("by-hand", "--no-start")
    with host.serving("--no-autostart"):
        assert host.machine("by-itself")["state"] == "stopped"
    with host.serving():
        wait_until(lambda: host.machine("by-itself")["state"] == "running", "its start")
        assert host.machine("by-hand")["state"] == "stopped"


def test_the_host_goes_down(host: Host) -> None:
    with host.serving() as (program, _):
        host.make("saved", "--at-shutdown", "save")
        host.make("deaf")  # memtest86+ does not look at its power button
        pids = [host.qemu_pid(name) for name in ("saved", "deaf")]
        ended = host.run("shutdown", "--deadline", "30s", "--json")
        assert ended.code == 0, ended.errors
        assert program.process.wait(30) == 0  # the service ended first
        assert all(gone(pid) for pid in pids)
    outcomes = {outcome["name"]: outcome for outcome in json.loads(ended.output)}
    assert outcomes["saved"]["state"] == "saved"
    assert outcomes["deaf"]["state"] in ("saved", "stopped")  # never a silent kill:
    assert outcomes["deaf"]["text"]
    again = host.json("machine", "start", "saved")["machines"][0]
    assert again["state"] == "running"


def test_a_new_certificate_is_taken_up_without_losing_a_connection(host: Host) -> None:
    from datetime import UTC, datetime

    from webvdi.cli.certificate import self_signed

    pair = self_signed(host.tmp, "127.0.0.1", datetime.now(UTC))
    options = ("--tls-cert", str(pair[0]), "--tls-key", str(pair[1]))
    with host.serving(*options) as (program, address):
        name, _, port = address.partition(":")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def connect() -> ssl.SSLSocket:
            return context.wrap_socket(socket.create_connection((name, int(port)), 30))

        with connect() as kept:
            first = kept.getpeercert(binary_form=True)
            for path in pair:
                path.unlink()
            self_signed(host.tmp, "127.0.0.1", datetime.now(UTC))
            program.process.send_signal(signal.SIGHUP)

            def renewed() -> bool:
                with connect() as fresh:
                    return fresh.getpeercert(binary_form=True) != first

            wait_until(renewed, "the new certificate")
            kept.sendall(b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert kept.recv(20).startswith(b"HTTP/1.1 200")


def test_systemd_is_told_when_it_serves_and_when_it_ends(host: Host) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(host.tmp / "notify"))
        manager.settimeout(60)
        with host.serving(NOTIFY_SOCKET=str(host.tmp / "notify")) as (program, address):
            assert manager.recv(200) == f"READY=1\nSTATUS=Serving on http://{address}/".encode()
            program.process.terminate()
            assert manager.recv(200) == b"STOPPING=1"


def test_commands_wait_for_each_other(host: Host) -> None:
    """Several at once without a service: each gets its turn, and nothing is lost."""
    from concurrent.futures import ThreadPoolExecutor

    host.run("machine", "list")
    wanted = ("--iso", MEMTEST_ISO, "--memory", "64", "--disk-size", "1", "--no-start")
    names = [f"m{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda name: host.run("machine", "create", name, *wanted).code, names))
    assert done == [0, 0, 0, 0]
    assert sorted(m["name"] for m in host.json("machine", "list")) == names
    assert places(host.state).run.is_dir()

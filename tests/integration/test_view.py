"""``webvdi view`` from end to end: a real VNC server, all our processes, a viewer."""

import os
import random
import re
import signal
import socketserver
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from websockets.exceptions import InvalidStatus

from support.browserless import LiveViewer, Site, status_of
from support.processes import Program, VncServer, free_port, gone, vnc_server, wait_until, webvdi
from support.screen import x_screen
from webvdi.wire.from_viewer import GiveCredentials, Key, Pointer
from webvdi.wire.to_viewer import Machine, MachineState, Reason, Role


@pytest.fixture(scope="module")
def vnc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VncServer]:
    with vnc_server(tmp_path_factory.mktemp("vnc")) as server:
        server.run("xsetroot", "-solid", "#2f5d7c")
        yield server


class Served:
    """A running ``webvdi view``."""

    def __init__(self, program: Program, url: str, run: Path) -> None:
        self.program = program
        self.site = Site(url)
        self._run = run

    def pid(self, name: str) -> int:
        """Of one of our servers."""
        pattern = f"webvdi/view-*/{name}.pid"
        (file,) = wait_until(lambda: list(self._run.glob(pattern)), f"the {name} process")
        return int(file.read_text())

    def workers(self) -> list[int]:
        """Children of the router."""
        router = self.pid("managed")
        children = Path(f"/proc/{router}/task/{router}/children").read_text().split()
        return [int(pid) for pid in children]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: gone(pid), "the killed process to be gone")

    def busy_worker(self) -> int:
        """The worker that holds a link to the VNC server (the other is the spare)."""

        def connected() -> int | None:
            for pid in self.workers():
                sockets = subprocess.run(
                    ["ss", "-tnpH"], capture_output=True, text=True, check=True
                ).stdout
                if f"pid={pid}," in sockets:
                    return pid
            return None

        return wait_until(connected, "a worker with a link")


@pytest.fixture
def served(vnc: VncServer, tmp_path: Path) -> Iterator[Served]:
    port = free_port()
    arguments = ("view", f"tcp:127.0.0.1:{vnc.port}", "--no-auth", "--no-open")
    with webvdi(*arguments, "--listen", f"127.0.0.1:{port}", tmp=tmp_path) as program:
        url = program.said(r"Open +(http://\S+)")[1]
        yield Served(program, url, tmp_path / "run")
    assert program.process.returncode == 0
    assert not list((tmp_path / "run/webvdi").glob("view-*"))


def test_the_picture_is_the_screen_and_follows_it(vnc: VncServer, served: Served) -> None:
    with LiveViewer(served.site) as viewer:
        viewer.attach()
        viewer.shows(lambda: x_screen(vnc))
        vnc.run("xsetroot", "-mod", "7", "5", "-fg", "red", "-bg", "yellow")
        viewer.shows(lambda: x_screen(vnc))
        assert viewer.picture.welcome is not None
        assert viewer.picture.welcome.role is Role.OWNER
        assert viewer.picture.machine == Machine(MachineState.LIVE, "")


def test_a_second_viewer_sees_the_same_and_closing_one_leaves_the_other(
    vnc: VncServer, served: Served
) -> None:
    with LiveViewer(served.site) as one, LiveViewer(served.site) as two:
        one.attach()
        two.attach()
        one.shows(lambda: x_screen(vnc))
        two.shows(lambda: x_screen(vnc))
        one.close()
        vnc.run("xsetroot", "-solid", "#884422")
        two.shows(lambda: x_screen(vnc))


def test_a_stalled_viewer_keeps_memory_flat_and_catches_up(vnc: VncServer, served: Served) -> None:
    with LiveViewer(served.site) as stalled, LiveViewer(served.site) as lively:
        stalled.attach()
        lively.attach()
        stalled.shows(lambda: x_screen(vnc))
        lively.shows(lambda: x_screen(vnc))  # from now on the other reads nothing
        worker, web = served.busy_worker(), served.pid("web")

        def move(times: int) -> None:
            for step in range(times):
                noise(vnc, step)
                lively.shows(lambda: x_screen(vnc))

        move(10)
        before = {pid: resident_bytes(pid) for pid in (worker, web)}
        seen, had = lively.picture.last_update, stalled.picture.last_update
        move(30)
        assert resident_bytes(web) - before[web] <= 1 << 20
        assert resident_bytes(worker) - before[worker] <= CACHES_BYTES
        assert lively.picture.last_update - seen >= 30
        stalled.shows(lambda: x_screen(vnc))
        assert stalled.picture.last_update - had <= 20, "it was sent newer pixels, not more"


CACHES_BYTES = 16 << 20
"""What a worker keeps of encoded pixels for everybody, at most."""


def noise(vnc: VncServer, seed: int) -> None:
    """Fill the screen with what hardly compresses."""
    bits = ", ".join(map(hex, random.Random(seed).randbytes(640 * 480 // 8)))
    head = "#define n_width 640\n#define n_height 480\nstatic char n_bits[] = {\n"
    with tempfile.NamedTemporaryFile("w", suffix=".xbm") as file:
        file.write(f"{head}{bits}}};\n")
        file.flush()
        vnc.run("xsetroot", "-bitmap", file.name, "-fg", "red", "-bg", "yellow")


def resident_bytes(pid: int) -> int:
    """Memory of a process (proc(5), statm)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_keys_and_pointer_reach_the_server(vnc: VncServer, served: Served, tmp_path: Path) -> None:
    with vnc.events(tmp_path, "-geometry", "300x200+100+100") as log:
        wait_until(lambda: "MapNotify" in log.read_text(), "the window")
        with LiveViewer(served.site) as viewer:
            viewer.attach()
            viewer.shows(lambda: x_screen(vnc))
            number = viewer.number
            for x, y, buttons in ((200, 180, 0), (201, 181, 1), (201, 181, 0)):
                viewer.say(Pointer(number(), x, y, buttons))
            viewer.say(Key(number(), True, ord("q"), 0x10), Key(number(), False, ord("q"), 0x10))
            wait_until(lambda: "KeyRelease" in log.read_text(), "the key")
        said = log.read_text()
        assert "ButtonPress" in said
        assert re.search(r"root:\(201,181\)", said)
        assert re.search(r"keysym 0x71, q\)", said)


@pytest.mark.parametrize("victim", ["web", "managed", "worker"])
def test_after_a_kill_the_viewer_comes_back_to_the_right_picture(
    vnc: VncServer, served: Served, victim: str
) -> None:
    with LiveViewer(served.site) as viewer:
        viewer.attach()
        viewer.shows(lambda: x_screen(vnc))
        served.kill(served.busy_worker() if victim == "worker" else served.pid(victim))
        vnc.run("xsetroot", "-solid", f"#0{len(victim)}3355")
        viewer.broken()
        if victim == "web":
            viewer.resume()  # the session lives on in the Managed Server
            viewer.listen_until(lambda p: p.welcome, "a welcome")
            before = viewer.picture.last_update
            viewer.shows(lambda: x_screen(vnc))
            assert viewer.picture.welcome is not None
            assert viewer.picture.welcome.resumed
            assert viewer.picture.last_update > before
        else:
            viewer.resume()
            viewer.broken()
            assert viewer.picture.farewell is not None
            assert viewer.picture.farewell.reason is Reason.RESUME_UNKNOWN
            viewer.attach()
            viewer.shows(lambda: x_screen(vnc))


def test_the_servers_end_with_their_supervisor(vnc: VncServer, served: Served) -> None:
    pids = [served.pid("web"), served.pid("managed"), *served.workers()]
    served.kill(served.program.process.pid)
    wait_until(lambda: all(gone(pid) for pid in pids), "all of them to end")
    served.program.process.wait()
    for left in served._run.glob("webvdi/view-*"):
        for file in left.iterdir():
            file.unlink()
        left.rmdir()
    served.program.process.returncode = 0  # killed by us; the fixture expects a good end


def test_observers_are_given_their_role(served: Served) -> None:
    with LiveViewer(served.site) as viewer:
        viewer.attach(view_only=True)
        viewer.listen_until(lambda p: p.last_update, "a picture")
        assert viewer.picture.welcome is not None
        assert viewer.picture.welcome.role is Role.OBSERVER


def test_a_ticket_works_once(served: Served) -> None:
    site = served.site
    ticket = site.ticket()
    site_with_used_ticket = Site(site.url)
    site_with_used_ticket.ticket = lambda *, view_only=False, machine=None: ticket  # type: ignore[method-assign]
    with LiveViewer(site_with_used_ticket) as first, LiveViewer(site_with_used_ticket) as second:
        first.attach()
        first.listen_until(lambda p: p.welcome, "a welcome")
        second.attach()
        second.broken()
        assert second.picture.farewell is not None
        assert second.picture.farewell.reason is Reason.TICKET_INVALID


def test_other_sites_and_other_names_are_refused(served: Served) -> None:
    site = served.site
    ticket = f"api/v1/machines/{site.machine()['id']}/ticket"
    assert status_of(lambda: site.post(ticket, Origin="http://evil.example")) == 403
    assert status_of(lambda: site.post(ticket, Host="evil.example")) == 403
    with pytest.raises(InvalidStatus, match="403"):
        LiveViewer(site, origin="http://localhost:1").attach()


# ---------------------------------------------------------------- passwords and bad input


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VncServer]:
    tmp = tmp_path_factory.mktemp("locked")
    secret = tmp / "passwd"
    secret.write_bytes(
        subprocess.run(
            ["vncpasswd", "-f"], input=b"letmein\n", capture_output=True, check=True
        ).stdout
    )
    secret.chmod(0o600)
    with vnc_server(tmp, "-SecurityTypes", "VncAuth", "-PasswordFile", str(secret)) as server:
        yield server


@contextmanager
def view(target: str, tmp_path: Path, *more: str) -> Iterator[Site]:
    with webvdi(
        "view",
        target,
        "--no-auth",
        "--no-open",
        "--listen",
        f"127.0.0.1:{free_port()}",
        *more,
        tmp=tmp_path,
    ) as program:
        yield Site(program.said(r"Open +(http://\S+)")[1])


def test_the_password_is_asked_for_until_it_is_right(locked: VncServer, tmp_path: Path) -> None:
    with view(f"tcp:127.0.0.1:{locked.port}", tmp_path) as site, LiveViewer(site) as viewer:
        viewer.attach()

        def asked(detail: str) -> None:
            wanted = Machine(MachineState.CREDENTIALS, detail)
            viewer.listen_until(lambda p: p.machine == wanted, detail)

        asked("password")
        viewer.say(GiveCredentials("", "wrong"))
        asked("password retry")
        viewer.say(GiveCredentials("", "letmein"))
        viewer.shows(lambda: x_screen(locked))


def test_a_password_file_lets_in(locked: VncServer, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("letmein\n")
    target = f"tcp:127.0.0.1:{locked.port}"
    options = ("--password-file", str(secret))
    with view(target, tmp_path, *options) as site, LiveViewer(site) as viewer:
        viewer.attach()
        viewer.shows(lambda: x_screen(locked))


def test_a_wrong_password_file_asks_in_the_browser(locked: VncServer, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    target = f"tcp:127.0.0.1:{locked.port}"
    options = ("--password-file", str(secret))
    with view(target, tmp_path, *options) as site, LiveViewer(site) as viewer:
        viewer.attach()
        wanted = Machine(MachineState.CREDENTIALS, "password retry")
        viewer.listen_until(lambda p: p.machine == wanted, "the question")


class SshGreeting(socketserver.BaseRequestHandler):
    """Something that listens and is no VNC server."""

    def handle(self) -> None:
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def test_what_is_no_rfb_server_is_said_once_and_for_good(tmp_path: Path) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), SshGreeting) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        port = other.server_address[1]
        with view(f"tcp:127.0.0.1:{port}", tmp_path) as site, LiveViewer(site) as viewer:
            viewer.attach()
            viewer.listen_until(
                lambda p: p.machine and p.machine.state is MachineState.FAILED, "the failure"
            )
            assert viewer.picture.machine is not None
            assert "no RFB (VNC) server" in viewer.picture.machine.detail
        other.shutdown()


def test_a_server_that_comes_later_is_found(tmp_path: Path) -> None:
    with vnc_server(tmp_path) as server:
        port = server.port
    with view(f"tcp:127.0.0.1:{port}", tmp_path) as site, LiveViewer(site) as viewer:
        viewer.attach()
        viewer.listen_until(
            lambda p: p.machine and p.machine.state is MachineState.LOST, "the loss"
        )
        with vnc_server(tmp_path, "-SecurityTypes", "None", port=port) as server:
            viewer.shows(lambda: x_screen(server))


def refused(tmp_path: Path, *arguments: str, code: int = 1) -> str:
    """The one line with which a command ends."""
    with webvdi(*arguments, tmp=tmp_path) as program:
        assert program.process.wait(30) == code
    said = program.output.strip()
    assert said.startswith("webvdi: "), said
    assert "Traceback" not in said
    assert said.count("\n") == 0
    return said


def test_a_port_in_use_is_named(served: Served, tmp_path: Path) -> None:
    port = served.site.url.rpartition(":")[2]
    other = tmp_path / "other"
    other.mkdir()
    said = refused(other, "view", "tcp:127.0.0.1:5900", "--listen", port, "--no-open")
    assert f"127.0.0.1:{port}" in said
    assert "--listen" in said


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["tcp:nowhere"], "tcp:HOST:PORT", 2),
        (["vnc://x"], "unix:PATH", 2),
        (["tcp:h:1", "--password-file", "/does/not/exist"], "/does/not/exist", 1),
        (["tcp:h:1", "--listen", "0.0.0.0:8470"], "--tls-self-signed", 1),
        (["tcp:h:1", "--listen", "0.0.0.0:8470", "--no-auth"], "loopback", 1),
        (["tcp:h:1", "--listen", "nonsense"], "HOST:PORT", 2),
        (["tcp:h:1", "--tls-cert", "/x"], "--tls-key", 2),
        (["tcp:h:1", "--tls-cert", "/x", "--tls-key", "/y"], "/x cannot be read", 1),
    ],
)
def test_bad_input_gets_one_clear_line(
    arguments: list[str], says: str, code: int, tmp_path: Path
) -> None:
    assert says in refused(tmp_path, "view", *arguments, "--no-open", code=code)

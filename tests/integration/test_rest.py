"""The REST interface of a real web process on real sockets: what breaks off, goes on."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from support.processes import PATIENCE_S, gone, wait_until
from webvdi.base.files import secret_at
from webvdi.cli.listen import open_unix
from webvdi.cli.web_settings import WebSettings

ISO = bytes(0x8001) + b"CD001" + bytes(3 << 20)


class WebProcess:
    """A web process whose sockets we hold, as its supervisor does."""

    def __init__(self, directory: Path) -> None:
        for name in ("state", "run", "cache"):
            (directory / name).mkdir(mode=0o700)
        self.run = directory / "run"
        self.browsers = socket.create_server(("127.0.0.1", 0))
        self.owners = open_unix(self.run / "api.sock")
        self.port = self.browsers.getsockname()[1]
        self._log = directory / "web.log"
        self._settings = self.run / "web.json"
        settings = WebSettings(
            run=str(self.run),
            key_file=str(directory / "state/key"),
            state=str(directory / "state"),
            cache=str(directory / "cache"),
            cookie_name=f"webvdi_{self.port}",
            url=f"http://127.0.0.1:{self.port}/",
        )
        secret_at(Path(settings.key_file))
        settings.write(self._settings)
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, or its successor."""
        fds = (self.browsers.fileno(), self.owners.fileno())
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webvdi.cli", "web", str(self._settings), *map(str, fds)],
                stdin=subprocess.PIPE,
                stderr=log,
                pass_fds=fds,
                start_new_session=True,
            )
        return self.process

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def owner(self) -> httpx2.Client:
        """A client of the owner's socket."""
        transport = httpx2.HTTPTransport(uds=str(self.run / "api.sock"))
        base = "http://webvdi/api/v1/"
        return httpx2.Client(base_url=base, transport=transport, timeout=PATIENCE_S)

    def browser(self) -> httpx2.Client:
        """A stranger's."""
        return httpx2.Client(base_url=f"http://127.0.0.1:{self.port}/", timeout=PATIENCE_S)

    @property
    def said(self) -> str:
        return self._log.read_text()


@contextmanager
def web_process(directory: Path) -> Iterator[WebProcess]:
    web = WebProcess(directory)
    try:
        yield web
    finally:
        web.process.terminate()
        assert web.process.wait(PATIENCE_S) == 0, web.said
        assert web.process.stdin is not None
        web.process.stdin.close()
        web.browsers.close()
        web.owners.close()
        assert "Traceback" not in web.said


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebProcess]:
    with web_process(tmp_path) as web:
        yield web


def announce(owner: httpx2.Client) -> str:
    answer = owner.post("uploads", json={"name": "a.iso", "size_bytes": len(ISO)})
    assert answer.status_code == 201, answer.text
    return f"uploads/{answer.json()['id']}"


def offset(owner: httpx2.Client, upload: str) -> int:
    return int(owner.get(upload).json()["offset"])


def send_part(web: WebProcess, upload: str, at: int, count: int) -> socket.socket:
    """Begin to send the rest, and stop in the middle with the connection open."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(web.run / "api.sock"))
    head = (
        f"PATCH /api/v1/{upload} HTTP/1.1\r\nHost: webvdi\r\nUpload-Offset: {at}\r\n"
        f"Content-Length: {len(ISO) - at}\r\n\r\n"
    )
    connection.sendall(head.encode() + ISO[at : at + count])
    return connection


def test_an_upload_goes_on_after_a_broken_connection_and_a_killed_process(web: WebProcess) -> None:
    with web.owner() as owner:
        upload = announce(owner)
        send_part(web, upload, 0, 1 << 20).close()
        wait_until(lambda: offset(owner, upload) > 0, "the first part")
    at_kill = send_part_when_free(web, upload)
    web.kill()
    at_kill.close()
    web.start()
    with web.owner() as owner:
        begin = offset(owner, upload)
        assert begin >= 1 << 20
        headers = {"Upload-Offset": str(begin)}
        done = owner.patch(upload, content=ISO[begin:], headers=headers)
        assert done.status_code == 200, done.text
        (image,) = owner.get("images").json()
        assert image["id"] == done.json()["image"]
        assert (image["kind"], image["size_bytes"]) == ("iso", len(ISO))
        assert owner.delete(f"images/{image['id']}").status_code == 204


def send_part_when_free(web: WebProcess, upload: str) -> socket.socket:
    """Send a second part once the first connection's end was noticed, until it is on disk."""
    with web.owner() as owner:
        before = offset(owner, upload)
        connection = send_part(web, upload, before, 1 << 20)
        wait_until(lambda: offset(owner, upload) > before, "the second part")
        return connection


def test_a_revoked_link_ends_its_event_stream_within_a_second(web: WebProcess) -> None:
    """Shares need a machine: one that is made from a disk, and never started."""
    disk = web.run / "disk.raw"
    disk.write_bytes(bytes(510) + b"\x55\xaa" + bytes(1 << 20))
    wanted = {"name": "a", "disk": str(disk), "start": False, "network": "none"}
    with web.owner() as owner, web.browser() as browser:
        answer = owner.post("machines", json=wanted)
        assert answer.status_code == 202, answer.text
        wait_until(lambda: owner.get("machines/a").json()["phase"] == "ready", "the machine")
        share = owner.post("machines/a/shares", json={"control": True}).json()
        token = share["path"].removeprefix("join#")
        joined = browser.post("api/v1/join", json={"token": token, "name": "Ada"})
        assert joined.status_code == 200
        assert browser.get("api/v1/machines/a").json()["disks"] == []
        with browser.stream("GET", "api/v1/events") as events:
            lines = events.iter_lines()
            assert next(lines) == "retry: 1000"
            revoked: list[float] = []

            def revoke() -> None:
                with web.owner() as another:
                    assert another.delete(f"shares/{share['share']['id']}").status_code == 204
                revoked.append(time.monotonic())

            thread = threading.Thread(target=revoke)
            thread.start()
            for _ in lines:
                pass
            thread.join()
            assert time.monotonic() - revoked[0] < 1
        assert browser.get("api/v1/machines/a").status_code == 401
        assert owner.delete("machines/a").status_code == 204
        assert disk.exists()


def test_readers_that_never_read_hold_nobody_up(web: WebProcess) -> None:
    lazy = []
    with web.owner() as owner:
        for _ in range(20):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(web.run / "api.sock"))
            connection.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: webvdi\r\n\r\n")
            lazy.append(connection)
        for _ in range(50):
            upload = announce(owner)
            assert owner.delete(upload).status_code == 204
        for connection in lazy:
            connection.close()


def test_the_owners_socket_is_the_owners_alone(web: WebProcess) -> None:
    assert (web.run / "api.sock").stat().st_mode & 0o777 == 0o600
    with web.owner() as owner, web.browser() as browser:
        assert owner.get("me").json()["role"] == "owner"
        assert browser.get("api/v1/me").status_code == 401
        link = owner.post("logins").json()
        assert link["url"].startswith(str(browser.base_url))
        assert browser.get(link["path"]).status_code == 303
        assert browser.get("api/v1/me").json()["role"] == "owner"


def test_it_ends_with_its_supervisor(tmp_path: Path) -> None:
    web = WebProcess(tmp_path)
    with web.owner() as owner:
        assert owner.get("me").status_code == 200
        assert web.process.stdin is not None
        web.process.stdin.close()
        wait_until(lambda: gone(web.process.pid), "its end")
    assert web.process.wait() == 0
    web.browsers.close()
    web.owners.close()


def test_a_hangup_without_a_certificate_ends_nothing(web: WebProcess) -> None:
    with web.owner() as owner:
        assert owner.get("me").status_code == 200
        os.kill(web.process.pid, signal.SIGHUP)
        assert owner.get("me").status_code == 200

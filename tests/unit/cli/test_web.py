"""The web process: two doors, one end, a certificate that changes under way."""

import asyncio
import datetime as dt
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from support.fake_catalogue import FakeUseCases, machine_view
from webvdi.cli import web as web_process
from webvdi.cli.certificate import self_signed
from webvdi.cli.compose import PortalOptions, application
from webvdi.cli.listen import open_unix
from webvdi.cli.unqueued import MAX_UNSENT_BYTES
from webvdi.cli.web import WebProcess
from webvdi.cli.web_settings import WebSettings

KEY = b"k" * 32


class FakeServing(FakeUseCases):
    """Use cases that keep nobody informed."""

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.Event().wait()


class Running:
    """A web process in this event loop, on real sockets."""

    def __init__(
        self,
        process: WebProcess,
        task: asyncio.Task[None],
        run: Path,
        browsers: socket.socket,
    ) -> None:
        self.process = process
        self.task = task
        self.browsers = browsers
        self.port: int = browsers.getsockname()[1]
        self._run = run

    def browser(self, scheme: str = "http") -> httpx2.AsyncClient:
        """A client of the open port."""
        return httpx2.AsyncClient(base_url=f"{scheme}://127.0.0.1:{self.port}/", verify=False)

    def owner(self) -> httpx2.AsyncClient:
        """A client of the owner's socket."""
        transport = httpx2.AsyncHTTPTransport(uds=str(self._run / "api.sock"))
        return httpx2.AsyncClient(base_url="http://webvdi/", transport=transport)

    async def certificate(self) -> str:
        """What a handshake shows."""
        return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", self.port))


def settings(tmp_path: Path) -> WebSettings:
    return WebSettings(
        run=str(tmp_path),
        key_file=str(tmp_path / "key"),
        state=str(tmp_path),
        cache=str(tmp_path / "cache"),
        cookie_name="webvdi_1",
        url="http://here/",
    )


Starter = Callable[[WebSettings], AsyncIterator[Running]]


@asynccontextmanager
async def running(chosen: WebSettings) -> AsyncIterator[Running]:
    use_cases = FakeServing()
    use_cases.catalogue.add(machine_view("a"))
    opened = application(use_cases, chosen.places, KEY, PortalOptions(chosen.cookie_name))
    process = WebProcess(opened, chosen)
    browsers = socket.create_server(("127.0.0.1", 0))
    owners = open_unix(Path(chosen.run) / "api.sock")
    task = asyncio.Task(process.run(browsers, owners))
    try:
        yield Running(process, task, Path(chosen.run), browsers)
    finally:
        process.stop()
        await task


def test_settings_survive_their_file(tmp_path: Path) -> None:
    chosen = replace(settings(tmp_path), mode="view", displays=({"name": "x"},), autostart=True)
    chosen.write(tmp_path / "web.json")
    assert WebSettings.read(tmp_path / "web.json") == chosen
    assert (tmp_path / "web.json").stat().st_mode & 0o777 == 0o600


async def test_browsers_log_in_and_the_owners_socket_is_the_owner(tmp_path: Path) -> None:
    async with (
        running(settings(tmp_path)) as web,
        web.browser() as browser,
        web.owner() as owner,
    ):
        assert (await browser.get("api/v1/machines")).status_code == 401
        assert [m["name"] for m in (await owner.get("api/v1/machines")).json()] == ["a"]
        assert (await owner.post("api/v1/machines/a/actions/pause")).json()["state"] == "paused"


@pytest.mark.parametrize("header", ["webvdi.local", "Webvdi-Local", "X-Forwarded-For"])
async def test_nothing_that_a_browser_sends_makes_it_the_owner(tmp_path: Path, header: str) -> None:
    async with running(settings(tmp_path)) as web, web.browser() as browser:
        answer = await browser.get("api/v1/me", headers={header: "1"})
        assert answer.status_code == 401


async def test_what_browsers_do_not_take_does_not_wait_in_the_kernel(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as web, web.browser() as browser:
        await browser.get("api/v1/me")
        option = web.browsers.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        assert option == MAX_UNSENT_BYTES


async def test_the_end_of_one_server_is_the_end_of_both(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as web, web.owner() as owner:
        assert (await owner.get("api/v1/me")).status_code == 200
        web.process._browsers.end()
        await web.task
        with pytest.raises(httpx2.ConnectError):
            await owner.get("api/v1/me")


async def test_an_idle_server_sleeps_until_it_is_told_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_process, "DATE_EVERY_S", 3600.0)
    async with running(settings(tmp_path)) as web, web.owner() as owner:
        assert "date" in (await owner.get("api/v1/me")).headers
        web.process.stop()
        await asyncio.wait_for(web.task, 60)


async def test_an_open_event_stream_does_not_hold_up_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(settings(tmp_path)) as web, web.owner() as owner:
        async with owner.stream("GET", "api/v1/events") as events:
            lines = events.aiter_lines()
            assert await anext(lines) == "retry: 1000"
            web.process.stop()
            async for _ in lines:
                pass  # it ends by itself
        await web.task
    assert not caplog.records


async def test_signals_stop_and_reload(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    async with running(settings(tmp_path)) as web, web.owner() as owner:
        web.process.heed_signals()
        try:
            os.kill(os.getpid(), signal.SIGHUP)  # without a certificate there is nothing to do
            assert (await owner.get("api/v1/me")).status_code == 200
            os.kill(os.getpid(), signal.SIGTERM)
            await web.task
        finally:
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
    assert not caplog.records


async def test_a_certificate_is_replaced_without_dropping_anybody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = self_signed(tmp_path, "127.0.0.1", dt.datetime.now(dt.UTC))
    chosen = replace(settings(tmp_path), certificate=str(certificate), certificate_key=str(key))
    async with running(chosen) as web, web.browser("https") as browser:
        assert (await browser.get("api/v1/me")).status_code == 401
        before = certificate.read_text()
        assert (await web.certificate()).split() == before.split()

        good = key.read_bytes()
        key.write_text("junk")
        web.process.reload()
        assert "stays as it was" in caplog.text
        assert (await web.certificate()).split() == before.split()

        key.write_bytes(good)
        certificate.unlink()
        self_signed(tmp_path, "127.0.0.1", dt.datetime.now(dt.UTC))
        web.process.reload()
        assert (await web.certificate()).split() == certificate.read_text().split()
        assert before != certificate.read_text()
        assert (await browser.get("api/v1/me")).status_code == 401  # the same connection

"""The ``webvdi`` command in this process, on a fake broker: what it says, and how it ends."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from support.fake_catalogue import FakeUseCases
from webvdi.base.paths import places
from webvdi.cli import compose, errors_as
from webvdi.cli import main as main_module
from webvdi.cli.claim import SERVE, Holder, claim
from webvdi.cli.listen import open_unix
from webvdi.portal.app import Portal

URL = "http://127.0.0.1:8470/"
KEY = b"k" * 32


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.out)

    @property
    def problem(self) -> dict[str, Any]:
        """The JSON problem on stderr."""
        problem: dict[str, Any] = json.loads(self.err)
        return problem


async def no_websocket(_scope: object, _receive: object, _send: object) -> None:
    """Viewers have no place in these tests."""
    raise AssertionError


class CommandLine:
    """Calls ``webvdi`` with a state directory of its own; without a service it stands in."""

    def __init__(
        self, tmp: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        self.state = tmp / "state"
        self.state.mkdir()
        (tmp / "run").mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp / "run"))
        monkeypatch.setenv("WEBVDI_STATE", str(self.state))
        self.places = places(self.state)
        self.fake = FakeUseCases()
        self._monkeypatch = monkeypatch
        self._captured = capfdbinary
        monkeypatch.setattr(compose, "open_application", self._open_application)

    def __call__(self, *arguments: str) -> Said:
        """Run to the end."""
        self._captured.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["webvdi", *arguments])
        errors_as.json = False
        with pytest.raises(SystemExit) as ended:
            main_module.main()
        code = ended.value.code
        out, err = self._captured.readouterr()
        return Said(0 if code is None else int(code), out.decode(), err.decode())

    def portal(self, *, url: str | None = None, auth: bool = True) -> Portal:
        """The portal before the fake."""
        options = compose.PortalOptions(url=url, auth=auth)
        site = compose.make_site(self.fake, self.places, KEY, options)
        return Portal(site, no_websocket, any_host=True)

    @asynccontextmanager
    async def _open_application(self, *_: object, **__: object) -> AsyncIterator[Any]:
        yield self.portal()

    @contextmanager
    def service(self, *, loopback: bool = True, auth: bool = True) -> Iterator[Holder]:
        """A running service that the command finds: the portal on a real unix socket."""
        self.places.make()
        claimed = claim(self.state, self.places, "start")
        assert claimed is not None
        holder = Holder(os.getpid(), SERVE, str(self.places.run), URL, loopback, auth)
        portal = self.portal(url=URL, auth=auth)
        sock = open_unix(holder.socket)
        config = uvicorn.Config(portal.owners, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[sock])))
        with claimed:
            claimed.announce(holder)
            thread.start()
            try:
                yield holder
            finally:
                server.should_exit = True
                thread.join()
                sock.close()

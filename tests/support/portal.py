"""A portal before a broker of nothing real, and the people who come to it."""

import itertools
from pathlib import Path
from typing import Literal

from starlette.testclient import TestClient

from support.fake_catalogue import FakeUseCases, machine_view
from webvdi.access.logins import login_token
from webvdi.broker.views import MachineView
from webvdi.fabricator.websocket import WebSocketFabricator
from webvdi.portal.app import Portal
from webvdi.portal.login import LoginPolicy, Logins
from webvdi.portal.site import Site

KEY = b"k" * 32
URL = "http://127.0.0.1:8470"
WEBSOCKET = "ws://127.0.0.1:8470/ws"
COOKIE = "webvdi_8470"
START = 1_800_000_000.0

_nonces = itertools.count()


class TestPortal:
    """A portal with a clock in its hand."""

    __test__ = False

    def __init__(
        self, tmp_path: Path, *, auth: bool = True, mode: Literal["service", "view"] = "service"
    ) -> None:
        self.now = START
        self.use_cases = FakeUseCases(mode=mode, clock=lambda: self.now)
        self.logins = Logins(LoginPolicy(KEY, tmp_path / "used.json", COOKIE, required=auth))
        self.site = Site(
            self.use_cases,
            self.logins,
            url="http://here:8470/",
            clock=lambda: self.now,
        )
        fabricator = WebSocketFabricator(
            tmp_path / "no-server.sock", self.site.may_connect, self.site.until_disconnected
        )
        self.portal = Portal(self.site, fabricator, any_host=auth)

    def add(self, name: str, **changes: object) -> MachineView:
        """A machine that is there."""
        return self.use_cases.catalogue.add(machine_view(name, **changes))

    def token(self) -> str:
        """A fresh login token."""
        return login_token(KEY, nonce=str(next(_nonces)), now=self.now)

    def stranger(self, **headers: str) -> TestClient:
        """A browser that nobody knows."""
        return TestClient(
            self.portal.app,
            base_url=URL,
            headers=headers,
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def owner(self, **headers: str) -> TestClient:
        """The owner's browser."""
        client = self.stranger(**headers)
        answer = client.get(f"/?token={self.token()}")
        assert answer.status_code == 303
        assert answer.headers["location"] == "./"
        return client

    def command_line(self) -> TestClient:
        """A program on the owner's socket."""
        return TestClient(self.portal.owners, base_url="http://webvdi", follow_redirects=False)

    def link(self, machine: str, *, control: bool, expires_in_s: float | None = None) -> str:
        """The secret part of a new share link."""
        answer = self.command_line().post(
            f"/api/v1/machines/{machine}/shares",
            json={"control": control, "expires_in_s": expires_in_s, "label": "for a colleague"},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["path"]).removeprefix("join#")

    def guest(
        self, machine: str, *, control: bool = False, name: str = "Ada", **headers: str
    ) -> TestClient:
        """The browser of one who came by a share link."""
        client = self.stranger(**headers)
        token = self.link(machine, control=control)
        answer = client.post("/api/v1/join", json={"token": token, "name": name})
        assert answer.status_code == 200, answer.text
        return client

    async def revoke_all(self) -> None:
        """End every share link."""
        for share in await self.use_cases.shares.list():
            await self.use_cases.shares.revoke(share.id)

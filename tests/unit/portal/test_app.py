"""The portal: who gets in, and what they are told."""

import contextlib
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from webvdi.access.logins import login_token
from webvdi.access.tickets import TicketOffice
from webvdi.base.errors import WebvdiError
from webvdi.broker.broker import Broker
from webvdi.broker.target import FixedTarget, TargetStatus
from webvdi.display.endpoint import UnixEndpoint
from webvdi.link.viewer_face import ServerUnavailable
from webvdi.portal.app import MAX_BODY_BYTES, portal
from webvdi.portal.login import LoginPolicy, Logins
from webvdi.wire.to_viewer import MachineState

KEY = b"k" * 32
URL = "http://127.0.0.1:8470"


class StubbornTarget(FixedTarget):
    """A machine that is off and does not start."""

    async def status(self) -> TargetStatus:
        return TargetStatus(MachineState.OFF, "it was switched off", None, "1", can_start=True)

    async def start(self) -> None:
        raise WebvdiError("there is not enough memory")


class KnownBroker(Broker):
    """A broker whose Managed Server has been told everything."""

    def __init__(self, *, reachable: bool = True) -> None:
        target = StubbornTarget("demo", "The demo", UnixEndpoint(Path("/nowhere")))
        super().__init__(target, Path("/nowhere"), KEY)
        self._introduced.set()
        self._reachable = reachable

    async def ticket(self, subject: str, *, view_only: bool) -> str:
        if not self._reachable:
            raise ServerUnavailable("the Managed Server is being restarted")
        return await super().ticket(subject, view_only=view_only)


class Accepts:
    """A WebSocket application that says hello."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        await send({"type": "websocket.close"})


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    yield


def site(tmp_path: Path, *, auth: bool = True, broker: Broker | None = None) -> TestClient:
    policy = LoginPolicy(KEY, tmp_path / "used.json", "webvdi_8470", required=auth)
    app = portal(
        broker or KnownBroker(), Logins(policy), Accepts(), any_host=auth, lifespan=lifespan
    )
    return TestClient(app, base_url=URL, follow_redirects=False)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with site(tmp_path) as client:
        yield client


def token() -> str:
    return login_token(KEY, nonce=str(time.monotonic_ns()), now=time.time())


def log_in(client: TestClient) -> None:
    assert client.get(f"/?token={token()}").status_code == 303


def test_strangers_are_shown_where_to_log_in(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 303
    assert answer.headers["location"] == "login"
    assert client.get("/login").status_code == 200


def test_the_link_becomes_a_cookie_and_leaves_the_address_bar(client: TestClient) -> None:
    answer = client.get(f"/?token={token()}&scale=off")
    assert answer.status_code == 303
    assert answer.headers["location"] == "./?scale=off"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert client.get("/").status_code == 200


def test_the_whole_link_can_be_pasted(client: TestClient) -> None:
    pasted = f"{URL}/?token={token()}"
    assert client.post("/login", data={"token": pasted}).headers["location"] == "./"


def test_over_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    with site(tmp_path) as client:
        client.base_url = "https://127.0.0.1:8470"
        assert "Secure" in client.get(f"/?token={token()}").headers["set-cookie"]


def test_a_used_link_is_refused_also_by_a_restarted_process(tmp_path: Path) -> None:
    used = token()
    with site(tmp_path) as first:
        assert first.get(f"/?token={used}").headers["location"] == "./"
    with site(tmp_path) as restarted:
        assert restarted.get(f"/?token={used}").headers["location"] == "login?error=used"


def test_a_used_link_does_no_harm_to_who_is_logged_in(client: TestClient) -> None:
    used = token()
    client.get(f"/?token={used}")
    assert client.get(f"/?token={used}").headers["location"] == "./"


def test_a_token_can_be_pasted(client: TestClient) -> None:
    assert (
        client.post("/login", data={"token": "junk"}).headers["location"].startswith("login?error=")
    )
    assert client.post("/login", data={"token": f" {token()} "}).headers["location"] == "./"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/ticket"), ("GET", "/api/machine"), ("POST", "/api/machine/start")],
)
def test_the_api_is_for_those_who_are_logged_in(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "log in" in answer.json()["detail"]
    log_in(client)
    assert client.request(method, path).status_code != 401


@pytest.mark.parametrize(("view_only", "role"), [(False, 3), (True, 1)])
def test_a_ticket_carries_the_role(client: TestClient, view_only: bool, role: int) -> None:
    log_in(client)
    answer = client.post("/api/ticket", json={"view_only": view_only}).json()
    ticket = TicketOffice(KEY, opened=0).check(answer["ticket"], now=time.time())
    assert (ticket.session, ticket.role) == ("demo", role)
    assert answer["name"] == "The demo"


def test_what_is_no_json_object_gives_no_ticket(client: TestClient) -> None:
    log_in(client)
    for body in (b"[]", b"{", b"1"):
        answer = client.post("/api/ticket", content=body)
        assert answer.status_code == 400, body


def test_a_preview_does_not_use_up_the_link(client: TestClient) -> None:
    link = f"/?token={token()}"
    client.head(link)
    assert client.get(link).headers["location"] == "./"


def test_the_machine_and_why_it_does_not_start(client: TestClient) -> None:
    log_in(client)
    assert client.get("/api/machine").json() == {
        "name": "The demo",
        "state": "off",
        "detail": "it was switched off",
        "can_start": True,
    }
    answer = client.post("/api/machine/start")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "there is not enough memory"


def test_a_managed_server_that_is_away_is_a_503(tmp_path: Path) -> None:
    with site(tmp_path, broker=KnownBroker(reachable=False)) as client:
        log_in(client)
        assert client.post("/api/ticket").status_code == 503


def test_bodies_are_bounded(client: TestClient) -> None:
    assert client.post("/login", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413


def test_other_sites_cannot_post(client: TestClient) -> None:
    log_in(client)
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        assert client.post("/api/ticket", headers={"Origin": origin}).status_code == 403
    assert client.post("/api/ticket", headers={"Origin": URL}).status_code == 200


def test_without_logins_only_harmless_names_are_served(tmp_path: Path) -> None:
    with site(tmp_path, auth=False) as client:
        for host in ("127.0.0.1:8470", "localhost:8470", "vm.localhost", "[::1]:8470"):
            assert client.get("/", headers={"Host": host}).status_code == 200
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/ws", headers={"Host": "evil.example"}),
        ):
            pass


def test_websockets_reach_the_fabricator(client: TestClient) -> None:
    with client.websocket_connect("/ws") as socket:
        assert socket.receive_text() == "hello"


def test_every_answer_has_the_headers_that_keep_pages_apart(client: TestClient) -> None:
    for path in ("/", "/login", "/api/machine", "/static/portal/viewer.html", "/nowhere"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_page_asks_for_nothing_from_elsewhere_and_no_inline_code() -> None:
    from webvdi.portal.app import BROWSER

    for page in (BROWSER / "portal").glob("*.html"):
        text = page.read_text()
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", text)
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)
        assert not re.search(r"\son\w+=|<style|\sstyle=", text)

"""What holds for every request: host, origin, body, headers, and which door it came through."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from support.portal import URL, WEBSOCKET, TestPortal
from webvdi.portal.guard import MAX_BODY_BYTES


@pytest.fixture
def portal(tmp_path: Path) -> TestPortal:
    portal = TestPortal(tmp_path)
    portal.add("a")
    return portal


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "x"])
def test_other_sites_change_nothing(portal: TestPortal, method: str, origin: str) -> None:
    answer = portal.owner().request(method, "/api/v1/machines/a", headers={"Origin": origin})
    assert answer.status_code == 403
    assert answer.json()["reason"] == "foreign"
    assert portal.owner().get("/api/v1/machines/a").status_code == 200


def test_our_own_pages_do(portal: TestPortal) -> None:
    client = portal.owner(Origin=URL)
    assert client.patch("/api/v1/machines/a", json={"notes": "n"}).status_code == 200


HARMLESS = ("127.0.0.1:8470", "localhost:8470", "vm.localhost", "[::1]:8470", "192.0.2.7")


def test_without_logins_only_harmless_names_are_served(tmp_path: Path) -> None:
    portal = TestPortal(tmp_path, auth=False)
    client = portal.stranger()
    for host in HARMLESS:
        assert client.get("/api/v1/me", headers={"Host": host}).status_code == 200, host
    for host in ("evil.example", "evil_1.example", "127.0.0.1.evil.example", "[x]", "a@b", ""):
        assert client.get("/api/v1/me", headers={"Host": host}).status_code == 403, host
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(WEBSOCKET, headers={"Host": "evil.example"}),
    ):
        pass


def test_with_logins_any_name_is_served(portal: TestPortal) -> None:
    client = portal.owner()
    assert client.get("/api/v1/me", headers={"Host": "desk.example"}).status_code in (200, 401)


@pytest.mark.parametrize("path", ["/login", "/api/v1/machines", "/api/v1/join"])
@pytest.mark.parametrize("announced", [True, False])
def test_bodies_are_bounded(portal: TestPortal, path: str, announced: bool) -> None:
    whole = b"x" * (MAX_BODY_BYTES + 1)

    def pieces() -> Iterator[bytes]:
        yield from (whole[i : i + 1000] for i in range(0, len(whole), 1000))

    headers = {"Content-Type": "application/json"}
    content = whole if announced else pieces()
    answer = portal.owner().post(path, content=content, headers=headers)
    assert answer.status_code == 413, answer.text
    assert answer.json()["reason"] == "body_too_large"


def test_every_answer_has_the_headers_that_keep_pages_apart(portal: TestPortal) -> None:
    client = portal.stranger()
    asked = ("/", "/login", "/api/v1/me", "/static/portal/viewer.html", "/nowhere")
    answers = [client.get(path) for path in asked]
    answers.append(client.post("/login", headers={"Origin": "http://evil.example"}))
    for answer in answers:
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-cache"


async def test_no_browser_can_claim_the_owners_door(portal: TestPortal) -> None:
    """Not even a server that passed on the mark itself would let it in."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/me",
        "raw_path": b"/api/v1/me",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8470),
        "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1:8470"), (b"webvdi.local", b"1")],
        "webvdi.local": True,
    }
    await portal.portal.app(scope, receive, send)
    assert sent[0]["status"] == 401
    await portal.portal.owners(scope, receive, send)
    assert sent[2]["status"] == 200


def test_the_owners_door_bounds_bodies_too(portal: TestPortal) -> None:
    big = {"name": "n", "guest": "tiny", "notes": "x" * MAX_BODY_BYTES}
    assert portal.command_line().post("/api/v1/machines", json=big).status_code == 413


def test_below_a_prefix_everything_works(portal: TestPortal) -> None:
    client = TestClient(portal.portal.owners, "http://webvdi", root_path="/desktops")
    assert client.get("/desktops/api/v1/machines/a").status_code == 200

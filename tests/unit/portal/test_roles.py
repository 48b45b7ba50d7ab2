"""Who may do what: every endpoint, asked by everyone.

The table is the one in docs/reference/rest-api.md.  A row is an endpoint, a column one who asks it.
The rows are compared with the application's own routes, so an endpoint without a row fails, and
every cell is tried.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from support.portal import WEBSOCKET, TestPortal
from webvdi.wire.to_viewer import Farewell, decode_to_viewer

REFERENCE = Path(__file__).parents[3] / "docs/reference/rest-api.md"

FOREIGN = "http://evil.example"

ASKERS = (
    "socket",  # the owner's unix socket
    "owner",  # the owner's browser
    "control",  # came by a link that lets act on the machine
    "view",  # came by a link that lets look at it
    "other",  # came by a link to another machine
    "revoked",  # their link was revoked
    "expired",  # their link ended
    "stranger",  # nobody we know
    "foreign",  # another site's page in the owner's browser
)


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says of one endpoint."""

    method: str
    path: str
    cells: tuple[str, ...]


def rows() -> list[Row]:
    """The table of the reference, read."""
    text = REFERENCE.read_text().split("## Who may do what")[1]
    head, _, *lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert tuple(head[1:]) == ASKERS
    found = []
    for endpoint, *cells in lines:
        method, path = endpoint.strip("`").split()
        found.append(Row(method, path, tuple(cells)))
    return found


def endpoints(portal: TestPortal) -> Iterator[tuple[str, str]]:
    """Every endpoint of the application."""
    for route in portal.portal.api.routes:
        match route:
            case Route(methods=set() as methods, path=path):
                yield from ((method, path) for method in methods - {"HEAD"})
            case WebSocketRoute(path=path):
                yield "WS", path
            case Mount(path=path):
                yield "GET", f"{path}/"
            case _:
                raise AssertionError(f"what is {route}?")


def test_the_table_has_every_endpoint(tmp_path: Path) -> None:
    listed = [(row.method, row.path) for row in rows()]
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(endpoints(TestPortal(tmp_path)))


BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/v1/machines"): {"json": {"name": "new", "guest": "tiny"}},
    ("PATCH", "/api/v1/machines/{machine}"): {"json": {"notes": "n"}},
    ("POST", "/api/v1/machines/{machine}/ticket"): {"json": {}},
    ("POST", "/api/v1/machines/{machine}/serial"): {"content": b"ls\n"},
    ("POST", "/api/v1/machines/{machine}/shares"): {"json": {}},
    ("POST", "/api/v1/images"): {"json": {"path": "/somewhere/d.iso"}},
    ("POST", "/api/v1/qr"): {"json": {"text": "http://here:8470/"}},
    ("POST", "/api/v1/uploads"): {"json": {"name": "a.iso", "size_bytes": 3}},
    ("PATCH", "/api/v1/uploads/{upload}"): {"content": b"ab", "headers": {"Upload-Offset": "0"}},
}
"""What is sent along; the others need nothing."""

FILES = {"viewer": "viewer.js", "portal": "style.css", "locale": "en.json"}


class World:
    """A portal with two machines and something of everything, freshly made for each cell."""

    def __init__(self, tmp_path: Path) -> None:
        self.portal = TestPortal(tmp_path)
        self.portal.add("shared")
        self.portal.add("other")
        self.portal.site.end_streams()  # an event stream says hello, and ends
        owner = self.portal.command_line()
        owner.post("/api/v1/guests/desk/build")
        upload = owner.post("/api/v1/uploads", json={"name": "b.iso", "size_bytes": 9}).json()
        self._values = {
            "machine": "shared",
            "verb": "pause",
            "guest": "desk",
            "image": self.portal.use_cases.images.add_image("c.iso").id,
            "upload": upload["id"],
        }

    async def asker(self, who: str) -> TestClient:
        """Their browser or program."""
        portal = self.portal
        makers: dict[str, Callable[[], TestClient]] = {
            "socket": portal.command_line,
            "owner": portal.owner,
            "control": lambda: portal.guest("shared", control=True),
            "view": lambda: portal.guest("shared"),
            "other": lambda: portal.guest("other", control=True),
            "revoked": lambda: portal.guest("shared", control=True),
            "expired": lambda: portal.guest("shared", control=True),
            "stranger": portal.stranger,
            "foreign": portal.owner,
        }
        client = makers[who]()
        self._values["share"] = (await self._newest_share()).id
        self._token = portal.link("shared", control=False)
        if who == "revoked":
            await portal.use_cases.shares.revoke(self._values["share"])
        elif who == "expired":
            portal.now += 25 * 3600
            self._token = portal.link("shared", control=False)
        elif who == "foreign":
            client.headers["Origin"] = FOREIGN
        return client

    async def _newest_share(self) -> Any:
        if not await self.portal.use_cases.shares.list():
            self.portal.link("shared", control=False)
        return (await self.portal.use_cases.shares.list())[0]

    def ask(self, client: TestClient, row: Row) -> str:
        """The cell's text."""
        path = re.sub(r"{(\w+)}", lambda name: self._values[name[1]], row.path)
        if row.method == "WS":
            return _websocket(client)
        more = dict(BODIES.get((row.method, row.path), {}))
        if row.path.startswith("/static/"):
            path += FILES[row.path.split("/")[2]]
        elif row.path == "/api/v1/join":
            more["json"] = {"token": self._token, "name": "Eve"}
        elif (row.method, row.path) == ("POST", "/login"):
            more["data"] = {"token": self.portal.token()}
        answer = client.request(row.method, path, **more)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
        leads = {"login": "L", "join?ended": "J"}
        return f"{answer.status_code}{leads.get(answer.headers.get('location', ''), '')}"


def _websocket(client: TestClient) -> str:
    try:
        with client.websocket_connect(WEBSOCKET) as socket:
            farewell = decode_to_viewer(socket.receive_bytes())  # for no Managed Server runs here
            assert isinstance(farewell, Farewell)
            return "101"
    except WebSocketDisconnect:
        return "403"


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.method} {row.path}")
async def test_every_cell(row: Row, tmp_path: Path) -> None:
    answers = []
    for who in ASKERS:
        world = World(tmp_path)
        client = await world.asker(who)
        answers.append(world.ask(client, row))
    assert tuple(answers) == row.cells

"""A viewer over a real WebSocket, driven step by step from a synchronous test."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from support.processes import PATIENCE_S
from support.viewer import Picture, Rgb
from webvdi.wire.from_viewer import (
    Attach,
    Credential,
    FromViewer,
    Pointer,
    encode_from_viewer,
)
from webvdi.wire.to_viewer import MachineState


class Site:
    """A running webvdi's web address."""

    def __init__(self, url: str, cookie: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.cookie = cookie

    def post(self, path: str, body: object = None, **headers: str) -> dict[str, object]:
        """POST JSON; the answer's JSON.  Raises urllib.error.HTTPError."""
        return self._ask(path, json.dumps(body or {}).encode(), headers)

    def get(self, path: str, **headers: str) -> dict[str, object]:
        """GET JSON."""
        return self._ask(path, None, headers)

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, object]:
        if body is not None:
            headers = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"{self.url}/{path}", body, headers)
        if self.cookie:
            request.add_header("Cookie", self.cookie)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            answer: dict[str, object] = json.load(response)
            return answer

    def machine(self, name: str | None = None) -> dict[str, Any]:
        """A machine as the API tells it: the one of that name, or the only one."""
        machines: Any = self.get("api/v1/machines")
        (machine,) = [m for m in machines if name in (None, m["name"])]
        return dict(machine)

    def act(self, verb: str, name: str | None = None) -> dict[str, Any]:
        """Do *verb* to a machine; as it is then."""
        return self.post(f"api/v1/machines/{self.machine(name)['id']}/actions/{verb}")

    def ticket(self, *, view_only: bool = False, machine: str | None = None) -> str:
        """A ticket for a machine, the only one if none is named."""
        path = f"api/v1/machines/{self.machine(machine)['id']}/ticket"
        return str(self.post(path, {"view_only": view_only})["ticket"])


class LiveViewer:
    """A viewer with a connection that can be lost and taken up again."""

    def __init__(self, site: Site, *, origin: str | None = None) -> None:
        self.site = site
        self.picture = Picture()
        self._origin = origin or site.url
        self._inputs = 0
        self._socket: ClientConnection | None = None
        self._connections = ExitStack()

    def attach(self, *, view_only: bool = False) -> None:
        """Attach with a fresh ticket."""
        self._inputs = 0
        self._open(Attach(Credential.TICKET, self.site.ticket(view_only=view_only)))

    def resume(self) -> None:
        """Come back with the resume key."""
        assert self.picture.welcome is not None
        key = self.picture.welcome.resume_key
        self.picture.farewell = None
        self._open(Attach(Credential.RESUME_KEY, key, self.picture.last_update))

    def _open(self, attach: Attach) -> None:
        self.picture.machine = None  # what was so before says nothing now
        url = self.site.url.replace("http", "ws", 1) + "/ws"
        context = connect(
            url,
            subprotocols=[Subprotocol("webvdi.v1")],
            origin=Origin(self._origin),
            compression=None,
            max_size=None,
            proxy=None,
        )
        self._socket = self._connections.enter_context(context)
        self.say(attach)

    def say(self, *messages: FromViewer) -> None:
        """Send messages."""
        assert self._socket is not None
        for message in messages:
            self._socket.send(encode_from_viewer(message))

    def listen_until(self, done: Callable[[Picture], object], what: str) -> None:
        """Take messages until *done* of the picture; fails if the connection ends before."""
        end = time.monotonic() + PATIENCE_S
        while not done(self.picture):
            assert time.monotonic() < end, f"in vain: {what}; {self.picture.machine}"
            self._take(0.1)

    def number(self) -> int:
        """The next input's number."""
        self._inputs += 1
        return self._inputs

    def shows(self, screen: Callable[[], Rgb]) -> None:
        """Wait until the picture is *screen*, bit for bit."""

        self.listen_until(_live, "the machine to be live")
        # TigerVNC paints the pointer into the picture until its client has moved it.
        self.say(Pointer(self.number(), 5, 5, 0), Pointer(self.number(), 2, 2, 0))

        def same(picture: Picture) -> bool:
            return np.array_equal(picture.rgb, screen())

        self.listen_until(same, "the same picture")

    def broken(self) -> None:
        """Take messages until the connection is gone."""
        end = time.monotonic() + PATIENCE_S
        while self._socket is not None:
            assert time.monotonic() < end, "the connection goes on and on"
            self._take(0.5, may_end=True)

    def _take(self, timeout_s: float, *, may_end: bool = False) -> None:
        assert self._socket is not None, "the connection ended"
        try:
            data = self._socket.recv(timeout=timeout_s)
        except TimeoutError:
            return
        except ConnectionClosed:
            self._socket = None
            assert may_end, f"the connection ended: {self.picture.farewell}"
            return
        assert isinstance(data, bytes)
        self.say(*self.picture.take(data))

    def close(self) -> None:
        """Leave."""
        self._socket = None
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _live(picture: Picture) -> bool:
    return picture.machine is not None and picture.machine.state is MachineState.LIVE


def status_of(question: Callable[[], object]) -> int:
    """The HTTP status with which *question* fails."""
    try:
        question()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200

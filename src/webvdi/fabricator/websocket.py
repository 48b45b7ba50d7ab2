"""The first rung: a WebSocket a viewer, each message one binary message."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

from webvdi.access.origins import same_origin
from webvdi.link.viewer_face import ServerUnavailable, ViewerLink
from webvdi.wire.to_viewer import Farewell, Reason, encode_to_viewer

logger = logging.getLogger(__name__)

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

SUBPROTOCOL = "webvdi.v1"

CLOSE_S = 1.0
"""How long a browser that has to go may take to hear of it; after that it is just hung up."""

_GOING_AWAY = 1001
_POLICY = 1008
_TRY_AGAIN_LATER = 1013


class WebSocketFabricator:
    """An ASGI application for WebSocket scopes (ASGI 3, WebSocket spec 2.3)."""

    def __init__(
        self,
        viewer_socket: Path,
        may_connect: Callable[[Scope], Awaitable[bool]],
        until_out: Callable[[Scope], Awaitable[None]] | None = None,
    ) -> None:
        self._viewer_socket = viewer_socket
        self._may_connect = may_connect
        """Who is nobody gets no connection: each takes a place in the Managed Server's hall."""
        self._until_out = until_out or _for_ever
        """Returns when one that was let in must go, for their browser has logged out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay between one browser and the Managed Server until either ends."""
        await receive()  # websocket.connect
        if not (_from_our_page(scope) and await self._may_connect(scope)):
            await send({"type": "websocket.close", "code": _POLICY})  # becomes HTTP 403
            return
        offered = scope.get("subprotocols", [])
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in offered else None
        await send({"type": "websocket.accept", "subprotocol": subprotocol})
        try:
            link = await ViewerLink.connect(self._viewer_socket)
        except ServerUnavailable as error:
            farewell = encode_to_viewer(Farewell(Reason.RESTARTING, str(error)))
            await send({"type": "websocket.send", "bytes": farewell})
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})
            return
        try:
            await _relay(link, receive, send, self._until_out(scope))
        finally:
            link.close()


async def _for_ever(_: Scope) -> None:
    await asyncio.get_running_loop().create_future()


async def _relay(
    link: ViewerLink, receive: Receive, send: Send, until_out: Awaitable[None]
) -> None:
    """Run both directions; the end of one ends the other, and *until_out* ends both."""

    async def to_browser() -> None:
        # send() waits while the browser does not read, and so stops our reading: no queue here.
        while (message := await link.receive()) is not None:
            await send({"type": "websocket.send", "bytes": message})
        await send({"type": "websocket.close", "code": _GOING_AWAY})

    async def from_browser() -> None:
        while (event := await receive())["type"] == "websocket.receive":
            data = event.get("bytes")
            if data is None:
                break  # text is no message of ours
            await link.send(data)

    async def out() -> None:
        await until_out

    tasks = [asyncio.Task(run(), name=run.__name__) for run in (to_browser, from_browser, out)]
    *_, leaving = tasks
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    _log_bugs(results)
    if not leaving.cancelled():
        link.close()  # now: saying so waits while the browser does not read
        await _say_goodbye(send)


def _log_bugs(results: Iterable[object]) -> None:
    for result in results:
        # Either side may vanish in mid word; anything else is a bug of ours.
        if isinstance(result, Exception) and not isinstance(result, OSError | RuntimeError):
            logger.error("relaying failed", exc_info=result)


async def _say_goodbye(send: Send) -> None:
    """Close a WebSocket whose browser may have stopped reading, or have gone."""
    with contextlib.suppress(TimeoutError, OSError, RuntimeError):
        async with asyncio.timeout(CLOSE_S):
            await send({"type": "websocket.close", "code": _POLICY})


def _from_our_page(scope: Scope) -> bool:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    return same_origin(headers.get(b"origin"), headers.get(b"host"), scheme)

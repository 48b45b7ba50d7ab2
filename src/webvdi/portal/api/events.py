"""Changes as server-sent events (WHATWG HTML §9.2): hints, after which clients ask afresh.

Nothing is queued here: a reader that does not keep up has its hints merged in the broker's
bounded queue, and costs nobody else anything.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import asdict

from fastapi import Response
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from webvdi.broker.views import Change
from webvdi.portal.api.routing import TheCaller, TheSite, members_router, problems
from webvdi.portal.site import Caller, Site

members = members_router("events")

PING_S = 15.0
"""Proxies close what is silent for 20 to 60 seconds."""

RETRY_MS = 1000
"""How soon a browser comes back."""

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""nginx, for one, would hold events back until a buffer is full."""

_OF_VISITORS = ("machine", "gone", "viewers")


class EventStream(Response):
    """An answer that lasts as long as its reader, its reader's rights, and this process."""

    def __init__(
        self, site: Site, request: Request, caller: Caller, *, ping_s: float = PING_S
    ) -> None:
        super().__init__(media_type="text/event-stream")
        self._site = site
        self._request = request
        self._caller = caller
        self._ping_s = ping_s
        self._ids = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one of the three ends."""
        share = self._caller.share
        with self._site.streams.one(share.id if share is not None else self._caller.subject):
            stream = StreamingResponse(self.events(), media_type=self.media_type, headers=HEADERS)
            await stream(scope, receive, send)

    async def events(self) -> AsyncIterator[bytes]:
        """The bytes of the stream."""
        changes = self._site.use_cases.catalogue.changes()
        ended = asyncio.Task(self._site.ending.wait(), name="events/ended")
        left = asyncio.Task(self._site.until_out(self._request), name="events/left")
        news: asyncio.Task[Change | None] | None = None
        try:
            yield f"retry: {RETRY_MS}\n".encode() + self._event("hello", {})
            while True:
                news = news or asyncio.Task(_next(changes), name="events/news")
                await asyncio.wait(
                    [news, ended, left],
                    timeout=self._patience_s(),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                change, news = (news.result(), None) if news.done() else (_NOTHING_YET, news)
                if ended.done() or left.done() or change is None:
                    return
                if not await self._still_in(change):
                    return
                if self._concerns(change):
                    yield self._event("change", asdict(change))
                elif change is _NOTHING_YET:
                    yield b": ping\n\n"
        finally:
            ended.cancel()
            left.cancel()
            if news is not None:
                news.cancel()
            if hasattr(changes, "aclose"):
                await changes.aclose()

    def _patience_s(self) -> float:
        """Until the next ping, or the end of the caller's access."""
        until = self._caller.until
        left = self._ping_s if until is None else until - self._site.clock()
        return max(0.0, min(self._ping_s, left))

    async def _still_in(self, change: Change) -> bool:
        """Whether the caller may go on listening; asked when it may have changed."""
        if change.kind != "share" and change is not _NOTHING_YET:
            return True
        caller = await self._site.identify(self._request)
        if caller is None or caller.subject != self._caller.subject:
            return False
        self._caller = caller
        return True

    def _concerns(self, change: Change) -> bool:
        """Whether the caller is told of *change*."""
        if change is _NOTHING_YET:
            return False
        share = self._caller.share
        return share is None or (change.kind in _OF_VISITORS and change.id == share.machine)

    def _event(self, name: str, data: object) -> bytes:
        number = next(self._ids)
        return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


_NOTHING_YET = Change("machine", "")


async def _next(changes: AsyncIterator[Change]) -> Change | None:
    return await anext(changes, None)


_EVENT_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string", "enum": ["hello", "change"]},
        "data": {"type": "string", "examples": ['{"kind": "machine", "id": "m-0123456789"}']},
        "retry": {"type": "integer"},
    },
}


@members.get(
    "/events",
    summary="Follow changes",
    response_class=Response,
    responses={
        200: {
            "description": (
                "Server-sent events: `hello` at the beginning (after it, ask for everything "
                'once), then `change` with `{"kind", "id"}`'
            ),
            "content": {"text/event-stream": {"schema": _EVENT_SCHEMA}},
        },
        **problems(429),
    },
)
async def event_stream(site: TheSite, request: Request, caller: TheCaller) -> Response:
    """Hints that something changed, as they come; a comment every 15 seconds keeps it open.

    It ends with the caller's rights.  Somebody who came by a link hears of the link's machine.
    """
    return EventStream(site, request, caller)

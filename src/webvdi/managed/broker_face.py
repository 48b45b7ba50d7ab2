"""The control face as the Managed Server serves it: who may knock, requests, answers, events."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from webvdi.base.errors import RemoteProtocolError, WebvdiError
from webvdi.base.tasks import TaskOwner
from webvdi.link.control_face import decode_control, encode_control, peer_uid
from webvdi.link.frames import MAX_CONTROL_BYTES, FrameReader

logger = logging.getLogger(__name__)

MAX_SLOW_REQUESTS = 64
"""Requests of one connection that wait for a worker; meanwhile no more are read."""

MAX_UNSENT_BYTES = 64 << 20
"""A broker that lets so much pile up reads nothing, and is cut off."""

FAULTS = (WebvdiError, ValueError, KeyError, TypeError)
"""What a request may run into; anything else is a bug of ours."""

Operation = Callable[[Mapping[str, Any]], "dict[str, Any] | Awaitable[dict[str, Any]]"]
"""Answers a request at once or later; raises one of ``FAULTS``."""


class BrokerFace:
    """Serves control connections."""

    def __init__(self, tasks: TaskOwner, operations: Mapping[str, Operation]) -> None:
        self._tasks = tasks
        self._operations = operations
        self._writers: set[asyncio.StreamWriter] = set()

    def tell(self, event: Mapping[str, Any]) -> None:
        """An event for everybody."""
        for writer in self._writers:
            _write(writer, event)

    def came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody knocks."""
        self._tasks.start(self._serve(reader, writer), name="broker")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if peer_uid(writer.get_extra_info("socket")) != os.getuid():
            logger.warning("a process of another user knocked at the control socket")
            writer.close()
            return
        frames = FrameReader(MAX_CONTROL_BYTES)
        slow = asyncio.Semaphore(MAX_SLOW_REQUESTS)
        self._writers.add(writer)
        try:
            while data := await reader.read(1 << 16):
                for message in frames.feed(data):
                    await self._take(decode_control(message), writer, slow)
                await writer.drain()
        except (RemoteProtocolError, OSError) as error:
            logger.warning("a control connection ended: %s", error)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _take(
        self, request: Mapping[str, Any], writer: asyncio.StreamWriter, slow: asyncio.Semaphore
    ) -> None:
        number = request.get("id", 0)
        answer = _answered(lambda: self._perform(request))
        if isinstance(answer, dict):
            _write(writer, {"id": number, **answer})
            return
        await slow.acquire()
        self._tasks.start(_later(answer, number, writer, slow), name="answer")

    def _perform(self, request: Mapping[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        operation = self._operations.get(str(request["op"]))
        if operation is None:
            return {"error": f"there is no operation {request['op']!r}"}
        return operation(request)


async def _later(
    answer: Awaitable[dict[str, Any]],
    number: int,
    writer: asyncio.StreamWriter,
    slow: asyncio.Semaphore,
) -> None:
    try:
        done = await answer
    except FAULTS as error:
        done = _fault(error)
    finally:
        slow.release()
    _write(writer, {"id": number, **done})


def _answered(
    perform: Callable[[], dict[str, Any] | Awaitable[dict[str, Any]]],
) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    try:
        return perform()
    except FAULTS as error:
        return _fault(error)


def _fault(error: Exception) -> dict[str, Any]:
    if isinstance(error, KeyError | TypeError):
        return {"error": f"the request lacks or misspells {error}"}
    return {"error": str(error)}


def _write(writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
    if writer.is_closing():
        return
    writer.write(encode_control(message))
    if writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
        writer.transport.abort()

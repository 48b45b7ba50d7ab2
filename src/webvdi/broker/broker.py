"""The broker of one target: keeps the Managed Server informed, and lets people in."""

import asyncio
import logging
import secrets
import time
from pathlib import Path
from typing import Any

from webvdi.access import tickets
from webvdi.base.errors import WebvdiError
from webvdi.base.tasks import TaskOwner
from webvdi.broker.target import Target, TargetStatus
from webvdi.link.control_face import ControlClient
from webvdi.link.viewer_face import ServerUnavailable
from webvdi.wire.to_viewer import MachineState, Role

logger = logging.getLogger(__name__)

RECONNECT_S = 0.3
"""Pause before knocking again at a Managed Server that is being restarted."""


class Broker:
    """Use cases on one target."""

    def __init__(
        self, target: Target, control_socket: Path, key: bytes, *, password: str | None = None
    ) -> None:
        self._target = target
        self._control_socket = control_socket
        self._key = key
        self._password = password
        self._client: ControlClient | None = None
        self._refresh = asyncio.Event()
        self._told: TargetStatus | None = None
        self._introduced = asyncio.Event()

    @property
    def target(self) -> Target:
        """What it brings."""
        return self._target

    async def run(self) -> None:
        """Keep the Managed Server informed, until cancelled."""
        async with TaskOwner("broker") as tasks:
            tasks.start(self._follow(), name="follow")
            while True:
                try:
                    await self._converse(tasks)
                except ServerUnavailable as error:
                    logger.info("%s", error)
                except WebvdiError as error:
                    logger.warning("the Managed Server was not told all: %s", error)
                self._introduced.clear()
                await asyncio.sleep(RECONNECT_S)

    async def ticket(self, subject: str, *, view_only: bool) -> str:
        """A ticket for *subject*, once the Managed Server knows the session.

        Raises :class:`ServerUnavailable` where it stays away.
        """
        try:
            async with asyncio.timeout(5):
                await self._introduced.wait()
        except TimeoutError as error:
            raise ServerUnavailable(
                "the Managed Server is not running just now; it is being restarted"
            ) from error
        role = Role.OBSERVER if view_only else Role.OWNER
        return tickets.issue(
            self._target.name,
            role,
            subject,
            self._key,
            nonce=secrets.token_urlsafe(12),
            now=time.time(),
        )

    async def start(self) -> None:
        """Start the target, and tell."""
        await self._target.start()
        self._refresh.set()

    async def _follow(self) -> None:
        async for _ in self._target.changes():
            self._refresh.set()

    async def _converse(self, tasks: TaskOwner) -> None:
        """One connection to the Managed Server, for as long as it lasts."""
        client = await ControlClient.connect(self._control_socket, self._event)
        self._told = None
        self._refresh.set()
        serving = tasks.start(client.serve(), name="control")
        try:
            while True:
                await self._wait_for_news(serving)
                if serving.done():
                    return
                await self._inform(client)
        finally:
            client.close()

    async def _wait_for_news(self, serving: asyncio.Task[None]) -> None:
        news = asyncio.Task(self._refresh.wait(), name="broker/news")
        try:
            await asyncio.wait([news, serving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
        self._refresh.clear()

    async def _inform(self, client: ControlClient) -> None:
        """Say what the target's status is, where that is news."""
        try:
            status = await self._target.status()
        except WebvdiError as error:
            logger.warning("the machine's state is not known: %s", error)
            return
        if status == self._told:
            return
        name = self._target.name
        if status.endpoint is not None and self._moved(status):
            await client.request(
                "open_session",
                session=name,
                title=self._target.title,
                endpoint=str(status.endpoint),
                generation=status.generation,
                password=self._password,
            )
        if status.state in (MachineState.OFF, MachineState.PAUSED, MachineState.FAILED):
            await client.request(
                "set_state", session=name, state=status.state, detail=status.detail
            )
        elif status.endpoint is None:  # it is being started
            await client.request(
                "set_state", session=name, state=MachineState.CONNECTING, detail=""
            )
        elif self._told is not None and self._told.state is MachineState.PAUSED:
            await client.request("set_state", session=name, state=MachineState.LIVE, detail="")
        self._told = status
        self._introduced.set()

    def _moved(self, status: TargetStatus) -> bool:
        told = self._told
        return told is None or (told.endpoint, told.generation) != (
            status.endpoint,
            status.generation,
        )

    def _event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "endpoint_lost":
            self._refresh.set()

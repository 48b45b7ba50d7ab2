"""The monitor: QMP to one QEMU, with a time limit on every wait.

QMP takes one client a socket.  A second one is connected, but hears nothing, so silence at the
greeting means that another program holds the socket.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from qemu.qmp import EventListener, ExecuteError, Message, QMPClient, QMPError

from webvdi.vmm.errors import MachineError, MonitorLost

logger = logging.getLogger(__name__)
# It logs failed connections as errors; we raise them, and whoever catches decides.
logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)

CONNECT_TIMEOUT_S = 10.0
"""QEMU answers when its main loop runs: 0.1 s after its start, more on a loaded host."""
COMMAND_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
QUEUE_TICK_S = 0.02

OnEvent: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Called with an event's name and data."""

EVENTS = frozenset({"STOP", "RESUME", "RESET", "SHUTDOWN", "BLOCK_IO_ERROR", "SUSPEND", "WAKEUP"})
"""What we want to hear; the guest can cause many others."""


class CommandRefused(MachineError):
    """QEMU understood a command and said no."""


def _nothing(_: Message) -> bool:
    """The filter of the library's own listener, which would keep every event for ever."""
    return False


class _Listener(EventListener):
    """Passes events on at once, and keeps none."""

    def __init__(self, on_event: OnEvent) -> None:
        super().__init__(names=EVENTS)
        self._on_event = on_event

    async def put(self, event: Message) -> None:
        """Called by the client for each event."""
        if self.accept(event):
            name, data = event["event"], event.get("data")
            self._on_event(str(name), data if isinstance(data, dict) else {})


async def _connected_socket(path: Path) -> socket.socket:
    """Connect to *path*, waiting for room in its queue, which QEMU keeps at one.

    A unix socket is connected at once, or the queue is full; asyncio takes the latter for a
    connection in progress and would read from a socket that never gets connected.  Raises
    :class:`OSError`; never ends while the queue stays full.
    """
    line = socket.socket(socket.AF_UNIX)
    try:
        line.setblocking(False)
        while True:
            try:
                line.connect(str(path))
            except BlockingIOError:
                await asyncio.sleep(QUEUE_TICK_S)
            else:
                return line
    except BaseException:
        line.close()
        raise


class Monitor:
    """A QMP connection that is made again when it was lost."""

    def __init__(self, name: str, path: Path, on_event: OnEvent) -> None:
        self.name = name
        """Of the machine, for messages."""
        self._path = path
        self._on_event = on_event
        self._client: QMPClient | None = None
        self._connecting = asyncio.Lock()

    async def connect(self, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        """Connect unless connected.  Raises :class:`~webvdi.vmm.errors.MonitorLost`."""
        async with self._connecting:
            if self._client is None:
                self._client = await self._connected(timeout_s)

    async def _connected(self, timeout_s: float) -> QMPClient:
        client = QMPClient(self.name)
        client.events.event_filter = _nothing
        client.register_listener(_Listener(self._on_event))
        try:
            async with asyncio.timeout(timeout_s):
                await client.connect(await _connected_socket(self._path))
        except TimeoutError as error:
            raise MonitorLost(
                f"the machine {self.name} did not answer on its monitor within {timeout_s:g} s; "
                "another program may hold it"
            ) from error
        except (QMPError, OSError) as error:
            raise MonitorLost(f"the machine {self.name} has no monitor: {error}") from error
        return client

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        timeout_s: float = COMMAND_TIMEOUT_S,
    ) -> Any:
        """What QEMU returns for *command*.

        Raises :class:`~webvdi.vmm.errors.MonitorLost`, and :class:`CommandRefused` with QEMU's
        own words.
        """
        await self.connect()
        client = self._client
        if client is None:
            raise MonitorLost(f"the monitor of the machine {self.name} was closed")
        logger.debug("> %s %s", self.name, command)
        try:
            async with asyncio.timeout(timeout_s):
                return await client.execute(command, dict(arguments) if arguments else None)
        except ExecuteError as error:
            raise CommandRefused(f"QEMU refused {command}: {error}") from error
        except TimeoutError as error:
            await self.close()
            raise MonitorLost(
                f"the machine {self.name} did not answer to {command} within {timeout_s:g} s"
            ) from error
        except (QMPError, OSError) as error:
            await self.close()
            raise MonitorLost(
                f"the monitor of the machine {self.name} was lost at {command}: {error}"
            ) from error

    async def screendump(self, path: Path) -> None:
        """Put what is on the screen into the file *path*, as PNG or PPM.

        Raises as :meth:`execute`.
        """
        arguments = {"filename": str(path)}
        try:
            await self.execute("screendump", {**arguments, "format": "png"})
        except CommandRefused:
            await self.execute("screendump", arguments)  # before QEMU 7.1, or without PNG

    async def hand_over(self, fd: int, name: str) -> None:
        """Give QEMU a copy of *fd*, to be used as ``fd:name``.  Raises as :meth:`execute`."""
        await self.connect()
        if self._client is None:
            raise MonitorLost(f"the monitor of the machine {self.name} was closed")
        try:
            self._client.send_fd_scm(fd)  # it waits in the socket for the command that takes it
        except (QMPError, OSError) as error:
            await self.close()
            raise MonitorLost(f"the monitor of the machine {self.name} was lost") from error
        await self.execute("getfd", {"fdname": name})

    async def close(self) -> None:
        """Disconnect, so that another program can connect; never fails."""
        client, self._client = self._client, None
        if client is None:
            return
        # A lost connection is raised once more here; it has been reported, or nobody cares.
        with contextlib.suppress(QMPError, OSError, EOFError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await client.disconnect()

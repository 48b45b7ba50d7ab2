"""Keeps the two servers running: starts them, restarts what dies, stops them at the end.

It holds the listening sockets, so while a server is being replaced its callers wait in the
queue instead of being refused.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

from webvdi.base.errors import Refused
from webvdi.base.files import write_atomic
from webvdi.base.processes import GIVE_UP
from webvdi.base.tasks import TaskOwner
from webvdi.cli.listen import open_unix

logger = logging.getLogger(__name__)

RESTART_S = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
"""Pauses before restarts that follow each other closely; the last one repeats."""

STEADY_S = 30.0
"""A server that ran for so long starts again at once."""

STOP_S = 5.0
"""How long a server may take to end before it is killed."""


@dataclass(frozen=True, slots=True)
class Server:
    """One process to keep running."""

    name: str
    arguments: Sequence[str]
    """After ``python``."""
    sockets: Sequence[socket.socket]
    """Passed on under the same numbers as here."""


def servers(run: Path, key_file: Path, settings_file: Path, tcp: socket.socket) -> list[Server]:
    """The Managed Server and the web process, with their sockets open."""
    viewers, control = open_unix(run / "viewer.sock"), open_unix(run / "control.sock")
    api = open_unix(run / "api.sock")
    router = (
        "-m",
        "webvdi.managed",
        "router",
        str(viewers.fileno()),
        str(control.fileno()),
        str(run / "sessions.json"),
        str(key_file),
    )
    web = ("-m", "webvdi.cli", "web", str(settings_file), str(tcp.fileno()), str(api.fileno()))
    return [Server("managed", router, [viewers, control]), Server("web", web, [tcp, api])]


class Supervisor:
    """Runs servers until told to stop."""

    def __init__(self, servers: Sequence[Server], run: Path) -> None:
        self._servers = servers
        self._run = run
        self._stop = asyncio.Event()
        self._running: dict[str, Process] = {}
        self._given_up: str | None = None
        self._had_terminal = _terminal_is_there()

    async def run(
        self,
        ready: Callable[[], None],
        *,
        announce: Callable[[], Coroutine[None, None, None]] | None = None,
        reload: Callable[[], None] = lambda: None,
        stopping: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve until SIGINT or SIGTERM, or until the terminal is closed.

        *ready* is called at once: the sockets are open, and who comes early waits in their queue;
        *announce* may wait until they are served.  SIGHUP calls *reload*.  *stopping* is called
        when the end begins.  Raises :class:`Refused` if a server gave up.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up, reload)
        async with TaskOwner("supervisor") as tasks:
            keepers = [
                tasks.start(self._keep(server), name=server.name) for server in self._servers
            ]
            loop.call_soon(ready)
            if announce is not None:
                tasks.start(announce(), name="announce")
            await self._stop.wait()
            stopping()
            await asyncio.gather(*keepers, return_exceptions=True)
        if self._given_up is not None:
            raise Refused(
                f"the {self._given_up} process cannot work here; its last message says why",
                reason="server_gave_up",
            )

    def send(self, name: str, number: signal.Signals) -> None:
        """Pass a signal on to a server, if it runs."""
        process = self._running.get(name)
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    def _hung_up(self, reload: Callable[[], None]) -> None:
        """SIGHUP: the terminal we were started in was closed, or somebody wants a reload."""
        if self._had_terminal and not _terminal_is_there():
            self._asked_to_stop()
        elif not self._stop.is_set():
            reload()

    def _asked_to_stop(self) -> None:
        """Stop in order; asked twice, stop at once (the servers end with us by their lifeline)."""
        if self._stop.is_set():
            os._exit(1)
        self._stop.set()

    async def _keep(self, server: Server) -> None:
        attempt = 0
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            began = loop.time()
            try:
                process = await self._start(server)
            except OSError as error:
                logger.error("the %s process cannot be started: %s", server.name, error)  # noqa: TRY400
                attempt += 1
                await self._pause(RESTART_S[min(attempt, len(RESTART_S) - 1)])
                continue
            await self._until_end_or_stop(process)
            if self._stop.is_set():
                await _end(process)
                return
            if process.returncode == GIVE_UP:
                self._given_up = server.name
                self._stop.set()
                return
            attempt = 0 if loop.time() - began > STEADY_S else attempt + 1
            logger.warning(
                "the %s process ended (%s); restarting it", server.name, process.returncode
            )
            await self._pause(RESTART_S[min(attempt, len(RESTART_S) - 1)])

    async def _start(self, server: Server) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *server.arguments,
            stdin=PIPE,  # the lifeline: ends when we do
            pass_fds=[s.fileno() for s in server.sockets],
            start_new_session=True,  # Ctrl-C is for us; we stop them in order
        )
        self._running[server.name] = process
        write_atomic(self._run / f"{server.name}.pid", f"{process.pid}\n".encode())
        return process

    async def _until_end_or_stop(self, process: Process) -> None:
        ended = asyncio.Task(process.wait(), name="supervisor/ended")
        stopped = asyncio.Task(self._stop.wait(), name="supervisor/stopped")
        await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, stopped):
            task.cancel()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


async def _end(process: Process) -> None:
    """Ask, wait, insist."""
    try:
        process.terminate()
        await asyncio.wait_for(process.wait(), STOP_S)
    except ProcessLookupError:
        pass
    except TimeoutError:
        process.kill()
        await process.wait()


def _terminal_is_there() -> bool:
    """Whether this process has a controlling terminal, and it has not been closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True

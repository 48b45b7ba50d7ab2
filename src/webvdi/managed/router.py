"""The router: takes connections, checks their tickets, and hands each to its session's worker.

It is off the data path: after the first message the connection belongs to the worker.  What it
knows of the sessions (names, endpoints, states) it keeps in a file, so that after a crash viewers
come back to their machines although the web process may be down.
"""

import asyncio
import base64
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from webvdi.access.tickets import TicketInvalid, TicketOffice
from webvdi.base.errors import RemoteProtocolError, WebvdiError
from webvdi.base.files import write_atomic
from webvdi.base.lifeline import watch_lifeline
from webvdi.base.tasks import TaskOwner
from webvdi.display.endpoint import parse_endpoint
from webvdi.link.control_face import decode_control, encode_control, peer_uid
from webvdi.link.frames import (
    MAX_ATTACH_BYTES,
    MAX_CONTROL_BYTES,
    PREAMBLE,
    FrameReader,
    frame,
)
from webvdi.managed.channel import Channel, socketpair
from webvdi.wire.from_viewer import Attach, Credential, decode_from_viewer
from webvdi.wire.to_viewer import Farewell, MachineState, Reason, encode_to_viewer

logger = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_S = 10.0
"""From accepting a connection to its first message."""

MAX_HANDSHAKES = 256
"""Connections that have not said who they are; the rest wait in the listen queue."""

SHORT_LIFE_S = 5.0
MAX_HIRING_PAUSE_S = 5.0
"""Workers that end within the first of these are followed by others after growing pauses."""

NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


@dataclass(slots=True)
class SessionRecord:
    """What the router knows of a session."""

    name: str
    title: str
    endpoint: str
    generation: str
    state: int = MachineState.CONNECTING
    detail: str = ""
    password: str | None = None


class Router:
    """One per Managed Server."""

    def __init__(
        self, viewers: socket.socket, control: socket.socket, memory: Path, key: bytes
    ) -> None:
        self._viewers = viewers
        self._control = control
        self._memory = memory
        self._office = TicketOffice(key, opened=time.time())
        self._tasks = TaskOwner("router")
        self._workers: dict[str, WorkerProcess] = {}
        self._spare: WorkerProcess | None = None
        self._hiring = asyncio.Lock()
        """One worker is started at a time, and no session gets two."""
        self._short_lives = 0
        """Workers in a row that ended soon after their start."""
        self._brokers: set[asyncio.StreamWriter] = set()
        self._handshakes = asyncio.Semaphore(MAX_HANDSHAKES)
        self._done = asyncio.Event()
        self._sessions = self._remembered()

    # ------------------------------------------------------------ life

    async def run(self) -> None:
        """Serve until told to end."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._done.set)
        watch_lifeline(self._done.set)
        self._viewers.setblocking(False)
        self._control.setblocking(False)
        await self._prepare_spare()
        control = await asyncio.start_unix_server(self._broker_came, sock=self._control)
        self._tasks.start(self._accept_viewers(), name="accept")
        await self._done.wait()
        control.close()
        await self._tasks.close()
        for worker in [*self._workers.values(), *([self._spare] if self._spare else [])]:
            await worker.end()

    def _remembered(self) -> dict[str, SessionRecord]:
        try:
            rows = json.loads(self._memory.read_bytes())
            return {row["name"]: SessionRecord(**row) for row in rows}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError) as error:
            logger.warning("%s is damaged and is begun anew: %s", self._memory, error)
            return {}

    def _remember(self) -> None:
        rows = [asdict(record) for record in self._sessions.values()]
        for row in rows:
            row["password"] = None  # is not for the disk; it is asked again
        try:
            write_atomic(self._memory, json.dumps(rows).encode())
        except OSError as error:  # the sessions go on; only our restart would not know them
            logger.error("%s cannot be written: %s", self._memory, error)  # noqa: TRY400

    # ------------------------------------------------------------ viewers

    async def _accept_viewers(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._handshakes.acquire()
            try:
                connection, _ = await loop.sock_accept(self._viewers)
            except OSError as error:  # out of descriptors: wait for some to be closed
                logger.error("cannot accept a viewer: %s", error)  # noqa: TRY400 — no news in it
                self._handshakes.release()
                await asyncio.sleep(0.2)
                continue
            self._tasks.start(self._handshake(connection), name="handshake")

    async def _handshake(self, connection: socket.socket) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                first, rest = await _first_message(connection)
            await self._admit(connection, first, rest)
        except _Rejected as rejected:
            await _say_farewell(connection, rejected)
        except RemoteProtocolError as error:
            await _say_farewell(connection, _Rejected(Reason.PROTOCOL_ERROR, str(error)))
        except (OSError, TimeoutError, EOFError):
            pass  # whoever it was has gone, or never said a word
        finally:
            connection.close()
            self._handshakes.release()

    async def _admit(self, connection: socket.socket, first: bytes, rest: bytes) -> None:
        attach = decode_from_viewer(first)
        if not isinstance(attach, Attach):
            raise RemoteProtocolError("the first message must be Attach")
        message: dict[str, Any] = {"rest": base64.b64encode(rest).decode()}
        if attach.kind is Credential.TICKET:
            try:
                ticket = self._office.check(attach.credential, now=time.time())
            except TicketInvalid as error:
                raise _Rejected(Reason.TICKET_INVALID, str(error)) from error
            message |= {"op": "attach", "session": ticket.session, "role": ticket.role}
            name = ticket.session
        else:
            name = attach.credential.split(":", 1)[0]
            message |= {
                "op": "resume",
                "session": name,
                "key": attach.credential,
                "last_update": attach.last_update,
            }
            if name not in self._workers:
                raise _Rejected(Reason.RESUME_UNKNOWN, "this viewer is no longer known")
        record = self._sessions.get(name)
        if record is None:
            raise _Rejected(Reason.SESSION_ENDED, f"there is no session named {name!r}")
        worker = await self._worker_for(record)
        if not worker.channel.send(message, connection):
            raise _Rejected(Reason.RESTARTING, "the session is being restarted")

    # ------------------------------------------------------------ workers

    async def _worker_for(self, record: SessionRecord) -> "WorkerProcess":
        async with self._hiring:
            worker = self._workers.get(record.name)
            if worker is None:
                worker = self._spare or await self._start_worker()
                self._spare = None
                self._workers[record.name] = worker
                self._introduce(worker, record)
                self._tasks.start(self._prepare_spare(), name="spare")
        return worker

    def _introduce(self, worker: "WorkerProcess", record: SessionRecord) -> None:
        """Tell a worker what we know of a session."""
        worker.channel.send(
            {
                "op": "open",
                "session": record.name,
                "title": record.title,
                "endpoint": record.endpoint,
                "generation": record.generation,
                "password": record.password,
            }
        )
        if record.state != MachineState.CONNECTING:
            self._tell_state(worker, record)

    async def _prepare_spare(self) -> None:
        """Have a worker waiting: starting one takes as long as a person notices."""
        await asyncio.sleep(min(MAX_HIRING_PAUSE_S, 0.1 * 2**self._short_lives - 0.1))
        async with self._hiring:
            if self._spare is None:
                self._spare = await self._start_worker()

    async def _start_worker(self) -> "WorkerProcess":
        ours, theirs = socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "webvdi.managed",
                "worker",
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=DEVNULL,
            )
        except OSError as error:
            ours.close()
            raise _Rejected(Reason.RESTARTING, f"no worker can be started: {error}") from error
        finally:
            theirs.close()
        worker = WorkerProcess(process, asyncio.get_running_loop().time())
        worker.channel = Channel(
            ours,
            lambda message, _: self._worker_says(message),
            lambda: self._worker_gone(worker),
        )
        return worker

    def _worker_says(self, message: dict[str, Any]) -> None:
        if message.get("event") == "endpoint_lost":
            self._tell_brokers(message)

    def _worker_gone(self, worker: "WorkerProcess") -> None:
        names = [name for name, other in self._workers.items() if other is worker]
        for name in names:
            del self._workers[name]
        if worker is self._spare:
            self._spare = None
        lived_s = asyncio.get_running_loop().time() - worker.began
        self._short_lives = self._short_lives + 1 if lived_s < SHORT_LIFE_S else 0
        if not self._done.is_set():
            logger.warning("worker %d ended; its sessions: %s", worker.pid, ", ".join(names))
            self._tasks.start(worker.reap(), name="reap")
            self._tasks.start(self._prepare_spare(), name="spare")

    # ------------------------------------------------------------ the control face

    def _broker_came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.start(self._serve_broker(reader, writer), name="broker")

    async def _serve_broker(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        connection = writer.get_extra_info("socket")
        if peer_uid(connection) != os.getuid():
            logger.warning("a process of another user knocked at the control socket")
            writer.close()
            return
        frames = FrameReader(MAX_CONTROL_BYTES)
        self._brokers.add(writer)
        try:
            while data := await reader.read(1 << 16):
                for message in frames.feed(data):
                    writer.write(encode_control(self._answer(decode_control(message))))
                await writer.drain()
        except (RemoteProtocolError, OSError) as error:
            logger.warning("a control connection ended: %s", error)
        finally:
            self._brokers.discard(writer)
            writer.close()

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        number = request.get("id", 0)
        try:
            return {"id": number, **self._control_op(request)}
        except (WebvdiError, ValueError) as error:
            return {"id": number, "error": str(error)}
        except (KeyError, TypeError) as error:
            return {"id": number, "error": f"the request lacks or misspells {error}"}

    def _control_op(self, request: Mapping[str, Any]) -> dict[str, Any]:
        match request["op"]:
            case "open_session":
                self._open_session(request)
            case "set_state":
                self._set_state(request)
            case "close_session":
                self._close_session(str(request["session"]))
            case "sessions":
                return {
                    "sessions": [asdict(r) | {"password": None} for r in self._sessions.values()]
                }
            case "ping":
                return {"pid": os.getpid()}
            case other:
                return {"error": f"there is no operation {other!r}"}
        return {"ok": True}

    def _open_session(self, request: Mapping[str, Any]) -> None:
        name = str(request["session"])
        if not name or len(name) > 64 or not NAME_CHARACTERS.issuperset(name):
            raise ValueError(f"{name!r} is no session name: a-z, 0-9, '-', '_', '.', at most 64")
        endpoint = str(parse_endpoint(str(request["endpoint"])))
        password = request.get("password")
        record = SessionRecord(
            name,
            str(request["title"]),
            endpoint,
            str(request["generation"]),
            password=None if password is None else str(password),
        )
        self._sessions[name] = record
        self._remember()
        worker = self._workers.get(name)
        if worker is not None:
            self._introduce(worker, record)

    def _set_state(self, request: Mapping[str, Any]) -> None:
        record = self._sessions.get(str(request["session"]))
        if record is None:
            record = SessionRecord(str(request["session"]), str(request["session"]), "", "")
            self._sessions[record.name] = record
        record.state = MachineState(int(request["state"]))
        record.detail = str(request["detail"])
        self._remember()
        worker = self._workers.get(record.name)
        if worker is not None:
            self._tell_state(worker, record)

    @staticmethod
    def _tell_state(worker: "WorkerProcess", record: SessionRecord) -> None:
        worker.channel.send(
            {
                "op": "tell",
                "session": record.name,
                "state": record.state,
                "detail": record.detail,
            }
        )

    def _close_session(self, name: str) -> None:
        if self._sessions.pop(name, None) is None:
            return
        self._remember()
        worker = self._workers.pop(name, None)
        if worker is not None:
            worker.channel.send(
                {"op": "close", "session": name, "message": "the session was closed"}
            )
            self._tasks.start(worker.end(), name="end worker")

    def _tell_brokers(self, event: Mapping[str, Any]) -> None:
        for writer in self._brokers:
            writer.write(encode_control(event))


class WorkerProcess:
    """A worker as the router holds it."""

    channel: Channel

    def __init__(self, process: asyncio.subprocess.Process, began: float) -> None:
        self._process = process
        self.began = began
        """Monotonic seconds."""
        self.pid = process.pid

    async def reap(self) -> None:
        """Wait for a worker that has gone, or seems to have; one that hangs is killed."""
        try:
            await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def end(self) -> None:
        """Let it say farewell, then make sure that it is gone."""
        if self._process.returncode is None:
            self._process.terminate()
        await self.reap()
        self.channel.close()


class _Rejected(Exception):
    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def _first_message(connection: socket.socket) -> tuple[bytes, bytes]:
    """The connection's first message, and what came behind it."""
    loop = asyncio.get_running_loop()
    data = b""
    while True:
        more = await loop.sock_recv(connection, MAX_ATTACH_BYTES)
        if not more:
            raise EOFError
        data += more
        if not PREAMBLE.startswith(data[: len(PREAMBLE)]):
            raise RemoteProtocolError("this is no client of the link protocol, version 1")
        if len(data) > len(PREAMBLE) + 4:
            length = int.from_bytes(data[len(PREAMBLE) : len(PREAMBLE) + 4], "big")
            end = len(PREAMBLE) + 4 + length
            if length > MAX_ATTACH_BYTES:
                raise RemoteProtocolError(f"Attach is at most {MAX_ATTACH_BYTES} bytes")
            if len(data) >= end:
                return data[len(PREAMBLE) + 4 : end], data[end:]


async def _say_farewell(connection: socket.socket, rejected: _Rejected) -> None:
    message = encode_to_viewer(Farewell(rejected.reason, str(rejected)))
    try:
        async with asyncio.timeout(1):
            await asyncio.get_running_loop().sock_sendall(connection, frame(message))
    except (OSError, TimeoutError):
        pass  # it did not wait for the answer


def main(viewers_fd: int, control_fd: int, memory: Path, key: bytes) -> None:
    """Serve on two listening unix sockets that the supervisor opened."""

    async def serve() -> None:
        viewers, control = socket.socket(fileno=viewers_fd), socket.socket(fileno=control_fd)
        await Router(viewers, control, memory, key).run()

    asyncio.run(serve())

"""The workers of a Managed Server: hired ahead, one a watched session, one for all the others.

A session that somebody watches has a worker of its own.  Pictures of sessions that nobody watches
come from one more worker, the *lookout*, which holds a cheap link to each of them for as long as
pictures are asked for.  A session is never with both.
"""

import asyncio
import itertools
import logging
import os
import sys
from collections.abc import Callable, Mapping
from subprocess import DEVNULL
from typing import Any

from webvdi.base.errors import WebvdiError
from webvdi.base.tasks import TaskOwner
from webvdi.managed.book import SessionRecord
from webvdi.managed.channel import Channel, from_memory, socketpair
from webvdi.managed.encoders import new_turns
from webvdi.managed.pictures import MAX_PICTURE_BYTES
from webvdi.wire.to_viewer import MachineState

logger = logging.getLogger(__name__)

SHORT_LIFE_S = 5.0
MAX_HIRING_PAUSE_S = 5.0
"""Workers that end within the first of these are followed by others after growing pauses."""

ANSWER_WITHIN_S = 8.0
"""How long a worker may take to answer: below the patience of the control face's clients."""

END_WITHIN_S = 5.0
"""How long a worker may take to say farewell and end."""

UNHEARING_S = 1.5
"""How long a worker that cannot be told of a revocation has to end: its viewers still look on."""

LOOKOUT_S = 120.0
"""The lookout ends when no picture was asked of it for so long."""

LOOKOUT_PAUSE_S = 3.0
"""No other lookout is started for so long after one died: what killed it may do so again."""

MEMORY_KEPT = dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(16 << 20))
"""Bytes of free memory that a worker's allocator holds on to (mallopt(3)).  By itself glibc gives
almost everything back at once, and each picture begins with a thousand page faults."""


class WorkerUnavailable(WebvdiError):
    """There is no worker, or it does not answer."""


class WorkerProcess:
    """A worker as the router holds it."""

    channel: Channel

    def __init__(self, process: asyncio.subprocess.Process, began: float) -> None:
        self._process = process
        self.began = began
        """Monotonic seconds."""
        self.pid = process.pid
        self.admitted: dict[str, int] = {}
        """Connections handed to it, by session."""
        self.leaving = False
        """Whether its end is our wish."""

    def introduce(self, record: SessionRecord) -> None:
        """Tell it what we know of a session."""
        self.channel.send(
            {
                "op": "open",
                "session": record.name,
                "title": record.title,
                "endpoint": record.endpoint,
                "generation": record.generation,
                "password": record.password,
                "tls": record.tls,
            }
        )
        if record.state != MachineState.CONNECTING:
            self.tell_state(record)

    def tell_state(self, record: SessionRecord) -> None:
        """Tell it how the session's machine is."""
        self.channel.send(
            {"op": "tell", "session": record.name, "state": record.state, "detail": record.detail}
        )

    def dismiss(self, session: str, message: str) -> None:
        """A session is not its business any more."""
        self.channel.send({"op": "close", "session": session, "message": message})

    async def reap(self, within_s: float = END_WITHIN_S) -> None:
        """Wait for a worker that has gone, or seems to have; one that hangs is killed."""
        try:
            await asyncio.wait_for(self._process.wait(), within_s)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def end(self, within_s: float = END_WITHIN_S) -> None:
        """Let it say farewell, then make sure that it is gone."""
        self.leaving = True
        if self._process.returncode is None:
            self._process.terminate()
        await self.reap(within_s)
        self.channel.close()


class Staff:
    """All workers of one router."""

    def __init__(
        self,
        tasks: TaskOwner,
        on_event: Callable[[dict[str, Any]], None],
        on_idle: Callable[[str], None],
        on_ready: Callable[[], None],
    ) -> None:
        """*on_event* gets what workers say of their sessions, *on_idle* a session without any.

        *on_ready* tells that there is a worker to spare.
        """
        self._tasks = tasks
        self._on_event = on_event
        self._on_idle = on_idle
        self._on_ready = on_ready
        self._workers: dict[str, WorkerProcess] = {}
        self._spare: WorkerProcess | None = None
        self._lookout: WorkerProcess | None = None
        self._leaving: set[WorkerProcess] = set()
        """Workers that are being ended."""
        self._looked_at: set[str] = set()
        """Sessions that the lookout knows."""
        self._lookout_end: asyncio.TimerHandle | None = None
        self._lookout_died = float("-inf")
        self._hiring = asyncio.Lock()
        """One worker is started at a time, and no session gets two."""
        self._short_lives = 0
        """Workers in a row that ended soon after their start."""
        self._questions: dict[int, tuple[WorkerProcess, asyncio.Future[dict[str, Any]]]] = {}
        self._numbers = itertools.count(1)
        self._closing = False
        self._turns = new_turns()

    async def close(self) -> None:
        """End them all; then nothing is hired any more."""
        self._closing = True
        if self._lookout_end is not None:
            self._lookout_end.cancel()
        async with self._hiring:  # whoever is being hired is here by then
            everyone = [*self._workers.values(), self._spare, self._lookout, *self._leaving]
        await asyncio.gather(*(worker.end() for worker in everyone if worker is not None))
        for turn in self._turns:
            os.close(turn)
        self._turns.clear()

    def worker_of(self, session: str) -> WorkerProcess | None:
        """The session's own worker, if it has one."""
        return self._workers.get(session)

    def informed(self, session: str) -> WorkerProcess | None:
        """The worker that has to hear of changes to a session."""
        own = self._workers.get(session)
        return own or (self._lookout if session in self._looked_at else None)

    async def hire(self, record: SessionRecord) -> WorkerProcess:
        """The session's own worker; it gets one if it has none.  Raises WorkerUnavailable."""
        async with self._hiring:
            worker = self._workers.get(record.name)
            if worker is None:
                worker = self._spare or await self._start()
                self._spare = None
                self._overlook(record.name)
                self._workers[record.name] = worker
                worker.introduce(record)
                self._tasks.start(self.prepare_spare(), name="spare")
        return worker

    def discharge(self, session: str, message: str) -> None:
        """A session is closed: its worker says farewell and ends."""
        self._overlook(session)
        worker = self._workers.pop(session, None)
        if worker is not None:
            worker.dismiss(session, message)
            self._let_go(worker)

    def revoke(self, share: str) -> None:
        """All workers end the access of who came by *share*.

        One that cannot be told is ended, with the access of all its viewers; those who may come
        back, through the router.
        """
        for session, worker in list(self._workers.items()):
            if not worker.channel.send({"op": "revoke", "share": share}):
                logger.warning("worker %d does not listen, and is ended", worker.pid)
                del self._workers[session]
                self._let_go(worker, within_s=UNHEARING_S)
                self._on_idle(session)
                self._tasks.start(self.prepare_spare(), name="spare")

    async def prepare_spare(self) -> None:
        """Have a worker waiting: starting one takes as long as a person notices."""
        await asyncio.sleep(min(MAX_HIRING_PAUSE_S, 0.1 * 2**self._short_lives - 0.1))
        async with self._hiring:
            if self._spare is None and not self._closing:
                self._spare = await self._start()
        self._on_ready()

    # ------------------------------------------------------------ questions

    async def look(self, record: SessionRecord, question: Mapping[str, Any]) -> dict[str, Any]:
        """A picture of a session, from its own worker or the lookout.

        Raises :class:`WorkerUnavailable`.
        """
        return await self._ask(record, {"op": "picture", **question})

    async def order(self, record: SessionRecord, order: str) -> bool:
        """Whether a session's display took the order for its machine.

        Raises :class:`WorkerUnavailable`.
        """
        answer = await self._ask(record, {"op": "power", "order": order})
        return bool(answer["done"])

    async def _ask(self, record: SessionRecord, question: Mapping[str, Any]) -> dict[str, Any]:
        worker = self._workers.get(record.name) or await self._lookout_for(record)
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._questions[number] = (worker, answer)
        try:
            asked = {**question, "session": record.name, "number": number}
            if not worker.channel.send(asked):
                raise WorkerUnavailable("the session is being restarted")
            return await asyncio.wait_for(answer, ANSWER_WITHIN_S)
        except TimeoutError as error:
            raise WorkerUnavailable("the session does not answer") from error
        finally:
            del self._questions[number]

    async def _lookout_for(self, record: SessionRecord) -> WorkerProcess:
        async with self._hiring:
            own = self._workers.get(record.name)
            if own is not None:  # somebody came while we waited
                return own
            if self._lookout is None:
                if asyncio.get_running_loop().time() - self._lookout_died < LOOKOUT_PAUSE_S:
                    raise WorkerUnavailable("pictures can be had again in a moment")
                self._lookout = await self._start()
            if record.name not in self._looked_at:
                self._looked_at.add(record.name)
                self._lookout.introduce(record)
            if self._lookout_end is not None:
                self._lookout_end.cancel()
            loop = asyncio.get_running_loop()
            self._lookout_end = loop.call_later(LOOKOUT_S, self._end_lookout)
            return self._lookout

    def _overlook(self, session: str) -> None:
        """The lookout lets go of a session, before somebody else opens a link to it."""
        if session in self._looked_at and self._lookout is not None:
            self._looked_at.discard(session)
            self._lookout.dismiss(session, "")
            self._on_idle(session)

    def _end_lookout(self) -> None:
        lookout, self._lookout, self._lookout_end = self._lookout, None, None
        for session in self._looked_at:
            self._on_idle(session)
        self._looked_at.clear()
        if lookout is not None:
            self._let_go(lookout)

    # ------------------------------------------------------------ processes

    def _let_go(self, worker: WorkerProcess, *, within_s: float = END_WITHIN_S) -> None:
        worker.leaving = True
        self._leaving.add(worker)
        self._tasks.start(self._end(worker, within_s), name="end worker")

    async def _end(self, worker: WorkerProcess, within_s: float) -> None:
        await worker.end(within_s)
        self._leaving.discard(worker)

    async def _start(self) -> WorkerProcess:
        ours, theirs = socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "webvdi.managed",
                "worker",
                str(theirs.fileno()),
                *map(str, self._turns),
                pass_fds=[theirs.fileno(), *self._turns],
                stdin=DEVNULL,
                env=MEMORY_KEPT | os.environ,
            )
        except BaseException as error:
            ours.close()
            if isinstance(error, OSError):
                raise WorkerUnavailable(f"no worker can be started: {error}") from error
            raise
        finally:
            theirs.close()
        worker = WorkerProcess(process, asyncio.get_running_loop().time())
        worker.channel = Channel(
            ours,
            lambda message, fd: self._says(worker, message, fd),
            lambda: self._gone(worker),
        )
        return worker

    def _says(self, worker: WorkerProcess, message: dict[str, Any], fd: int | None) -> None:
        match message:
            case {"event": "picture" | "ordered"}:
                self._answered(message, fd)
            case {"event": "idle", "session": session, "admitted": admitted}:
                # A connection that is on its way to the worker may keep it.
                mine = self._workers.get(session) is worker
                if mine and worker.admitted.get(session, 0) == admitted:
                    self.discharge(session, "nobody looks")
                    self._on_idle(session)
            case {"session": session} if self.informed(session) is worker:
                self._on_event(message)
            case _:
                pass  # of a session that went elsewhere meanwhile

    def _answered(self, message: dict[str, Any], fd: int | None) -> None:
        if fd is not None:
            try:
                message["data"] = from_memory(fd, MAX_PICTURE_BYTES)
            except (OSError, ValueError) as error:
                message = {"number": message["number"], "none": str(error)}
        _, answer = self._questions.get(message["number"], (None, None))
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _gone(self, worker: WorkerProcess) -> None:
        names = [name for name, other in self._workers.items() if other is worker]
        for name in names:
            del self._workers[name]
            self._on_idle(name)
        if worker is self._spare:
            self._spare = None
        if worker is self._lookout:
            self._lookout = None
            names += self._looked_at
            for name in self._looked_at:
                self._on_idle(name)
            self._looked_at.clear()
            self._lookout_died = asyncio.get_running_loop().time()
        for asked, answer in self._questions.values():
            if asked is worker and not answer.done():
                answer.set_exception(WorkerUnavailable("the session is being restarted"))
        lived_s = asyncio.get_running_loop().time() - worker.began
        self._short_lives = self._short_lives + 1 if lived_s < SHORT_LIFE_S else 0
        if not self._closing and not worker.leaving:
            logger.warning("worker %d ended; its sessions: %s", worker.pid, ", ".join(names))
            self._tasks.start(worker.reap(), name="reap")
            self._tasks.start(self.prepare_spare(), name="spare")

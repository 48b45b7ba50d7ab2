"""Workers come and go with what is watched."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.server import until
from webvdi.base.tasks import TaskOwner
from webvdi.managed import staff as staff_module
from webvdi.managed.book import SessionRecord
from webvdi.managed.staff import Staff, WorkerUnavailable

QUESTION = {"width": 32, "height": 32, "known": None}


class Office:
    """A staff, and what it reports."""

    def __init__(self, tasks: TaskOwner, tmp: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self.idle: list[str] = []
        self.ready = asyncio.Event()
        self.staff = Staff(tasks, self.events.append, self.idle.append, self.ready.set)
        self.record = SessionRecord("demo", "Demo", f"unix:{tmp}/nobody", "1")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with TaskOwner("test") as tasks:
        made = Office(tasks, tmp_path)
        yield made
        await tasks.close()
        await made.staff.close()


async def test_a_session_has_one_worker_whoever_asks(office: Office) -> None:
    hired = await asyncio.gather(*(office.staff.hire(office.record) for _ in range(5)))
    assert len({worker.pid for worker in hired}) == 1
    assert office.staff.worker_of("demo") is hired[0]


def environment_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


async def test_a_worker_holds_on_to_memory_as_far_as_its_owner_lets_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    worker = await office.staff._start()
    try:
        environment = environment_of(worker.pid)
        assert b"MALLOC_TRIM_THRESHOLD_=1000000" in environment
        assert b"MALLOC_MMAP_THRESHOLD_=16777216" in environment
    finally:
        await worker.end(0)


async def test_a_session_that_nobody_watches_gives_its_worker_back(office: Office) -> None:
    worker = await office.staff.hire(office.record)
    office.staff._says(worker, {"event": "idle", "session": "demo", "admitted": 0}, None)
    assert office.staff.worker_of("demo") is None
    assert office.idle == ["demo"]


async def test_who_is_on_the_way_to_a_worker_keeps_it(office: Office) -> None:
    worker = await office.staff.hire(office.record)
    worker.admitted["demo"] = 1
    office.staff._says(worker, {"event": "idle", "session": "demo", "admitted": 0}, None)
    assert office.staff.worker_of("demo") is worker


async def test_the_lookout_and_a_worker_never_have_the_same_session(office: Office) -> None:
    asked = asyncio.get_running_loop().create_task(office.staff.look(office.record, QUESTION))
    await until(lambda: office.staff.informed("demo"), "the lookout")
    lookout = office.staff.informed("demo")
    worker = await office.staff.hire(office.record)
    assert worker is not lookout
    assert office.staff.informed("demo") is worker
    assert "none" in await asked


async def test_questions_of_a_dead_worker_are_answered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await office.staff.hire(office.record)
    asked = asyncio.get_running_loop().create_task(office.staff.look(office.record, QUESTION))
    await until(lambda: office.staff._questions, "the question")
    worker._process.kill()
    with pytest.raises(WorkerUnavailable, match="being restarted"):
        await asked
    assert office.idle == ["demo"]


async def test_a_lookout_that_nobody_asks_ends(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.record.endpoint = ""
    await office.staff.look(office.record, QUESTION)  # it has to be started first
    monkeypatch.setattr(staff_module, "LOOKOUT_S", 0.5)
    await office.staff.look(office.record, QUESTION)
    await until(lambda: office.staff._lookout is None, "its end")
    assert office.idle == ["demo"]  # what it knew of the session is not known any more


async def test_a_worker_that_cannot_be_told_of_a_revocation_is_ended(office: Office) -> None:
    worker = await office.staff.hire(office.record)
    os.kill(worker.pid, signal.SIGSTOP)
    while worker.channel.send({"op": "revoke", "share": "another"}):
        pass  # until no more fits into its channel
    office.ready.clear()
    office.staff.revoke("s-1")
    assert office.staff.worker_of("demo") is None
    assert office.idle == ["demo"]
    await until(lambda: worker._process.returncode is not None, "its end")
    await until(office.ready.is_set, "a worker to spare")
    assert await office.staff.hire(office.record) is not worker


async def test_it_says_when_a_worker_is_to_spare(office: Office) -> None:
    assert not office.ready.is_set()
    await office.staff.prepare_spare()
    assert office.ready.is_set()

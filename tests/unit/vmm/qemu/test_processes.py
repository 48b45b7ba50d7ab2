"""Waiting for, and ending, processes that are not our children."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from webvdi.vmm.qemu import processes
from webvdi.vmm.qemu.records import ProcessId


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def identity(pid: int) -> ProcessId:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return ProcessId(pid, int(stat.rpartition(")")[2].split()[19]))


async def test_the_end_is_seen_even_if_nobody_collects_it(
    sleeper: subprocess.Popen[bytes],
) -> None:
    it = identity(sleeper.pid)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        waiting = group.create_task(processes.ended(it))
        await asyncio.sleep(0)
        assert not waiting.done()
        processes.kill(it)
    await processes.ended(it)
    processes.kill(it)


async def test_another_process_with_the_number_is_left_alone(
    sleeper: subprocess.Popen[bytes],
) -> None:
    other = ProcessId(sleeper.pid, identity(sleeper.pid).started - 1)
    processes.kill(other)
    await processes.ended(other)
    assert identity(sleeper.pid).alive()


async def test_a_process_long_gone() -> None:
    child = await asyncio.create_subprocess_exec("true")
    await child.wait()
    it = ProcessId(child.pid, 1)
    await processes.ended(it)
    processes.kill(it)


async def test_no_descriptor_is_kept(sleeper: subprocess.Popen[bytes]) -> None:
    before = open_descriptors()
    it = identity(sleeper.pid)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await processes.ended(it)
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))

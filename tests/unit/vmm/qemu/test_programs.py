"""Helper programs, run to their end."""

import asyncio
import os
import sys

import pytest

from webvdi.vmm.qemu import programs


async def test_what_a_program_says_and_how_it_ends() -> None:
    done = await programs.run("sh", "-c", "echo out; echo err >&2; exit 3", timeout_s=60)
    assert done == programs.Done(3, "out\n", "err\n")


async def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        await programs.run("/absent/program", timeout_s=60)


async def test_only_the_beginning_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MAX_OUTPUT_BYTES", 1000)
    done = await programs.run("sh", "-c", "yes | head -c 300000; exit 1", timeout_s=60)
    assert (done.code, len(done.out)) == (1, 1000)


async def test_the_time_limit() -> None:
    with pytest.raises(TimeoutError):
        await programs.run("sleep", "600", timeout_s=0.05)


async def test_with_a_listener_only_silence_counts() -> None:
    heard: list[bytes] = []
    talks = "for x in 1 2 3 4 5 6 7 8; do echo 1; sleep 0.2; done"
    done = await programs.run("sh", "-c", talks, timeout_s=1.2, on_output=heard.append)
    assert done.code == 0
    assert b"".join(heard) == b"1\n" * 8
    with pytest.raises(TimeoutError):
        await programs.run("sleep", "600", timeout_s=0.05, on_output=heard.append)


async def test_cancelling_ends_the_program() -> None:
    begun = asyncio.Event()
    pids: list[int] = []

    def heard(piece: bytes) -> None:
        pids.append(int(piece))
        begun.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            programs.run("sh", "-c", "echo $$; exec sleep 600", timeout_s=60, on_output=heard)
        )
        await begun.wait()
        task.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


async def test_limits_hold() -> None:
    eat = "import time\ntime.sleep(0.3)\nx = bytearray(1 << 30)"
    limits = programs.Limits(memory_bytes=512 << 20, cpu_s=10)
    done = await programs.run(sys.executable, "-c", eat, timeout_s=60, limits=limits)
    assert "MemoryError" in done.err

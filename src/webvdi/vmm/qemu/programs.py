"""Running a helper program to its end: bounded in time and output, and never left behind."""

import asyncio
import contextlib
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass

MAX_OUTPUT_BYTES = 4 << 20
"""Kept of each stream; the longest answer that is of use, ``-device help``, has 40 KiB."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended."""

    code: int
    """Its exit code; the negative number of a signal that ended it."""
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may take that reads files of strangers."""

    memory_bytes: int
    """Of address space."""
    cpu_s: int


async def run(
    *argv: str | os.PathLike[str],
    timeout_s: float,
    on_output: Callable[[bytes], None] | None = None,
    limits: Limits | None = None,
) -> Done:
    """Run *argv* and wait for its end; cancelling the call ends the program too.

    *timeout_s* counts from the start; with *on_output*, which gets each piece of standard
    output, from the last piece.  Raises :class:`TimeoutError`, :class:`OSError`.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        if limits is not None:
            _limit(process.pid, limits)
        return await _watched(process, timeout_s, on_output)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _watched(
    process: asyncio.subprocess.Process,
    timeout_s: float,
    on_output: Callable[[bytes], None] | None,
) -> Done:
    assert process.stdout is not None
    assert process.stderr is not None
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout_s) as limit:

        def heard(piece: bytes) -> None:
            if on_output is not None:
                limit.reschedule(loop.time() + timeout_s)
                on_output(piece)

        out, err = await asyncio.gather(
            _read(process.stdout, heard), _read(process.stderr, lambda _: None)
        )
        code = await process.wait()
    return Done(code, out, err)


async def _read(stream: asyncio.StreamReader, heard: Callable[[bytes], None]) -> str:
    """All that *stream* says, of which the beginning is kept."""
    kept = bytearray()
    while piece := await stream.read(1 << 16):
        heard(piece)
        kept += piece[: MAX_OUTPUT_BYTES - len(kept)]
    return kept.decode(errors="replace")


def _limit(pid: int, limits: Limits) -> None:
    # It may have ended by now, or have run a moment without limits; neither matters.
    with contextlib.suppress(ProcessLookupError):
        memory, cpu = limits.memory_bytes, limits.cpu_s
        resource.prlimit(pid, resource.RLIMIT_AS, (memory, memory))
        resource.prlimit(pid, resource.RLIMIT_CPU, (cpu, cpu))

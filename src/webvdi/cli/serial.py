"""``webvdi machine serial``: this terminal as the machine's serial console.

The keys go as bytes, the machine's bytes come as they are: its programs draw on this terminal as on
one of their own.  Ctrl-] is ours alone.
"""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from webvdi.base.errors import Refused
from webvdi.cli.asking import ask
from webvdi.cli.client import Client, machine_path
from webvdi.cli.terminal import program

LEAVE = b"\x1d"
"""Ctrl-], as in telnet and virsh."""

POLL_S = 0.05
"""Between questions for more; a key's echo comes within it."""

IDLE_POLL_S = 0.25
IDLE_AFTER = 40
"""Empty answers after which we ask less often."""

SHOWN_FIRST = 4096
"""Bytes of what was written before: about a screenful."""

MAX_WRITE = 4096
"""What one request takes (docs/reference/rest-api.md)."""

MAX_TYPED = 64
"""Pieces of typing that may wait for the service; more stops the reading of the terminal."""


def use(name: str, state: Path | None, *, only_listen: bool) -> None:
    """Connect the terminal until Ctrl-], or listen until Ctrl-C."""
    if only_listen or not sys.stdin.isatty():
        if not only_listen:
            raise Refused(
                "the serial console needs a terminal to type on; --follow only listens",
                reason="no_terminal",
            )
        ask(state, "machine serial", lambda client: copy_out(client, name, sys.stdout.buffer.write))
        return

    async def work(client: Client) -> None:
        # An unknown name, or a machine that is off, is said before the screen changes.
        machine = await client.get(machine_path(name))
        if machine["state"] in ("stopped", "crashed", "saved"):
            raise Refused(
                f"{name} is off, and its serial port with it; {program()} machine start {name} "
                "starts it",
                reason="no_serial",
            )
        with _raw_terminal():
            sys.stderr.write(f"Connected to {name}; Ctrl-] leaves.\r\n")
            await converse(client, name)

    ask(state, "machine serial", work)
    sys.stderr.write("\nLeft.\n")


async def converse(client: Client, name: str) -> None:
    """Copy both ways until Ctrl-]."""
    tasks = [
        asyncio.Task(copy_out(client, name, _to_terminal), name="serial/out"),
        asyncio.Task(_copy_in(client, name), name="serial/in"),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def copy_out(
    client: Client, name: str, write: Callable[[bytes], object], *, first: int = SHOWN_FIRST
) -> None:
    """Give all that the machine writes to *write*, beginning with its last *first* bytes."""
    async for data in chunks(client, name, first=first):
        write(data)
        if write is not _to_terminal:
            sys.stdout.flush()


async def chunks(client: Client, name: str, *, first: int) -> AsyncIterator[bytes]:
    """What the machine writes, for ever; from the last *first* bytes on."""
    kept, offset = await everything(client, name, at_most=first)
    yield kept
    quiet = 0
    while True:
        data, offset = await chunk(client, name, offset)
        quiet = 0 if data else quiet + 1
        if data:
            yield data
        else:
            await asyncio.sleep(POLL_S if quiet < IDLE_AFTER else IDLE_POLL_S)


async def chunk(client: Client, name: str, offset: int) -> tuple[bytes, int]:
    """What was written from *offset* on, and the next offset."""
    answer = await client.ask("GET", machine_path(name, "serial"), params={"offset": offset})
    return answer.content, int(answer.headers["Webvdi-Next-Offset"])


async def everything(client: Client, name: str, *, at_most: int) -> tuple[bytes, int]:
    """The last *at_most* bytes that are kept, and the offset after them."""
    kept, offset = b"", 0
    while True:
        data, following = await chunk(client, name, offset)
        if not data:
            return kept, following
        kept, offset = (kept + data)[-at_most:], following


async def _copy_in(client: Client, name: str) -> None:
    typed: asyncio.Queue[bytes] = asyncio.Queue(MAX_TYPED)
    loop = asyncio.get_running_loop()
    terminal = sys.stdin.fileno()

    def readable() -> None:
        if not typed.full():
            typed.put_nowait(os.read(terminal, MAX_WRITE))

    loop.add_reader(terminal, readable)
    try:
        while True:
            keys = await typed.get()
            before, leave, _ = keys.partition(LEAVE)
            if before:
                await client.ask("POST", machine_path(name, "serial"), content=before)
            if leave or not keys:
                return
    finally:
        loop.remove_reader(terminal)


def _to_terminal(data: bytes) -> None:
    os.write(sys.stdout.fileno(), data)


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal, termios.TCSADRAIN)  # what was typed ahead is not thrown away
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)

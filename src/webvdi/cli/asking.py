"""Running one command's questions to the service, from the synchronous world of typer."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from webvdi.base.paths import places
from webvdi.cli.client import Client, open_client
from webvdi.cli.exits import Interrupted
from webvdi.cli.terminal import program, with_state

T = TypeVar("T")


def ask(
    state: Path | None,
    what: str,
    work: Callable[[Client], Awaitable[T]],
    interrupted: Callable[[bool], str] | None = None,
) -> T:
    """What *work* returns, given a client of the service on *state*.

    Where Ctrl-C leaves something going on, *interrupted* says so: it is told whether a service was
    asked, and what it returns is what :class:`Interrupted` says.  Before anything was asked for,
    and once *work* is done, nothing goes on.
    """
    asked: Client | None = None

    async def ask_and_close() -> T:
        nonlocal asked
        async with open_client(places(state), what) as client:
            asked = client
            result = await work(client)
            asked = None
            return result

    try:
        return asyncio.run(ask_and_close())
    except KeyboardInterrupt as error:
        if asked is None or not asked.changes or interrupted is None:
            raise
        raise Interrupted(f"interrupted; {interrupted(asked.holder is not None)}") from error


def goes_on(served: bool, doing: str, look: str, state: Path | None) -> str:
    """Words on what an interrupted command leaves behind: what the service does, and how to look.

    Without a service nobody goes on, and how far it came has to be looked at likewise.
    """
    command = with_state(f"{program()} {look}", state)
    if served:
        return f"the service goes on {doing}: {command} tells how far it is"
    return f"{command} tells how far it came"

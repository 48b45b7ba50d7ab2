"""Running one command's questions to the service, from the synchronous world of typer."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from webvdi.base.paths import places
from webvdi.cli.client import Client, open_client

T = TypeVar("T")


def ask(state: Path | None, what: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """What *work* returns, given a client of the service on *state*."""

    async def ask_and_close() -> T:
        async with open_client(places(state), what) as client:
            return await work(client)

    return asyncio.run(ask_and_close())

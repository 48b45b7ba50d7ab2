"""Waiting for something long, with a bar: a machine being made, a guest being built."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from webvdi.cli.terminal import safe

LOOK_EVERY_S = 0.2

Report = Callable[[str, int, int], None]
"""What is being done, how much of it is, and of how much (0: not known)."""


@contextmanager
def progress_bar(console: Console, description: str, *, quiet: bool = False) -> Iterator[Report]:
    """A bar to report to; in a log, where nothing can move, a line for each new phase."""
    if quiet:
        yield lambda _phase, _done, _total: None
        return
    if not console.is_terminal:
        yield _lines(console)
        return
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task(description, total=None)

        def report(phase: str, done: int, total: int) -> None:
            bar.update(task, description=safe(phase), completed=done, total=total or None)

        yield report


def _lines(console: Console) -> Report:
    said = set[str]()

    def report(phase: str, _done: int, _total: int) -> None:
        if phase and phase not in said:
            said.add(phase)
            console.print(f"{safe(phase)} …", markup=False)

    return report


async def follow(
    look: Callable[[], Awaitable[dict[str, Any]]],
    going_on: Callable[[dict[str, Any]], bool],
    progress: Callable[[dict[str, Any]], dict[str, Any] | None],
    report: Report,
) -> dict[str, Any]:
    """Look until *going_on* is over, and return what was seen last."""
    while True:
        seen = await look()
        if not going_on(seen):
            return seen
        step = progress(seen)
        if step is not None:
            report(str(step["phase"]), int(step["done"]), int(step["total"]))
        await asyncio.sleep(LOOK_EVERY_S)

"""``webvdi shutdown``: every machine ends, because the host goes down or somebody wants it.

The service is asked to end first (systemd has done that already), then this process looks after the
machines itself, so nothing can start one again while they end.
"""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import typer

from webvdi.base.files import secret_at
from webvdi.base.paths import Places, places
from webvdi.cli.claim import Claim, claim, holder_of
from webvdi.cli.client import BETWEEN_LOOKS_S
from webvdi.cli.exits import Exit, ServiceUnavailable
from webvdi.cli.patience import busy
from webvdi.cli.terminal import console, print_json, safe, say

SERVICE_STOP_S = 15.0
"""How long the service may take to end; it needs a second, and kills what hangs after 5."""

ON = ("starting", "running", "paused", "stopping")


def run_shutdown(state: Path | None, *, deadline_s: float, host: bool, json: bool) -> None:
    """End the service and the machines; exit code 1 if one still runs.

    *host* is whether the host goes down, which the machines' journals tell.
    """
    ends = time.monotonic() + deadline_s
    where = places(state)
    where.make()
    outcomes = asyncio.run(_shut_down(where, ends, host=host))
    if json:
        print_json(outcomes)
    elif not outcomes:
        say("No machine was running.")
    else:
        for outcome in outcomes:
            console.print(
                f"{safe(outcome['name'])}: {outcome['state']}. {safe(outcome['text'])}",
                markup=False,
            )
    if any(outcome["state"] in ON for outcome in outcomes):
        raise typer.Exit(Exit.FAILED)


async def _shut_down(where: Places, ends: float, *, host: bool) -> list[dict[str, Any]]:
    from webvdi.broker.service import open_service

    with await _take_over(where, ends):
        key = secret_at(where.state / "key")
        async with open_service(where, key, resume=False) as service:
            machines = await service.catalogue.list()
            running = [machine.id for machine in machines if machine.state in ON]
            if running:
                await service.shutdown(max(1.0, ends - time.monotonic()), host=host)
            outcomes = []
            for machine in running:
                now = await service.catalogue.get(machine)
                journal = await service.catalogue.journal(machine, limit=1)
                text = journal[-1].text if journal else now.detail
                outcomes.append({"name": now.name, "state": now.state, "text": text})
            return outcomes


async def _take_over(where: Places, ends: float) -> Claim:
    """The claim, once the service (told to end) or another command has let go of it."""
    told = set[int]()
    until = min(ends, time.monotonic() + SERVICE_STOP_S)
    while True:
        claimed = claim(where.state, where, "shutdown")
        if claimed is not None:
            return claimed
        holder = holder_of(where.state)
        if holder is not None and holder.serves and holder.pid not in told:
            told.add(holder.pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGTERM)
        if time.monotonic() > until:
            raise ServiceUnavailable(busy(holder, where.state))
        await asyncio.sleep(BETWEEN_LOOKS_S)

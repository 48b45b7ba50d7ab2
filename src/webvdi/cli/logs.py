"""The work of ``webvdi logs``: what happened to a machine, and what it wrote."""

import asyncio
import datetime as dt
import json as json_module
import sys
from pathlib import Path
from typing import Any

from webvdi.cli.asking import ask
from webvdi.cli.client import Client, machine_path
from webvdi.cli.serial import copy_out, everything
from webvdi.cli.terminal import console, print_json, safe

Entry = dict[str, Any]

LOOK_EVERY_S = 1.0

MAX_SERIAL_BYTES = 16 << 20
"""Bound on the serial log that is shown at once; the engine keeps less."""


def show(machine: str, state: Path | None, *, follow: bool, json: bool) -> None:
    """Print the journal; with *follow* also what comes, until Ctrl-C (JSON: a line an entry)."""

    async def work(client: Client) -> None:
        seen = await _journal(client, machine)
        if json and not follow:
            print_json(seen)
            return
        _print(seen, json=json)
        while follow:
            await asyncio.sleep(LOOK_EVERY_S)
            now = await _journal(client, machine)
            _print(_new(seen, now), json=json)
            seen = now

    ask(state, "logs", work)


def show_serial(machine: str, state: Path | None, *, follow: bool, json: bool) -> None:
    """Print what the machine wrote to its serial port."""

    async def work(client: Client) -> None:
        if follow:
            await copy_out(client, machine, sys.stdout.buffer.write, first=MAX_SERIAL_BYTES)
        text, _ = await everything(client, machine, at_most=MAX_SERIAL_BYTES)
        if json:
            print_json({"serial": text.decode(errors="replace")})
        else:
            sys.stdout.buffer.write(text)

    ask(state, "logs", work)


async def _journal(client: Client, machine: str) -> list[Entry]:
    return list(await client.get(machine_path(machine, "journal")))


def _new(seen: list[Entry], now: list[Entry]) -> list[Entry]:
    """The entries of *now* after the last one of *seen*."""
    if not seen or seen[-1] not in now:
        return now
    at = len(now) - now[::-1].index(seen[-1])
    return now[at:]


def _print(entries: list[Entry], *, json: bool) -> None:
    for entry in entries:
        if json:
            sys.stdout.write(json_module.dumps(entry, ensure_ascii=False) + "\n")
            continue
        when = dt.datetime.fromtimestamp(entry["when"], dt.UTC).astimezone()
        console.print(f"{when:%Y-%m-%d %H:%M:%S}  {safe(entry['text'])}", markup=False)
    sys.stdout.flush()

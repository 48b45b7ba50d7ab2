"""The work of ``webvdi machine``."""

import datetime as dt
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from webvdi.base.errors import Refused, WebvdiError
from webvdi.cli.asking import ask, goes_on
from webvdi.cli.client import Client, machine_path
from webvdi.cli.exits import as_problem, exit_code
from webvdi.cli.output_file import check_free, write_output
from webvdi.cli.quantities import gibibytes, mebibytes, size_in_words
from webvdi.cli.terminal import (
    console,
    print_facts,
    print_json,
    print_list,
    safe,
    state_text,
)

Machine = dict[str, Any]

DONE = {
    "start": "runs",
    "stop": "is off",
    "kill": "is off",
    "reset": "was reset",
    "pause": "stands still",
    "resume": "goes on",
    "save": "is saved",
}
"""What is said after a verb."""

DOING = {
    "start": "starting",
    "stop": "stopping",
    "kill": "killing",
    "reset": "resetting",
    "pause": "pausing",
    "resume": "resuming",
    "save": "saving",
    "delete": "deleting",
}
"""What is said of a verb that goes on without us."""


def settings(
    *,
    cpus: int | None,
    memory: str | None,
    disk_size: str | None,
    network: str | None,
    order: Mapping[str, int | None],
    at_shutdown: str | None,
    notes: str | None,
) -> dict[str, Any]:
    """The settings that were given, as the REST interface names them.  Raises :class:`Refused`."""
    given = {
        "cpus": cpus,
        "memory_mib": None if memory is None else mebibytes(memory),
        "disk_gib": None if disk_size is None else gibibytes(disk_size),
        "network": None if network is None else str(network),
        "at_shutdown": None if at_shutdown is None else str(at_shutdown),
        "notes": notes,
    }
    return {name: value for name, value in given.items() if value is not None} | dict(order)


def order_of(autostart: bool | None, order: int | None, default: int) -> dict[str, int | None]:
    """The autostart setting that ``--autostart`` and ``--order`` mean; empty for none."""
    if autostart is False:
        if order is not None:
            raise Refused(
                "--order is for machines that start with the service; leave out --no-autostart",
                reason="bad_options",
            )
        return {"autostart": None}
    if autostart is None and order is None:
        return {}
    return {"autostart": default if order is None else order}


def drive(cdrom: str | None, no_cdrom: bool) -> dict[str, Any]:
    """What goes into the CD drive: a file of this host, or the id of an image."""
    if cdrom is not None and no_cdrom:
        raise Refused("--cdrom and --no-cdrom: give one of them", reason="bad_options")
    if no_cdrom:
        return {"cdrom": None}
    if cdrom is None:
        return {}
    return {"cdrom": str(Path(cdrom).absolute()) if Path(cdrom).is_file() else cdrom}


def list_all(state: Path | None, *, json: bool) -> None:
    """List the machines."""

    async def work(client: Client) -> list[Machine]:
        return list(await client.get("machines"))

    columns = ("NAME", "STATE", "CPUS", "MEMORY", "NETWORK", "STARTS", "VIEWERS", "")
    empty = "There is no machine yet; webvdi machine create makes one."
    print_list(ask(state, "machine list", work), columns, _row, empty=empty, json=json)


def _row(machine: Machine) -> list[object]:
    return [
        machine["name"],
        state_of(machine),
        machine["cpus"] or "",
        _memory(machine),
        machine["network"] or "",
        "" if machine["autostart"] is None else f"by itself ({machine['autostart']})",
        machine["viewers"] or "",
        machine["detail"],
    ]


def state_of(machine: Machine) -> Any:
    """The one word that matters: its phase until it is ready, then its state.

    Of a display that is its link: whether it runs nobody knows.
    """
    if machine["kind"] == "display":
        return state_text(machine["link"] or "not looked at")
    if machine["phase"] == "ready":
        return state_text(machine["state"])
    step = machine["progress"]
    done = f" {100 * step['done'] // step['total']} %" if step and step["total"] else ""
    return state_text(machine["phase"], done)


def _memory(machine: Machine) -> str:
    return "" if machine["memory_mib"] is None else f"{machine['memory_mib']} MiB"


def show(name: str, state: Path | None, *, json: bool) -> None:
    """Show all about one machine."""

    async def work(client: Client) -> Machine:
        return dict(await client.get(machine_path(name)))

    machine = ask(state, "machine show", work)
    if json:
        print_json(machine)
    else:
        print_machine(machine)


def print_machine(machine: Machine) -> None:
    """All about a machine, a line each."""
    disks = [_disk(disk) for disk in machine["disks"]]
    accelerated = f"{machine['acceleration'] or ''} {machine['acceleration_reason']}".strip()
    starts = machine["autostart"]
    print_facts(
        [
            ("name", machine["name"]),
            ("id", machine["id"]),
            ("state", state_of(machine)),
            ("note", machine["detail"]),
            ("since", _when(machine["since"])),
            ("made from", _source(machine["source"])),
            ("processors", machine["cpus"]),
            ("memory", _memory(machine)),
            ("runs by", accelerated),
            ("network", machine["network"]),
            ("profile", machine["profile"]),
            *[(f"disk {number}", disk) for number, disk in enumerate(disks, 1)],
            ("drive", machine["cdrom"]),
            ("starts by itself", None if starts is None else f"yes, order {starts}"),
            ("at shutdown", machine["at_shutdown"]),
            ("viewers", machine["viewers"]),
            ("made", _when(machine["created"])),
            ("notes", machine["notes"]),
            ("can", ", ".join(machine["can"])),
        ]
    )


def _when(seconds: float | None) -> str:
    if not seconds:
        return ""
    local = dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S}"


def _source(source: Mapping[str, Any]) -> str:
    what = source.get("guest") or source.get("path") or source.get("endpoint") or ""
    mode = f" ({source['mode']})" if source.get("mode") else ""
    return f"{source.get('kind', '')} {what}{mode}".strip()


def _disk(disk: Mapping[str, Any]) -> str:
    size = "" if disk["size_bytes"] is None else f", {size_in_words(disk['size_bytes'])}"
    whose = "" if disk["ours"] else ", yours: it is never deleted"
    return f"{disk['path']} ({disk['format']}{size}{whose})"


def change(name: str, changes: Mapping[str, Any], state: Path | None, *, json: bool) -> None:
    """Change settings."""
    if not changes:
        raise Refused("nothing to change: name a setting, as in --memory 2G", reason="bad_options")

    async def work(client: Client) -> Machine:
        return dict(await client.patch(machine_path(name), changes))

    machine = ask(state, "machine set", work)
    if json:
        print_json(machine)
    else:
        console.print(f"{safe(machine['name'])}: changed.", markup=False)


def act(
    verb: str,
    names: Sequence[str],
    state: Path | None,
    *,
    json: bool,
    body: Mapping[str, Any] | None = None,
) -> None:
    """Do *verb* to machines, one after the other; a failure does not stop the others.

    Ends with the exit code of the first failure.
    """

    async def one(client: Client, name: str) -> Machine:
        with waiting(f"{safe(name)}: {verb} …", quiet=json):
            machine = dict(await client.post(machine_path(name, "actions", verb), body))
        if not json:
            console.print(f"{safe(machine['name'])} {DONE[verb]}.", markup=False)
            _tell_acceleration(machine, verb)
        return machine

    _each(verb, names, state, one, json=json)


def _tell_acceleration(machine: Machine, verb: str) -> None:
    if verb == "start" and machine["acceleration"] == "tcg":
        console.print(f"Without KVM: {safe(machine['acceleration_reason'])}", markup=False)


def delete(names: Sequence[str], state: Path | None, *, json: bool, yes: bool) -> None:
    """Remove machines, once somebody has said so."""
    confirm(f"Delete {', '.join(names)}, with all files made for it?", yes=yes)

    async def one(client: Client, name: str) -> Machine:
        machine = dict(await client.get(machine_path(name)))
        await client.delete(machine_path(name))
        if not json:
            console.print(f"{safe(machine['name'])} is gone.", markup=False)
        return {"id": machine["id"], "name": machine["name"], "deleted": True}

    _each("delete", names, state, one, json=json)


def waiting(words: str, *, quiet: bool) -> AbstractContextManager[object]:
    """Something that moves while nothing else does, for whoever watches a terminal."""
    return console.status(escape(words)) if console.is_terminal and not quiet else nullcontext()


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be undone.  Raises :class:`Refused` where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(
            "this cannot be undone, and there is no terminal to ask on: add --yes",
            reason="not_confirmed",
        )
    typer.confirm(question, abort=True, err=True)


def _each(verb: str, names: Sequence[str], state: Path | None, one: Any, *, json: bool) -> None:
    failures: list[WebvdiError] = []
    waiting_for = list(names)
    is_asked: Callable[[], bool] = bool
    """Whether the first of them is asked for."""

    async def work(client: Client) -> list[Machine]:
        nonlocal is_asked
        done = []
        for at, name in enumerate(names):
            waiting_for[:] = names[at:]
            is_asked = partial(_has_changed, client, client.changes)
            try:
                done.append(await one(client, name))
            except WebvdiError as error:
                failures.append(error)
                if len(names) > 1:
                    typer.echo(f"webvdi: {safe(name)}: {safe(error)}", err=True)
        return done

    def interrupted(served: bool) -> str:
        if not is_asked():
            return f"not begun: {', '.join(waiting_for)}"
        name, *others = waiting_for
        words = goes_on(served, f"{DOING[verb]} {name}", f"machine show {name}", state)
        return f"{words}; not begun: {', '.join(others)}" if others else words

    done = ask(state, f"machine {verb}", work, interrupted)
    if len(names) == 1 and failures:
        raise failures[0]
    if json:
        print_json({"machines": done, "failed": [as_problem(error) for error in failures]})
    if failures:
        raise typer.Exit(exit_code(failures[0]))


def _has_changed(client: Client, before: int) -> bool:
    return client.changes > before


def screenshot(
    name: str, file: Path | None, state: Path | None, *, force: bool, json: bool
) -> None:
    """Write the screen's picture to *file*, or stdout."""
    to_stdout = str(file) == "-"
    if to_stdout and json:
        raise Refused("--json and a picture on stdout: give a FILE", reason="bad_options")
    path = file or Path(f"{name}.png")
    if not to_stdout:
        check_free(path, force=force)

    async def work(client: Client) -> bytes:
        return (await client.ask("GET", machine_path(name, "screenshot"))).content

    picture = ask(state, "machine screenshot", work)
    if to_stdout:
        sys.stdout.buffer.write(picture)
        return
    write_output(path, picture, force=force)
    if json:
        print_json({"file": str(path.absolute()), "size_bytes": len(picture)})
    else:
        console.print(f"{path} ({size_in_words(len(picture))})", markup=False)

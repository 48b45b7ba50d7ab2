"""The work of ``webvdi guest``: the guests that come with webvdi."""

from pathlib import Path
from typing import Any

from rich.console import Console

from webvdi.base.errors import NotFound
from webvdi.cli.asking import ask, goes_on
from webvdi.cli.client import Client, path_of
from webvdi.cli.exits import Problem
from webvdi.cli.following import follow, progress_bar
from webvdi.cli.machines import waiting
from webvdi.cli.quantities import size_in_words
from webvdi.cli.terminal import console, print_json, print_list, program, safe, with_state

Guest = dict[str, Any]


def list_all(state: Path | None, *, json: bool) -> None:
    """List the guests."""

    async def work(client: Client) -> list[Guest]:
        return list(await client.get("guests"))

    columns = ("GUEST", "BUILT", "CPUS", "MEMORY", "")
    found = ask(state, "guest list", work)
    print_list(found, columns, _row, empty="There are no guests.", json=json)


def _row(guest: Guest) -> list[object]:
    size = guest["size_bytes"]
    if guest["building"] is not None:
        built = "being built"
    elif guest["built"]:
        built = "yes" if size is None else size_in_words(size)
    else:
        minutes = guest.get("expected_minutes")
        built = "no" if minutes is None else f"no, takes {minutes} min"
    return [guest["name"], built, guest["cpus"], f"{guest['memory_mib']} MiB", guest["summary"]]


def build(name: str, state: Path | None, *, json: bool) -> None:
    """Build a guest, with a bar until it is done."""

    async def work(client: Client) -> Guest:
        await client.post(path_of("guests", name, "build"))

        async def look() -> Guest:
            for guest in await client.get("guests"):
                if guest["name"] == name:
                    return dict(guest)
            raise NotFound("guest", name)

        with progress_bar(Console(stderr=True), f"Building {safe(name)}", quiet=json) as report:
            return await follow(
                look,
                lambda seen: seen["building"] is not None,
                lambda seen: seen["building"],
                report,
            )

    def interrupted(served: bool) -> str:
        words = goes_on(served, f"building {name}", "guest list", state)
        end = with_state(f"{program()} guest cancel {name}", state)
        return f"{words}, {end} ends it" if served else words

    guest = ask(state, "guest build", work, interrupted)
    if guest["failed"]:
        raise Problem(409, "failed", "It could not be built", str(guest["failed"]))
    if guest["cancelled"] or not guest["built"]:
        raise Problem(409, "failed", "It was not built", f"the build of {name} was cancelled")
    if json:
        print_json(guest)
    else:
        console.print(
            f"{safe(name)} is built; {program()} machine create NAME --guest {safe(name)} uses it.",
            markup=False,
        )


def cancel(name: str, state: Path | None, *, json: bool) -> None:
    """End a guest's build, wherever it was begun."""

    async def work(client: Client) -> Guest:
        with waiting(f"Ending the build of {name} …", quiet=json):
            answer = await client.ask("DELETE", path_of("guests", name, "build"))
        return dict(answer.json())

    def interrupted(served: bool) -> str:
        return goes_on(served, f"ending the build of {name}", "guest list", state)

    guest = ask(state, "guest cancel", work, interrupted)
    if json:
        print_json(guest)
    else:
        console.print(_end_of_build(guest), markup=False)


def _end_of_build(guest: Guest) -> str:
    """What became of a build that was to be cancelled."""
    name = safe(guest["name"])
    if guest["building"] is not None:
        return f"That build of {name} has ended; another one has begun."
    if guest["cancelled"]:
        left = "the one before is still there" if guest["built"] else f"{name} is not built"
        return f"The build of {name} was cancelled; {left}."
    if guest["failed"]:
        return f"The build of {name} failed before it could be cancelled: {safe(guest['failed'])}"
    return f"{name} is built: that was done before it could be cancelled."


def prune(state: Path | None, *, json: bool) -> None:
    """Remove builds that newer ones have replaced and no machine needs."""

    async def work(client: Client) -> dict[str, Any]:
        return dict(await client.post("guests/prune"))

    answer = ask(state, "guest prune", work)
    if json:
        print_json(answer)
    else:
        console.print(f"{size_in_words(answer['freed_bytes'])} freed.", markup=False)

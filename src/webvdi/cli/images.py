"""The work of ``webvdi image``: ISO and disk files in webvdi's keeping."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from webvdi.base.errors import Refused, WebvdiError
from webvdi.cli.asking import ask
from webvdi.cli.client import Client, path_of
from webvdi.cli.following import Report, progress_bar
from webvdi.cli.machine_create import id_among
from webvdi.cli.machines import confirm
from webvdi.cli.quantities import in_words, size_in_words
from webvdi.cli.terminal import console, note, print_json, print_list, program, safe, with_state

Image = dict[str, Any]
Upload = dict[str, Any]

PIECE = 8 << 20
"""Bytes a request carries; one may have 16 MiB."""

READ = 1 << 20


def list_all(state: Path | None, *, json: bool) -> None:
    """List the images."""

    async def work(client: Client) -> tuple[list[Image], list[Upload]]:
        return list(await client.get("images")), list(await client.get("uploads"))

    columns = ("IMAGE", "NAME", "KIND", "SIZE", "USED BY")
    empty = "There are no images; webvdi image add FILE brings one."
    found, unfinished = ask(state, "image list", work)
    print_list(found, columns, _row, empty=empty, json=json)
    if unfinished and not json:
        number = len(unfinished)
        what = "1 upload is" if number == 1 else f"{number} uploads are"
        note(f"{what} unfinished: {with_state(f'{program()} image uploads', state)}")


def _row(image: Image) -> list[object]:
    kind = image["kind"] if image["kind"] == image["format"] else f"disk ({image['format']})"
    used = ", ".join(image["in_use_by"])
    return [image["id"], image["name"], kind, size_in_words(image["size_bytes"]), used]


def list_uploads(state: Path | None, *, json: bool) -> None:
    """List the uploads that are not complete."""

    async def work(client: Client) -> list[Upload]:
        return list(await client.get("uploads"))

    found, now = ask(state, "image uploads", work), time.time()
    columns = ("UPLOAD", "NAME", "HERE", "OF", "KEPT FOR")
    empty = "No upload is unfinished."
    print_list(found, columns, lambda upload: _upload_row(upload, now), empty=empty, json=json)


def _upload_row(upload: Upload, now: float) -> list[object]:
    here, whole = size_in_words(upload["offset"]), size_in_words(upload["size_bytes"])
    return [upload["id"], upload["name"], here, whole, in_words(upload["expires"] - now)]


def abort(names: Sequence[str], state: Path | None, *, json: bool, yes: bool) -> None:
    """Give up uploads, and what has come of them."""
    confirm(f"Give up {', '.join(names)}, and what has come of it?", yes=yes)
    gone = ask(state, "image abort", lambda client: _remove(client, "upload", names))
    _tell_removed(gone, names, "given up", json=json)


def add(file: Path, name: str | None, state: Path | None, *, json: bool) -> None:
    """Bring a file of this host, in pieces."""
    if not file.is_file():
        raise Refused(f"there is no file {file}", reason="no_such_file")

    async def work(client: Client) -> Image:
        shown = Console(stderr=True, highlight=False)
        with progress_bar(shown, f"Bringing {safe(file.name)}", quiet=json) as report:
            upload = await _upload(client, file, name or file.name, report)
        for image in await client.get("images"):
            if image["id"] == upload["image"]:
                return dict(image)
        raise Refused("the image was removed as soon as it was here", reason="gone")

    image = ask(state, "image add", work)
    if json:
        print_json(image)
    else:
        console.print(f"{safe(image['name'])} is here as {image['id']}.", markup=False)


async def _upload(client: Client, file: Path, name: str, report: Report) -> dict[str, Any]:
    size = (await asyncio.to_thread(file.stat)).st_size
    upload = dict(await client.post("uploads", {"name": name, "size_bytes": size}))
    try:
        while upload["image"] is None:
            report(f"Bringing {name}", int(upload["offset"]), size)
            upload = await _next_piece(client, file, upload)
    except BaseException:
        # What is half here is of no use: this file is read anew the next time.
        with contextlib.suppress(WebvdiError):
            await client.delete(path_of("uploads", upload["id"]))
        raise
    return upload


async def _next_piece(client: Client, file: Path, upload: dict[str, Any]) -> dict[str, Any]:
    offset = int(upload["offset"])
    answer = await client.ask(
        "PATCH",
        path_of("uploads", upload["id"]),
        content=_piece(file, offset),
        headers={"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"},
    )
    further = dict(answer.json())
    if further["image"] is None and int(further["offset"]) <= offset:
        raise Refused(f"{file} became shorter while it was read", reason="file_changed")
    return further


async def _piece(file: Path, offset: int) -> AsyncIterator[bytes]:
    for at in range(offset, offset + PIECE, READ):
        data = await asyncio.to_thread(_read, file, at)
        if not data:
            return
        yield data


def _read(file: Path, offset: int) -> bytes:
    with file.open("rb") as source:
        source.seek(offset)
        return source.read(READ)


def delete(names: Sequence[str], state: Path | None, *, json: bool, yes: bool) -> None:
    """Remove images that no machine needs."""
    confirm(f"Delete {', '.join(names)}?", yes=yes)
    gone = ask(state, "image delete", lambda client: _remove(client, "image", names))
    _tell_removed(gone, names, "gone", json=json)


async def _remove(client: Client, kind: str, names: Sequence[str]) -> list[str]:
    """Remove images or uploads, none unless all are there; their ids."""
    found = await client.get(f"{kind}s")
    ids = [id_among(found, kind, name) for name in names]
    for one in ids:
        await client.delete(path_of(f"{kind}s", one))
    return ids


def _tell_removed(ids: Sequence[str], names: Sequence[str], words: str, *, json: bool) -> None:
    if json:
        print_json([{"id": one, "deleted": True} for one in ids])
    else:
        console.print(f"{', '.join(map(safe, names))}: {words}.", markup=False)

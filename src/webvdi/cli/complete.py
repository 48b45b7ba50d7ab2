"""What the shell offers when TAB is pressed: names, fast, from the running service only.

Nothing is started for a completion and nothing is waited for: without a service there are no names.
"""

import json
import os
from pathlib import Path
from typing import Any

import typer

PATIENCE_S = 0.5
MAX_ANSWER_BYTES = 4 << 20


def machine_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Machines."""
    return _names(ctx, "machines", "name", incomplete)


def guest_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Guests: those of the running service, or those that come with webvdi."""
    return _names(ctx, "guests", "name", incomplete)


def image_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Images."""
    return _names(ctx, "images", "name", incomplete)


def upload_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Unfinished uploads."""
    return _names(ctx, "uploads", "name", incomplete)


def share_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Share links."""
    return _names(ctx, "shares", "id", incomplete)


def _names(ctx: typer.Context, path: str, field: str, incomplete: str) -> list[str]:
    state = ctx.params.get("state") or os.environ.get("WEBVDI_STATE")
    try:
        values = ask(Path(state) if state else None, f"/api/v1/{path}")
        names = [str(value[field]) for value in values]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def ask(state: Path | None, path: str) -> Any:
    """GET *path* from the running service, by the standard library alone.

    Raises ``OSError`` (also where none runs), ``ValueError``.
    """
    import http.client
    import socket

    from webvdi.base.paths import places
    from webvdi.cli.claim import holder_of

    holder = holder_of(places(state).state)
    if holder is None or not holder.serves:
        raise ConnectionRefusedError
    connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_S)
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.settimeout(PATIENCE_S)
        connection.sock.connect(str(holder.socket))
        connection.request("GET", path)
        return json.loads(connection.getresponse().read(MAX_ANSWER_BYTES))
    except http.client.HTTPException as error:
        raise ConnectionAbortedError from error
    finally:
        connection.close()

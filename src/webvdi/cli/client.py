"""The command line's side of the REST interface.

A command asks the running service over its unix socket.  Where none runs, the command stands in for
it: the same application, in this process, for as long as the command takes.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from webvdi.base.files import secret_at
from webvdi.base.paths import Places
from webvdi.cli.claim import Claim, Holder, claim, holder_of
from webvdi.cli.exits import Problem, ServiceUnavailable
from webvdi.cli.patience import Patience
from webvdi.cli.terminal import program

BASE = "http://localhost/api/v1/"
"""The host is not looked up: a name that a webvdi without logins serves, too."""

BETWEEN_LOOKS_S = 0.1

ANSWER_S = 20.0
"""How long a service that is being started may take to answer first."""


class Client:
    """Asks the REST interface.  Every method raises :class:`Problem`, or ``ServiceUnavailable``."""

    def __init__(self, http: httpx2.AsyncClient, holder: Holder | None) -> None:
        self._http = http
        self.holder = holder
        """The service that answers; None where this process stands in for it."""
        self.changes = 0
        """How many requests to change something have been sent."""

    async def get(self, path: str, **query: str | int) -> Any:
        """GET: the answer's JSON."""
        return (await self.ask("GET", path, params=query)).json()

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST JSON: the answer's JSON, None for an empty one."""
        return _value(await self.ask("POST", path, json=dict(body or {})))

    async def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """PATCH JSON: the answer's JSON."""
        return _value(await self.ask("PATCH", path, json=dict(body)))

    async def delete(self, path: str) -> None:
        """DELETE."""
        await self.ask("DELETE", path)

    async def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Any request below ``api/v1/``; an answer that is an error is raised."""
        self.changes += method != "GET"
        try:
            response = await self._http.request(method, path, **more)
        except (httpx2.ConnectError, httpx2.ReadTimeout) as error:
            raise ServiceUnavailable(
                "the webvdi service does not answer; it may be starting. Try again, and look at "
                f"its messages if it stays so ({type(error).__name__})"
            ) from error
        except httpx2.TransportError as error:
            raise ServiceUnavailable(
                "the webvdi service went away while it was asked; whether it did what was asked "
                f"is not known ({str(error) or type(error).__name__})"
            ) from error
        if response.is_error:
            raise _problem(response)
        return response


def path_of(kind: str, name: str, *more: str) -> str:
    """The path of one thing of a kind, whatever it is called, or of something below it."""
    return "/".join([kind, quote(name, safe=""), *more])


def machine_path(name: str, *more: str) -> str:
    """The path of a machine, or of something below it."""
    return path_of("machines", name, *more)


def _value(response: httpx2.Response) -> Any:
    return response.json() if response.content else None


def _problem(response: httpx2.Response) -> Problem:
    try:
        told = dict(response.json())
    except ValueError:
        told = {}
    return Problem(
        response.status_code,
        str(told.get("reason", "")),
        str(told.get("title", response.reason_phrase)),
        str(told.get("detail", "")),
    )


@contextlib.asynccontextmanager
async def open_client(where: Places, what: str) -> AsyncIterator[Client]:
    """A client of the service on *where*, or of ourselves.

    *what* is the command, for others who find us at work.  Raises :class:`ServiceUnavailable`.
    """
    holder = holder_of(where.state)
    if holder is not None and holder.serves:
        async with over_socket(holder) as client:
            yield client
        return
    found = await _claim_or_service(where, what)
    if isinstance(found, Holder):
        async with over_socket(found) as client:
            yield client
        return
    with found:
        async with standing_in(where) as client:
            yield client


async def _claim_or_service(where: Places, what: str) -> Claim | Holder:
    """The right to work on the machines, or who answers for them."""
    where.make()
    patience = Patience(where.state)
    while True:
        claimed = claim(where.state, where, what)
        if claimed is not None:
            return claimed
        holder = holder_of(where.state)
        if holder is not None and holder.serves:
            return holder
        patience.wait_on(holder, time.monotonic())
        await asyncio.sleep(BETWEEN_LOOKS_S)


@contextlib.asynccontextmanager
async def over_socket(holder: Holder) -> AsyncIterator[Client]:
    """A client of the running service."""
    transport = httpx2.AsyncHTTPTransport(uds=str(holder.socket))
    # A verb may take as long as a guest takes to shut down: only connecting has an end.
    limit = httpx2.Timeout(None, connect=ANSWER_S)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, timeout=limit) as http:
        client = Client(http, holder)
        try:
            async with asyncio.timeout(ANSWER_S):
                await client.get("me")
        except TimeoutError as error:
            raise ServiceUnavailable(
                f"the webvdi service (process {holder.pid}) has not answered for {ANSWER_S:.0f} s; "
                f"look at its messages, or restart it. {program()} doctor may tell more"
            ) from error
        yield client


@contextlib.asynccontextmanager
async def standing_in(where: Places) -> AsyncIterator[Client]:
    """A client of the application in this process; the caller holds the claim."""
    from webvdi.cli.compose import open_application

    key = secret_at(where.state / "key")
    async with open_application(where, key) as application:
        transport = httpx2.ASGITransport(application.owners)
        async with httpx2.AsyncClient(transport=transport, base_url=BASE, timeout=None) as http:
            yield Client(http, None)

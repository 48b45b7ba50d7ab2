"""Machines: making, changing and ending them, their screens, their serial ports."""

from dataclasses import replace
from typing import Annotated

from fastapi import Body, Header, Path, Query, Response
from starlette.requests import Request

from webvdi.access.names import display_name
from webvdi.base.errors import Refused
from webvdi.broker.catalogue import MAX_SERIAL_WRITE_BYTES
from webvdi.broker.views import Changes, MachineView, NewMachine
from webvdi.portal.api import models
from webvdi.portal.api.routing import (
    TheCaller,
    TheSite,
    VisibleMachine,
    members_router,
    owners_router,
    problems,
)
from webvdi.portal.guard import allow_body
from webvdi.portal.site import Caller
from webvdi.wire.to_viewer import Role

owners = owners_router("machines")
members = members_router("machines")

MAX_THUMBNAIL = 1024
"""Pixels a side."""

Ref = Annotated[str, Path(alias="machine", description="Its id or its name.")]


def for_caller(view: MachineView, caller: Caller) -> MachineView:
    """*view* without what concerns the owner alone, unless the owner asks."""
    if caller.role is Role.OWNER:
        return view
    return replace(
        view,
        source={},
        can=(),
        detail="",
        acceleration_reason="",
        acceleration_code="",
        disks=(),
        cdrom=None,
        notes="",
        autostart=None,
    )


@members.get("/machines", summary="List the machines")
async def machine_list(site: TheSite, caller: TheCaller) -> list[models.Machine]:
    """All machines, by name; somebody who came by a link sees the link's machine alone."""
    views = await site.use_cases.catalogue.list()
    if caller.share is not None:
        views = tuple(view for view in views if view.id == caller.share.machine)
    return [models.Machine.model_validate(for_caller(view, caller)) for view in views]


@owners.post(
    "/machines", status_code=202, summary="Create a machine", responses=problems(404, 409, 413)
)
async def machine_create(
    site: TheSite, caller: TheCaller, wanted: models.NewMachine
) -> models.Machine:
    """Begin to make a machine.

    It is answered at once, in phase `creating`; progress comes as changes.  A repeat with the same
    wishes answers the machine that there is.
    """
    if not caller.local and (wanted.iso is not None or wanted.disk is not None):
        raise _host_paths()
    view = await site.use_cases.catalogue.create(NewMachine(**wanted.model_dump()))
    return models.Machine.model_validate(view)


@members.get("/machines/{machine}", summary="Show a machine", responses=problems(404))
async def machine_show(site: TheSite, caller: TheCaller, machine: VisibleMachine) -> models.Machine:
    """One machine, by id or name."""
    view = await site.use_cases.catalogue.get(machine)
    return models.Machine.model_validate(for_caller(view, caller))


@owners.patch(
    "/machines/{machine}", summary="Change a machine", responses=problems(404, 409, 413, 502)
)
async def machine_change(
    site: TheSite, caller: TheCaller, machine: Ref, changes: models.MachineChanges
) -> models.Machine:
    """Change settings: all that are named, or none."""
    asked = changes.model_dump(exclude_unset=True)
    if asked.get("cdrom") is not None and not caller.local:
        images = await site.use_cases.images.list()
        if not any(image.id == asked["cdrom"] for image in images):
            raise _host_paths()
    view = await site.use_cases.catalogue.change(machine, Changes(**asked))
    return models.Machine.model_validate(view)


@owners.delete(
    "/machines/{machine}",
    status_code=204,
    summary="Delete a machine",
    responses=problems(404, 409, 502),
)
async def machine_delete(site: TheSite, machine: Ref) -> None:
    """End it, whatever it does, and remove it with the files that were made for it."""
    await site.use_cases.catalogue.delete(machine)


@owners.post(
    "/machines/{machine}/actions/{verb}",
    summary="Start, stop, kill, reset, pause, resume or save a machine",
    responses=problems(404, 409, 413, 502, 503),
)
async def machine_action(
    site: TheSite,
    machine: Ref,
    verb: models.Verb,
    options: Annotated[models.ActionOptions | None, Body()] = None,
) -> models.Machine:
    """Do it, and answer when it is done; leaving early undoes nothing."""
    chosen = options or models.ActionOptions()
    view = await site.use_cases.catalogue.do(
        verb,
        machine,
        graceful=chosen.graceful,
        timeout_s=chosen.timeout_s,
        force=chosen.force,
    )
    return models.Machine.model_validate(view)


@owners.get(
    "/machines/{machine}/screenshot",
    summary="Take a picture of the whole screen",
    response_class=Response,
    responses={
        200: {"description": "The screen", "content": {"image/png": {}}},
        **problems(404, 409, 502, 503),
    },
)
async def machine_screenshot(site: TheSite, machine: Ref) -> Response:
    """The whole screen, losslessly."""
    data, media_type = await site.use_cases.catalogue.screenshot(machine)
    return Response(data, media_type=media_type, headers={"Cache-Control": "no-store"})


@members.get(
    "/machines/{machine}/thumbnail",
    summary="A small picture of the screen",
    response_class=Response,
    responses={
        200: {"description": "The picture, with an ETag", "content": {"image/jpeg": {}}},
        204: {"description": "There is no picture just now"},
        304: {"description": "It is the picture that If-None-Match names"},
        **problems(404, 503),
    },
)
async def machine_thumbnail(
    site: TheSite,
    machine: VisibleMachine,
    width: Annotated[int, Query(ge=16, le=MAX_THUMBNAIL)] = 320,
    height: Annotated[int, Query(ge=16, le=MAX_THUMBNAIL)] = 200,
    if_none_match: Annotated[str | None, Header(max_length=1024)] = None,
) -> Response:
    """The screen within width × height pixels, from the picture that viewers see."""
    known = _etag(if_none_match)
    picture = await site.use_cases.catalogue.thumbnail(machine, width, height, known)
    if picture.missing or not picture.etag:
        return Response(status_code=204, headers=_REVALIDATE)
    headers = {**_REVALIDATE, "ETag": f'"{picture.etag}"'}
    if picture.data is None:
        return Response(status_code=304, headers=headers)
    return Response(picture.data, media_type=picture.media_type, headers=headers)


_REVALIDATE = {"Cache-Control": "private, no-cache"}


def _etag(if_none_match: str | None) -> str | None:
    """The picture that the client has (RFC 9110 §13.1.2); of several, the last one it names."""
    if not if_none_match:
        return None
    return if_none_match.rpartition(",")[2].strip().removeprefix("W/").strip('"') or None


@members.post(
    "/machines/{machine}/ticket",
    summary="Get a ticket to attach",
    responses=problems(404, 409, 413, 503),
)
async def machine_ticket(
    site: TheSite, caller: TheCaller, machine: VisibleMachine, wish: models.TicketWish
) -> models.Ticket:
    """A ticket for the viewer protocol's *Attach*: good once, within a minute.

    It carries at most the caller's own rights.
    """
    catalogue = site.use_cases.catalogue
    view = await catalogue.get(machine)
    ticket = await catalogue.ticket(
        view.id,
        caller.visitor,
        view_only=wish.view_only or caller.role is Role.OBSERVER,
        name=name_of(wish.name, caller),
    )
    return models.Ticket(ticket=ticket, title=view.title)


@members.get(
    "/machines/{machine}/viewers", summary="Who is looking", responses=problems(404, 409, 503)
)
async def machine_viewers(site: TheSite, machine: VisibleMachine) -> list[models.Person]:
    """The people before this screen."""
    people = await site.use_cases.catalogue.viewers(machine)
    return [models.Person.model_validate(person) for person in people]


@owners.get("/machines/{machine}/journal", summary="What happened", responses=problems(404))
async def machine_journal(
    site: TheSite, machine: Ref, limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> list[models.JournalEntry]:
    """What happened to the machine, the newest last."""
    entries = await site.use_cases.catalogue.journal(machine, limit=limit)
    return [models.JournalEntry.model_validate(entry) for entry in entries]


@owners.get(
    "/machines/{machine}/serial",
    summary="Read the serial port",
    response_class=Response,
    responses={
        200: {
            "description": "What was written from `offset` on, at most 64 KiB",
            "content": {"application/octet-stream": {}},
            "headers": {
                name: {"schema": {"type": "integer"}, "description": text}
                for name, text in (
                    ("Webvdi-Offset", "Where the body begins."),
                    ("Webvdi-Next-Offset", "Where to read on."),
                    ("Webvdi-Start", "The oldest offset that is kept."),
                )
            },
        },
        **problems(404, 409),
    },
)
async def serial_read(
    site: TheSite, machine: Ref, offset: Annotated[int, Query(ge=0, le=1 << 62)] = 0
) -> Response:
    """What the machine wrote to its serial port since its start."""
    chunk = await site.use_cases.catalogue.serial(machine, offset)
    headers = {
        "Webvdi-Offset": str(chunk.offset),
        "Webvdi-Next-Offset": str(chunk.next_offset),
        "Webvdi-Start": str(chunk.start),
        "Cache-Control": "no-store",
    }
    return Response(chunk.data, media_type="application/octet-stream", headers=headers)


@owners.post(
    "/machines/{machine}/serial",
    status_code=204,
    summary="Type into the serial port",
    responses=problems(404, 409, 413, 502),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {
                    "schema": {
                        "type": "string",
                        "format": "binary",
                        "minLength": 1,
                        "maxLength": 4096,
                    }
                }
            },
        }
    },
)
async def serial_write(site: TheSite, request: Request, machine: Ref) -> None:
    """Type the body, at most 4 KiB of bytes."""
    allow_body(request, MAX_SERIAL_WRITE_BYTES)
    typed = await request.body()
    if not typed:
        raise Refused("there is nothing to type: send its bytes as the body", reason="bad_request")
    await site.use_cases.catalogue.serial_write(machine, typed)


def name_of(asked: str, caller: Caller) -> str:
    """What others will see of the caller; empty: their role."""
    return display_name(asked) or caller.name


def _host_paths() -> Refused:
    return Refused(
        "files of the host can be named only on the host itself, with the webvdi command; upload "
        "the file instead",
        reason="host_paths",
    )

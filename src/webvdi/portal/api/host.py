"""Who asks, this host, login links, and the description of all this."""

import asyncio
import secrets
from typing import Any

from fastapi import Response
from starlette.requests import Request

from webvdi import __version__
from webvdi.portal.api import models
from webvdi.portal.api.routing import (
    TheCaller,
    TheSite,
    members_router,
    owners_router,
    problems,
)
from webvdi.portal.api.shares import base_url
from webvdi.portal.qr import qr_svg

owners = owners_router("host")
members = members_router("host")


@members.get("/me", summary="Who am I")
async def me(site: TheSite, request: Request, caller: TheCaller) -> models.Me:
    """Who asks, by which link they came, and what kind of webvdi this is."""
    share = None if caller.share is None else models.MyShare.model_validate(caller.share)
    return models.Me.model_validate(
        {
            "subject": caller.subject,
            "role": caller.role.name.lower(),
            "name": caller.name,
            "share": share,
            "mode": site.use_cases.mode,
            "version": __version__,
            "login": site.logins.required and site.logins.login(request, site.clock()) is not None,
        }
    )


@owners.get("/host", summary="This host")
async def host(site: TheSite) -> models.Host:
    """What was found out about the host, and what runs on it."""
    return models.Host.model_validate(await site.use_cases.host())


@owners.post("/logins", status_code=201, summary="Make a login link", responses=problems(409))
async def login_create(site: TheSite, request: Request) -> models.Link:
    """A link that signs in one more browser, once, within 12 hours."""
    base = base_url(site, request)
    if not site.logins.required:
        return models.Link(url=base, path="./", expires=None)
    token, expires = site.logins.new_token(secrets.token_urlsafe(9), site.clock())
    path = f"?token={token}"
    return models.Link(url=base + path, path=path, expires=expires)


@owners.post(
    "/qr",
    summary="Draw a QR code",
    response_class=Response,
    responses={200: {"description": "The code", "content": {"image/svg+xml": {}}}, **problems(413)},
)
async def qr(wanted: models.QrWish) -> Response:
    """A link as a QR code, black on white with its quiet zone; it has no size of its own.

    The link comes in the body, for it may hold a secret; addresses are logged.
    """
    svg = await asyncio.to_thread(qr_svg, wanted.text)
    headers = {"Cache-Control": "no-store"}
    return Response(svg, media_type="image/svg+xml", headers=headers)


@owners.get("/openapi.json", summary="This description", response_model=dict[str, Any])
async def openapi(request: Request) -> dict[str, Any]:
    """The OpenAPI document of this interface."""
    document: dict[str, Any] = request.app.openapi()
    return document

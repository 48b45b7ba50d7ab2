"""Share links: making and revoking them, and coming in by one."""

from typing import Annotated

from fastapi import Path, Query, Response
from starlette.requests import Request

from webvdi.base.errors import Refused
from webvdi.portal.api import models
from webvdi.portal.api.routing import TheSite, owners_router, problems, public_router
from webvdi.portal.guard import is_local

owners = owners_router("shares")
public = public_router("shares")


@owners.get("/shares", summary="List share links", responses=problems(404))
async def share_list(
    site: TheSite, machine: Annotated[str | None, Query(max_length=64)] = None
) -> list[models.Share]:
    """The links of one machine, or all, the newest first."""
    shares = await site.use_cases.shares.list(machine)
    return [models.Share.model_validate(share) for share in shares]


@owners.post(
    "/machines/{machine}/shares",
    status_code=201,
    summary="Make a share link",
    responses=problems(404, 409, 413),
)
async def share_create(
    site: TheSite,
    request: Request,
    machine: Annotated[str, Path(description="Its id or its name.")],
    wanted: models.NewShare,
) -> models.MadeShare:
    """Whoever has the link may look at this machine, or act on it, until it ends."""
    base = base_url(site, request)
    share, token = await site.use_cases.shares.create(
        machine, control=wanted.control, expires_in_s=wanted.expires_in_s, label=wanted.label
    )
    path = f"join#{token}"  # behind the #, the secret is in no log and no Referer
    return models.MadeShare(share=models.Share.model_validate(share), url=base + path, path=path)


@owners.delete(
    "/shares/{share}", status_code=204, summary="Revoke a share link", responses=problems(404)
)
async def share_revoke(site: TheSite, share: str) -> None:
    """End the link at once, also for those who look by it now."""
    await site.use_cases.shares.revoke(share)


@public.post("/join", summary="Come in by a share link", responses=problems(403, 413, 429))
async def join(
    site: TheSite, request: Request, response: Response, wish: models.JoinWish
) -> models.Joined:
    """Use a share link: the answer sets a cookie that lets in for as long as the link holds."""
    share, visit = await site.join(request, wish.token, wish.name)
    site.logins.let_visit(visit, response, request, site.clock())
    return models.Joined(machine=share.machine)


def base_url(site: TheSite, request: Request) -> str:
    """The pages' address, ending in a slash.

    A browser's own address for us beats what we believe it to be: between are proxies.  Raises
    ``Refused`` (``not_served``) where no browser can come here.
    """
    if not is_local(request):
        return str(request.base_url)
    if site.url is None:
        raise Refused("no browser can come here; start webvdi serve", reason="not_served")
    return site.url

"""The guests that come with webvdi."""

from webvdi.portal.api import models
from webvdi.portal.api.routing import TheSite, owners_router, problems

owners = owners_router("guests")


@owners.get("/guests", summary="List the guests")
async def guest_list(site: TheSite) -> list[models.Guest]:
    """All guests, built or not; one that is being built tells how far it is."""
    guests = await site.use_cases.guests.list()
    return [models.Guest.model_validate(guest) for guest in guests]


@owners.post(
    "/guests/{guest}/build",
    status_code=202,
    summary="Build a guest",
    responses=problems(404, 409),
)
async def guest_build(site: TheSite, guest: str) -> models.Guest:
    """Begin to build it; a repeat does nothing."""
    return models.Guest.model_validate(await site.use_cases.guests.build(guest))


@owners.delete(
    "/guests/{guest}/build", summary="Cancel the build of a guest", responses=problems(404, 409)
)
async def guest_cancel(site: TheSite, guest: str) -> models.Guest:
    """End it, and answer when nothing half-built is left; a step of its may take a minute.

    Machines that were to be made of it fail, and say why.  `cancelled` tells whether it was ended,
    or had been built just before.
    """
    return models.Guest.model_validate(await site.use_cases.guests.cancel(guest))


@owners.post("/guests/prune", summary="Remove old builds", responses=problems(409))
async def guest_prune(site: TheSite) -> models.Pruned:
    """Remove what newer builds have replaced and no machine needs."""
    return models.Pruned(freed_bytes=await site.use_cases.guests.prune())

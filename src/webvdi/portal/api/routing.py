"""Who an endpoint serves, decided before the request is read any further.

An endpoint belongs to one of three routers: the owner's, the members' (the owner and those who
came by a share link), or the public one.  Nothing else gives an endpoint its callers, so one that
was forgotten cannot be open.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from webvdi.base.errors import NotFound, Refused
from webvdi.portal.problems import MEDIA_TYPE, TITLES, NotLoggedIn
from webvdi.portal.site import Caller, Site, site_of
from webvdi.wire.to_viewer import Role

PREFIX = "/api/v1"

LOGIN_SCHEME, VISIT_SCHEME = "login", "visit"
"""Names of the security schemes in the OpenAPI document."""

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class Problem(BaseModel):
    """An error, as RFC 9457 has it; some reasons have more members."""

    type: str = Field(examples=["urn:webvdi:problem:not_found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no machine named 'x'"], description="For people.")
    reason: str = Field(examples=["not_found"], description="For programs; stable.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an endpoint, for the OpenAPI document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


class _Guarded(APIRoute):
    """A route that knows whom it serves."""

    schemes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        extra = dict(options.pop("openapi_extra", None) or {})
        extra.setdefault("security", [{scheme: []} for scheme in self.schemes])
        answers: Mapping[int | str, Any] = options.pop("responses", None) or {}
        always = problems(400, 422) if not self.schemes else problems(400, 401, 403, 422)
        super().__init__(
            path, endpoint, openapi_extra=extra, responses={**always, **answers}, **options
        )

    def get_route_handler(self) -> Endpoint:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.state.caller = self.admit(await site_of(request).identify(request))
            return await handle(request)

        return guarded

    def admit(self, caller: Caller | None) -> Caller | None:
        """Let *caller* pass, or raise."""
        return caller


class _Members(_Guarded):
    schemes: ClassVar[tuple[str, ...]] = (LOGIN_SCHEME, VISIT_SCHEME)

    def admit(self, caller: Caller | None) -> Caller | None:
        if caller is None:
            raise NotLoggedIn
        return caller


class _Owners(_Members):
    schemes = (LOGIN_SCHEME,)

    def admit(self, caller: Caller | None) -> Caller | None:
        super().admit(caller)
        if caller is not None and caller.role is not Role.OWNER:
            raise Refused("only the owner of the machines may do this", reason="owner_only")
        return caller


def owners_router(tag: str) -> APIRouter:
    """Endpoints for the owner alone."""
    return APIRouter(prefix=PREFIX, route_class=_Owners, tags=[tag])


def members_router(tag: str) -> APIRouter:
    """Endpoints for the owner, and for those who came by a share link."""
    return APIRouter(prefix=PREFIX, route_class=_Members, tags=[tag])


def public_router(tag: str) -> APIRouter:
    """Endpoints for everyone."""
    return APIRouter(prefix=PREFIX, route_class=_Guarded, tags=[tag])


def _caller(request: Request) -> Caller:
    caller = request.state.caller
    assert isinstance(caller, Caller), "an endpoint of the public router has no caller"
    return caller


TheSite = Annotated[Site, Depends(site_of)]
TheCaller = Annotated[Caller, Depends(_caller)]


async def _visible(site: TheSite, caller: TheCaller, machine: str) -> str:
    """The machine's id or name, once it is sure that the caller may know of it."""
    if caller.share is None:
        return machine
    view = await site.use_cases.catalogue.get(machine)
    if view.id != caller.share.machine:
        raise NotFound("machine", machine)  # as one that does not exist
    return view.id


VisibleMachine = Annotated[str, Depends(_visible)]

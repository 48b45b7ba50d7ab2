"""The portal's ASGI application: pages, static files and the REST interface.

Every path is relative to where the portal is mounted, so it works below any prefix.
"""

from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp

from webvdi import __version__
from webvdi.portal.api import events, guests, host, images, machines, shares
from webvdi.portal.api.routing import LOGIN_SCHEME, VISIT_SCHEME, Problem
from webvdi.portal.guard import Guard, OwnersDoor
from webvdi.portal.pages import page_routes
from webvdi.portal.problems import handle_errors
from webvdi.portal.site import Site

ROUTERS: tuple[APIRouter, ...] = (
    host.members,
    host.owners,
    machines.members,
    machines.owners,
    shares.owners,
    shares.public,
    guests.owners,
    images.owners,
    events.members,
)

DESCRIPTION = """\
Everything that the pages and the command line do.  Errors are `application/problem+json`
(RFC 9457) with a stable `reason`.  Browsers sign in by a one-time link; on the owner's unix
socket (`api.sock` in the run directory) every request is the owner's.
"""


class Portal:
    """One site with its two doors."""

    def __init__(self, site: Site, websocket: ASGIApp, *, any_host: bool) -> None:
        """*websocket* serves the viewers' WebSockets; *any_host*: see :class:`Guard`."""
        api = _Application(site)
        self.api = api
        self.app: ASGIApp = Guard(api, any_host=any_host)
        """For browsers."""
        self.owners: ASGIApp = OwnersDoor(api)
        """For the owner's own socket."""
        api.router.routes.append(WebSocketRoute("/ws", websocket))


class _Application(FastAPI):
    """FastAPI with our routes, errors and description, and nothing from elsewhere."""

    def __init__(self, site: Site) -> None:
        super().__init__(
            title="webvdi",
            version=__version__,
            description=DESCRIPTION,
            openapi_url=None,  # ours is an endpoint like the others
            docs_url=None,  # those pages load code from other hosts
            redoc_url=None,
            redirect_slashes=False,  # an absolute redirect would leave the mount point
            servers=[{"url": "../..", "description": "Where this document came from"}],
        )
        self.state.site = site
        handle_errors(self)
        for router in ROUTERS:
            self.router.routes.extend(router.routes)
        self.router.routes.extend(page_routes())

    def openapi(self) -> dict[str, Any]:
        """The description, with how to sign in and what an error is."""
        if self.openapi_schema is None:
            document = super().openapi()
            components = document.setdefault("components", {})
            components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            components["securitySchemes"] = self._security_schemes()
        assert self.openapi_schema is not None
        return self.openapi_schema

    def _security_schemes(self) -> dict[str, Any]:
        logins = self.state.site.logins
        return {
            LOGIN_SCHEME: {
                "type": "apiKey",
                "in": "cookie",
                "name": logins.cookie_name,
                "description": "Set by a login link: the owner.",
            },
            VISIT_SCHEME: {
                "type": "apiKey",
                "in": "cookie",
                "name": logins.visit_cookie_name,
                "description": "Set by POST join: somebody who came by a share link.",
            },
        }

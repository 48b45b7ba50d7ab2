"""The pages: which of them whom is shown, and signing in by a link.

They are static files; what they show comes from the REST interface.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from webvdi.broker.views import Phase
from webvdi.portal.login import ClaimsInvalid
from webvdi.portal.problems import TooOften
from webvdi.portal.site import Caller, Site, site_of

BROWSER = Path(__file__).parents[1] / "browser"

STATIC = ("viewer", "portal", "locale")


def page_routes() -> list[BaseRoute]:
    """The pages and their static files."""
    return [
        Route("/", home),
        Route("/login", login, methods=["GET", "POST"]),
        Route("/logout", logout, methods=["POST"]),
        Route("/join", page("join.html", for_strangers=True)),
        Route("/view", page("viewer.html", for_strangers=False)),
        *(Mount(f"/static/{part}", StaticFiles(directory=BROWSER / part)) for part in STATIC),
    ]


def page(name: str, *, for_strangers: bool) -> Callable[[Request], object]:
    """An endpoint that shows a page; strangers are led to where they sign in.

    Whoever came by a link that has ended is told so: they have nothing to sign in with.
    """

    async def show(request: Request) -> Response:
        site = site_of(request)
        if not for_strangers and await site.identify(request) is None:
            return _to_the_door(site, request)
        return _file(name)

    return show


async def home(request: Request) -> Response:
    """The machines; where there is only one, its screen.  A login token becomes a cookie first."""
    token = request.query_params.get("token")
    if token is not None and request.method == "GET":  # a HEAD is somebody's preview
        return await _redeem(request, token)
    site = site_of(request)
    caller = await site.identify(request)
    if caller is None:
        return _to_the_door(site, request)
    machine = await _only_machine(site, caller, request)
    if machine is not None:
        query = [("m", machine), *_query(request, without=("m", "token"))]
        return RedirectResponse(f"view?{urlencode(query)}", 303)
    return _file("machines.html")


def _to_the_door(site: Site, request: Request) -> Response:
    return RedirectResponse("join?ended" if site.logins.has_visited(request) else "login", 303)


async def _only_machine(site: Site, caller: Caller, request: Request) -> str | None:
    """The machine that the caller is led straight to."""
    if caller.share is not None:
        return caller.share.machine
    if request.query_params.get("all") == "1":
        return None
    machines = await site.use_cases.catalogue.list()
    # One that failed to be made has no screen: its card says why, and offers what to do.
    ready = [machine.id for machine in machines if machine.phase is Phase.READY]
    return ready[0] if len(machines) == 1 and ready else None


async def login(request: Request) -> Response:
    """The form for a token, and what it sends."""
    if request.method == "POST":
        form = parse_qs((await request.body()).decode("ascii", "replace"))
        return await _redeem(request, _token_in(form.get("token", [""])[0].strip()))
    return _file("login.html")


async def logout(request: Request) -> Response:
    """End this browser's login, and all that is open by it; harmless for those who have none."""
    response = Response(status_code=204)
    site_of(request).log_out(response, request)
    return response


async def _redeem(request: Request, token: str) -> Response:
    site = site_of(request)
    try:
        site.redeem(request, token)
    except ClaimsInvalid as error:
        if await site.identify(request) is not None:
            return RedirectResponse(_home(request), 303)  # a used link, a known browser
        return RedirectResponse(f"login?error={error.reason}", 303)
    except TooOften:
        return RedirectResponse("login?error=too_often", 303)
    response = RedirectResponse(_home(request), 303)
    site.let_in(response, request)
    return response


def _token_in(pasted: str) -> str:
    """The token, of which people paste the whole link."""
    return parse_qs(urlsplit(pasted).query).get("token", [pasted])[0]


def _home(request: Request) -> str:
    """The first page, or the screen that was asked for, with the query's other parameters."""
    query = _query(request, without=("token",))
    page = "view" if request.query_params.get("m") else "./"
    return f"{page}?{urlencode(query)}" if query else page


def _query(request: Request, *, without: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(k, v) for k, v in request.query_params.multi_items() if k not in without]


def _file(name: str) -> Response:
    path = BROWSER / "portal" / name
    if not path.is_file():
        raise HTTPException(404)
    return FileResponse(path)

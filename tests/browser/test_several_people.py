"""Several people at one screen: the viewer library in real Chromium, a real Managed Server."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from support.page import ARGUMENTS, CHROMIUM
from support.screens import FakeScreen
from support.server import PATIENCE_S, Server, managed_server, until
from webvdi.base.tasks import TaskOwner
from webvdi.fabricator.websocket import WebSocketFabricator
from webvdi.wire.to_viewer import Role

pytestmark = pytest.mark.browser

VIEWER = Path(__file__).parents[2] / "src/webvdi/browser/viewer"

PAGE = """<!doctype html><title>test</title>
<div id="screen" style="position:absolute;inset:0;background:#222"></div>
<script type="module">
    import { Viewer } from './viewer/viewer.js';
    const viewer = new Viewer(document.getElementById('screen'), {
        url: 'ws', ticket: async () => (await fetch('ticket' + location.search)).text(),
    }, { nameOf: ({ name, role }) => name || role });
    viewer.addEventListener('statechange', ({ detail }) => { window.ended = detail.error; });
    window.viewer = viewer;
    viewer.connect();
</script>"""

A = (4, 1, ord("a"))


@dataclass
class Person:
    """Somebody at a page."""

    page: Page

    async def see(self, script: str, what: str) -> None:
        """Wait until *script* is true in the page."""
        await eventually(lambda: self.page.evaluate(script), what)


async def eventually(question: Callable[[], Awaitable[Any]], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not await question():
        assert time.monotonic() < end, f"waited in vain: {what}"
        await asyncio.sleep(0.02)


@dataclass
class Place:
    """A machine's screen, its server, and a browser for people to come with."""

    server: Server
    screen: FakeScreen
    url: str
    browser: Browser

    async def come(self, role: Role, subject: str, name: str = "", share: str = "") -> Person:
        context = await self.browser.new_context(viewport={"width": 1280, "height": 960})
        page = await context.new_page()
        query = f"?role={int(role)}&subject={subject}&name={name}&share={share}"
        await page.goto(self.url + query)
        person = Person(page)
        await person.see(
            "() => viewer.hasPicture && viewer.people.length", "the picture and the people"
        )
        await page.evaluate("() => viewer.focus()")
        return person


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    screen = FakeScreen(tmp_path / "screen", 640, 480)
    await screen.open()
    async with managed_server(tmp_path) as server, async_playwright() as playwright:
        await server.show("demo", screen)
        async with site(server) as url:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield Place(server, screen, url, browser)
            await browser.close()
    await screen.close()


@asynccontextmanager
async def site(server: Server) -> AsyncIterator[str]:
    """The library, a page that uses it, and tickets for whoever asks."""

    async def page(_: Request) -> Response:
        return HTMLResponse(PAGE)

    async def ticket(request: Request) -> Response:
        asked = request.query_params
        role = Role(int(asked["role"]))
        named = {"name": asked["name"], "share": asked["share"]}
        return PlainTextResponse(server.ticket("demo", role, asked["subject"], **named))

    async def may_connect(_: object) -> bool:
        return True

    websocket = WebSocketFabricator(server.run / "viewer.sock", may_connect)
    routes = [
        Route("/", page),
        Route("/ticket", ticket),
        WebSocketRoute("/ws", websocket),
        Mount("/viewer", StaticFiles(directory=VIEWER)),
    ]
    app = Starlette(routes=routes)
    web = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="websockets-sansio"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with TaskOwner("site") as tasks:
            serving = tasks.start(web.serve(sockets=[listening]), name="web")
            await until(lambda: web.started, "the site")
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
            web.should_exit = True
            await serving


async def test_control_is_asked_for_granted_and_taken_back(place: Place) -> None:
    owner = await place.come(Role.OWNER, "owner", "Aki")
    guest = await place.come(Role.CONTROLLER, "guest", "Bo")
    heard = place.screen.heard

    await owner.page.keyboard.press("a")
    await until(lambda: A in heard, "the owner's key")
    await guest.see("() => viewer.company.holder?.name === 'Aki'", "who has control")
    assert await guest.page.evaluate("() => viewer.canInput") is False
    heard.clear()
    await guest.page.keyboard.press("a")

    await guest.page.evaluate("() => viewer.requestControl()")
    await owner.see("() => viewer.company.requests[0]?.name === 'Bo'", "the request")
    assert A not in heard
    await owner.page.evaluate("() => viewer.grantControl(viewer.company.requests[0].viewer)")
    await guest.see("() => viewer.company.controls && viewer.canInput", "control")
    await owner.see("() => !viewer.canInput", "its loss")
    await guest.page.keyboard.press("a")
    await until(lambda: A in heard, "the guest's key")

    await guest.page.keyboard.down("b")
    await until(lambda: (4, 1, ord("b")) in heard, "a key held")
    await owner.page.evaluate("() => viewer.takeControl()")
    await until(lambda: (4, 0, ord("b")) in heard, "the key to go up")
    await owner.see("() => viewer.company.controls && !viewer.company.requests.length", "control")


async def test_others_are_seen_pointing_over_the_picture_and_not_in_it(place: Place) -> None:
    owner = await place.come(Role.OWNER, "owner", "Aki")
    looks = await place.come(Role.OBSERVER, "looks")
    await owner.see("() => viewer.people.length === 2", "the onlooker")
    before = await owner.page.evaluate("() => viewer.canvas.toDataURL()")
    # 640x480 on 1280x960: two CSS pixels a screen pixel.
    await looks.page.mouse.move(300, 200)
    await looks.page.mouse.move(400, 300)
    mark = owner.page.locator("[data-part=pointers] > [data-viewer]")
    await mark.wait_for()
    await eventually(
        lambda: mark.evaluate("(e) => e.style.transform === 'translate(400px, 300px)'"),
        "the arrow to be where the onlooker points",
    )
    assert await mark.inner_text() == "observer"
    assert await owner.page.evaluate("() => viewer.canvas.toDataURL()") == before
    assert not [event for event in place.screen.heard if event[0] == 5]

    await owner.page.set_viewport_size({"width": 640, "height": 480})
    await eventually(
        lambda: mark.evaluate("(e) => e.style.transform === 'translate(200px, 150px)'"),
        "the arrow to follow the picture's size",
    )
    await owner.page.mouse.move(10, 10)
    others = looks.page.locator("[data-part=pointers] > [data-viewer]")
    await others.wait_for()
    assert await others.inner_text() == "Aki"
    assert await looks.page.locator("[data-part=pointers] > *").count() == 1
    await looks.page.close()
    await mark.wait_for(state="detached")


async def test_a_revoked_share_ends_its_page_within_a_second(place: Place) -> None:
    owner = await place.come(Role.OWNER, "owner")
    guest = await place.come(Role.CONTROLLER, "share:s", "Bo", share="s")
    await owner.see("() => viewer.people.length === 2", "the guest")
    began = time.monotonic()
    await place.server.control.request("revoke", share="s")
    await guest.see("() => viewer.state === 'ended'", "the end")
    assert time.monotonic() - began < 1
    assert await guest.page.evaluate("() => window.ended.code") == "access_revoked"
    await owner.see("() => viewer.people.length === 1", "the guest's leaving")

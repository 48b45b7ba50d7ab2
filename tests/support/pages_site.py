"""The real portal and its pages, served on loopback before a broker of nothing real."""

import asyncio
import io
import os
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import uvicorn
from PIL import Image, ImageDraw
from playwright.sync_api import Page
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from support.fake_catalogue import FakeUseCases, machine_view
from support.scripted_session import ScriptedSession
from webvdi.access.logins import login_token
from webvdi.broker.views import MachineView, NewMachine, Progress, Thumbnail
from webvdi.portal.app import Portal
from webvdi.portal.login import LoginPolicy, Logins
from webvdi.portal.site import Site

KEY = b"k" * 32

Result = TypeVar("Result")


def picture(colour: str, words: str, size: tuple[int, int] = (640, 400)) -> bytes:
    """A JPEG that looks like a screen at some distance."""
    image = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, size[0], 22), fill="#1d2430")
    draw.rectangle((70, 70, 430, 300), fill="#f4f6fa")
    draw.rectangle((70, 70, 430, 92), fill="#c9d2df")
    for line in range(9):
        draw.rectangle((86, 110 + 20 * line, 200 + 23 * (line * 7 % 9), 118 + 20 * line), "#7d8a9d")
    draw.text((90, 75), words, fill="#1d2430")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


class PagesSite:
    """The running site; what it serves is changed by :meth:`do`, from the test's thread."""

    def __init__(self, mode: Literal["service", "view"], tmp_path: Path, *, auth: bool) -> None:
        self.use_cases = FakeUseCases(mode=mode, clock=time.time)
        self.loop = asyncio.new_event_loop()
        self.pictures: dict[str, bytes] = {}
        """What thumbnails show, by the machine's id."""
        self.down = threading.Event()
        """Set: the REST interface is not to be reached, as behind a proxy that lost its server."""
        self.cut_after_piece = threading.Event()
        """Set: the next piece of an upload is the last that comes through."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        policy = LoginPolicy(KEY, tmp_path / "used.json", f"webvdi_{port}", required=auth)
        site = Site(self.use_cases, Logins(policy), url=self.url)
        self._site = site
        self.session = ScriptedSession(picture("#2f5d7c", "desk", (1024, 640)))
        portal = Portal(site, self.session, any_host=auth)
        self._app = portal.app
        config = uvicorn.Config(self._serve, interface="asgi3", log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run)
        self._nonce = 0
        self.use_cases.catalogue.thumbnail = self._thumbnail  # type: ignore[method-assign]

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.down.is_set() and "/api/" in scope.get("path", ""):
            await Response(status_code=503)(scope, receive, send)
            return
        await self._app(scope, receive, send)
        if self.cut_after_piece.is_set() and scope.get("method") == "PATCH":
            self.down.set()

    async def _thumbnail(self, ref: str, width: int, height: int, known: str | None) -> Thumbnail:
        view = await self.use_cases.catalogue.get(ref)
        if view.state not in ("running", "paused"):
            return Thumbnail("", "", None, missing="it is off")
        data = self.pictures.get(view.id, picture("#2f5d7c", view.name))
        etag = f'"{hash(data)}-{width}x{height}"'
        return Thumbnail(etag, "image/jpeg", None if known == etag else data)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._server.serve(sockets=[self._listener]))
        self.loop.close()

    def do(self, act: Callable[[FakeUseCases], Result]) -> Result:
        """Let *act* work on the broker, in the server's thread, and wait for it."""

        async def perform(broker: FakeUseCases) -> Result:
            return act(broker)

        return self.ask(perform)

    def ask(self, use: Callable[[FakeUseCases], Coroutine[Any, Any, Result]]) -> Result:
        """Ask the broker something, in the server's thread."""
        return asyncio.run_coroutine_threadsafe(use(self.use_cases), self.loop).result(10)

    def show(self, page: Page, path: str = "", **query: str) -> None:
        """Open one of the site's pages."""
        page.goto(f"{self.url}{path}?{urlencode(query)}")

    def add(self, name: str, **changes: object) -> MachineView:
        """A machine that is there."""
        view = machine_view(name, **{"since": time.time() - 200, "created": time.time(), **changes})
        return self.do(lambda broker: broker.catalogue.add(view))

    def login(self) -> str:
        """A link that signs in."""
        self._nonce += 1
        token = login_token(KEY, nonce=str(self._nonce), now=time.time())
        return f"{self.url}?token={token}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self.loop.call_soon_threadsafe(self._site.end_streams)
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()


@contextmanager
def pages_site(
    tmp_path: Path, *, mode: Literal["service", "view"] = "service", auth: bool = False
) -> Iterator[PagesSite]:
    """A served site; without *auth* whoever comes is the owner."""
    site = PagesSite(mode, tmp_path, auth=auth)
    site.start()
    try:
        yield site
    finally:
        site.stop()


def populate(site: PagesSite) -> None:
    """A household of machines in every condition, and files to make others from."""
    now = time.time()
    running = (
        ("desk", "#2f5d7c", 2, 190),
        ("build-server", "#5a3f6e", 0, 7300),
        ("lab-2", "#2e6b4f", 1, 90000),
        ("lab-10", "#7a4b2a", 0, 30),
    )
    for name, colour, viewers, age in running:
        view = site.add(name, viewers=viewers, since=now - age)
        site.pictures[view.id] = picture(colour, name)
    site.add("paused-box", state="paused", since=now - 4000)
    site.add("parked", state="saved", since=now - 1e6)
    site.add(
        "old-windows",
        state="stopped",
        since=now - 86400 * 3,
        exit_reason="guest_poweroff",
        detail="The guest switched itself off.",
        notes="licence in the safe",
        cpus=4,
        memory_mib=4096,
    )
    site.add(
        "crashy",
        state="crashed",
        since=now - 600,
        can=("start", "delete", "set"),
        exit_reason="killed",
        detail="Its process was ended from outside (SIGKILL). If nobody did that, the host ran "
        "out of memory: give the machine less.",
    )
    site.use_cases.catalogue.slow_creation = True
    fresh = site.ask(lambda broker: broker.catalogue.create(NewMachine("fresh", guest="desk")))
    progress = Progress("Fetching packages", 37, 100)
    site.do(lambda broker: broker.catalogue.update(fresh.id, progress=progress))
    site.do(lambda broker: broker.images.add_image("debian-13.iso", size_bytes=783 << 20))
    site.do(
        lambda broker: broker.images.add_image(
            "router.qcow2", kind="disk", format="qcow2", size_bytes=2 << 30, in_use_by=("lab-2",)
        )
    )


def keep(page: Page, name: str) -> None:
    """Keep a picture of *page* where WEBVDI_TEST_SCREENSHOTS says, for people to look at."""
    place = os.environ.get("WEBVDI_TEST_SCREENSHOTS")
    if place:
        page.screenshot(path=Path(place) / f"{name}.png", animations="disabled")

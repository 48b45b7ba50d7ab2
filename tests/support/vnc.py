"""Real VNC servers and a source that watches them, for the integration tests."""

import asyncio
import contextlib
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webvdi.display.endpoint import Endpoint, TcpEndpoint
from webvdi.display.rfb_source import RfbSource
from webvdi.display.source import Credentials, DisplayEvent, Lost, Opened
from webvdi.display.tls import TlsPolicy
from webvdi.framebuffer import Framebuffer, Rect
from webvdi.rfb.encodings import FEATURES
from webvdi.rfb.link import Decoder, Link
from webvdi.rfb.parsing import Parser

PATIENCE_S = 30.0
Rgb = npt.NDArray[np.uint8]

PASSWORD = "geheim"
"""Of the X server that wants one."""


def only(*encodings: int) -> tuple[int, ...]:
    return (*encodings, *FEATURES)


class _Noticed:
    """A decoder that notes its use: servers choose as they like among what they are offered."""

    def __init__(self, decoder: Decoder, number: int, used: set[int]) -> None:
        self._decoder = decoder
        self._number = number
        self._used = used

    def decode(self, rect: Rect, link: Link, /) -> Parser[None]:
        self._used.add(self._number)
        return self._decoder.decode(rect, link)


class Watcher:
    """A source that is watched from the moment it opens."""

    def __init__(
        self,
        endpoint: Endpoint,
        encodings: Sequence[int] | None = None,
        credentials: Credentials | None = None,
        tls: TlsPolicy | None = None,
        continuous: bool | None = None,
    ) -> None:
        self.mirror = Framebuffer(1, 1)
        self.source = RfbSource(
            endpoint,
            self.mirror,
            self._hear,
            encodings=encodings,
            credentials=credentials,
            tls=tls,
            continuous=continuous,
        )
        self.events: list[DisplayEvent] = []
        self.used: set[int] = set()
        """The encodings that the server made use of."""
        link = self.source._protocol._link
        link.decoders = {
            number: _Noticed(decoder, number, self.used)
            for number, decoder in link.decoders.items()
        }
        self._news = asyncio.Event()

    def _hear(self, event: DisplayEvent) -> None:
        self.events.append(event)
        if isinstance(event, Opened):
            self.source.watch(True)
            # TigerVNC paints the pointer into the picture until it knows that we place it.
            self.source.pointer(1, 1, 0)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until *condition* holds; it is looked at after each event."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def picture(self) -> Rgb:
        return self.mirror.pixels[:, :, 2::-1]

    def shows(self, screen: Rgb) -> bool:
        """Whether the mirror is a whole picture, and this one."""
        return self.source.settled and np.array_equal(self.picture(), screen)

    @property
    def lost(self) -> Lost:
        last = self.events[-1]
        assert isinstance(last, Lost), self.events
        return last

    async def outcome(self) -> Lost | None:
        """How the link begins: None if it opens."""
        await self.until(lambda: self.heard(Opened) or self.heard(Lost))
        return None if self.heard(Opened) else self.lost

    def heard(self, kind: type[DisplayEvent]) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Watcher"]:
        task = asyncio.get_running_loop().create_task(self.source.run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])


async def wait_until(condition: Callable[[], bool]) -> None:
    """For what only looking again can tell: another program's files."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def process(*arguments: str, kill: bool = False) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that ends with the block; *kill* is for those that may hang in their farewell."""
    running = await asyncio.create_subprocess_exec(
        *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            if kill:
                running.kill()
            else:
                running.terminate()
        await running.wait()


class XServer:
    """An X server with RFB on loopback, and programs that fill its screen."""

    def __init__(
        self,
        directory: Path,
        *,
        password: bool = False,
        security: Sequence[str] = (),
        port: int | None = None,
        unix: Path | None = None,
    ) -> None:
        """*security* are options of TigerVNC, in place of no security or a password.

        It listens at *port* (None: a free one), or at the socket *unix* instead.
        """
        self._port = port
        self._unix = unix
        self._directory = directory
        self._password = password
        self._security = security
        self.endpoint = TcpEndpoint("127.0.0.1", 0)
        self.display = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["XServer"]:
        number_file = self._directory / "display"
        security = [*(self._security or ("-SecurityTypes", "None"))]
        if self._password:
            security = ["-SecurityTypes", "VncAuth", "-PasswordFile", self.password_file()]
        port = self._port or free_port()
        # -1: no port at all
        place = ["-rfbport", str(port)]
        if self._unix is not None:
            place = ["-rfbport", "-1", "-rfbunixpath", str(self._unix)]
        with number_file.open("w") as number:
            server = await asyncio.create_subprocess_exec(
                *["nice", "Xtigervnc", "-displayfd", str(number.fileno()), "-geometry", "640x480"],
                *["-depth", "24", "-localhost", *place, *security],
                *["-ac", "-nolisten", "tcp", "-Log", "*:stderr:0"],
                pass_fds=[number.fileno()],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        try:
            await wait_until(lambda: number_file.read_text().endswith("\n"))
            self.display = ":" + number_file.read_text().strip()
            self.endpoint = TcpEndpoint("127.0.0.1", port)
            yield self
        finally:
            server.terminate()
            await server.wait()

    def password_file(self) -> str:
        path = self._directory / "passwd"
        made = subprocess.run(
            ["tigervncpasswd", "-f"], input=PASSWORD.encode(), stdout=subprocess.PIPE, check=True
        )
        path.write_bytes(made.stdout)
        path.chmod(0o600)
        return str(path)

    @asynccontextmanager
    async def content(self) -> AsyncIterator[None]:
        """Text and many colours, then stillness."""
        words = "seq 1 400 | while read n; do printf '\\033[3%dm%d ' $((n % 8)) $n; done; sleep 999"
        async with process(
            *["xterm", "-display", self.display, "-geometry", "90x30+20+10", "+bc"],
            *["-xrm", "XTerm*cursorBlink: false", "-e", "sh", "-c", words],
        ):
            yield

    async def window_dump(self) -> Rgb:
        """The screen as X shows it (the header is X11/XWDFile.h's)."""
        dump = await asyncio.create_subprocess_exec(
            *["xwd", "-root", "-silent", "-display", self.display], stdout=subprocess.PIPE
        )
        data, _ = await dump.communicate()
        assert dump.returncode == 0
        header = struct.unpack(">25I", data[:100])
        size, width, height, stride, colours = (header[i] for i in (0, 4, 5, 12, 19))
        assert header[11] == 32  # bits a pixel
        rows = np.frombuffer(data, np.uint8, height * stride, size + colours * 12)
        return rows.reshape(height, stride)[:, : width * 4].reshape(height, width, 4)[:, :, 2::-1]


class X11vnc:
    """A server that shows the screen of an X server that is there already."""

    def __init__(self, server: XServer, *options: str) -> None:
        self._server = server
        self._options = options
        self.endpoint = TcpEndpoint("127.0.0.1", 0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["X11vnc"]:
        port = free_port()
        async with process(
            *["nice", "x11vnc", "-display", self._server.display, "-rfbport", str(port)],
            *["-localhost", "-no6", "-noipv6", "-forever", "-shared", "-nopw", "-norc", "-q"],
            *["-noxrecord", "-noshm", "-xkb", "-nocursorpos", "-nobell", *self._options],
            kill=True,  # its handler of SIGTERM speaks with the X server, and may wait for ever
        ):
            await wait_until(lambda: _listens(port))
            self.endpoint = TcpEndpoint("127.0.0.1", port)
            yield self


def _listens(port: int) -> bool:
    """Whether somebody listens there; connecting would be a client to the server."""
    needle = f":{port:04X} 00000000:0000 0A"
    return needle in Path("/proc/net/tcp").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def still_screen(server: XServer) -> Rgb:
    """The screen once xterm has drawn and two dumps agree."""
    async with asyncio.timeout(PATIENCE_S):
        before = await server.window_dump()
        while True:
            await asyncio.sleep(0.3)
            after = await server.window_dump()
            if np.array_equal(before, after) and len(np.unique(after.reshape(-1, 3), axis=0)) > 8:
                return after
            before = after


async def same_picture(server: XServer, watcher: "Watcher") -> None:
    """Wait until the programs on the screen have drawn, and the mirror is the screen.

    The screen is looked at again and again: on a busy host a program may draw once more after
    its screen has seemed still.
    """
    await still_screen(server)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if watcher.shows(await server.window_dump()):
                return
            await asyncio.sleep(0.1)

"""The RFB source against real servers: QEMU's and TigerVNC's.

The picture in the mirror is compared with the one that the server's own side can show:
QEMU's screendump, and the X server's window dump.
"""

import asyncio
import contextlib
import json
import socket
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from webvdi.display.endpoint import Endpoint, TcpEndpoint, UnixEndpoint
from webvdi.display.rfb_source import RfbSource
from webvdi.display.source import (
    Credentials,
    CredentialsRequired,
    CursorChanged,
    DisplayEvent,
    Lost,
    Opened,
    Resized,
)
from webvdi.framebuffer import Framebuffer
from webvdi.rfb.encodings import FEATURES, Encoding, quality_level

pytestmark = pytest.mark.qemu

PATIENCE_S = 30.0
Rgb = npt.NDArray[np.uint8]

PASSWORD = "geheim"
"""Of the X server that wants one."""


def only(*encodings: int) -> tuple[int, ...]:
    return (*encodings, *FEATURES)


class Watcher:
    """A source that is watched from the moment it opens."""

    def __init__(
        self,
        endpoint: Endpoint,
        encodings: Sequence[int] | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.mirror = Framebuffer(1, 1)
        self.source = RfbSource(
            endpoint, self.mirror, self._hear, encodings=encodings, credentials=credentials
        )
        self.events: list[DisplayEvent] = []
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
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that ends with the block."""
    running = await asyncio.create_subprocess_exec(
        *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.terminate()
        await running.wait()


# --- QEMU -------------------------------------------------------------------------------------


class Qemu:
    """A machine that runs memtest86+: text in colours that keeps changing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.endpoint = UnixEndpoint(directory / "vnc")
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Qemu"]:
        qmp = self._directory / "qmp"
        async with process(
            *["nice", "qemu-system-x86_64", "-nodefaults", "-display", "none", "-m", "64"],
            *["-vga", "std", "-kernel", "/boot/memtest86+x64.bin"],
            *["-vnc", f"unix:{self.endpoint.path}", "-qmp", f"unix:{qmp},server=on,wait=off"],
        ):
            await wait_until(qmp.exists)
            await wait_until(self.endpoint.path.exists)
            self._reader, self._writer = await asyncio.open_unix_connection(qmp)
            await self._reader.readline()
            await self.command("qmp_capabilities")
            yield self
            self._writer.close()

    async def command(self, name: str, **arguments: str) -> None:
        request = {"execute": name, "arguments": arguments}
        self._writer.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = json.loads(await self._reader.readline())
                if "return" in answer:
                    return
                assert "error" not in answer, answer

    async def screendump(self) -> Rgb:
        path = self._directory / "screen.ppm"
        await self.command("screendump", filename=str(path))
        magic, size, depth, pixels = path.read_bytes().split(b"\n", 3)
        assert (magic, depth) == (b"P6", b"255")
        width, height = map(int, size.split())
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize(
    "encodings",
    [None, only(Encoding.HEXTILE), only(Encoding.ZRLE), only(Encoding.TIGHT)],
    ids=["default", "hextile", "zrle", "tight"],
)
async def test_the_mirror_equals_qemus_screendump(
    encodings: tuple[int, ...] | None, tmp_path: Path
) -> None:
    async with (
        Qemu(tmp_path).running() as qemu,
        Watcher(qemu.endpoint, encodings).running() as watcher,
    ):
        # memtest86+ has begun once the firmware's text mode is on and its blue is seen.
        await watcher.until(
            lambda: watcher.source.settled and (watcher.picture() == [0, 0, 168]).all(axis=2).any()
        )
        await qemu.command("stop")
        screen = await qemu.screendump()
        watcher.source.nudge()
        await watcher.until(
            lambda: watcher.source.settled and np.array_equal(watcher.picture(), screen)
        )
        assert watcher.source.idle_backoff


async def test_nudges_change_nothing_on_qemus_screen(tmp_path: Path) -> None:
    async with Qemu(tmp_path).running() as qemu, Watcher(qemu.endpoint).running() as watcher:
        await watcher.until(lambda: watcher.heard(Opened))
        await qemu.command("stop")
        before = await qemu.screendump()
        for _ in range(50):
            watcher.source.nudge()
        await watcher.until(lambda: np.array_equal(watcher.picture(), before))
        np.testing.assert_array_equal(await qemu.screendump(), before)
        assert not watcher.heard(Lost)


async def test_qemu_going_away_is_a_lost_link(tmp_path: Path) -> None:
    async with Qemu(tmp_path).running() as qemu, Watcher(qemu.endpoint).running() as watcher:
        await watcher.until(lambda: watcher.heard(Opened))
        await qemu.command("quit")
        await watcher.until(lambda: watcher.heard(Lost))


# --- TigerVNC ---------------------------------------------------------------------------------


class XServer:
    """An X server with RFB on loopback, and programs that fill its screen."""

    def __init__(self, directory: Path, *, password: bool) -> None:
        self._directory = directory
        self._password = password
        self.endpoint = TcpEndpoint("127.0.0.1", 0)
        self.display = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["XServer"]:
        number_file = self._directory / "display"
        security = ["-SecurityTypes", "None"]
        if self._password:
            security = ["-SecurityTypes", "VncAuth", "-PasswordFile", self._password_file()]
        port = free_port()
        with number_file.open("w") as number:
            server = await asyncio.create_subprocess_exec(
                *["nice", "Xtigervnc", "-displayfd", str(number.fileno()), "-geometry", "640x480"],
                *["-depth", "24", "-localhost", "-rfbport", str(port), *security],
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

    def _password_file(self) -> str:
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


def psnr(one: Rgb, other: Rgb) -> float:
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize(
    "encodings",
    [
        None,
        only(Encoding.RAW),
        only(Encoding.COPY_RECT, Encoding.HEXTILE),
        only(Encoding.ZRLE),
        only(Encoding.TIGHT),
    ],
    ids=["default", "raw", "hextile", "zrle", "tight"],
)
async def test_the_mirror_equals_the_x_screen(
    encodings: tuple[int, ...] | None, tmp_path: Path
) -> None:
    async with (
        XServer(tmp_path, password=False).running() as server,
        Watcher(server.endpoint, encodings).running() as watcher,
        server.content(),
    ):
        screen = await still_screen(server)
        await watcher.until(
            lambda: watcher.source.settled and np.array_equal(watcher.picture(), screen)
        )
        assert not watcher.source.idle_backoff


async def test_lossy_tight_comes_close(tmp_path: Path) -> None:
    encodings = only(Encoding.TIGHT, quality_level(6))
    async with XServer(tmp_path, password=False).running() as server, server.content():
        screen = await still_screen(server)
        async with Watcher(server.endpoint, encodings).running() as watcher:
            await watcher.until(
                lambda: (
                    watcher.picture().shape == screen.shape and psnr(watcher.picture(), screen) > 28
                )
            )


async def test_a_password_lets_in_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    async with XServer(tmp_path, password=True).running() as server:
        right, wrong = Credentials("", PASSWORD), Credentials("", "falsch")
        async with Watcher(server.endpoint, credentials=right).running() as watcher:
            await watcher.until(lambda: watcher.heard(Opened))
        async with Watcher(server.endpoint, credentials=wrong).running() as watcher:
            await watcher.until(lambda: watcher.heard(Lost))
            lost = watcher.events[-1]
            assert isinstance(lost, Lost)
            assert lost.permanent
            assert lost.wrong_credentials
        async with Watcher(server.endpoint).running() as watcher:
            await watcher.until(lambda: watcher.heard(CredentialsRequired))
            watcher.source.authenticate(right)
            await watcher.until(lambda: watcher.heard(Opened))


async def test_another_size_and_the_pointers_shape(tmp_path: Path) -> None:
    async with (
        XServer(tmp_path, password=False).running() as server,
        Watcher(server.endpoint).running() as watcher,
        server.content(),
    ):
        await still_screen(server)
        watcher.source.request_size(800, 600)
        await watcher.until(lambda: Resized(800, 600) in watcher.events)
        screen = await still_screen(server)
        assert screen.shape == (600, 800, 3)
        await watcher.until(
            lambda: watcher.source.settled and np.array_equal(watcher.picture(), screen)
        )
        # Over the terminal: a picture with something to see in it.
        watcher.source.pointer(100, 100, 0)
        await watcher.until(
            lambda: any(
                isinstance(event, CursorChanged) and any(event.cursor.rgba[3::4])
                for event in watcher.events
            )
        )

"""The RFB source against real servers: QEMU's, TigerVNC's and x11vnc's.

The picture in the mirror is compared with the one that the server's own side can show:
QEMU's screendump, and the X server's window dump.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from support.vnc import (
    PASSWORD,
    PATIENCE_S,
    Rgb,
    Watcher,
    X11vnc,
    XServer,
    only,
    process,
    same_picture,
    still_screen,
    wait_until,
)
from webvdi.display.endpoint import UnixEndpoint
from webvdi.display.source import (
    Credentials,
    CredentialsRequired,
    CursorChanged,
    Lost,
    Opened,
    PowerOrder,
    Resized,
)
from webvdi.rfb.encodings import Encoding, quality_level

pytestmark = pytest.mark.qemu

# --- QEMU -------------------------------------------------------------------------------------


class Qemu:
    """A machine that runs memtest86+: text in colours that keeps changing."""

    def __init__(self, directory: Path, *vnc_options: str) -> None:
        self._directory = directory
        self._vnc = ",".join([f"unix:{directory / 'vnc'}", *vnc_options])
        self.endpoint = UnixEndpoint(directory / "vnc")
        self.events: list[str] = []
        """Of the monitor, as far as read."""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Qemu"]:
        qmp = self._directory / "qmp"
        async with process(
            *["nice", "qemu-system-x86_64", "-nodefaults", "-display", "none", "-m", "64"],
            *["-vga", "std", "-kernel", "/boot/memtest86+x64.bin"],
            *["-vnc", self._vnc, "-qmp", f"unix:{qmp},server=on,wait=off"],
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
            while "return" not in (answer := await self._answer()):
                assert "error" not in answer, answer

    async def _answer(self) -> dict[str, object]:
        answer: dict[str, object] = json.loads(await self._reader.readline())
        if "event" in answer:
            self.events.append(str(answer["event"]))
        return answer

    async def event(self, name: str) -> None:
        """Wait for an event of this name."""
        async with asyncio.timeout(PATIENCE_S):
            while name not in self.events:
                await self._answer()

    async def screendump(self) -> Rgb:
        path = self._directory / "screen.ppm"
        await self.command("screendump", filename=str(path))
        magic, size, depth, pixels = path.read_bytes().split(b"\n", 3)
        assert (magic, depth) == (b"P6", b"255")
        width, height = map(int, size.split())
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize(
    "encoding",
    [
        None,
        Encoding.HEXTILE,
        Encoding.ZLIB,
        Encoding.ZRLE,
        Encoding.TIGHT,
        Encoding.TIGHT_PNG,
    ],
)
async def test_the_mirror_equals_qemus_screendump(
    encoding: Encoding | None, tmp_path: Path
) -> None:
    encodings = None if encoding is None else only(encoding)
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
        await watcher.until(lambda: watcher.shows(screen))
        assert watcher.source.idle_backoff
        assert encoding is None or encoding in watcher.used


async def test_qemu_takes_orders_where_it_was_told_to(tmp_path: Path) -> None:
    async with (
        Qemu(tmp_path, "power-control=on").running() as qemu,
        Watcher(qemu.endpoint).running() as watcher,
    ):
        await watcher.until(lambda: watcher.heard(Opened))
        await wait_until(lambda: watcher.source.offers_power_control)
        watcher.source.order_power(PowerOrder.RESET)
        await qemu.event("RESET")
        watcher.source.order_power(PowerOrder.SHUTDOWN)
        await qemu.event("POWERDOWN")
        assert not watcher.heard(Lost)


async def test_qemu_takes_no_orders_otherwise(tmp_path: Path) -> None:
    async with Qemu(tmp_path).running() as qemu, Watcher(qemu.endpoint).running() as watcher:
        await watcher.until(lambda: watcher.heard(Opened) and watcher.source.idle_backoff)
        assert not watcher.source.offers_power_control
        watcher.source.order_power(PowerOrder.RESET)
        await qemu.command("stop")
        assert "RESET" not in qemu.events


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


def psnr(one: Rgb, other: Rgb) -> float:
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize(
    "encoding",
    [None, Encoding.RAW, Encoding.RRE, Encoding.HEXTILE, Encoding.ZRLE, Encoding.TIGHT],
)
async def test_the_mirror_equals_the_x_screen(encoding: Encoding | None, tmp_path: Path) -> None:
    encodings = None if encoding is None else only(Encoding.COPY_RECT, encoding)
    async with (
        XServer(tmp_path).running() as server,
        Watcher(server.endpoint, encodings).running() as watcher,
        server.content(),
    ):
        await same_picture(server, watcher)
        assert not watcher.source.idle_backoff
        assert encoding is None or encoding in watcher.used


async def test_what_changed_while_nobody_watched_is_made_up_for(tmp_path: Path) -> None:
    async with (
        XServer(tmp_path).running() as server,
        Watcher(server.endpoint, continuous=True).running() as watcher,
    ):
        empty = await server.window_dump()
        # TigerVNC sends updates without being asked, where it may.
        await watcher.until(lambda: watcher.shows(empty) and watcher.source._continuous)
        for _ in range(3):
            watcher.source.watch(False)
            watcher.source.watch(True)
        watcher.source.watch(False)
        async with server.content():
            screen = await still_screen(server)
            await watcher.until(lambda: watcher.source._ends_due == 0)
            watcher.source.watch(True)
            await watcher.until(lambda: watcher.shows(screen))


async def test_lossy_tight_comes_close(tmp_path: Path) -> None:
    encodings = only(Encoding.TIGHT, quality_level(6))
    async with XServer(tmp_path).running() as server, server.content():
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
        XServer(tmp_path).running() as server,
        Watcher(server.endpoint).running() as watcher,
        server.content(),
    ):
        await still_screen(server)
        watcher.source.request_size(800, 600)
        await watcher.until(lambda: Resized(800, 600) in watcher.events)
        screen = await still_screen(server)
        assert screen.shape == (600, 800, 3)
        await watcher.until(lambda: watcher.shows(screen))
        # Over the terminal: a picture with something to see in it.
        watcher.source.pointer(100, 100, 0)
        await watcher.until(
            lambda: any(
                isinstance(event, CursorChanged) and any(event.cursor.rgba[3::4])
                for event in watcher.events
            )
        )


# --- x11vnc -----------------------------------------------------------------------------------


# Tight PNG is missing: Debian's libvncserver is built without PNG.  QEMU speaks it, above.
@pytest.mark.parametrize("encoding", [None, *(e for e in Encoding if e is not Encoding.TIGHT_PNG)])
async def test_the_mirror_equals_the_screen_that_x11vnc_shows(
    encoding: Encoding | None, tmp_path: Path
) -> None:
    encodings = None if encoding is None else only(encoding)
    async with (
        XServer(tmp_path).running() as server,
        server.content(),
        X11vnc(server).running() as x11vnc,
        Watcher(x11vnc.endpoint, encodings).running() as watcher,
    ):
        await same_picture(server, watcher)
        assert encoding in (None, Encoding.COPY_RECT) or encoding in watcher.used

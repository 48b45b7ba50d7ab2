"""What is RFB's own in the RFB source: encodings, deadlines, passwords, backlog, errors."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from unit.rfb.server_bytes import (
    GREETING,
    NO_SECURITY,
    RESULT_OK,
    VNC_SECURITY,
    opening,
    rectangle,
    server_init,
    text,
    u16,
    u32,
    update,
)
from webvdi.display import rfb_link, rfb_source
from webvdi.display.endpoint import Endpoint, TcpEndpoint, UnixEndpoint, parse_endpoint
from webvdi.display.rfb_source import RfbSource, default_encodings, idle_time
from webvdi.display.source import (
    Bell,
    Credentials,
    CredentialsRequired,
    CutText,
    DisplayEvent,
    Lost,
    Opened,
    PowerOffered,
    PowerOrder,
    Updated,
)
from webvdi.framebuffer import Framebuffer
from webvdi.rfb.client_messages import set_encodings
from webvdi.rfb.encodings import LOCAL_ENCODINGS, REMOTE_ENCODINGS, PseudoEncoding
from webvdi.rfb.security.vnc_auth import response

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PATIENCE_S = 20.0
CHALLENGE = bytes(range(16))
ASKING = GREETING + VNC_SECURITY + CHALLENGE
SECRET = Credentials("", "secret")
QEMU = opening(name="QEMU (a machine)") + update(
    rectangle(0, 0, 0, 0, PseudoEncoding.QEMU_EXTENDED_KEY_EVENT)
)


@asynccontextmanager
async def serving(path: Path, serve: Serve) -> AsyncIterator[UnixEndpoint]:
    """A server on a unix socket that runs *serve* for its client."""
    done = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            done.set()

    async with await asyncio.start_unix_server(accept, path):
        yield UnixEndpoint(path)
        await asyncio.wait_for(done.wait(), PATIENCE_S)


def saying(data: bytes) -> Serve:
    """Say *data*, then listen until the client leaves."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await reader.read()

    return serve


class Ear:
    """A listener that keeps everything, and may do something at an event."""

    def __init__(self, react: Callable[[DisplayEvent], None] = lambda event: None) -> None:
        self.events: list[DisplayEvent] = []
        self.react = react

    def __call__(self, event: DisplayEvent) -> None:
        self.events.append(event)
        self.react(event)

    @property
    def lost(self) -> Lost:
        last = self.events[-1]
        assert isinstance(last, Lost)
        return last


async def run(source: RfbSource) -> None:
    await asyncio.wait_for(source.run(), PATIENCE_S)


def new_source(endpoint: Endpoint, ear: Ear, timeout_s: float = PATIENCE_S) -> RfbSource:
    return RfbSource(endpoint, Framebuffer(1, 1), ear, connect_timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("endpoint", "encodings"),
    [
        ("unix:/run/vnc", LOCAL_ENCODINGS),
        ("tcp:localhost:1", LOCAL_ENCODINGS),
        ("tcp:127.0.0.9:1", LOCAL_ENCODINGS),
        ("tcp:[::1]:1", LOCAL_ENCODINGS),
        ("listen:", LOCAL_ENCODINGS),
        ("listen:0.0.0.0:5500", REMOTE_ENCODINGS),
        ("tcp:192.0.2.1:1", REMOTE_ENCODINGS),
        ("tcp:vnc.example:1", REMOTE_ENCODINGS),
    ],
)
def test_a_server_on_this_host_is_asked_for_raw_pixels(
    endpoint: str, encodings: tuple[int, ...]
) -> None:
    assert default_encodings(parse_endpoint(endpoint)) == encodings


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        (TcpEndpoint("127.0.0.1", 1), "nothing listens at tcp:127.0.0.1:1"),
        (UnixEndpoint(Path("/nonexistent/vnc")), "unix:/nonexistent/vnc does not exist"),
        (UnixEndpoint(Path("/" + "x" * 200)), "cannot be reached"),
        (TcpEndpoint("x" * 80 + ".example", 1), "cannot be reached"),
    ],
)
async def test_nobody_there(endpoint: Endpoint, message: str) -> None:
    ear = Ear()
    await run(new_source(endpoint, ear))
    assert message in ear.lost.message
    assert not ear.lost.permanent


async def test_a_server_that_does_not_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
    ear = Ear()
    await run(new_source(TcpEndpoint("192.0.2.1", 1), ear, timeout_s=0.01))
    assert ear.lost == Lost("tcp:192.0.2.1:1 does not answer", permanent=False)


@pytest.mark.parametrize(
    ("data", "waiting"),
    [
        (b"", "waiting for the server's greeting"),
        (GREETING, "agreeing on a security type"),
        (GREETING + NO_SECURITY, "waiting for the answer"),
        (GREETING + NO_SECURITY + RESULT_OK, "waiting for the desktop's description"),
    ],
)
async def test_a_handshake_that_stops_has_a_deadline(
    data: bytes, waiting: str, tmp_path: Path
) -> None:
    ear = Ear()
    async with serving(tmp_path / "vnc", saying(data)) as endpoint:
        await run(new_source(endpoint, ear, timeout_s=0.05))
    assert waiting in ear.lost.message
    assert not ear.lost.permanent


async def test_another_kind_of_server_is_not_tried_again(tmp_path: Path) -> None:
    ear = Ear()
    async with serving(tmp_path / "vnc", saying(b"SSH-2.0-x\r\n")) as endpoint:
        await run(new_source(endpoint, ear))
    assert ear.lost.permanent
    assert not ear.lost.wrong_credentials
    assert "no RFB (VNC) server" in ear.lost.message


async def test_a_server_without_a_word(tmp_path: Path) -> None:
    async def serve(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return

    ear = Ear()
    async with serving(tmp_path / "vnc", serve) as endpoint:
        await run(new_source(endpoint, ear))
    assert "closed the connection while waiting for the server's greeting" in ear.lost.message
    assert not ear.lost.permanent


def password_server(answer: bytes, asked: asyncio.Queue[bytes]) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ASKING)
        said = await reader.readexactly(13 + 16)
        asked.put_nowait(said[13:])
        writer.write(answer)
        await reader.read()

    return serve


async def test_a_password_known_beforehand_is_used(tmp_path: Path) -> None:
    asked: asyncio.Queue[bytes] = asyncio.Queue()
    serve = password_server(u32(1) + text("no"), asked)
    ear = Ear()
    async with serving(tmp_path / "vnc", serve) as endpoint:
        await run(RfbSource(endpoint, Framebuffer(1, 1), ear, credentials=SECRET))
    assert asked.get_nowait() == response(CHALLENGE, "secret")
    assert ear.events == [ear.lost]
    assert ear.lost.permanent
    assert ear.lost.wrong_credentials
    assert ear.lost.message.endswith("did not accept the password: no")


async def test_a_password_is_asked_for_without_a_deadline(tmp_path: Path) -> None:
    asked: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def react(event: DisplayEvent) -> None:
        if isinstance(event, CredentialsRequired):
            # Longer than the deadline of the handshake.
            loop.call_later(0.3, source.authenticate, SECRET)
        if isinstance(event, Opened):
            task.cancel()

    ear = Ear(react)
    serve = password_server(RESULT_OK + server_init(8, 6), asked)
    async with serving(tmp_path / "vnc", serve) as endpoint:
        source = new_source(endpoint, ear, timeout_s=0.2)
        task = loop.create_task(source.run())
        await asyncio.wait([task])
    assert asked.get_nowait() == response(CHALLENGE, "secret")
    assert ear.events == [CredentialsRequired(False, False), Opened(8, 6, "a desktop")]


async def test_a_server_that_talks_while_a_person_types(tmp_path: Path) -> None:
    ear = Ear()
    async with serving(tmp_path / "vnc", saying(ASKING + bytes(1 << 20))) as endpoint:
        await run(new_source(endpoint, ear))
    assert "talks on" in ear.lost.message


async def test_broken_rules_end_the_link(tmp_path: Path) -> None:
    ear = Ear()
    async with serving(tmp_path / "vnc", saying(opening() + b"\2\x4d")) as endpoint:
        await run(new_source(endpoint, ear))
    assert ear.events[:-1] == [Opened(64, 48, "a desktop"), Bell()]
    assert "type 77" in ear.lost.message
    assert not ear.lost.permanent


async def test_a_listeners_failure_is_raised_and_ends_the_link(tmp_path: Path) -> None:
    def react(event: DisplayEvent) -> None:
        assert not isinstance(event, Bell), "a listener's bug"

    async with serving(tmp_path / "vnc", saying(opening() + b"\2\2")) as endpoint:
        with pytest.raises(AssertionError, match="a listener's bug"):
            await run(new_source(endpoint, Ear(react)))


async def test_other_encodings_can_be_asked_for(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(opening(64, 48))
        said = await reader.readexactly(14 + 20 + 8)
        asked.append(said[-8:])

    mirror = Framebuffer(64, 48)
    version = mirror.version
    async with serving(tmp_path / "vnc", serve) as endpoint:
        await run(RfbSource(endpoint, mirror, Ear(), encodings=[16]))
    assert asked == [set_encodings([16])]
    # A mirror that has the right size already keeps its picture.
    assert mirror.version == version


@pytest.mark.parametrize(("name", "backs_off"), [(b"QEMU", True), (b"XXXX", False)])
async def test_only_qemu_backs_off_and_is_nudged(
    name: bytes, backs_off: bool, tmp_path: Path
) -> None:
    nudge = bytes([255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x76])
    last_words: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(QEMU.replace(b"QEMU", name) + b"\2")
        said = b""
        while not said.endswith(b"\0\0\0\1!"):
            said += await reader.readexactly(1)
        last_words.append(said[-len(nudge) - 9 : -9])

    def react(event: DisplayEvent) -> None:
        if isinstance(event, Bell):
            assert source.idle_backoff is backs_off
            source.nudge()
            source.cut_text("!")

    async with serving(tmp_path / "vnc", serve) as endpoint:
        source = new_source(endpoint, Ear(react))
        await run(source)
    assert (last_words == [nudge]) is backs_off


async def test_a_server_that_does_not_read_misses_motion_and_is_left_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rfb_source, "MOTION_BACKLOG_BYTES", 1000)
    monkeypatch.setattr(rfb_link, "MAX_BACKLOG_BYTES", 100_000)
    gone = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(QEMU + b"\2")
        await gone.wait()

    def react(event: DisplayEvent) -> None:
        if not isinstance(event, Bell):
            return
        link = source._link
        while link.backlog <= 1000:
            source.cut_text("x" * 2000)
        backlog = link.backlog
        source.pointer(1, 1, 0)
        source.motion(1, 1, 0)
        source.nudge()
        assert link.backlog == backlog
        source.pointer(1, 1, 1)
        assert link.backlog == backlog + 6
        source.pointer(2, 2, 1)
        assert link.backlog == backlog + 6
        for _ in range(60):
            source.cut_text("x" * 2000)

    ear = Ear(react)
    async with serving(tmp_path / "vnc", serve) as endpoint:
        source = new_source(endpoint, ear)
        await run(source)
        gone.set()
    assert ear.lost == Lost("the display server has stopped reading", permanent=False)


async def test_tcp_does_not_delay_small_messages() -> None:
    options: list[int] = []

    def react(event: DisplayEvent) -> None:
        if isinstance(event, Opened):
            transport = source._link._transport
            assert transport is not None
            connection: socket.socket = transport.get_extra_info("socket")
            options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            options.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(opening() + b"\2")
        await reader.readexactly(14)
        # A reset instead of an orderly end.
        linger = (1).to_bytes(4, "little") + bytes(4)
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        ear = Ear(react)
        source = new_source(TcpEndpoint("127.0.0.1", server.sockets[0].getsockname()[1]), ear)
        await run(source)
    assert options == [1, 1]
    assert not ear.lost.permanent


CONTINUOUS = 150
REQUEST = 3
ENDED = b"\x96"


ACTS: dict[str, Callable[[RfbSource], object]] = {
    "watch": lambda source: source.watch(True),
    "look away": lambda source: source.watch(False),
    "hold": lambda source: source.hold(True),
    "let go": lambda source: source.hold(False),
    "glance": RfbSource.glance,
    "end": lambda source: source.cut_text("end"),
}


async def conversation(
    path: Path, script: Sequence[bytes | str], *, continuous: bool | None = True
) -> list[tuple[int, int]]:
    """What a source says to a server that acts by *script*, as (message, its first byte).

    A text is what somebody does at the source's side before the server goes on; it is told by
    the clipboard, which comes back in the same order as all the rest.
    """
    said: list[tuple[int, int]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(opening(64, 48))
        await reader.readexactly(14 + 20)
        (count,) = struct.unpack(">xxH", await reader.readexactly(4))
        await reader.readexactly(4 * count)
        for step in script:
            if isinstance(step, str):
                words = step.encode()
                writer.write(b"\3\0\0\0" + u32(len(words)) + words)
            else:
                writer.write(step)
        writer.write(b"\3\0\0\0" + u32(3) + b"end")
        while (message := (await reader.readexactly(1))[0]) != 6:
            said.append((message, (await reader.readexactly(9))[0]))

    def react(event: DisplayEvent) -> None:
        if isinstance(event, CutText):
            ACTS[event.text](source)

    async with serving(path / "vnc", serve) as endpoint:
        source = RfbSource(
            endpoint,
            Framebuffer(1, 1),
            Ear(react),
            continuous=continuous,
            connect_timeout_s=PATIENCE_S,
        )
        await run(source)
    return said


ALL, CHANGES, ON, OFF = (REQUEST, 0), (REQUEST, 1), (CONTINUOUS, 1), (CONTINUOUS, 0)
PAINT = update(rectangle(0, 0, 1, 1, 0, bytes(4)))
RESIZE = update(rectangle(0, 0, 30, 20, PseudoEncoding.DESKTOP_SIZE))
NO_PIXELS = update(rectangle(0, 0, 0, 0, PseudoEncoding.QEMU_EXTENDED_KEY_EVENT))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (["watch", PAINT, PAINT], [ALL, CHANGES, CHANGES]),
        (["watch", ENDED, PAINT, PAINT], [ALL, ON]),
        ([ENDED, "watch", PAINT, PAINT], [ALL, ON]),
        ([ENDED, "watch", RESIZE, PAINT], [ALL, ON, ALL, ON]),
        (["watch", PAINT, ENDED, PAINT], [ALL, CHANGES, ON]),
        ([ENDED, "watch", "look away", ENDED, PAINT], [ALL, ON, OFF]),
        ([ENDED, "watch", "look away", "watch", ENDED, PAINT], [ALL, ON, OFF, CHANGES, ON]),
        ([ENDED, "watch", PAINT, ENDED, PAINT, ENDED], [ALL, ON, CHANGES, CHANGES]),
        (["look away", ENDED, PAINT], []),
        (["glance", PAINT, PAINT], [ALL]),
        (["glance", NO_PIXELS, PAINT, NO_PIXELS], [ALL, CHANGES]),
        (["glance", RESIZE, PAINT], [ALL, ALL]),
        (["glance", NO_PIXELS, "watch", ENDED, NO_PIXELS], [ALL, CHANGES, ON]),
        (["watch", "hold", PAINT, PAINT, "let go"], [ALL, CHANGES]),
        ([ENDED, "watch", "hold", PAINT, PAINT, "let go"], [ALL, ON]),
        (["hold", "watch", ENDED, PAINT, "let go"], [ALL, ON]),
    ],
    ids=[
        "not offered",
        "offered late",
        "offered early",
        "another size",
        "offered between",
        "nobody looks",
        "somebody looks again",
        "the server stops by itself",
        "never watched",
        "a glance",
        "a glance that brings no pixels at first",
        "a glance at another size",
        "a glance, then somebody looks",
        "held",
        "held although updates come by themselves",
        "held, then offered",
    ],
)
async def test_updates_are_asked_for_one_by_one_only_where_they_do_not_come_by_themselves(
    script: Sequence[bytes | str], said: list[tuple[int, int]], tmp_path: Path
) -> None:
    assert await conversation(tmp_path, script) == said


async def test_a_server_on_this_host_is_asked_for_each_update(tmp_path: Path) -> None:
    script: list[bytes | str] = [ENDED, "watch", PAINT, PAINT]
    assert await conversation(tmp_path, script, continuous=None) == [ALL, CHANGES, CHANGES]


class IdleClock:
    """A source's idle clock, turned by a scripted server; the source asks it at each read."""

    def __init__(self) -> None:
        self._now = 0.0
        self._asked = asyncio.Event()

    def __call__(self) -> float:
        self._asked.set()
        return self._now

    async def send(self, writer: asyncio.StreamWriter, data: bytes, wait_s: float) -> None:
        """Send *data*, which the source is to have waited for so long, and let it be read."""
        self._now += wait_s
        self._asked.clear()
        writer.write(data)
        await asyncio.wait_for(self._asked.wait(), PATIENCE_S)


def never_asked() -> float:
    """The idle clock of a source that does not look at how fast pixels come."""
    raise AssertionError("the idle clock was read")


BANDS = [rectangle(0, y, 64, 6, 0, bytes(64 * 6 * 4)) for y in range(0, 48, 6)]
"""A picture."""

WHOLE, NEXT, BY_THEMSELVES = (
    bytes([REQUEST, 0]) + u16(0, 0, 64, 48),
    bytes([REQUEST, 1]) + u16(0, 0, 64, 48),
    bytes([CONTINUOUS, 1]) + u16(0, 0, 64, 48),
)
COMPRESSED = set_encodings(REMOTE_ENCODINGS)


async def send_picture(
    writer: asyncio.StreamWriter, clock: IdleClock, wait_s: float | None
) -> None:
    if wait_s is None:
        writer.write(update(*BANDS))
        return
    await clock.send(writer, b"\0\0" + u16(len(BANDS)), 3600)
    for band in BANDS:
        await clock.send(writer, band, wait_s)


async def said_to(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, order: str = "end"
) -> bytes:
    """What the source has said until it obeyed *order*, which was sent after all the rest."""
    end = b"\6\0\0\0" + u32(3) + b"end"
    for words in dict.fromkeys((order, "end")):
        writer.write(b"\3\0\0\0" + u32(len(words)) + words.encode())
    said = b""
    while not said.endswith(end):
        said += await reader.readexactly(1)
    return said.removesuffix(end)


async def pictures(
    waits_s: Sequence[float | None],
    clock: IdleClock,
    *,
    continuous: bool | None = None,
    offer: bytes = ENDED,
) -> list[bytes]:
    """What a source says to a loopback port when it watches, and after each picture.

    The bands of each picture come so long after one another as *waits_s* has it; None is for
    a source that does not look at it any more.
    """
    said: list[bytes] = []
    done = asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(opening(64, 48) + offer)
            await reader.readexactly(14 + 20 + len(set_encodings(LOCAL_ENCODINGS)))
            said.append(await said_to(reader, writer, "watch"))
            for wait_s in waits_s:
                await send_picture(writer, clock, wait_s)
                said.append(await said_to(reader, writer))
        finally:
            writer.close()
            done.set()

    def react(event: DisplayEvent) -> None:
        if isinstance(event, CutText):
            ACTS[event.text](source)

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        source = RfbSource(
            TcpEndpoint("127.0.0.1", server.sockets[0].getsockname()[1]),
            Framebuffer(1, 1),
            Ear(react),
            continuous=continuous,
            idle_clock=clock,
        )
        await run(source)
        await asyncio.wait_for(done.wait(), PATIENCE_S)
    return said


async def test_a_tunnel_is_noticed_once_and_asked_for_compressed_pixels(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO", rfb_source.__name__):
        said = await pictures([0.0, 0.1, None, None], IdleClock())
    assert said == [WHOLE, NEXT, COMPRESSED + NEXT + BY_THEMSELVES, b"", b""]
    (line,) = (record.getMessage() for record in caplog.records if "tunnel" in record.msg)
    assert "pixels come from tcp:127.0.0.1:" in line
    assert "at about 0.031 MB/s" in line


async def test_a_tunnel_to_a_server_without_continuous_updates() -> None:
    said = await pictures([0.1, None], IdleClock(), offer=b"")
    assert said == [WHOLE, COMPRESSED + NEXT, NEXT]


async def test_a_tunnel_does_not_overrule_what_was_said_of_continuous_updates() -> None:
    said = await pictures([0.1, None], IdleClock(), continuous=False)
    assert said == [WHOLE, COMPRESSED + NEXT, NEXT]


async def test_a_server_on_this_host_is_not_taken_for_a_tunnel() -> None:
    said = await pictures([0.00001, 0.00001, 0.00001], IdleClock())
    assert said == [WHOLE, NEXT, NEXT, NEXT]


async def paint_and_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(opening(64, 48) + update(*BANDS))
    await reader.readexactly(14 + 20)
    writer.close()


async def test_a_unix_socket_is_no_tunnel(tmp_path: Path) -> None:
    ear = Ear()
    async with serving(tmp_path / "vnc", paint_and_leave) as endpoint:
        await run(RfbSource(endpoint, Framebuffer(1, 1), ear, idle_clock=never_asked))
    assert Updated() in ear.events


async def test_encodings_that_were_chosen_stay() -> None:
    ear = Ear()
    async with await asyncio.start_server(paint_and_leave, "127.0.0.1", 0) as server:
        endpoint = TcpEndpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        source = RfbSource(
            endpoint, Framebuffer(1, 1), ear, encodings=LOCAL_ENCODINGS, idle_clock=never_asked
        )
        await run(source)
    assert Updated() in ear.events


def test_idle_time_does_not_pass_while_this_thread_works() -> None:
    start, idle_start = time.thread_time(), idle_time()
    clock_start = time.monotonic()
    while time.thread_time() - start < 0.02:
        pass
    idle_s = idle_time() - idle_start
    assert idle_s <= time.monotonic() - clock_start - 0.019


async def test_orders_that_fail_end_nothing(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(opening() + b"\xfa\0\1\1\2")
        while not (heard and heard[-1].endswith(b"\xfa\0\1\4")):
            heard.append((heard[-1] if heard else b"") + await reader.readexactly(1))
        writer.write(b"\xfa\0\1\0\2")

    def react(event: DisplayEvent) -> None:
        if isinstance(event, PowerOffered):
            assert source.offers_power_control
            source.order_power(PowerOrder.RESET)

    async with serving(tmp_path / "vnc", serve) as endpoint:
        ear = Ear(react)
        source = new_source(endpoint, ear)
        source.order_power(PowerOrder.RESET)
        assert not source.offers_power_control
        await run(source)
    assert not source.offers_power_control
    assert ear.events[:-1] == [Opened(64, 48, "a desktop"), PowerOffered(), Bell(), Bell()]

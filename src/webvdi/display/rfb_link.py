"""One connection to an RFB server: sockets, TLS, deadlines, and how it ended."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from webvdi.base.errors import RemoteProtocolError
from webvdi.display import source
from webvdi.display.endpoint import Endpoint, ListenEndpoint, TcpEndpoint, UnixEndpoint
from webvdi.display.tls import (
    CertificateRejected,
    TlsPolicy,
    check_fingerprint,
    checked_name,
    fingerprint_of,
    new_context,
    rejection,
)
from webvdi.rfb import events
from webvdi.rfb.errors import AuthenticationFailed, NoCommonSecurity, NotRfbServer
from webvdi.rfb.link import Encryption, Phase
from webvdi.rfb.protocol import RfbProtocol

logger = logging.getLogger(__name__)

MAX_BACKLOG_BYTES: Final = 4 << 20
"""With so much unsent the peer has stopped reading, and the link ends."""

_PERMANENT: Final = (AuthenticationFailed, NoCommonSecurity, NotRfbServer)
"""What the next try would meet again."""


class RfbLink(asyncio.BufferedProtocol):
    """The connection: bytes, deadlines, and how it ended."""

    def __init__(
        self,
        endpoint: Endpoint,
        protocol: RfbProtocol,
        tls: TlsPolicy,
        timeout_s: float,
        handle: Callable[[events.Event], None],
        arrived: Callable[[int], None] = lambda _: None,
    ) -> None:
        """*handle* hears each event, *arrived* the size of each read before it is parsed."""
        self._endpoint = endpoint
        self._protocol = protocol
        self._tls = tls
        self._timeout_s = timeout_s
        self._handle = handle
        self._arrived = arrived
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Future[source.Lost]
        """How the link ended, or the listener's exception; all three exist from serve() on."""
        self._tls_required: asyncio.Future[bool]
        """Whether the server that wants TLS has a certificate."""
        self._encrypting = False
        """Whether TLS is being set up, which tells itself why it fails."""
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    async def serve(self) -> source.Lost:
        """Connect and wait for the end."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._tls_required = self._loop.create_future()
        try:
            if isinstance(self._endpoint, ListenEndpoint):
                await self._accept(self._endpoint)
            else:
                async with asyncio.timeout(self._timeout_s):
                    await self._connect(self._endpoint)
        except TimeoutError:
            return source.Lost(f"{self._endpoint} does not answer", permanent=False)
        except (OSError, UnicodeError) as error:
            return source.Lost(_unreachable(self._endpoint, error), permanent=False)
        try:
            await asyncio.wait(
                (self._ended, self._tls_required), return_when=asyncio.FIRST_COMPLETED
            )
            if not self._ended.done():
                await self._encrypt(certificate=self._tls_required.result())
            return await self._ended
        finally:
            self._close()

    async def _connect(self, endpoint: UnixEndpoint | TcpEndpoint) -> None:
        if isinstance(endpoint, UnixEndpoint):
            await self._loop.create_unix_connection(lambda: self, str(endpoint.path))
        else:
            await self._loop.create_connection(lambda: self, endpoint.host, endpoint.port)

    async def _accept(self, endpoint: ListenEndpoint) -> None:
        """Wait for a server as long as it takes; while one is served, others are refused."""
        (family, kind, number, _, address), *_ = await self._loop.getaddrinfo(
            endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind, number) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.setblocking(False)
            door.bind(address)
            door.listen(1)
            logger.info("= waiting for a VNC server at %s", endpoint)
            connection, peer = await self._loop.sock_accept(door)
        logger.info("= a VNC server came from %s", peer[0])
        await self._loop.connect_accepted_socket(lambda: self, connection)

    # --- encryption --------------------------------------------------------------------------

    async def _encrypt(self, *, certificate: bool) -> None:
        """Put TLS between the socket and the protocol; where that fails, the link ends."""
        name: str | None = None
        transport = self._transport
        assert transport is not None
        try:
            name = checked_name(self._tls, self._host_name) if certificate else None
            context = await self._loop.run_in_executor(
                None, partial(new_context, self._tls, certificate=certificate)
            )
            if self._ended.done():
                return
            self._protocol.start_tls()
            self._encrypting = True
            encrypted = await self._loop.start_tls(
                transport,
                self,
                context,
                server_hostname=name,
                ssl_handshake_timeout=self._timeout_s,
            )
            # None is asyncio's word for a connection that was closed meanwhile.
            if encrypted is None or encrypted.is_closing():
                raise ConnectionAbortedError("the connection was closed")
            self._transport, self._encrypting = encrypted, False
            found = encrypted.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if certificate:
                check_fingerprint(self._tls, found)
            self._go_on_encrypted(found)
        except RemoteProtocolError as error:
            self._fail(error)
        except CertificateRejected as error:
            self._end(self._lost(str(error), permanent=True))
        except ssl.SSLCertVerificationError as error:
            fingerprint = await self._offered_fingerprint()
            self._end(self._lost(rejection(error, name, fingerprint), permanent=True))
        except (OSError, ssl.SSLError) as error:
            self._end(self._lost(_not_encrypted(error), permanent=isinstance(error, ssl.SSLError)))

    @property
    def _host_name(self) -> str | None:
        return self._endpoint.host if isinstance(self._endpoint, TcpEndpoint) else None

    def _go_on_encrypted(self, _certificate: bytes | None) -> None:
        if self._ended.done():
            return
        self._protocol.tls_established()
        self._arm()
        self._perform(self._protocol.events())

    async def _offered_fingerprint(self) -> str | None:
        """What to pin, for the message that a certificate was rejected: OpenSSL does not tell it.

        The server is asked once more for its certificate, and told nothing.
        """
        self._disarm()
        if isinstance(self._endpoint, ListenEndpoint):
            return None
        inquiry = _Inquiry(self._endpoint, self._timeout_s)
        await inquiry.serve()
        return inquiry.fingerprint

    @property
    def backlog(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def flush(self) -> None:
        """Send what the protocol has to say; too great a backlog ends the link."""
        data = self._protocol.data_to_send()
        if self._transport is None or not data:
            return
        self._transport.write(data)
        if self.backlog > MAX_BACKLOG_BYTES:
            self._end(source.Lost("the display server has stopped reading", permanent=False))

    def go_on(self) -> None:
        """Parse again after credentials, but not inside of the caller's call."""
        self._arm()
        self._loop.call_soon(lambda: self._perform(self._protocol.events()))

    # --- called by the event loop ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the greeting."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not isinstance(self._endpoint, UnixEndpoint):
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A host that vanished is noticed even while nothing is said.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._arm()

    def get_buffer(self, sizehint: int) -> memoryview:
        """The parser's memory; any will do once the link is over."""
        try:
            return self._protocol.get_buffer(sizehint)
        except RemoteProtocolError as error:
            self._fail(error)
            return memoryview(bytearray(1))

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes arrived."""
        self._arrived(nbytes)
        self._perform(self._protocol.buffer_updated(nbytes))

    def eof_received(self) -> None:
        """The peer closed its side."""
        self._fail(self._protocol.end_of_stream())

    def connection_lost(self, exc: Exception | None) -> None:
        """The network broke (or we closed, which is known already)."""
        if self._encrypting:
            return
        reason = f": {exc}" if exc else ""
        self._end(source.Lost(f"the connection to the display broke{reason}", permanent=False))

    # --- inside ------------------------------------------------------------------------------

    def _perform(self, said: Iterator[events.Event]) -> None:
        try:
            for event in said:
                self._watch_progress(event)
                if isinstance(event, events.TlsRequired):
                    self._stop_reading()
                    self._tls_required.set_result(event.certificate)
                else:
                    self._handle(event)
                if self._ended.done():
                    return
        except RemoteProtocolError as error:
            self._fail(error)
        except Exception as error:
            if not self._ended.done():
                self._ended.set_exception(error)
            self._close()
        else:
            self.flush()

    def _stop_reading(self) -> None:
        """What comes now is for TLS."""
        if self._transport is not None:
            self._transport.pause_reading()

    def _watch_progress(self, event: events.Event) -> None:
        """The handshake has a deadline; people who type and an open link have none."""
        if isinstance(event, events.CredentialsRequired | events.Connected):
            self._disarm()

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self._loop.call_later(self._timeout_s, self._time_out)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_out(self) -> None:
        phase = self._protocol.phase
        hint = "; a VNC server would greet at once" if phase is Phase.VERSION else ""
        message = f"{self._endpoint} was silent for {self._timeout_s:g} s while {phase.value}{hint}"
        self._end(source.Lost(message, permanent=False))

    def _fail(self, error: RemoteProtocolError) -> None:
        self._end(
            self._lost(
                str(error),
                permanent=isinstance(error, _PERMANENT),
                wrong_credentials=isinstance(error, AuthenticationFailed),
            )
        )

    def _lost(
        self, message: str, *, permanent: bool, wrong_credentials: bool = False
    ) -> source.Lost:
        """Where we listen, whoever comes next may be another, so little is permanent there."""
        if isinstance(self._endpoint, ListenEndpoint):
            permanent = wrong_credentials
        return source.Lost(message, permanent, wrong_credentials)

    def _end(self, lost: source.Lost) -> None:
        if not self._ended.done():
            logger.info("! %s: %s", self._endpoint, lost.message)
            self._ended.set_result(lost)
        self._close()

    def _close(self) -> None:
        self._disarm()
        self._protocol.close()
        if self._transport is not None:
            self._transport.abort()


class _Inquiry(RfbLink):
    """A link that ends as soon as it has seen the server's certificate."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        protocol = RfbProtocol(encryption=Encryption(required=True))
        super().__init__(endpoint, protocol, TlsPolicy(anonymous=True), timeout_s, lambda _: None)
        self.fingerprint: str | None = None

    def _go_on_encrypted(self, certificate: bytes | None) -> None:
        self.fingerprint = fingerprint_of(certificate) if certificate else None
        self._end(source.Lost("the certificate has been seen", permanent=True))


def _not_encrypted(error: OSError | ssl.SSLError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else error
    return f"the encryption with the VNC server could not be set up: {reason}"


def _unreachable(endpoint: Endpoint, error: OSError | UnicodeError) -> str:
    """Why connecting failed, for the user."""
    if isinstance(endpoint, ListenEndpoint):
        return f"cannot listen at {endpoint}: {error}"
    match error:
        case FileNotFoundError():
            return f"{endpoint} does not exist: the machine may not be running"
        case ConnectionRefusedError():
            return f"nothing listens at {endpoint}: the machine may not be running"
        case _:
            return f"{endpoint} cannot be reached: {error}"

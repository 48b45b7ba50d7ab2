"""Encrypted links to real servers, and which certificates are accepted: TigerVNC's and x11vnc's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.certificates import Signed, make
from support.vnc import PASSWORD, Watcher, X11vnc, XServer, same_picture
from webvdi.display.endpoint import TcpEndpoint
from webvdi.display.source import Credentials, CredentialsRequired, Lost, Opened
from webvdi.display.tls import TlsPolicy

pytestmark = pytest.mark.qemu

SECRET = Credentials("", PASSWORD)


@asynccontextmanager
async def encrypting(
    directory: Path, types: str, certificate: Signed | None = None
) -> AsyncIterator[XServer]:
    """TigerVNC with these security types."""
    options = ["-SecurityTypes", types, "-PasswordFile", XServer(directory).password_file()]
    if certificate is not None:
        options += ["-X509Cert", str(certificate.certificate_file)]
        options += ["-X509Key", str(certificate.key_file)]
    async with XServer(directory, security=options).running() as server:
        yield server


async def outcome(
    endpoint: TcpEndpoint, tls: TlsPolicy | None, credentials: Credentials | None = None
) -> Lost | None:
    """How the link to a server begins: None if it opens."""
    watcher = Watcher(endpoint, credentials=credentials, tls=tls)
    async with watcher.running():
        return await watcher.outcome()


@pytest.fixture
def authority(tmp_path: Path) -> Signed:
    return make(tmp_path, "authority", authority=True)


@pytest.mark.parametrize("types", ["X509None", "X509Vnc"])
async def test_the_picture_through_tls(types: str, authority: Signed, tmp_path: Path) -> None:
    good = make(tmp_path, "localhost", issuer=authority)
    tls = TlsPolicy(ca_file=authority.certificate_file, host_name="localhost")
    async with encrypting(tmp_path, types, good) as server, server.content():
        watcher = Watcher(server.endpoint, credentials=SECRET, tls=tls)
        async with watcher.running():
            await same_picture(server, watcher)
            transport = watcher.source._link._transport
            assert transport is not None
            assert transport.get_extra_info("cipher") is not None


@pytest.mark.parametrize("types", ["TLSNone", "TLSVnc"])
async def test_anonymous_tls_only_where_it_is_accepted(types: str, tmp_path: Path) -> None:
    async with encrypting(tmp_path, types) as server, server.content():
        watcher = Watcher(server.endpoint, credentials=SECRET, tls=TlsPolicy(anonymous=True))
        async with watcher.running():  # which moves the pointer, and what is below it may change
            await same_picture(server, watcher)
        for tls in (None, TlsPolicy(), TlsPolicy(host_name="localhost")):
            lost = await outcome(server.endpoint, tls, SECRET)
            assert lost is not None
            assert lost.permanent
            assert f"it offers {types}" in lost.message
            assert "'anonymous' accepts that" in lost.message


async def test_a_server_without_encryption_is_left_where_it_is_demanded(tmp_path: Path) -> None:
    async with encrypting(tmp_path, "VncAuth,None") as server:
        lost = await outcome(server.endpoint, TlsPolicy(anonymous=True), SECRET)
        assert lost is not None
        assert lost.permanent
        assert "offers no encryption" in lost.message
        assert await outcome(server.endpoint, None) is None


async def test_without_settings_encryption_is_used_where_the_server_insists(
    authority: Signed, tmp_path: Path
) -> None:
    good = make(tmp_path, "localhost", issuer=authority)
    async with encrypting(tmp_path, "X509None", good) as server:
        lost = await outcome(server.endpoint, None)
        assert lost is not None
        assert lost.permanent
        assert "'ca_file'" in lost.message


async def test_a_self_signed_certificate(tmp_path: Path) -> None:
    own, other = make(tmp_path, "localhost"), make(tmp_path, "other")
    async with encrypting(tmp_path, "X509None", own) as server:
        lost = await outcome(server.endpoint, TlsPolicy(host_name="localhost"))
        assert lost is not None
        assert lost.permanent
        assert "not signed by an authority that is trusted" in lost.message
        assert own.fingerprint in lost.message
        assert await outcome(server.endpoint, TlsPolicy(fingerprint=own.fingerprint)) is None
        its_own = TlsPolicy(ca_file=own.certificate_file, host_name="localhost")
        assert await outcome(server.endpoint, its_own) is None
        lost = await outcome(server.endpoint, TlsPolicy(fingerprint=other.fingerprint))
        assert lost is not None
        assert lost.permanent
        assert own.fingerprint in lost.message
        assert other.fingerprint in lost.message


async def test_a_certificate_for_another_host(authority: Signed, tmp_path: Path) -> None:
    good = make(tmp_path, "vnc.example", issuer=authority)
    async with encrypting(tmp_path, "X509Vnc", good) as server:
        # By its address, and by another name.
        for host in (None, "other.example"):
            tls = TlsPolicy(ca_file=authority.certificate_file, host_name=host)
            lost = await outcome(server.endpoint, tls, SECRET)
            assert lost is not None
            assert lost.permanent
            assert f"is not for {host or '127.0.0.1'!r}" in lost.message
        tls = TlsPolicy(ca_file=authority.certificate_file, host_name="vnc.example")
        assert await outcome(server.endpoint, tls, SECRET) is None


async def test_an_expired_certificate(authority: Signed, tmp_path: Path) -> None:
    old = make(tmp_path, "localhost", issuer=authority, expired=True)
    async with encrypting(tmp_path, "X509None", old) as server:
        tls = TlsPolicy(ca_file=authority.certificate_file, host_name="localhost")
        lost = await outcome(server.endpoint, tls)
        assert lost is not None
        assert lost.permanent
        assert "has expired" in lost.message
        assert await outcome(server.endpoint, TlsPolicy(fingerprint=old.fingerprint)) is None


async def test_a_wrong_password_through_tls_and_one_that_is_asked_for(
    authority: Signed, tmp_path: Path
) -> None:
    good = make(tmp_path, "localhost", issuer=authority)
    tls = TlsPolicy(ca_file=authority.certificate_file, host_name="localhost")
    async with encrypting(tmp_path, "X509Vnc", good) as server:
        lost = await outcome(server.endpoint, tls, Credentials("", "falsch"))
        assert lost is not None
        assert lost.wrong_credentials
        watcher = Watcher(server.endpoint, tls=tls)
        async with watcher.running():
            await watcher.until(lambda: watcher.heard(CredentialsRequired))
            watcher.source.authenticate(SECRET)
            await watcher.until(lambda: watcher.heard(Opened))


async def test_a_user_name_is_asked_for_and_told_only_to_the_right_server(
    authority: Signed, tmp_path: Path
) -> None:
    good = make(tmp_path, "localhost", issuer=authority)
    tls = TlsPolicy(ca_file=authority.certificate_file, host_name="localhost")
    async with encrypting(tmp_path, "X509Plain", good) as server:
        watcher = Watcher(server.endpoint, tls=tls)
        async with watcher.running():
            await watcher.until(lambda: watcher.heard(CredentialsRequired))
            assert watcher.events == [CredentialsRequired(username=True, retry=False)]
        # Nobody may come in by TigerVNC's default, which is told after the password.
        lost = await outcome(server.endpoint, tls, Credentials("nobody", "nothing"))
        assert lost is not None
        assert lost.wrong_credentials


async def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    own = make(tmp_path, "localhost")
    async with encrypting(tmp_path, "X509None", own) as server:
        for path in (tmp_path / "missing.pem", own.key_file):
            lost = await outcome(server.endpoint, TlsPolicy(ca_file=path))
            assert lost is not None
            assert lost.permanent
            assert str(path) in lost.message


async def test_x11vnc_and_vencrypt(tmp_path: Path) -> None:
    # x11vnc knows no keys but RSA's.  Its anonymous modes are not tested: the OpenSSL that Debian
    # gives it refuses them.
    own = make(tmp_path, "localhost", old_key=True)
    both = tmp_path / "both.pem"
    both.write_bytes(own.key_file.read_bytes() + own.certificate_file.read_bytes())
    async with (
        XServer(tmp_path).running() as server,
        server.content(),
        X11vnc(server, "-ssl", str(both), "-vencrypt", "nodh:only").running() as x11vnc,
    ):
        tls = TlsPolicy(fingerprint=own.fingerprint)
        async with Watcher(x11vnc.endpoint, tls=tls).running() as watcher:
            await watcher.until(lambda: watcher.heard(Opened) or watcher.heard(Lost))
            assert not watcher.heard(Lost), watcher.events
            await same_picture(server, watcher)
        lost = await outcome(x11vnc.endpoint, TlsPolicy(host_name="localhost"))
        assert lost is not None
        assert own.fingerprint in lost.message

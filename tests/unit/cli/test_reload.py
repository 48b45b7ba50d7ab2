"""A certificate is loaded again, or everything stays as it was."""

import datetime as dt
import ssl
from pathlib import Path

import pytest

from webvdi.base.errors import Refused
from webvdi.cli.certificate import self_signed
from webvdi.cli.reload import reload_certificate


def pair(directory: Path) -> tuple[Path, Path]:
    directory.mkdir()
    return self_signed(directory, "127.0.0.1", dt.datetime.now(dt.UTC))


def presented(context: ssl.SSLContext) -> str:
    """The certificate that a handshake with *context* shows."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    us = client.wrap_bio(to_client, to_server)
    them = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (us, them, us, them):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    der = us.getpeercert(binary_form=True)
    assert der is not None
    return ssl.DER_cert_to_PEM_cert(der)


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair(tmp_path / "old"))
    return context


def same(context: ssl.SSLContext, certificate: Path) -> bool:
    return presented(context).split() == certificate.read_text().split()


def test_the_next_handshake_shows_the_new_certificate(
    context: ssl.SSLContext, tmp_path: Path
) -> None:
    assert same(context, tmp_path / "old/self-signed.crt")
    new = pair(tmp_path / "new")
    reload_certificate(context, *new, tmp_path)
    assert same(context, new[0])
    assert not list(tmp_path.glob("certificate-*"))


@pytest.mark.parametrize("damage", ["other key", "no key", "junk", "nothing"])
def test_a_bad_pair_changes_nothing(context: ssl.SSLContext, tmp_path: Path, damage: str) -> None:
    certificate, key = pair(tmp_path / "new")
    match damage:
        case "other key":
            key = pair(tmp_path / "third")[1]
        case "no key":
            key.unlink()
        case "junk":
            key.write_text("junk")
        case _:
            certificate.write_text("")
    with pytest.raises(Refused, match=str(certificate)) as caught:
        reload_certificate(context, certificate, key, tmp_path)
    assert caught.value.reason == "bad_certificate"
    assert same(context, tmp_path / "old/self-signed.crt")
    assert not list(tmp_path.glob("certificate-*"))

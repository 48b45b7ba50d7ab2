"""The contract of a security type."""

from typing import Protocol

from webvdi.rfb.events import CredentialsRequired, TlsRequired
from webvdi.rfb.link import Credentials, Link, Phase
from webvdi.rfb.parsing import PAUSE, Parser


class SecurityType(Protocol):
    """One way of logging in."""

    @property
    def number(self) -> int:
        """Its number in RFB."""

    @property
    def always_has_result(self) -> bool:
        """Whether a SecurityResult follows in every version (not for None before 3.8)."""

    def suits(self, link: Link, /) -> bool:
        """Whether it is good enough for what *link* is to be, as far as it has come."""

    def negotiate(self, link: Link, /) -> Parser[None]:
        """Say and hear all between the choice of this type and SecurityResult."""


def ask_credentials(link: Link, *, username: bool) -> Parser[Credentials]:
    """The credentials given beforehand, else those that somebody is asked for now."""
    link.used_credentials = True
    if link.credentials is None:
        link.enter(Phase.CREDENTIALS)
        yield CredentialsRequired(username)
        yield from _until_given(link)
        link.enter(Phase.SECURITY)
    assert link.credentials is not None
    return link.credentials


def ask_tls(link: Link, *, certificate: bool) -> Parser[None]:
    """Have the link encrypted by its owner."""
    link.enter(Phase.TLS)
    yield TlsRequired(certificate)
    yield from _until_encrypted(link)
    link.enter(Phase.SECURITY)


def _until_encrypted(link: Link) -> Parser[None]:
    while not link.encrypted:
        yield PAUSE


def plain_suits(link: Link) -> bool:
    """Whether a security type that does not encrypt is good enough for *link*."""
    return link.encrypted or not link.encryption.required


def _until_given(link: Link) -> Parser[None]:
    while link.credentials is None:
        yield PAUSE

"""Whom to trust at the other end of an encrypted display link.

A :class:`TlsPolicy` stands beside a target's credentials.  Where there is one, the link is
encrypted or does not come to be.  What it accepts is exactly one of: a certificate that the
system's or the given authorities have signed for the right host name; the one certificate with
the given fingerprint; or, expressly, anybody.
"""

import hashlib
import hmac
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FINGERPRINT_DIGITS: Final = 64

# X509_V_ERR_… (OpenSSL, x509_vfy.h)
_NOT_YET_VALID, _EXPIRED = 9, 10
_UNKNOWN_SIGNER: Final = frozenset({2, 18, 19, 20, 21})
_WRONG_NAME: Final = frozenset({62, 64})


class TlsPolicyError(ValueError):
    """TLS settings that make no sense; the message says what to write."""


class CertificateRejected(Exception):
    """The server's certificate is not one that the policy accepts; the message is for the user."""


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """How one target's TLS is checked.  Raises :class:`TlsPolicyError`."""

    ca_file: Path | None = None
    """PEM certificates of the authorities to trust (a self-signed server: its own); None: the
    system's."""
    host_name: str | None = None
    """The name that the certificate is for, where it is not the endpoint's."""
    fingerprint: str | None = None
    """SHA-256 of the one certificate to accept: 64 hexadecimal digits in lower case."""
    anonymous: bool = False
    """Accept whoever answers: encrypted, but perhaps not with the right one."""

    def __post_init__(self) -> None:
        if self.fingerprint is not None:
            object.__setattr__(self, "fingerprint", _digits(self.fingerprint))
        checked = self.ca_file is not None or self.host_name is not None
        if (self.fingerprint is not None) + self.anonymous + checked > 1:
            raise TlsPolicyError(
                "TLS settings contradict each other: give either 'fingerprint', or 'anonymous', "
                "or 'ca_file' and 'host_name'"
            )

    def to_json(self) -> dict[str, str | bool]:
        """What differs from the default, for a JSON object."""
        settings: dict[str, str | bool] = {}
        if self.ca_file is not None:
            settings["ca_file"] = str(self.ca_file)
        if self.host_name is not None:
            settings["host_name"] = self.host_name
        if self.fingerprint is not None:
            settings["fingerprint"] = self.fingerprint
        if self.anonymous:
            settings["anonymous"] = True
        return settings

    @classmethod
    def from_json(cls, settings: object) -> "TlsPolicy":
        """The policy that :meth:`to_json` (or a person) wrote down."""
        if not isinstance(settings, Mapping):
            raise TlsPolicyError("TLS settings are a table of ca_file, host_name and so on")
        for name, value in settings.items():
            kind = _SETTINGS.get(name)
            if kind is None:
                known = ", ".join(_SETTINGS)
                raise TlsPolicyError(f"there is no TLS setting {name!r}; there are {known}")
            if not isinstance(value, kind) or value == "":
                wanted = "true or false" if kind is bool else "a text"
                raise TlsPolicyError(f"the TLS setting {name!r} must be {wanted}, not {value!r}")
        ca_file = settings.get("ca_file")
        return cls(
            Path(ca_file) if ca_file is not None else None,
            settings.get("host_name"),
            settings.get("fingerprint"),
            settings.get("anonymous", False),
        )


_SETTINGS: Final[Mapping[str, type]] = {
    "ca_file": str,
    "host_name": str,
    "fingerprint": str,
    "anonymous": bool,
}


def _digits(fingerprint: str) -> str:
    digits = fingerprint.lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if len(digits) != _FINGERPRINT_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise TlsPolicyError(
            f"{fingerprint!r} is no SHA-256 fingerprint: those have {_FINGERPRINT_DIGITS} "
            "hexadecimal digits"
        )
    return digits


def new_context(policy: TlsPolicy, *, certificate: bool) -> ssl.SSLContext:
    """How to speak with a server that has a *certificate*, or none.

    Raises :class:`CertificateRejected` if the policy's authorities cannot be read.
    """
    if not certificate:
        return _anonymous_context()
    if policy.fingerprint is not None or policy.anonymous:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # check_fingerprint follows
        return context
    try:
        context = ssl.create_default_context(cafile=policy.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise CertificateRejected(
            f"the certificates of the TLS setting 'ca_file' ({policy.ca_file}) cannot be read: "
            f"{error}"
        ) from error
    # A self-signed certificate is its own authority, and so is any other that is given.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return context


def _anonymous_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # TLS 1.3 knows no key exchange without a certificate; OpenSSL keeps the older ones at level 0.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:!eNULL:!3DES:@SECLEVEL=0")
    return context


def checked_name(policy: TlsPolicy, host: str | None) -> str | None:
    """The name to check the certificate for; *host* is the endpoint's, None where it has none.

    Raises :class:`CertificateRejected` if there is none and the policy needs one.
    """
    if policy.fingerprint is not None or policy.anonymous:
        return None
    name = policy.host_name or host
    if name is None:
        raise CertificateRejected(
            "the VNC server's certificate cannot be checked, since the endpoint has no host name: "
            "set the TLS setting 'host_name', or 'fingerprint'"
        )
    return name


def check_fingerprint(policy: TlsPolicy, certificate: bytes | None) -> None:
    """Compare the server's certificate (DER) with the pinned one, if there is one.

    Raises :class:`CertificateRejected`.
    """
    if policy.fingerprint is None:
        return
    found = fingerprint_of(certificate or b"")
    if not hmac.compare_digest(found, policy.fingerprint):
        raise CertificateRejected(
            "the VNC server has another certificate than the one that is expected: its SHA-256 "
            f"fingerprint is {found}, the TLS setting 'fingerprint' says {policy.fingerprint}"
        )


def fingerprint_of(certificate: bytes) -> str:
    """The SHA-256 fingerprint of a certificate (DER), in lower case."""
    return hashlib.sha256(certificate).hexdigest()


def rejection(error: ssl.SSLCertVerificationError, name: str | None, found: str | None) -> str:
    """What is wrong with the certificate for *name*, and which setting would accept it.

    *found* is its fingerprint, where that is known.
    """
    pin = f"; 'fingerprint' = {found!r} accepts exactly this one" if found else ""
    if error.verify_code in _WRONG_NAME:
        return (
            f"the VNC server's certificate is not for {name!r}; if that is all right, set the TLS "
            f"setting 'host_name' to the name it is for{pin}"
        )
    if error.verify_code in _UNKNOWN_SIGNER:
        return (
            f"the VNC server's certificate is not signed by an authority that is trusted here "
            f"({error.verify_message}); set the TLS setting 'ca_file' to a file with its "
            f"authority's certificate{pin}"
        )
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        when = "has expired" if error.verify_code == _EXPIRED else "is not valid yet"
        return f"the VNC server's certificate {when}: it needs a new one{pin}"
    return f"the VNC server's certificate is not acceptable: {error.verify_message}{pin}"

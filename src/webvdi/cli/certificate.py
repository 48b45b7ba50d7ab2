"""A self-signed certificate, kept so that browsers need to trust it only once."""

import datetime as dt
import hashlib
import ipaddress
import os
import socket
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from webvdi.base.errors import Refused
from webvdi.base.files import write_atomic

VALID_DAYS = 397
"""What browsers accept at most for a server certificate."""


def self_signed(directory: Path, host: str, now: dt.datetime) -> tuple[Path, Path]:
    """Certificate and key for *host* in *directory*, made anew when missing or near their end."""
    certificate, key = directory / "self-signed.crt", directory / "self-signed.key"
    kept = _load(certificate) if key.exists() else None
    soon = now + dt.timedelta(days=7)
    if kept is not None and kept.not_valid_after_utc > soon and _names(host) == _kept(kept):
        return certificate, key
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "webvdi")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .sign(private, hashes.SHA256())
    )
    write_atomic(
        key,
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    write_atomic(certificate, signed.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return certificate, key


def _load(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def fingerprint(certificate: Path) -> str:
    """SHA-256 of the certificate, as browsers show it."""
    pem = certificate.read_text(encoding="ascii")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def check_pair(certificate: Path, key: Path) -> None:
    """Refuse files that are no certificate and its key, before anything is started."""
    for path in (certificate, key):
        if not os.access(path, os.R_OK):
            raise Refused(f"{path} cannot be read", reason="bad_certificate")
    try:
        # An empty password: a server that restarts by itself can ask nobody for one.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError) as error:
        raise Refused(
            f"{certificate} and {key} are not a certificate and its key (without a pass phrase): "
            f"{error}",
            reason="bad_certificate",
        ) from error


def _names(host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.DNSName(socket.gethostname()),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    return names


def _kept(certificate: x509.Certificate) -> list[x509.GeneralName]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return list(extension.value)

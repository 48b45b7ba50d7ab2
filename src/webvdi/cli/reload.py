"""A new certificate for a server that runs: no connection is dropped, no socket closed."""

import ssl
import tempfile
from pathlib import Path

from webvdi.base.errors import Refused


def reload_certificate(context: ssl.SSLContext, certificate: Path, key: Path, run: Path) -> None:
    """Let *context* present what the two files hold now, from the next handshake on.

    Raises :class:`Refused` (``bad_certificate``), and then *context* is as it was.
    """
    try:
        pair = [path.read_bytes() for path in (certificate, key)]
        # OpenSSL takes a certificate before it looks at the key, so a bad pair is found out in a
        # context of its own; from copies, for the files may change between the two looks.
        with tempfile.TemporaryDirectory(prefix="certificate-", dir=run) as private:
            copies = (Path(private, "crt"), Path(private, "key"))
            for copy, data in zip(copies, pair, strict=True):
                copy.write_bytes(data)  # the directory is ours alone (0700)
            for each in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), context):
                each.load_cert_chain(copies[0], copies[1], password="")
    except (ssl.SSLError, OSError) as error:
        raise Refused(
            f"{certificate} and {key} are not a certificate and its key (without a pass phrase): "
            f"{error}",
            reason="bad_certificate",
        ) from error

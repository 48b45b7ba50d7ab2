"""Security type VNC Authentication: a DES challenge (RFC 6143 §7.2.2).

It protects little (the password has 8 bytes at most, the session is not encrypted); it is here
because servers ask for it.
"""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Bytes, Parser
from webvdi.rfb.security.security_type import ask_credentials, plain_suits

CHALLENGE_BYTES = 16
KEY_BYTES = 8


class VncAuthentication:
    """A password, proved without being sent."""

    number = 2
    always_has_result = True

    def suits(self, link: Link, /) -> bool:
        """It encrypts nothing itself."""
        return plain_suits(link)

    def negotiate(self, link: Link, /) -> Parser[None]:
        """Answer the server's challenge."""
        challenge = yield CHALLENGE_BYTES
        credentials = yield from ask_credentials(link, username=False)
        link.send(response(challenge, credentials.password))


def response(challenge: Bytes, password: str) -> bytes:
    """*challenge* encrypted with DES under *password*.

    The key is the first 8 bytes of the password, padded with NUL, each with its bits in reverse
    order (rfbproto: VNC Authentication).  DES is triple DES with one key three times.
    """
    padded = password.encode()[:KEY_BYTES].ljust(KEY_BYTES, b"\0")
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in padded)
    # ECB and DES are what the protocol prescribes.
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(challenge) + encryptor.finalize()

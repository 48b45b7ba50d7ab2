"""Signed claims: a small JSON object that only we can have made.

The text is ``base64url(JSON) "." base64url(HMAC-SHA-256)``.  The key is derived per purpose, so a
login cookie can never pass as a ticket.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping

from webvdi.base.errors import Refused

MAX_CLAIMS_BYTES = 4096
"""Bound on the text; ours are under 400 bytes."""


class ClaimsInvalid(Refused):
    """The text was not signed by us for this purpose, or is no longer valid."""


def sign(purpose: str, claims: Mapping[str, object], key: bytes) -> str:
    """The signed text of *claims*."""
    body = json.dumps(dict(claims), separators=(",", ":"), sort_keys=True).encode()
    return f"{_b64(body)}.{_b64(_mac(purpose, body, key))}"


def verify(purpose: str, text: str, key: bytes, *, now: float) -> dict[str, object]:
    """The claims in *text*, whose ``expires`` (seconds since the epoch) lies ahead of *now*.

    Raises :class:`ClaimsInvalid` with reason ``malformed``, ``forged`` or ``expired``.
    """
    if len(text) > MAX_CLAIMS_BYTES:
        raise ClaimsInvalid(f"this {purpose} is not one of ours", reason="malformed")
    try:
        body_text, mac_text = text.split(".")
        body, mac = _unb64(body_text), _unb64(mac_text)
    except (ValueError, binascii.Error) as error:
        raise ClaimsInvalid(f"this {purpose} is not one of ours", reason="malformed") from error
    if not hmac.compare_digest(mac, _mac(purpose, body, key)):
        raise ClaimsInvalid(f"this {purpose} is not one of ours", reason="forged")
    claims: dict[str, object] = json.loads(body)
    expires = claims.get("expires")
    if not isinstance(expires, int | float) or expires <= now:
        raise ClaimsInvalid(f"this {purpose} has expired", reason="expired")
    return claims


def _mac(purpose: str, body: bytes, key: bytes) -> bytes:
    derived = hmac.digest(key, b"webvdi/1/" + purpose.encode(), hashlib.sha256)
    return hmac.digest(derived, body, hashlib.sha256)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)

"""Logins: a one-time token in a link becomes a cookie.

The token is printed by the program on the host; whoever can read that terminal may log in, once.
The cookie then is the login, until it expires or its browser logs out: what was logged out is
remembered until it would have ended anyway, so a copy of the cookie is of no use either.
"""

from dataclasses import dataclass

from webvdi.access.claims import ClaimsInvalid, sign, verify
from webvdi.access.once import Once

TOKEN_LIFETIME_S = 12 * 3600.0
"""A link printed in the morning still works in the afternoon."""

COOKIE_LIFETIME_S = 30 * 24 * 3600.0


def login_token(key: bytes, *, nonce: str, now: float) -> str:
    """A token for a login link."""
    return sign("login link", {"nonce": nonce, "expires": now + TOKEN_LIFETIME_S}, key)


def redeem(token: str, key: bytes, once: Once, *, now: float) -> None:
    """Use up a login token.  Raises :class:`ClaimsInvalid` (reasons as there, and ``used``)."""
    claims = verify("login link", token, key, now=now)
    nonce, expires = str(claims["nonce"]), float(str(claims["expires"]))
    if not once.use(nonce, expires=expires, now=now):
        raise ClaimsInvalid("this login link was used already", reason="used")


def login_cookie(subject: str, key: bytes, *, nonce: str, now: float) -> str:
    """The value of a login cookie for *subject*; *nonce* tells it from all others."""
    expires = now + COOKIE_LIFETIME_S
    return sign("login", {"subject": subject, "nonce": nonce, "expires": expires}, key)


@dataclass(frozen=True, slots=True)
class Login:
    """A signed-in browser."""

    subject: str
    nonce: str
    """Tells this login from all others."""
    until: float
    """Seconds since the epoch."""


def logged_in(cookie: str | None, key: bytes, *, now: float) -> Login | None:
    """Whom *cookie* logs in, or None."""
    if not cookie:
        return None
    try:
        claims = verify("login", cookie, key, now=now)
    except ClaimsInvalid:
        return None
    expires = float(str(claims["expires"]))
    # Those of earlier versions have no nonce; they were made at different times.
    return Login(str(claims["subject"]), str(claims.get("nonce", expires)), expires)

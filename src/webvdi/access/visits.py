"""Visits: what a browser keeps that came by a share link.

The cookie says which links, and which person of those who came by each; whether a link still holds
is asked of the store at every request, so a revoked link ends all its visits.  Somebody who came
by links to several machines has all of them in one cookie, the newest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from webvdi.access.claims import ClaimsInvalid, sign, verify

PURPOSE = "share"

MAX_COOKIE_BYTES = 3800
"""Browsers bound a cookie with its name and attributes at 4096; the oldest visits give way."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One person who came by a share link."""

    share: str
    """The link's id."""
    visitor: str
    """Random; tells apart those who came by the same link."""
    name: str
    """What they want to be called; may be empty."""
    expires: float
    """Seconds since the epoch: the link's own end, or earlier."""

    @property
    def subject(self) -> str:
        """Names the person to the Managed Server."""
        return f"share:{self.share}:{self.visitor}"


def visit_cookie(visits: Sequence[Visit], key: bytes) -> str:
    """The value of the cookie for as many of *visits*, the newest first, as it can hold."""
    rows = [[visit.share, visit.visitor, visit.name, visit.expires] for visit in visits]
    expires = max(visit.expires for visit in visits)
    while True:
        cookie = sign(PURPOSE, {"visits": rows, "expires": expires}, key)
        if len(cookie) <= MAX_COOKIE_BYTES or len(rows) == 1:
            return cookie
        rows.pop()


def visits_of(cookie: str | None, key: bytes, *, now: float) -> tuple[Visit, ...]:
    """The visits that *cookie* tells of and that have not expired, the newest first."""
    if not cookie:
        return ()
    try:
        claims = verify(PURPOSE, cookie, key, now=now)
    except ClaimsInvalid:
        return ()
    rows = claims.get("visits")
    visits = [_visit(row) for row in rows] if isinstance(rows, list) else []
    return tuple(visit for visit in visits if visit.expires > now)


def _visit(row: Sequence[object]) -> Visit:
    share, visitor, name, expires = row
    return Visit(str(share), str(visitor), str(name), float(str(expires)))

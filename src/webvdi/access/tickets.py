"""Tickets: a single-use right to attach to one session in one role.

The portal signs them, the Managed Server checks them; nobody in between can widen one.
"""

from dataclasses import dataclass

from webvdi.access.claims import ClaimsInvalid, sign, verify
from webvdi.access.names import display_name
from webvdi.access.once import Once
from webvdi.base.errors import Refused

TICKET_LIFETIME_S = 60.0
"""From being issued to attaching: a slow page load, not a bookmark."""

PURPOSE = "ticket"


class TicketInvalid(Refused):
    """The ticket opens nothing: forged, expired, used, or from before this server's start."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to attach to *session* as *role* (1 observer, 2 controller, 3 owner)."""

    session: str
    role: int
    subject: str
    nonce: str
    issued: float
    """Seconds since the epoch."""
    expires: float
    share: str = ""
    """The share link that it came by; empty: none."""
    name: str = ""
    """How others see its person; empty: by role."""
    until: float = 0.0
    """Seconds since the epoch at which the access it gives ends; 0: never."""


def issue(
    session: str,
    role: int,
    subject: str,
    key: bytes,
    *,
    nonce: str,
    now: float,
    share: str = "",
    name: str = "",
    until: float = 0.0,
) -> str:
    """A signed ticket text.

    *subject* says whose viewers are one person's.  *name* may come from a stranger:
    it is made fit to show.
    """
    claims = {
        "session": session,
        "role": role,
        "subject": subject,
        "nonce": nonce,
        "issued": now,
        "expires": min(now + TICKET_LIFETIME_S, until or float("inf")),
        "share": share,
        "name": display_name(name),
        "until": until,
    }
    return sign(PURPOSE, claims, key)


class TicketOffice:
    """Checks tickets, each once.

    A ticket from before the office opened is refused: whether it was used then is not known.
    """

    def __init__(self, key: bytes, *, opened: float) -> None:
        self._key = key
        self._opened = opened
        self._once = Once()

    def check(self, text: str, *, now: float) -> Ticket:
        """The ticket, now used.  Raises :class:`TicketInvalid`."""
        ticket = self._read(text, now)
        if ticket.issued < self._opened:
            raise TicketInvalid("this ticket is from before the server's start", reason="early")
        if not self._once.use(ticket.nonce, expires=ticket.expires, now=now):
            raise TicketInvalid("this ticket was used already", reason="used")
        return ticket

    def _read(self, text: str, now: float) -> Ticket:
        try:
            claims = verify(PURPOSE, text, self._key, now=now)
        except ClaimsInvalid as error:
            raise TicketInvalid(str(error), reason=error.reason) from error
        return Ticket(
            session=str(claims["session"]),
            role=int(str(claims["role"])),
            subject=str(claims["subject"]),
            nonce=str(claims["nonce"]),
            issued=float(str(claims["issued"])),
            expires=float(str(claims["expires"])),
            share=str(claims.get("share", "")),
            name=str(claims.get("name", "")),
            until=float(str(claims.get("until", 0.0))),
        )

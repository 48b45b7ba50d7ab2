"""Revoked shares are remembered for longer than a ticket lives, and not for ever."""

from webvdi.access.revocations import KEEP_S, MAX_KEPT, Revocations
from webvdi.access.tickets import TICKET_LIFETIME_S


def test_a_revoked_share_stays_so_while_a_ticket_may_name_it() -> None:
    revoked = Revocations()
    revoked.add("a", now=0)
    revoked.add("b", now=TICKET_LIFETIME_S)
    assert "a" in revoked
    assert "c" not in revoked
    revoked.add("c", now=KEEP_S + 1)
    assert "a" not in revoked
    assert "b" in revoked


def test_there_are_not_endlessly_many() -> None:
    revoked = Revocations()
    for number in range(MAX_KEPT + 5):
        revoked.add(str(number), now=0)
    assert "4" not in revoked
    assert "5" in revoked

"""Tickets open one door, once, for a minute."""

import pytest

from webvdi.access.claims import sign
from webvdi.access.names import display_name
from webvdi.access.tickets import (
    TICKET_LIFETIME_S,
    TicketInvalid,
    TicketOffice,
    issue,
)

KEY = b"k" * 32
NOW = 1_000_000.0


def office(opened: float = NOW - 100) -> TicketOffice:
    return TicketOffice(KEY, opened=opened)


def ticket(now: float = NOW, nonce: str = "n") -> str:
    return issue("demo", 3, "owner", KEY, nonce=nonce, now=now)


def reason(text: str, checker: TicketOffice, now: float = NOW) -> str:
    with pytest.raises(TicketInvalid) as caught:
        checker.check(text, now=now)
    return caught.value.reason


def test_a_fresh_ticket_opens_its_session_in_its_role() -> None:
    checked = office().check(ticket(), now=NOW + 1)
    assert (checked.session, checked.role, checked.subject) == ("demo", 3, "owner")


def test_a_ticket_says_whose_it_is_by_which_share_and_until_when() -> None:
    text = issue("demo", 2, "s", KEY, nonce="n", now=NOW, share="s-1", name="Aki", until=NOW + 3600)
    checked = office().check(text, now=NOW + 1)
    assert (checked.share, checked.name, checked.until) == ("s-1", "Aki", NOW + 3600)


def test_a_ticket_does_not_outlive_the_access_it_gives() -> None:
    text = issue("demo", 2, "s", KEY, nonce="n", now=NOW, until=NOW + 5)
    assert reason(text, office(), now=NOW + 5) == "expired"


def test_the_name_in_a_ticket_is_fit_to_show() -> None:
    text = issue("demo", 2, "s", KEY, nonce="n", now=NOW, name="  Aki\n" + "x" * 1000)
    name = office().check(text, now=NOW).name
    assert name == display_name(name) != ""


def test_a_ticket_works_once() -> None:
    checker = office()
    checker.check(ticket(), now=NOW)
    assert reason(ticket(), checker) == "used"
    checker.check(ticket(nonce="another"), now=NOW)


def test_an_old_ticket_is_expired() -> None:
    assert reason(ticket(), office(), now=NOW + TICKET_LIFETIME_S) == "expired"


def test_a_ticket_from_before_the_servers_start_may_have_been_used() -> None:
    assert reason(ticket(), office(opened=NOW + 1), now=NOW + 2) == "early"


@pytest.mark.parametrize("text", ["", ".", "a.b", "nonsense", "é.é", "x" * 5000, ticket() + "."])
def test_nonsense_is_malformed_or_forged(text: str) -> None:
    assert reason(text, office()) in ("malformed", "forged")


def test_every_changed_character_is_noticed() -> None:
    text = ticket()
    for at in range(0, len(text), 7):
        other = "A" if text[at] != "A" else "B"
        assert reason(text[:at] + other + text[at + 1 :], office()) in ("malformed", "forged")


def test_another_key_or_purpose_signs_no_tickets() -> None:
    claims = {"session": "demo", "role": 3, "subject": "x", "nonce": "n", "issued": NOW}
    claims["expires"] = NOW + 9
    assert reason(sign("ticket", claims, b"other" * 8), office()) == "forged"
    assert reason(sign("login", claims, KEY), office()) == "forged"

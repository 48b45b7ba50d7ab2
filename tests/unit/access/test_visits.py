"""Visits by share links: what the cookie tells, and what it cannot be."""

import pytest

from webvdi.access.claims import sign
from webvdi.access.visits import MAX_COOKIE_BYTES, Visit, visit_cookie, visits_of

KEY = b"k" * 32
VISIT = Visit("s-1", "0123", "Ada", 100.0)


def test_a_cookie_tells_of_the_visit_until_it_ends() -> None:
    cookie = visit_cookie([VISIT], KEY)
    assert visits_of(cookie, KEY, now=99) == (VISIT,)
    assert visits_of(cookie, KEY, now=100) == ()


def test_a_cookie_tells_of_several_visits_the_newest_first() -> None:
    later = Visit("s-2", "4567", "Ada", 200.0)
    cookie = visit_cookie([later, VISIT], KEY)
    assert visits_of(cookie, KEY, now=99) == (later, VISIT)
    assert visits_of(cookie, KEY, now=150) == (later,)


def test_a_cookie_of_many_long_visits_is_one_that_browsers_take() -> None:
    visits = [Visit(f"s-{n:010}", "f" * 16, "\N{PILE OF POO}" * 64, 1.8e9 + n) for n in range(9)]
    cookie = visit_cookie(visits, KEY)
    assert len(cookie) <= MAX_COOKIE_BYTES
    kept = visits_of(cookie, KEY, now=0)
    assert len(kept) >= 3
    assert kept == tuple(visits[: len(kept)])


@pytest.mark.parametrize("cookie", [None, "", "junk", "a.b"])
def test_what_is_no_cookie_of_ours_is_no_visit(cookie: str | None) -> None:
    assert visits_of(cookie, KEY, now=0) == ()


def test_neither_a_login_nor_another_key_makes_a_visit() -> None:
    claims = {"visits": [["s-1", "0", "", 100]], "expires": 100}
    assert visits_of(sign("login", claims, KEY), KEY, now=0) == ()
    assert visits_of(visit_cookie([VISIT], b"x" * 32), KEY, now=0) == ()


def test_the_subject_names_link_and_person() -> None:
    assert VISIT.subject == "share:s-1:0123"

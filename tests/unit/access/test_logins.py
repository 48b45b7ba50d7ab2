"""Login links and cookies."""

import pytest

from webvdi.access.claims import ClaimsInvalid, sign
from webvdi.access.logins import (
    COOKIE_LIFETIME_S,
    TOKEN_LIFETIME_S,
    Login,
    logged_in,
    login_cookie,
    login_token,
    redeem,
)
from webvdi.access.once import Once

KEY = b"k" * 32


def test_a_link_logs_in_once_also_after_a_restart() -> None:
    once = Once()
    token = login_token(KEY, nonce="n", now=0)
    redeem(token, KEY, once, now=1)
    restarted = Once(once.remembered())
    with pytest.raises(ClaimsInvalid, match="used already"):
        redeem(token, KEY, restarted, now=2)


def test_a_link_expires() -> None:
    token = login_token(KEY, nonce="n", now=0)
    with pytest.raises(ClaimsInvalid, match="expired"):
        redeem(token, KEY, Once(), now=TOKEN_LIFETIME_S)


def test_a_cookie_is_a_login_until_it_expires() -> None:
    cookie = login_cookie("owner", KEY, nonce="n", now=0)
    login = Login("owner", "n", COOKIE_LIFETIME_S)
    assert logged_in(cookie, KEY, now=COOKIE_LIFETIME_S - 1) == login
    assert logged_in(cookie, KEY, now=COOKIE_LIFETIME_S) is None
    assert logged_in(cookie, b"x" * 32, now=1) is None
    assert logged_in(None, KEY, now=1) is None
    assert logged_in(login_token(KEY, nonce="n", now=0), KEY, now=1) is None


def test_a_cookie_of_an_earlier_version_is_told_apart_too() -> None:
    first, second = (
        logged_in(sign("login", {"subject": "owner", "expires": expires}, KEY), KEY, now=0)
        for expires in (10.5, 11.5)
    )
    assert first is not None
    assert second is not None
    assert first.nonce != second.nonce

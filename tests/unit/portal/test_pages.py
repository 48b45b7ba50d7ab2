"""The pages: who is shown which, and how a link becomes a login."""

import asyncio
import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from support.portal import URL, TestPortal
from webvdi.portal import login
from webvdi.portal.attempts import MAX_FAILURES, WINDOW_S
from webvdi.portal.pages import BROWSER


@pytest.fixture
def portal(tmp_path: Path) -> TestPortal:
    return TestPortal(tmp_path)


def me(client: TestClient) -> int:
    return client.get("/api/v1/me").status_code


@pytest.fixture
def stranger(portal: TestPortal) -> Iterator[TestClient]:
    with portal.stranger() as client:
        yield client


def leads_to(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def title(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


@pytest.mark.parametrize("path", ["/", "/view?m=a"])
def test_strangers_are_shown_where_to_log_in(stranger: TestClient, path: str) -> None:
    assert leads_to(stranger, path) == "login"
    assert "token" in title(stranger, "/login")


def test_the_link_becomes_a_cookie_and_leaves_the_address_bar(
    portal: TestPortal, stranger: TestClient
) -> None:
    answer = stranger.get(f"/?token={portal.token()}&scale=off")
    assert answer.status_code == 303
    assert answer.headers["location"] == "./?scale=off"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/;" in cookie
    assert "Secure" not in cookie
    assert stranger.get("/api/v1/me").json()["role"] == "owner"


def test_below_a_prefix_the_cookie_stays_there(portal: TestPortal) -> None:
    client = TestClient(portal.portal.app, URL, root_path="/desktops", follow_redirects=False)
    answer = client.get(f"/desktops/?token={portal.token()}")
    assert "Path=/desktops" in answer.headers["set-cookie"]
    assert answer.headers["location"] == "./"


class TestLogOut:
    def test_the_login_ends_here_and_for_whoever_has_a_copy_of_its_cookie(
        self, portal: TestPortal
    ) -> None:
        browser, another = portal.owner(), portal.owner()
        copy = dict(browser.cookies)
        answer = browser.post("/logout")
        assert answer.status_code == 204
        assert not browser.cookies
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert me(browser) == 401
        browser.cookies.update(copy)
        assert me(browser) == 401
        assert me(another) == 200

    def test_it_is_remembered_over_a_restart(self, tmp_path: Path) -> None:
        portal = TestPortal(tmp_path)
        browser = portal.owner()
        copy = dict(browser.cookies)
        browser.post("/logout")
        restarted = TestPortal(tmp_path).stranger()
        restarted.cookies.update(copy)
        assert me(restarted) == 401

    async def test_one_that_could_not_be_written_down_is_no_success_and_is_tried_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        portal = TestPortal(tmp_path)
        browser = portal.owner()
        copy = dict(browser.cookies)
        cookie = "; ".join(f"{name}={value}" for name, value in copy.items())
        headers = [(b"cookie", cookie.encode())]
        scope = {"type": "websocket", "headers": headers}
        screen = asyncio.Task(portal.site.until_disconnected(scope))
        await asyncio.sleep(0)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as broken:
            broken.setattr(login, "write_atomic", full)
            request = Request({"type": "http", "headers": headers})
            with pytest.raises(OSError, match="No space"):
                portal.site.log_out(Response(), request)
            async with asyncio.timeout(1):
                await screen  # what was open by it has ended all the same
            assert browser.post("/logout").status_code == 500
        assert dict(browser.cookies) == copy
        assert browser.post("/logout").status_code == 204
        restarted = TestPortal(tmp_path).stranger()
        restarted.cookies.update(copy)
        assert me(restarted) == 401

    def test_below_a_prefix_it_is_the_cookie_of_there(self, portal: TestPortal) -> None:
        client = TestClient(portal.portal.app, URL, root_path="/desktops", follow_redirects=False)
        client.get(f"/desktops/?token={portal.token()}")
        assert "Path=/desktops" in client.post("/desktops/logout").headers["set-cookie"]
        assert client.get("/desktops/api/v1/me").status_code == 401

    def test_a_visitor_may_come_again(self, portal: TestPortal) -> None:
        portal.add("a")
        token = portal.link("a", control=False)
        visitor = portal.stranger()
        visitor.post("/api/v1/join", json={"token": token})
        assert visitor.post("/logout").status_code == 204
        assert me(visitor) == 401
        visitor.post("/api/v1/join", json={"token": token})
        assert me(visitor) == 200

    def test_a_stranger_has_nothing_to_end(self, stranger: TestClient) -> None:
        answer = stranger.post("/logout")
        assert answer.status_code == 204
        assert "set-cookie" not in answer.headers
        assert stranger.get("/logout").status_code == 405


def test_the_whole_link_can_be_pasted(portal: TestPortal, stranger: TestClient) -> None:
    answer = stranger.post("/login", data={"token": f" {URL}/?token={portal.token()} "})
    assert answer.headers["location"] == "./"
    assert stranger.get("/api/v1/me").status_code == 200


def test_a_token_can_be_pasted(portal: TestPortal, stranger: TestClient) -> None:
    junk = stranger.post("/login", data={"token": "junk"})
    assert junk.headers["location"] == "login?error=malformed"
    good = stranger.post("/login", data={"token": portal.token()})
    assert good.headers["location"] == "./"


def test_over_tls_the_cookie_is_secure(portal: TestPortal, stranger: TestClient) -> None:
    stranger.base_url = "https://127.0.0.1:8470"
    assert "Secure" in stranger.get(f"/?token={portal.token()}").headers["set-cookie"]


def test_a_used_link_is_refused_also_by_a_restarted_process(
    portal: TestPortal, tmp_path: Path
) -> None:
    used = portal.token()
    assert leads_to(portal.stranger(), f"/?token={used}") == "./"
    assert leads_to(TestPortal(tmp_path).stranger(), f"/?token={used}") == "login?error=used"


def test_a_used_link_does_no_harm_to_who_is_logged_in(
    portal: TestPortal, stranger: TestClient
) -> None:
    used = portal.token()
    stranger.get(f"/?token={used}")
    assert leads_to(stranger, f"/?token={used}") == "./"


def test_a_preview_does_not_use_up_the_link(portal: TestPortal, stranger: TestClient) -> None:
    link = f"/?token={portal.token()}"
    stranger.head(link)
    assert leads_to(stranger, link) == "./"


def test_a_login_ends(portal: TestPortal) -> None:
    client = portal.owner()
    assert client.get("/api/v1/me").status_code == 200
    portal.now += 31 * 24 * 3600
    assert leads_to(client, "/") == "login"


def test_who_guesses_has_to_wait(portal: TestPortal, stranger: TestClient) -> None:
    for _ in range(MAX_FAILURES):
        assert leads_to(stranger, "/?token=guess") == "login?error=malformed"
    assert leads_to(stranger, f"/?token={portal.token()}") == "login?error=too_often"
    joining = stranger.post("/api/v1/join", json={"token": "guess"})
    assert joining.status_code == 429
    assert joining.headers["retry-after"] == "60"
    portal.now += WINDOW_S
    assert leads_to(stranger, f"/?token={portal.token()}") == "./"


def test_reloading_a_used_link_is_no_guess(portal: TestPortal) -> None:
    used = portal.token()
    portal.stranger().get(f"/?token={used}")
    for _ in range(MAX_FAILURES + 1):
        assert leads_to(portal.stranger(), f"/?token={used}") == "login?error=used"


def test_one_machine_is_shown_at_once_and_several_are_listed(portal: TestPortal) -> None:
    client = portal.owner()
    machines = title(client, "/")
    view = portal.add("only")
    assert leads_to(client, "/") == f"view?m={view.id}"
    assert leads_to(client, "/?lang=ja&m=other") == f"view?m={view.id}&lang=ja"
    assert title(client, "/?all=1") == machines
    assert title(client, f"/view?m={view.id}") != machines
    portal.add("second")
    assert title(client, "/") == machines


def test_who_came_by_a_link_is_led_to_its_machine(portal: TestPortal) -> None:
    portal.add("a")
    view = portal.add("b")
    client = portal.guest("b")
    assert leads_to(client, "/") == f"view?m={view.id}"
    assert leads_to(client, "/?all=1") == f"view?m={view.id}&all=1"


def test_without_logins_everyone_is_the_owner(tmp_path: Path) -> None:
    portal = TestPortal(tmp_path, auth=False)
    portal.add("only")
    assert leads_to(portal.stranger(), "/").startswith("view?")
    assert portal.stranger().get("/api/v1/me").json()["role"] == "owner"


def test_the_pages_ask_for_nothing_from_elsewhere_and_no_inline_code() -> None:
    pages = list((BROWSER / "portal").glob("*.html"))
    assert {page.name for page in pages} >= {"viewer.html", "login.html"}
    for page in pages:
        text = page.read_text()
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", text)
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)
        assert not re.search(r"\son\w+=|<style|\sstyle=", text)

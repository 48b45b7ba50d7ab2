"""Where to listen, and what is refused."""

import pytest

from webvdi.base.errors import Refused
from webvdi.cli.listen import Listen, check_safe, open_tcp, parse_listen, parse_url


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_listen(text) == address


@pytest.mark.parametrize("text", ["", "x", "1.2.3.4", "1:99999", "a:-1", "a:٣"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(Refused, match="HOST:PORT"):
        parse_listen(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_nothing(host: str) -> None:
    check_safe(Listen(host, 1), auth=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "vdi.example"])
def test_networks_need_tls_and_logins(host: str) -> None:
    with pytest.raises(Refused, match="--tls-self-signed") as caught:
        check_safe(Listen(host, 1), auth=True)
    assert caught.value.reason == "no_tls"
    check_safe(Listen(host, 1, behind_proxy="127.0.0.1"), auth=True)
    with pytest.raises(Refused, match="--no-auth"):
        check_safe(Listen(host, 1, behind_proxy="127.0.0.1"), auth=False)


def test_no_auth_behind_a_proxy_would_be_open_to_the_network() -> None:
    with pytest.raises(Refused, match="proxy"):
        check_safe(Listen("127.0.0.1", 1, behind_proxy="127.0.0.1"), auth=False)


def test_a_bare_ipv6_address_is_sent_into_brackets() -> None:
    with pytest.raises(Refused, match=r"\[::1\]"):
        parse_listen("::1")


def test_urls() -> None:
    assert Listen("127.0.0.1", 8470).url() == "http://127.0.0.1:8470/"
    assert Listen("::1", 8470).url() == "http://[::1]:8470/"


def test_behind_a_proxy_links_name_what_browsers_know() -> None:
    listen = Listen("127.0.0.1", 8470, public=parse_url("https://vdi.example/desk"))
    assert listen.url() == "https://vdi.example/desk/"
    assert not listen.private  # so no ssh tunnel is offered
    assert listen.loopback


@pytest.mark.parametrize(
    "text", ["", "vdi.example", "ftp://vdi.example", "https://", "https://[", "https://a/?b=1"]
)
def test_what_is_no_address_of_a_site_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="https://") as caught:
        parse_url(text)
    assert caught.value.reason == "bad_url"


def test_a_taken_port_is_named() -> None:
    with open_tcp(Listen("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(Refused, match=f"127.0.0.1:{port}.*--listen"):
            open_tcp(Listen("127.0.0.1", port))


def test_an_address_of_another_host_is_named() -> None:
    with pytest.raises(Refused, match=r"198\.51\.100\.7"):
        open_tcp(Listen("198.51.100.7", 0))

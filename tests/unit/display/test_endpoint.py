"""Endpoints as text."""

from pathlib import Path

import pytest

from webvdi.display.endpoint import (
    Endpoint,
    EndpointError,
    ListenEndpoint,
    TcpEndpoint,
    UnixEndpoint,
    parse_endpoint,
)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("unix:/run/vnc", UnixEndpoint(Path("/run/vnc"))),
        ("unix:a:b", UnixEndpoint(Path("a:b"))),
        ("tcp:localhost:5900", TcpEndpoint("localhost", 5900)),
        ("tcp:[::1]:1", TcpEndpoint("::1", 1)),
        ("listen:0.0.0.0:5501", ListenEndpoint("0.0.0.0", 5501)),
        ("listen:[::]:5500", ListenEndpoint("::", 5500)),
    ],
)
def test_text_and_back(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint
    assert str(endpoint) == text


@pytest.mark.parametrize(("text", "port"), [("listen:", 5500), ("listen:5501", 5501)])
def test_listening_is_for_this_host_unless_it_is_said(text: str, port: int) -> None:
    assert parse_endpoint(text) == ListenEndpoint("127.0.0.1", port)


@pytest.mark.parametrize("text", ["", "listen", "unix:", "tcp:", "vnc:x:1", "/run/vnc"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(EndpointError, match="is no endpoint"):
        parse_endpoint(text)


@pytest.mark.parametrize(
    "text",
    ["listen:x", "listen:x:0", "tcp:x", "tcp::1", "tcp:x:0", "tcp:x:65536", "tcp:x:-1", "tcp:x:٣"],
)
def test_tcp_needs_host_and_port(text: str) -> None:
    with pytest.raises(EndpointError, match="1 to 65535"):
        parse_endpoint(text)

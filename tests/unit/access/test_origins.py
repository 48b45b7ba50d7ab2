"""Our page, and everybody else's."""

import pytest

from webvdi.access.origins import same_origin


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "same"),
    [
        ("http://127.0.0.1:8470", "127.0.0.1:8470", "http", True),
        ("https://vdi.example", "vdi.example", "https", True),
        ("https://vdi.example:443", "vdi.example", "https", True),
        ("http://vdi.example", "vdi.example:80", "http", True),
        ("http://[::1]:8470", "[::1]:8470", "http", True),
        ("http://VDI.example", "vdi.example", "http", True),
        (None, "127.0.0.1:8470", "http", True),
        ("http://127.0.0.1:8471", "127.0.0.1:8470", "http", False),
        ("https://127.0.0.1:8470", "127.0.0.1:8470", "http", False),
        ("http://evil.example", "127.0.0.1:8470", "http", False),
        ("null", "127.0.0.1:8470", "http", False),
        ("http://a:b", "a:b", "http", False),
        ("http://x", None, "http", False),
    ],
)
def test_same_origin(origin: str | None, host: str | None, scheme: str, same: bool) -> None:
    assert same_origin(origin, host, scheme) is same

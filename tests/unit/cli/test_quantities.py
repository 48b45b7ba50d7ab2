"""Amounts as people write them."""

from collections.abc import Callable

import pytest

from webvdi.base.errors import Refused
from webvdi.cli.quantities import gibibytes, in_words, mebibytes, seconds, size_in_words


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (mebibytes, "512", 512),
        (mebibytes, "512M", 512),
        (mebibytes, "2g", 2048),
        (mebibytes, "2 GiB", 2048),
        (gibibytes, "40", 40),
        (gibibytes, "1T", 1024),
        (seconds, "90s", 90),
        (seconds, "30m", 1800),
        (seconds, "2h", 7200),
        (seconds, "7d", 604800),
        (seconds, "1w", 604800),
    ],
)
def test_they_are_read(read: Callable[[str], int], text: str, value: int) -> None:
    assert read(text) == value


@pytest.mark.parametrize("read", [mebibytes, gibibytes, seconds])
@pytest.mark.parametrize("text", ["", "0", "-1", "1.5G", "G", "12 parsecs", "٣", "1" * 12])
def test_what_is_none_is_refused_with_an_example(read: Callable[[str], int], text: str) -> None:
    with pytest.raises(Refused, match="write"):
        read(text)


def test_a_plain_number_is_no_time() -> None:
    with pytest.raises(Refused):
        seconds("60")


def test_they_are_said() -> None:
    assert [in_words(s) for s in (0, 59, 60, 7199, 7200, 86400, 172800)] == [
        "0 s",
        "59 s",
        "1 min",
        "119 min",
        "2 h",
        "24 h",
        "2 d",
    ]
    assert [size_in_words(n) for n in (0, 1023, 1536, 20 << 20, 3 << 40)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "20 MiB",
        "3.0 TiB",
    ]

"""Bounds the event streams that are open at a time."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from webvdi.base.errors import Refused

MAX_STREAMS = 64
"""Open streams of the owner, and of each share link: a few tabs for many people."""


class Streams:
    """How many event streams are open, by those who opened them."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextlib.contextmanager
    def one(self, key: str) -> Iterator[None]:
        """Count one of *key*'s while it lasts.  Raises ``Refused`` (``too_many_streams``)."""
        if self._open[key] >= MAX_STREAMS:
            raise Refused(
                f"{MAX_STREAMS} event streams are open already; close some pages",
                reason="too_many_streams",
            )
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

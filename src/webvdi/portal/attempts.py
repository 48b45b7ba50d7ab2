"""Bounds guessing: so many wrong tokens from one address in so many seconds, then a pause.

Pure: the clock is an argument.  Tokens are far too long to be guessed; the bound keeps guessers
from costing anything, and makes them visible.
"""

import math
from collections import OrderedDict, deque
from ipaddress import IPv6Address, IPv6Network, ip_address

MAX_FAILURES = 20
"""Wrong tokens from one address within the window: a person with a bad link needs three."""

WINDOW_S = 60.0

MAX_ADDRESSES = 4096
"""Addresses remembered; the one that failed longest ago gives way."""


class Attempts:
    """Failures by address, in a sliding window."""

    def __init__(self, limit: int = MAX_FAILURES, window_s: float = WINDOW_S) -> None:
        self._limit = limit
        self._window_s = window_s
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def pause_s(self, address: str, now: float) -> int:
        """Whole seconds until *address* may try again; 0 is now."""
        failures = self._failures.get(_household(address))
        if failures is None:
            return 0
        while failures and failures[0] <= now - self._window_s:
            failures.popleft()
        if len(failures) < self._limit:
            return 0
        return max(1, math.ceil(failures[0] + self._window_s - now))

    def failed(self, address: str, now: float) -> None:
        """Note a wrong token."""
        key = _household(address)
        failures = self._failures.setdefault(key, deque(maxlen=self._limit))
        failures.append(now)
        self._failures.move_to_end(key)
        while len(self._failures) > MAX_ADDRESSES:
            self._failures.popitem(last=False)


def _household(address: str) -> str:
    """What counts as one: an IPv4 address, or the /64 that one IPv6 subscriber has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False))

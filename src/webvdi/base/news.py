"""What was heard last of each thing, and whether it is news."""

from collections.abc import MutableMapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def is_news(known: MutableMapping[K, V], key: K, heard: V | None) -> bool:
    """Keep in *known* what was *heard* of *key* (None: nothing is known); whether it is news."""
    if heard == known.get(key):
        return False
    if heard is None:
        del known[key]
    else:
        known[key] = heard
    return True

"""Amounts as people write them: ``2G`` of memory, a disk of ``40G``, a link for ``2h``."""

import re

from webvdi.base.errors import Refused

_AMOUNT = re.compile(r"([0-9]{1,9})\s*([A-Za-z]*)")

_MIB = {"": 1, "m": 1, "mib": 1, "mb": 1, "g": 1 << 10, "gib": 1 << 10, "gb": 1 << 10}
_GIB = {"": 1, "g": 1, "gib": 1, "gb": 1, "t": 1 << 10, "tib": 1 << 10, "tb": 1 << 10}
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def mebibytes(text: str) -> int:
    """Memory in MiB: ``512``, ``512M``, ``2G``.  Raises :class:`Refused`."""
    return _read(text, _MIB, "an amount of memory: write MiB, as in 2048, or 2G")


def gibibytes(text: str) -> int:
    """A disk's size in GiB: ``40``, ``40G``, ``1T``.  Raises :class:`Refused`."""
    return _read(text, _GIB, "a disk size: write GiB, as in 40, or 40G")


def seconds(text: str) -> int:
    """A time: ``90s``, ``30m``, ``2h``, ``7d``, ``2w``.  Raises :class:`Refused`."""
    return _read(text, _SECONDS, "a time: write 30m, 2h or 7d")


def _read(text: str, units: dict[str, int], what: str) -> int:
    found = _AMOUNT.fullmatch(text.strip())
    factor = units.get(found[2].lower()) if found else None
    if found is None or factor is None or int(found[1]) == 0:
        raise Refused(f"{text!r} is not {what}", reason="bad_amount")
    return int(found[1]) * factor


def in_words(seconds: float) -> str:
    """A span in its largest fitting unit: ``45 s``, ``12 min``, ``3 h``, ``5 d``."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{int(seconds // size)} {unit}"
    return f"{int(max(seconds, 0))} s"


def size_in_words(size_bytes: float) -> str:
    """A size in binary units: ``512 B``, ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size_bytes < 1024:
            return (
                f"{size_bytes:.0f} {unit}"
                if size_bytes >= 10 or unit == "B"
                else (f"{size_bytes:.1f} {unit}")
            )
        size_bytes /= 1024
    return f"{size_bytes:.1f} TiB"

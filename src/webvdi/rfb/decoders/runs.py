"""Run lengths as ZRLE writes them (RFC 6143 §7.7.6).

A length is one more than the sum of its bytes; 255 says that another byte follows.
"""

from typing import Final

import numpy as np

from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.pixels import Words, words_of_bgr

_MORE: Final = 255
_NO_RUNS: Final[Words] = np.empty(0, np.uint32)

_RECORD: Final = 4
"""Bytes of a run of at most 255 pixels: the colour's three, and its length."""


def run_length(data: bytes, position: int, end: int) -> tuple[int, int]:
    """The length at *position*, and where what follows begins; nothing at *end* or beyond."""
    length = 1
    while position < end:
        byte = data[position]
        position += 1
        length += byte
        if byte != _MORE:
            return length, position
    raise cut_short()


def coloured_runs(data: bytes, position: int, end: int, size: int) -> tuple[Words, int]:
    """The *size* pixels of runs of colours, and where what follows begins.

    Short runs have records of equal size, so whole stretches of them are read at once; only the
    ones of more than 255 pixels, of which there can be few, are read one by one.
    """
    parts: list[Words] = []
    missing = size
    while missing > 0:
        colours, lengths, position = _short_runs(data, position, end, missing)
        if not len(colours):
            colours, lengths, position = _long_run(data, position, end)
        parts.append(np.repeat(colours, lengths))
        missing -= len(parts[-1])
        if missing < 0:
            raise overrun()
    return np.concatenate(parts), position


def _short_runs(data: bytes, position: int, end: int, missing: int) -> tuple[Words, Words, int]:
    """Colours and lengths of the short runs from *position* on, up to *missing* pixels."""
    count = min(missing, (end - position) // _RECORD)
    if not count:
        return _NO_RUNS, _NO_RUNS, position
    bytes_of_lengths = np.ndarray((count,), np.uint8, data, position + 3, (_RECORD,))
    is_long = bytes_of_lengths == _MORE
    if is_long.any():
        count = int(is_long.argmax())
    lengths = bytes_of_lengths[:count].astype(np.uint32) + np.uint32(1)
    # The run that completes the pixels is the last one.
    count = min(count, int(np.searchsorted(np.cumsum(lengths), missing)) + 1)
    colours = np.ndarray((count,), "<u4", data, position, (_RECORD,)).astype(np.uint32)
    return colours, lengths[:count], position + count * _RECORD


def _long_run(data: bytes, position: int, end: int) -> tuple[Words, Words, int]:
    if position + _RECORD > end:
        raise cut_short()
    length, after = run_length(data, position + 3, end)
    return words_of_bgr(data, position, 1), np.array([length], np.uint32), after


def cut_short() -> RemoteProtocolError:
    """There are fewer bytes than the tiles need."""
    return RemoteProtocolError("the display server sent a ZRLE rectangle that is cut short")


def overrun() -> RemoteProtocolError:
    """A run has more pixels than its tile has left."""
    return RemoteProtocolError("the display server sent a ZRLE run that overruns its tile")

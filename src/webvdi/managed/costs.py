"""What lossless pixels of this session take, as against what is expected of any.

Text of two colours takes a tenth of what antialiased, coloured text does, and a tile does not tell
which it is.  But a session shows much of the same: what updates took corrects what the next ones
are expected to take.  Corrections are steps, and hold for a round of updates, so that viewers that
lack the same go on getting the same.
"""

import math
from typing import Final, NamedTuple

RECT_BYTES: Final = 12
"""Of a rectangle in a sheet, beside its pixels."""


class Bytes(NamedTuple):
    """Of the parts of an update that go without loss."""

    text: float = 0.0
    photo: float = 0.0
    other: float = 0.0
    """What is sure, whatever they show."""


NO_BYTES: Final = Bytes()


class Factors(NamedTuple):
    """By which what is expected is multiplied, steps of √2."""

    text: float = 1.0
    photo: float = 1.0


AS_EXPECTED: Final = Factors()

_LEAST_BYTES: Final = 1000
"""Of less, headers are too large a part to learn anything."""

_MOSTLY: Final = 0.8
"""An update teaches about one kind of content, if so much of it is expected to be of it."""

_MOST: Final = 4.0
"""log2 of the largest factor; its negative is that of the smallest."""

_RISE, _FALL = 0.6, 0.2
"""Weight of what took more, or less, than it was believed to: more is worse."""

_CAUTION: Final = 0.15
"""log2 of what is added to what was learned."""

_HOLD: Final = 0.65
"""Steps that it must be away from a factor for another; half a step would be the nearest."""


class Costs:
    """Of one session."""

    def __init__(self) -> None:
        self.factors = AS_EXPECTED
        """What to reckon with; as of the last :meth:`adopt`."""
        self._learned = [0.0, 0.0]
        """log2, for text and photographs."""

    def learn(self, expected: Bytes, size_bytes: int) -> None:
        """What was *expected* of any session, without factors, took so much."""
        both = expected.text + expected.photo
        if both < _LEAST_BYTES or max(expected[:2]) < _MOSTLY * both:
            return
        which = 0 if expected.text >= expected.photo else 1
        ratio = math.log2(max(size_bytes - expected.other, 1.0) / both)
        ratio = min(max(ratio, -_MOST), _MOST)
        weight = _RISE if ratio > self._learned[which] else _FALL
        self._learned[which] += weight * (ratio - self._learned[which])

    def adopt(self) -> None:
        """From now on reckon with what was learned.

        Not while one round of updates is planned: equal viewers would get different ones.
        """
        pairs = zip(self.factors, self._learned, strict=True)
        self.factors = Factors(*(_step(factor, learned) for factor, learned in pairs))


def _step(factor: float, learned: float) -> float:
    """The factor, or another one where it is too far from what was learned."""
    steps, now = 2 * (learned + _CAUTION), 2 * math.log2(factor)
    return factor if abs(steps - now) < _HOLD else float(2 ** (round(steps) / 2))

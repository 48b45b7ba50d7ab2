"""What many measurements come to."""

from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], fraction: float) -> float:
    """The value below which *fraction* of *values* lie, interpolated between neighbours.

    Raises ValueError for no values or a fraction outside 0 to 1.
    """
    if not values or not 0 <= fraction <= 1:
        raise ValueError(f"no percentile {fraction} of {len(values)} values")
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@dataclass(frozen=True, slots=True)
class Summary:
    """A sample in a few numbers, in the sample's unit."""

    n: int
    mean: float
    p50: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Raises ValueError for no values."""
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        return cls(len(values), sum(values) / len(values), p50, p95)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of one figure over repeated rounds, and how far the rounds lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, rounds: Sequence[float]) -> "Spread":
        """Raises ValueError for no rounds."""
        return cls(percentile(rounds, 0.5), min(rounds), max(rounds))


def alternating(names: Sequence[str], blocks: int) -> list[str]:
    """Whose turn it is, *blocks* turns for each: A B B A A B …, so that a drift hits all alike."""
    order: list[str] = []
    for turn in range(blocks):
        order += names if turn % 2 == 0 else reversed(names)
    return order

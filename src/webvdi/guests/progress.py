"""How far a build has come: data for whoever draws the bar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Progress:
    """One report: *done* of *total* in the current phase, counted in *unit*."""

    phase: str  # for people: "Fetching 101 packages"
    done: int
    total: int  # 0 while it is not known
    unit: Literal["bytes", "items"]


ProgressCallback: TypeAlias = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Tell nobody."""

"""Rectangles: half-open, integer, never negative in size."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Rect:
    """The pixels ``x <= column < x + width`` and ``y <= row < y + height``."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column that is outside."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row that is outside."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """How many pixels it holds."""
        return self.width * self.height

    def intersect(self, other: "Rect") -> "Rect":
        """What both hold; an empty rectangle (area 0) where they do not meet."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Rect(x, y, max(0, right - x), max(0, bottom - y))

    def union(self, other: "Rect") -> "Rect":
        """The smallest rectangle that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def fits(self, width: int, height: int) -> bool:
        """Whether it lies inside a picture of that size."""
        return self.x >= 0 and self.y >= 0 and self.right <= width and self.bottom <= height

"""Where everybody points, for everybody else to see.  Pure."""

from dataclasses import dataclass

from webvdi.managed.messages import ViewerId
from webvdi.wire.to_viewer import RemotePointer

EVERY_S = 0.05
"""A pointer is told to others at most so often."""

HIDE_AFTER_S = 5.0
"""A pointer that rests for so long points at nothing."""


@dataclass(slots=True)
class _Place:
    x: int
    y: int
    moved_at: float
    news: bool = True
    told_at: float = float("-inf")

    @property
    def due(self) -> float:
        return self.told_at + EVERY_S if self.news else self.moved_at + HIDE_AFTER_S


class Pointers:
    """The pointers that are seen."""

    def __init__(self) -> None:
        self._places: dict[ViewerId, _Place] = {}

    def moved(self, viewer: ViewerId, x: int, y: int, now: float) -> None:
        """A viewer's pointer is here."""
        place = self._places.get(viewer)
        if place is None:
            self._places[viewer] = _Place(x, y, now)
        elif (place.x, place.y) != (x, y):
            place.x, place.y, place.moved_at, place.news = x, y, now, True

    def gone(self, viewer: ViewerId) -> list[RemotePointer]:
        """A viewer is not there any more; what the others are to be told."""
        return [_hidden(viewer)] if self._places.pop(viewer, None) is not None else []

    def shown(self) -> list[RemotePointer]:
        """All that are seen just now, for somebody who knows none."""
        return [RemotePointer(v, True, p.x, p.y) for v, p in self._places.items()]

    @property
    def due(self) -> float | None:
        """When :meth:`news` will have some; None if no pointer is seen."""
        return min((place.due for place in self._places.values()), default=None)

    def news(self, now: float) -> list[RemotePointer]:
        """What everybody but the pointer's own viewer is to be told now."""
        news = []
        for viewer, place in list(self._places.items()):
            if now < place.due:
                continue
            if place.news:
                place.news, place.told_at = False, now
                news.append(RemotePointer(viewer, True, place.x, place.y))
            else:
                del self._places[viewer]
                news.append(_hidden(viewer))
        return news


def _hidden(viewer: ViewerId) -> RemotePointer:
    return RemotePointer(viewer, False, 0, 0)

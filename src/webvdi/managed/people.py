"""The people at one screen, as each of them is told of the others.  Pure."""

from dataclasses import dataclass

from webvdi.managed.control import Lease
from webvdi.managed.messages import Admission, Attendee, ViewerId
from webvdi.wire.to_viewer import COLOURS, People, Person, PersonFlag

TELL_EVERY_S = 0.05
"""News of people are gathered for so long: who asks and unasks all the time floods nobody."""


@dataclass(frozen=True, slots=True)
class _Guest:
    viewer: ViewerId
    admission: Admission
    colour: int


class Crowd:
    """Who is connected, in which colour, and what of it was told."""

    def __init__(self) -> None:
        self.lease = Lease()
        self._here: dict[ViewerId, _Guest] = {}
        self._colours: dict[str, int] = {}
        """The colour of every person here; whoever comes back in a minute gets the same."""
        self._told: tuple[Person, ...] | None = ()
        self._news = False
        self._told_at = float("-inf")

    def came(self, viewer: ViewerId, admission: Admission) -> None:
        """A viewer is connected (again)."""
        colour = self._colour_of(admission.subject)
        self._here[viewer] = _Guest(viewer, admission, colour)
        self.lease.join(viewer, admission.subject, admission.role)
        self._told = None  # who has just come was told nothing
        self._news = True

    def went(self, viewer: ViewerId, now: float) -> None:
        """A viewer is not connected any more."""
        if self._here.pop(viewer, None) is not None:
            self.lease.leave(viewer, now)
            self._news = True

    def stirred(self) -> None:
        """Control may have moved."""
        self._news = True

    @property
    def due(self) -> float | None:
        """When news are to be told; None if there are none."""
        return self._told_at + TELL_EVERY_S if self._news else None

    def news(self, now: float) -> dict[ViewerId, People] | None:
        """What each viewer is to be told now, None if nothing is due.

        It is the same to all but for who is meant by *you*.
        """
        if self.due is None or now < self.due:
            return None
        self._news = False
        people = tuple(self._person(guest) for guest in self._here.values())
        if people == self._told:
            return None
        self._told = people
        self._told_at = now
        return {
            viewer: People(self._seen_by(guest, people)) for viewer, guest in self._here.items()
        }

    def attendees(self) -> tuple[Attendee, ...]:
        """Everyone, as the broker is told."""
        return tuple(
            Attendee(
                guest.viewer,
                guest.admission.name,
                guest.admission.role,
                guest.admission.subject == self.lease.holder,
                guest.admission.since,
            )
            for guest in self._here.values()
        )

    def _person(self, guest: _Guest) -> Person:
        admission, lease = guest.admission, self.lease
        flags = PersonFlag.CONTROLS if admission.subject == lease.holder else PersonFlag(0)
        if admission.subject in lease.asking:
            flags |= PersonFlag.ASKS
        return Person(guest.viewer, admission.role, flags, guest.colour, admission.name)

    def _seen_by(self, guest: _Guest, people: tuple[Person, ...]) -> tuple[Person, ...]:
        seen = []
        for person, other in zip(people, self._here.values(), strict=True):
            flags = person.flags
            if other is guest:
                flags |= PersonFlag.YOU
            elif other.admission.subject == guest.admission.subject:
                flags |= PersonFlag.SAME_PERSON
            seen.append(Person(person.viewer, person.role, flags, person.colour, person.name))
        return tuple(seen)

    def _colour_of(self, subject: str) -> int:
        if subject not in self._colours:
            if len(self._colours) >= 4 * COLOURS:  # who has long gone loses their colour
                here = {guest.admission.subject for guest in self._here.values()}
                self._colours = {s: c for s, c in self._colours.items() if s in here}
            used = list(self._colours.values())
            self._colours[subject] = min(range(COLOURS), key=used.count)
        return self._colours[subject]

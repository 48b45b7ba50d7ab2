"""What a session reports, kept."""

import asyncio

from webvdi.managed.messages import Attendee
from webvdi.wire.to_viewer import Machine


class Reports:
    """A :class:`webvdi.managed.session.Reports` that remembers."""

    def __init__(self) -> None:
        self.failure = asyncio.Event()
        self.heard: list[tuple[object, ...]] = []

    def endpoint_lost(self, session: str, generation: str, why: str) -> None:
        self.heard.append(("lost", session, generation, why))

    def people(self, session: str, people: tuple[Attendee, ...]) -> None:
        self.heard.append(("people", session, people))

    def idle(self, session: str) -> None:
        self.heard.append(("idle", session))

    def power(self, session: str, *, offered: bool) -> None:
        self.heard.append(("power", session, offered))

    def link(self, session: str, link: Machine | None) -> None:
        self.heard.append(("link", session, link))

    def failed(self) -> None:
        self.failure.set()

    @property
    def losses(self) -> list[tuple[object, ...]]:
        """Each loss of the display."""
        return [one for one in self.heard if one[0] == "lost"]

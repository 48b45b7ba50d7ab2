"""What a broker brings to viewers: one screen, however it comes to be."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from webvdi.base.errors import Refused
from webvdi.display.endpoint import Endpoint
from webvdi.wire.to_viewer import MachineState


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """How a target is now."""

    state: MachineState
    detail: str
    """Words for the user; empty where there is nothing to say."""
    endpoint: Endpoint | None
    """Where its display is; None while it has none."""
    generation: str
    """Changes whenever the endpoint may mean another run of the machine."""
    can_start: bool = False


class Target(Protocol):
    """A screen that can be looked at, and perhaps started."""

    @property
    def name(self) -> str:
        """Short, stable, of the session-name alphabet."""

    @property
    def title(self) -> str:
        """For people."""

    async def status(self) -> TargetStatus:
        """The truth just now."""

    async def start(self) -> None:
        """Start it; returns when it runs.  Raises WebvdiError with words for the user."""

    def changes(self) -> AsyncIterator[None]:
        """Yields when the status may have changed: a hint, to be followed by :meth:`status`."""


class FixedTarget:
    """An RFB server that is simply there, or not."""

    def __init__(self, name: str, title: str, endpoint: Endpoint) -> None:
        self.name = name
        self.title = title
        self._endpoint = endpoint

    async def status(self) -> TargetStatus:
        """Always the same; whether it answers, the session finds out."""
        return TargetStatus(MachineState.CONNECTING, "", self._endpoint, "fixed")

    async def start(self) -> None:
        """Not ours to start."""
        raise Refused(
            f"{self.title} was not started by webvdi, so webvdi cannot start it",
            reason="not_ours",
        )

    async def changes(self) -> AsyncIterator[None]:
        """Nothing ever changes."""
        never: list[None] = []
        for change in never:
            yield change

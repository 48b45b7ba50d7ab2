"""Hands out hints about changes; of equal ones that wait for a listener, one is kept."""

from webvdi.base.hub import Hub
from webvdi.broker.views import Change


class ChangeHub(Hub[Change]):
    """Hands each change to every listener."""

    def __init__(self) -> None:
        super().__init__(merge=True)

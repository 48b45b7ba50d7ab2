"""The sessions that a Managed Server knows, kept in a file so that a restart knows them, too."""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from webvdi.base.files import write_atomic
from webvdi.wire.to_viewer import MachineState

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SessionRecord:
    """What the router knows of a session."""

    name: str
    title: str
    endpoint: str
    generation: str
    state: int = MachineState.CONNECTING
    detail: str = ""
    password: str | None = None
    tls: dict[str, str | bool] | None = None
    """As :meth:`~webvdi.display.tls.TlsPolicy.to_json` writes it."""

    @property
    def listens(self) -> bool:
        """Whether its display connects to us: then somebody has to be there before it does."""
        return self.endpoint.startswith("listen:")


class Book:
    """Records by name; whoever changes one calls :meth:`save`."""

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._records = self._remembered()

    def get(self, name: str) -> SessionRecord | None:
        """The record of a session, if it is known."""
        return self._records.get(name)

    def put(self, record: SessionRecord) -> None:
        """Enter, or replace, a record."""
        self._records[record.name] = record
        self.save()

    def drop(self, name: str) -> bool:
        """Forget a session; whether it was known."""
        if self._records.pop(name, None) is None:
            return False
        self.save()
        return True

    def __iter__(self) -> Iterator[SessionRecord]:
        return iter(self._records.values())

    def told(self) -> list[dict[str, Any]]:
        """All of them, without passwords."""
        return [asdict(record) | {"password": None} for record in self]

    def save(self) -> None:
        """Write to disk, but for passwords: they are asked again."""
        try:
            write_atomic(self._memory, json.dumps(self.told()).encode())
        except OSError as error:  # the sessions go on; only our restart would not know them
            logger.error("%s cannot be written: %s", self._memory, error)  # noqa: TRY400

    def _remembered(self) -> dict[str, SessionRecord]:
        try:
            rows = json.loads(self._memory.read_bytes())
            return {row["name"]: SessionRecord(**row) for row in rows}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError) as error:
            logger.warning("%s is damaged and is begun anew: %s", self._memory, error)
            return {}

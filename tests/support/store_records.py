"""Records for tests."""

from typing import Any

from webvdi.store import MachineRecord


def machine_record(machine: str, name: str, **changes: Any) -> MachineRecord:
    """A record of a machine, with *changes*."""
    values: dict[str, Any] = {
        "id": machine,
        "key": machine,
        "name": name,
        "phase": "ready",
        "wanted": {"name": name},
        "source": {"kind": "guest", "guest": "tiny"},
        "spec": None,
        "files": None,
        "directory": f"files/{machine}",
        "images": (),
        "autostart": None,
        "at_shutdown": "shutdown",
        "notes": "",
        "created": 1.0,
        "start": False,
        "failure": "",
        "exit_noted": "",
    }
    return MachineRecord(**{**values, **changes})

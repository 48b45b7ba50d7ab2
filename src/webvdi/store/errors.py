"""What can go wrong with the store.

::

    WebvdiError
    └── StoreError
        ├── SchemaTooNew       a newer webvdi wrote the file; nothing was changed
        └── StoreUnavailable   the file cannot be opened, read or written
"""

from pathlib import Path

from webvdi.base.errors import WebvdiError


class StoreError(WebvdiError):
    """Something failed about the records."""


class SchemaTooNew(StoreError):
    """The records are of a version that this webvdi does not know."""

    def __init__(self, path: Path, found: str, newest: str) -> None:
        super().__init__(
            f"{path} was written by a newer webvdi (its schema is {found}, this one knows up to "
            f"{newest}); nothing was changed: use the newer webvdi, or another --state directory"
        )
        self.path = path
        self.found = found


class StoreUnavailable(StoreError):
    """The file cannot be used; the message says what to look at."""

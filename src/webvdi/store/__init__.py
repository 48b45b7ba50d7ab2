"""What outlives the processes: records and queries (SQLAlchemy Core on SQLite).

=============  ====================================================================================
``records``    what is kept, as frozen dataclasses; specs and requests are JSON to this room
``schema``     the tables as they are now;  ``migrations``: how they came to be, numbered
``database``   the file: opened, migrated, refused when a newer webvdi wrote it; transactions
``machines``   queries about machines and their journal;  ``shares``, ``images``: likewise
=============  ====================================================================================

See the room map in ARCHITECTURE.md.
"""

from webvdi.store.database import Database, open_database
from webvdi.store.errors import SchemaTooNew, StoreError, StoreUnavailable
from webvdi.store.records import (
    ImageRecord,
    JournalRecord,
    MachineRecord,
    ShareRecord,
    UploadRecord,
)

__all__ = [
    "Database",
    "ImageRecord",
    "JournalRecord",
    "MachineRecord",
    "SchemaTooNew",
    "ShareRecord",
    "StoreError",
    "StoreUnavailable",
    "UploadRecord",
    "open_database",
]

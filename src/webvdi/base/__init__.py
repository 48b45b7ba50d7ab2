"""Ground floor: error roots, task ownership, logging, paths. No domain words (ARCHITECTURE.md)."""

"""Logging for our processes: one line an event, on stderr, to be read beside each other."""

import logging
import os


def configure_logging() -> None:
    """Log warnings, or what ``WEBVDI_LOG`` (debug, info, warning, error) asks for."""
    level = os.environ.get("WEBVDI_LOG", "warning").upper()
    logging.basicConfig(
        level=level if level in ("DEBUG", "INFO", "WARNING", "ERROR") else "WARNING",
        format="%(asctime)s %(process)d %(levelname).1s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )

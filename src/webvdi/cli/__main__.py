"""``python -m webvdi.cli``: the web process for the supervisor, or the command line."""

import sys
from pathlib import Path

from webvdi.base.logs import configure_logging


def main(arguments: list[str]) -> None:
    """Become the web process, or what was asked for."""
    match arguments:
        case ["web", settings_file, listen_fd]:
            from webvdi.cli import web

            configure_logging()
            web.main(Path(settings_file), int(listen_fd))
        case _:
            from webvdi.cli.main import main as command_line

            command_line()


main(sys.argv[1:])

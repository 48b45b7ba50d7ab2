"""``python -m webvdi.cli``: the web process for the supervisor, or the command line."""

import logging
import sys
from pathlib import Path

from webvdi.base.errors import WebvdiError
from webvdi.base.logs import configure_logging
from webvdi.base.processes import GIVE_UP


def main(arguments: list[str]) -> None:
    """Become the web process, or what was asked for."""
    match arguments:
        case ["web", settings_file, listen_fd, api_fd]:
            from webvdi.cli import web

            configure_logging()
            try:
                web.main(Path(settings_file), int(listen_fd), int(api_fd))
            except WebvdiError as error:  # it cannot work here, and would not the next time
                logging.getLogger(__name__).error("%s", error)  # noqa: TRY400
                sys.exit(GIVE_UP)
        case _:
            from webvdi.cli.main import main as command_line

            command_line()


main(sys.argv[1:])

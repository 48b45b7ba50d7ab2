"""``python -m webvdi.managed``: the two processes of the Managed Server.

``router VIEWERS_FD CONTROL_FD MEMORY KEY_FILE`` and ``worker CHANNEL_FD TURN_FD ...``; the
supervisor starts the first, the router the second.  People use ``webvdi``.
"""

import sys
from pathlib import Path

from webvdi.base.files import secret_at
from webvdi.base.logs import configure_logging


def main(arguments: list[str]) -> None:
    """Become a router or a worker."""
    configure_logging()
    match arguments:
        case ["worker", fd, *turns]:
            from webvdi.managed import worker

            worker.main(int(fd), [int(turn) for turn in turns])
        case ["router", viewers_fd, control_fd, memory, key_file]:
            from webvdi.managed import router

            key = secret_at(Path(key_file))
            router.main(int(viewers_fd), int(control_fd), Path(memory), key)
        case _:
            sys.exit("usage: python -m webvdi.managed router|worker …; people use: webvdi")


main(sys.argv[1:])

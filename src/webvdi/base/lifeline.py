"""A child's lifeline: its standard input is a pipe from its parent, and ends with the parent.

However the parent dies, ``kill -9`` included, the kernel closes the pipe, so no child of a dead
supervisor keeps its ports and sockets.
"""

import asyncio
import os
import stat
from collections.abc import Callable

_STDIN = 0


def watch_lifeline(on_end: Callable[[], None]) -> None:
    """Call *on_end* when the parent is gone.  Without a pipe on stdin this does nothing."""
    if not stat.S_ISFIFO(os.fstat(_STDIN).st_mode):
        return
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(_STDIN, 4096):
            loop.remove_reader(_STDIN)
            on_end()

    loop.add_reader(_STDIN, readable)

"""``python -m benchmarks.fake_service SCREENS COUNT PORT``: ``webvdi serve`` before a fake engine.

Only benchmarks put it together, on XDG's directories: the product's supervisor and Managed Server,
and a web process whose engine runs nothing (:mod:`benchmarks.fake_web`).
"""

import asyncio
import os
import sys
from dataclasses import replace
from functools import partial

from webvdi.base.logs import configure_logging
from webvdi.base.paths import places
from webvdi.cli.claim import SERVE, Holder
from webvdi.cli.door import ServingOptions, open_door
from webvdi.cli.serving import only_one, settings_for
from webvdi.cli.supervisor import Server, Supervisor, servers


def serve(screens: str, count: str, port: str) -> None:
    """Supervise, as ``webvdi serve`` does."""
    where = places()
    where.make()
    with only_one(where) as claimed:
        options = ServingOptions(f"127.0.0.1:{port}", auth=False, open_browser=False)
        door = open_door(options, where.state)
        settings_file = where.run / "web.json"
        settings = settings_for(where, door, autostart=False)
        replace(settings, url=door.listen.url(), auth=False, any_host=False).write(settings_file)
        ours = [
            _before_the_fake(server, screens, count) if server.name == "web" else server
            for server in servers(where.run, where.state / "key", settings_file, door.tcp)
        ]
        url, loopback = door.listen.url(), door.listen.loopback
        claimed.announce(Holder(os.getpid(), SERVE, str(where.run), url, loopback, auth=False))
        supervisor = Supervisor(ours, where.run)
        asyncio.run(supervisor.run(partial(print, f"Open  {url}", flush=True)))


def _before_the_fake(server: Server, screens: str, count: str) -> Server:
    settings_and_sockets = tuple(server.arguments)[3:]
    command = ("-m", "benchmarks.fake_web", screens, count)
    return replace(server, arguments=(*command, *settings_and_sockets))


if __name__ == "__main__":
    configure_logging()
    serve(*sys.argv[1:])

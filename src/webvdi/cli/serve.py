"""``webvdi serve``: this host's machines, for as long as it runs."""

from pathlib import Path

from webvdi.base.paths import places
from webvdi.cli.door import ServingOptions, open_door
from webvdi.cli.serving import Words, only_one, serve, settings_for
from webvdi.cli.terminal import console, program, with_state

FAREWELL = "Stopped serving.  Running machines keep running; {again} finds them again."


def run_serve(options: ServingOptions, state: Path | None, *, autostart: bool) -> None:
    """Serve until SIGTERM or Ctrl-C; SIGHUP reads the certificates again."""
    where = places(state)
    where.make()
    with only_one(where) as claimed:
        door = open_door(options, where.state)
        words = Words(
            farewell=FAREWELL.format(again=with_state(f"{program()} serve", state)),
            another_link=with_state(f"{program()} url", state),
            show_link=console.is_terminal,
        )
        serve(door, settings_for(where, door, autostart=autostart), claimed, words)

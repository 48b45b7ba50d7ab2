"""Speaking to people and to programs: text that is safe to print, tables, JSON."""

import contextlib
import json
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 1000
"""Columns where nobody looks: a table in a pipe is never cut."""

console = Console(highlight=False, soft_wrap=True)

STYLES = {
    "running": "green",
    "live": "green",
    "connecting": "cyan",
    "unreachable": "red",
    "password": "yellow",
    "starting": "cyan",
    "stopping": "cyan",
    "creating": "cyan",
    "deleting": "cyan",
    "paused": "yellow",
    "saved": "blue",
    "crashed": "red",
    "failed": "red",
}


def say(text: str) -> None:
    """Print, if anybody still listens: serving does not depend on an open terminal."""
    with contextlib.suppress(OSError, SystemExit):  # rich ends the program on a broken pipe
        console.print(text)


def note(text: str) -> None:
    """Say something on stderr, beside the output; nothing depends on its being heard."""
    with contextlib.suppress(OSError):
        sys.stderr.write(safe(text) + "\n")
        sys.stderr.flush()


def safe(text: object) -> str:
    """*text* without anything that a terminal obeys: names and words come from others."""
    return "".join(c if c.isprintable() else "·" if c != "\n" else " " for c in str(text))


def state_text(state: str, more: str = "") -> Text:
    """A state, in its colour."""
    return Text(safe(state + more), style=STYLES.get(state, ""))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows below their headings; cut to the terminal's width only where there is a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*[cell if isinstance(cell, Text) else Text(safe(cell)) for cell in row])
    if console.is_terminal:
        console.print(table, soft_wrap=False)
        return
    wide = Console(width=WIDE, force_terminal=False)
    with wide.capture() as captured:
        wide.print(table)
    for line in captured.get().splitlines():
        console.print(line.rstrip(), markup=False)


def print_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Names and values below each other; what has no value is left out."""
    known = [(name, value) for name, value in facts if value not in (None, "", ())]
    wide = max((len(name) for name, _ in known), default=0)
    for name, value in known:
        line = Text(f"{name:<{wide}}  ", style="bold")
        line.append(value if isinstance(value, Text) else Text(safe(value), style="not bold"))
        console.print(line)


def print_list(
    found: Sequence[Any],
    columns: Sequence[str],
    row: Callable[[Any], Sequence[object]],
    *,
    empty: str,
    json: bool,
) -> None:
    """What a command found: as JSON, as a table with a *row* for each, or in words if *empty*."""
    if json:
        print_json(found)
    elif not found:
        console.print(empty)
    else:
        print_table(columns, [row(one) for one in found])


def print_json(value: Any) -> None:
    """The one JSON value of a command that was asked for ``--json``."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def program() -> str:
    """What the user types to call us again: ``webvdi`` where that finds us."""
    ours = Path(sys.argv[0])
    found = shutil.which("webvdi")
    if ours.name != "webvdi" or (found and Path(found).resolve() == ours.resolve()):
        return "webvdi"
    with contextlib.suppress(ValueError):
        return str(ours.absolute().relative_to(Path.cwd()))
    return str(ours.absolute())


def with_state(command: str, state: Path | None) -> str:
    """*command* for the same state directory."""
    return command if state is None else f"{command} --state {shlex.quote(str(state))}"

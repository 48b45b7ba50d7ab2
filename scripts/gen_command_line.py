#!/usr/bin/env python3
"""Write what follows from the command line: its reference, and the systemd units in packaging/.

Run as ``.venv/bin/python scripts/gen_command_line.py``; tests compare the files with what this
would write.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from webvdi.cli.exits import MEANINGS
from webvdi.cli.main import app
from webvdi.cli.service_units import units

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs/reference/command-line.md"
UNITS = ROOT / "packaging/systemd"
BEGIN, END = "<!-- begin: generated -->", "<!-- end: generated -->"


def reference(text: str) -> str:
    """The reference with its generated part written anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{''.join(_generated())}{END}{after}"


def _generated() -> Iterator[str]:
    yield "## Exit codes\n\n| code | meaning |\n|---|---|\n"
    for code, meaning in MEANINGS.items():
        yield f"| {int(code)} | {meaning} |\n"
    yield "\n"
    for path, command in _commands([], get_command(app)):
        yield _section(path, command)


def _commands(path: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    for name, inner in command.commands.items():
        if hasattr(inner, "commands"):
            yield from _commands([*path, name], inner)
        else:
            yield [*path, name], inner


def _section(path: list[str], command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join(["webvdi", *path, *(_metavar(a) for a in arguments)])
    lines = [f"## `webvdi {' '.join(path)}`\n", command.help.strip() + "\n"]
    lines.append(f"`{usage}{' [OPTIONS]' if options else ''}`\n")
    rows = [f"| `{_metavar(a)}` | {_help(a)} |" for a in arguments if a.help]
    rows += [f"| {_names(o)} | {_help(o)} |" for o in options]
    if rows:
        lines.append("\n".join(["| | |", "|---|---|", *rows]) + "\n")
    return "\n".join(lines) + "\n"


def _metavar(argument: Any) -> str:
    name = str(argument.metavar or argument.name.upper())
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _names(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar.replace('|', chr(92) + '|')}"
    names = [f"`{name}{value}`" for name in reversed(option.opts)]
    return " · ".join([*names, *(f"`{name}`" for name in option.secondary_opts)])


def _help(parameter: Any) -> str:
    words = (parameter.help or "").replace("|", "\\|")
    default = parameter.default
    if isinstance(default, str) and default:
        words += f" Default: `{default}`."
    if getattr(parameter, "envvar", None):
        words += f" Also `{parameter.envvar}` in the environment."
    return words


def files() -> dict[Path, str]:
    """Every file that is written here, as it has to be."""
    found = {REFERENCE: reference(REFERENCE.read_text())}
    for flavour in ("user", "system"):
        for unit in units(user=flavour == "user", command="/usr/bin/webvdi"):
            found[UNITS / flavour / unit.name] = unit.text
    return found


def main() -> int:
    """Write them."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())

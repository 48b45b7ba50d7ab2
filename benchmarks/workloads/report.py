"""Tables, goals and plots of figures that were measured before (files written with --json)."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import moving_report
from benchmarks.goals import goals_table, verdicts
from benchmarks.plots import age_plot, bar_plot
from benchmarks.recorded import Recorded, read_files
from benchmarks.runs import Run
from benchmarks.workloads import fanout, sessions, typing

BARS: dict[str, tuple[str, Callable[[Run], float]]] = {
    "fps": ("shown frames a second", lambda run: run.fps),
    "bytes": ("kB a shown frame", lambda run: run.bytes_per_frame / 1000),
    "server": ("gateway and VNC server, ms a shown frame", lambda run: run.server_side_ms),
}


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="taken together")
    parser.add_argument("--plots", type=Path, metavar="DIRECTORY", help="write SVG files there")


def run(arguments: argparse.Namespace) -> None:
    """Print, and plot."""
    recorded = read_files(arguments.files)
    print("\n\n".join(tables(recorded)))
    if arguments.plots is not None:
        arguments.plots.mkdir(parents=True, exist_ok=True)
        for name, svg in plots(recorded.runs).items():
            (arguments.plots / f"{name}.svg").write_text(svg)


def tables(recorded: Recorded) -> list[str]:
    """Everything for which there are figures."""
    found = []
    for (link, under), blocks in recorded.blocks.items():
        where = f"Typing{f' under {under}' if under else ''}, {link or 'no link'}:"
        found.append(f"{where}\n\n{typing.comparison(blocks)}")
    if recorded.runs:
        found.append(moving_report.table(recorded.runs))
    if recorded.costs:
        found.append(fanout.table(recorded.costs))
    if recorded.states:
        found.append(sessions.table(recorded.states))
    return [*found, goals_table(verdicts(recorded))]


def plots(runs: Sequence[Run]) -> dict[str, str]:
    """By the names of their files: ages of each scene over each link, and bars of each scene."""
    found = {}
    for scene in dict.fromkeys(run.scene for run in runs):
        links = _by(lambda run: run.link, [run for run in runs if run.scene == scene])
        for link, here in links.items():
            peers = _by(lambda run: run.peer, here)
            found[f"age-{scene}-{link}"] = age_plot(f"{scene}, {link}: age of shown frames", peers)
        for name, (unit, of) in BARS.items():
            groups = {
                link: {
                    peer: [of(run) for run in each]
                    for peer, each in _by(lambda run: run.peer, here).items()
                }
                for link, here in links.items()
            }
            found[f"{name}-{scene}"] = bar_plot(scene, unit, groups)
    return found


def _by(key: Callable[[Run], str], runs: Sequence[Run]) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for each in runs:
        groups.setdefault(key(each), []).append(each)
    return groups

"""The tables of the moving workloads."""

from collections.abc import Callable, Sequence

from benchmarks.report import markdown_table, spread
from benchmarks.runs import Run
from benchmarks.samples import Spread

HEAD = (
    "scene, link",
    "peer",
    "shown fps",
    "age p50 ms",
    "age p95 ms",
    "kB a frame",
    "Mbit/s",
    "kB in all",
    "gateway ms",
    "VNC server ms",
    "browser ms",
    "exact after s",
    "allowed s",
    "largest difference",
    "torn %",
)
"""The three before "exact" are processor time a shown frame."""


def table(runs: Sequence[Run]) -> str:
    """Every scene and link with its peers: medians of the rounds, with the lowest and highest."""
    rows = []
    for scene, link in dict.fromkeys((run.scene, run.link) for run in runs):
        here = [run for run in runs if (run.scene, run.link) == (scene, link)]
        name = f"{scene}, {link}"
        for peer in dict.fromkeys(run.peer for run in here):
            rows.append([name, peer, *_row([run for run in here if run.peer == peer])])
            name = ""
    return markdown_table(HEAD, rows)


def _row(rounds: Sequence[Run]) -> list[str]:
    def figure(of: Callable[[Run], float], digits: int = 1) -> str:
        return _spread([of(run) for run in rounds], digits)

    return [
        figure(lambda run: run.fps),
        _ages(rounds, "p50"),
        _ages(rounds, "p95"),
        figure(lambda run: run.bytes_per_frame / 1000),
        figure(lambda run: run.mbit),
        figure(lambda run: run.received_in_all / 1000, 0),
        figure(lambda run: run.cpu_ms(run.gateway_cpu_s)),
        figure(lambda run: run.cpu_ms(run.server_cpu_s)),
        figure(lambda run: run.cpu_ms(run.browser_cpu_s)),
        _exact(rounds),
        figure(lambda run: run.rest.allowed_s, 2),
        figure(lambda run: run.rest.largest_difference, 0),
        figure(lambda run: 100 * run.torn / max(1, run.looks), 0),
    ]


def _spread(values: Sequence[float], digits: int) -> str:
    """A single round has none."""
    return f"{values[0]:.{digits}f}" if len(values) == 1 else spread(Spread.of(values), digits)


def _ages(rounds: Sequence[Run], which: str) -> str:
    ages = [run.ages for run in rounds]
    found = [getattr(age, which) for age in ages if age is not None]
    return _spread(found, 0) if found else "none seen"


def _exact(rounds: Sequence[Run]) -> str:
    times = [run.rest.exact_s for run in rounds]
    found = [at for at in times if at is not None]
    if len(found) < len(times):
        return "never" if not found else f"{len(found)} of {len(times)} rounds"
    return _spread(found, 2)

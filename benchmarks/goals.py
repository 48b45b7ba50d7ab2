"""What webvdi is to reach beside noVNC, and whether figures reach it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.links import LINKS
from benchmarks.recorded import Recorded
from benchmarks.report import markdown_table
from benchmarks.runs import Run
from benchmarks.samples import Spread
from benchmarks.workloads.fanout import Cost
from benchmarks.workloads.typing import Block, Figures

T = TypeVar("T")

OURS, THEIRS = "webvdi", "noVNC"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal."""

    what: str
    ours: float
    theirs: float | None
    """None where the goal is no comparison."""
    wanted: str
    met: bool

    @property
    def row(self) -> list[str]:
        """Cells of :func:`goals_table`."""
        theirs = "" if self.theirs is None else _number(self.theirs)
        ratio = f"{self.ours / self.theirs:.3g}" if self.theirs else ""
        return [self.what, _number(self.ours), theirs, ratio, self.wanted, _word(self.met)]


def verdicts(recorded: Recorded, ours: str = OURS) -> list[Verdict]:
    """Of every goal for which there are figures, by medians of the rounds."""
    return [
        *_typing(recorded, ours),
        *_moving(recorded.runs, ours),
        *_exactness(recorded.runs, ours),
        *_fanout([cost for cost in recorded.costs if cost.name == ours]),
        *_idle(recorded),
    ]


def goals_table(found: Sequence[Verdict]) -> str:
    """All of them."""
    head = ("goal", "webvdi", "noVNC", "ratio", "wanted", "met")
    return markdown_table(head, [verdict.row for verdict in found])


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _word(met: bool) -> str:
    return "yes" if met else "**no**"


def _at_most(what: str, ours: float, theirs: float, factor: float, more: float = 0.0) -> Verdict:
    added = f" + {more:g}" if more else ""
    return Verdict(what, ours, theirs, f"≤ {factor:g} ×{added}", ours <= factor * theirs + more)


# ------------------------------------------------------------------------- typing


def _typing(recorded: Recorded, ours: str) -> Iterator[Verdict]:
    for (link, under), blocks in recorded.blocks.items():
        if {ours, THEIRS} - {block.peer for block in blocks}:
            continue
        what = f"key to pixel{f' under {under}' if under else ''}, {link or 'no link'}"
        for name, factor, more in (("p50", 1, 3), ("p95", 1.15, 0)):
            one, other = (_latency(blocks, peer, name) for peer in (ours, THEIRS))
            if under:
                yield _at_most(f"{what}, {name} ms", one, other, 0.35)
            else:
                yield _at_most(f"{what}, {name} ms", one, other, factor, more)


def _latency(blocks: Sequence[Block], peer: str, which: str) -> float:
    theirs = [block for block in blocks if block.peer == peer]
    numbers = sorted({block.round for block in theirs})
    rounds = [Figures.of([b for b in theirs if b.round == number]) for number in numbers]
    return Spread.of([getattr(figures.latency, which) for figures in rounds]).median


# ------------------------------------------------------------------------- what moves

FPS = {("scroll", "lan"): 2.5, ("scroll", "80ms"): 8, ("drag", "lan"): 2.5, ("drag", "80ms"): 2.5}


def _moving(runs: Sequence[Run], ours: str) -> Iterator[Verdict]:
    for scene, link in dict.fromkeys((run.scene, run.link) for run in runs):
        here = [run for run in runs if (run.scene, run.link) == (scene, link)]
        mine = [run for run in here if run.peer == ours]
        theirs = [run for run in here if run.peer == THEIRS]
        if mine and theirs:
            yield from _beside(f"{scene}, {link}", mine, theirs)
        if mine and scene in ("scroll", "drag"):
            yield _age(f"{scene}, {link}", mine)


def _beside(where: str, mine: Sequence[Run], theirs: Sequence[Run]) -> Iterator[Verdict]:
    scene, link = mine[0].scene, mine[0].link

    def both(of: Callable[[Run], float]) -> tuple[float, float]:
        return _median(mine, of), _median(theirs, of)

    if (scene, link) in FPS:
        factor = FPS[scene, link]
        one, other = both(lambda run: run.fps)
        yield Verdict(f"{where}: shown fps", one, other, f"≥ {factor:g} ×", one >= factor * other)
    if scene in ("scroll", "drag"):
        yield _at_most(f"{where}: kB a frame", *both(lambda run: run.bytes_per_frame / 1000), 0.05)
    if scene == "office":
        yield _at_most(f"{where}: kB in all", *both(lambda run: run.received_in_all / 1000), 0.3)
    what = f"{where}: gateway and VNC server, ms a frame"
    yield _at_most(what, *both(lambda run: run.server_side_ms), 1)


def _age(where: str, mine: Sequence[Run]) -> Verdict:
    ages = [run.ages.p95 if run.ages else float("inf") for run in mine]
    age, limit = Spread.of(ages).median, LINKS[mine[0].link].round_trip_s * 1000 + 150
    return Verdict(f"{where}: age p95 ms", age, None, f"≤ {limit:g}", age <= limit)


def _exactness(runs: Sequence[Run], ours: str) -> Iterator[Verdict]:
    mine = [run for run in runs if run.peer == ours]
    for scene, link in dict.fromkeys((run.scene, run.link) for run in mine):
        rests = [run.rest for run in mine if (run.scene, run.link) == (scene, link)]
        never = float("inf")
        exact = Spread.of([never if r.exact_s is None else r.exact_s for r in rests]).median
        allowed = Spread.of([rest.allowed_s for rest in rests]).median
        what = f"{scene}, {link}: exact after s"
        yield Verdict(what, exact, None, f"≤ {allowed:.2f}", exact <= allowed)


# ------------------------------------------------------------------------- the server alone


def _fanout(costs: Sequence[Cost]) -> Iterator[Verdict]:
    counts = sorted({cost.viewers for cost in costs})
    if counts and (counts[0], counts[-1]) == (1, 16):
        one, many = (
            _median([c for c in costs if c.viewers == count], lambda c: c.server_side_ms)
            for count in (1, 16)
        )
        what = "16 viewers beside one: gateway and VNC server, ms an update"
        yield Verdict(what, many, None, f"≤ 3 × {one:.3g}", many <= 3 * one)


def _idle(recorded: Recorded) -> Iterator[Verdict]:
    for state in recorded.states:
        if state.situation == "1 viewer at rest" and state.shares:
            percent = Spread.of([share.cpu_percent for share in state.shares]).median
            what = "idle session with a viewer, % of a core"
            yield Verdict(what, percent, None, "≤ 0.2", percent <= 0.2)


def _median(things: Sequence[T], of: Callable[[T], float]) -> float:
    return Spread.of([of(thing) for thing in things]).median

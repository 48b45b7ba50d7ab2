"""The lines that workloads have written with ``--json``, read again."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.runs import Rest, Run
from benchmarks.usage import Memory, Share
from benchmarks.workloads.fanout import Cost
from benchmarks.workloads.sessions import State
from benchmarks.workloads.typing import Block


@dataclass(slots=True)
class Recorded:
    """Everything that some runs came to."""

    facts: list[dict[str, str]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    blocks: dict[tuple[str, str], list[Block]] = field(default_factory=dict)
    """Of typing: by the link, "" for none, and by what went on meanwhile, "" for nothing."""
    costs: list[Cost] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def take(self, kind: str, fields: dict[str, Any]) -> None:
        """One line; kinds that are none of these are passed over."""
        match kind:
            case "facts":
                self.facts.append(fields)
            case "run":
                self.runs.append(Run(**{**fields, "rest": Rest(**fields["rest"])}))
            case "block":
                where = fields.pop("link", ""), fields.pop("under", "")
                self.blocks.setdefault(where, []).append(Block(**fields))
            case "fanout":
                self.costs.append(Cost(**fields))
            case "state":
                self.states.append(_state(fields))
            case _:
                pass


def read(lines: Iterable[str]) -> Recorded:
    """Lines of a file.  Raises ValueError where one is no JSON object."""
    recorded = Recorded()
    for line in lines:
        fields = json.loads(line)
        recorded.take(fields.pop("kind"), fields)
    return recorded


def read_files(files: Sequence[Path]) -> Recorded:
    """All of them together."""
    return read(line for file in files for line in file.read_text().splitlines())


def _state(fields: dict[str, Any]) -> State:
    memory, workers = Memory(**fields["memory"]), Memory(**fields["workers"])
    shares = [Share(**each) for each in fields["shares"]]
    return State(fields["situation"], memory, workers, shares, fields["load"])

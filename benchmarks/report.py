"""Tables for people, lines for programs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.samples import Spread


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, all others are figures."""
    cells = [list(head), ["---", *["---:"] * (len(head) - 1)], *[list(row) for row in rows]]
    if any(len(row) != len(head) for row in rows):
        raise ValueError("a row with another number of columns than the head")
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def spread(figure: Spread, digits: int = 1) -> str:
    """Median over the rounds, with the lowest and the highest in brackets."""
    median, low, high = (
        f"{value:.{digits}f}" for value in (figure.median, figure.low, figure.high)
    )
    return f"{median} ({low}–{high})"


class JsonLines:
    """Writes one JSON object a line; without a path it writes nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.write_text("")

    def write(self, kind: str, fields: Mapping[str, object]) -> None:
        """Append a line."""
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"kind": kind, **fields}) + "\n")

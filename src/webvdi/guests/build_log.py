"""The log of one build: every command, what it printed, and what was decided."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO


class BuildLog:
    """Writes lines to a file at once, with the seconds since the build began."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._clock = clock
        self._began = clock()
        self._file = path.open("w", encoding="utf-8", errors="replace")

    def line(self, text: str) -> None:
        """Write one line (or a block of lines)."""
        self._file.write(f"[{self._clock() - self._began:7.2f}] {text.rstrip()}\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; it stays."""
        self._file.close()

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and log it; the caller reads the return code."""
        self.line("$ " + " ".join(argv))
        result = subprocess.run(
            argv, env=env, cwd=cwd, capture_output=True, text=True, errors="replace"
        )
        self.outcome(result.returncode, result.stderr)
        return result

    def outcome(self, returncode: int, errors: str) -> None:
        """Log how a command ended."""
        if errors.strip():
            self.line(errors)
        if returncode != 0:
            self.line(f"! exit status {returncode}")

    @property
    def file(self) -> IO[str]:
        """The open file, for a command's output to go to."""
        return self._file

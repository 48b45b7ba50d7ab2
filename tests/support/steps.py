"""Every step of an engine that the world could see, by name, so that a test can act before it.

A *step* is a file that appears, changes its name or goes, a program that is started, a word to
QEMU, a signal.  Names are the same in every run: ids of machines are replaced, and what repeats
itself gets a number, except for questions, which are asked until the answer fits.
"""

import asyncio
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from webvdi.vmm.qemu import processes
from webvdi.vmm.qemu.monitor import Monitor
from webvdi.vmm.qemu.resources import shm_directory

_QUESTIONS = frozenset({"query-migrate", "query-status"})


class Steps:
    """Calls *on_step* before each step, from the making of this object until :meth:`end`."""

    def __init__(self, on_step: Callable[[str], None]) -> None:
        self._on_step = on_step
        self._seen: Counter[str] = Counter()
        self._undo: list[Callable[[], None]] = []
        self._files()
        self._words()

    def end(self) -> None:
        """Watch no longer."""
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()

    def _step(self, name: str) -> None:
        name = re.sub(r"\bm[0-9a-f]{10}\b", "ID", name)
        self._seen[name] += 1
        number = self._seen[name]
        if number > 1 and name.removeprefix("qmp ") in _QUESTIONS:
            return
        self._on_step(name if number == 1 else f"{name} ({number})")

    def _patch(self, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        self._undo.append(lambda: setattr(owner, name, original))
        setattr(owner, name, wrap(original))

    def _before(self, owner: Any, name: str, told: Callable[..., str | None]) -> None:
        """Make ``owner.name`` a step, called as *told* says of its arguments; None is no step."""

        def wrap(original: Any) -> Any:
            def wrapped(*arguments: Any, **options: Any) -> Any:
                step = told(*arguments)
                if step is not None:
                    self._step(step)
                return original(*arguments, **options)

            return wrapped

        self._patch(owner, name, wrap)

    def _files(self) -> None:
        self._before(Path, "replace", lambda _, target: f"write {target.name}")
        self._before(Path, "rename", lambda _, target: f"rename to {target.name}")
        self._before(
            Path, "unlink", lambda path, *_: f"remove {path.name}" if path.exists() else None
        )
        self._before(Path, "mkdir", made)
        self._before(shutil, "rmtree", lambda path, *_: f"clear {path.name}")
        self._before(os, "ftruncate", lambda *_: "reserve RAM")

    def _words(self) -> None:
        self._before(Monitor, "execute", lambda _, command, *__: f"qmp {command}")
        self._before(processes, "kill", lambda _: "kill")
        self._before(asyncio, "create_subprocess_exec", lambda *argv: f"run {program(argv)}")


def made(path: Path, *_: Any) -> str | None:
    """The step of making a directory that is not there; one for all engines of a user is none."""
    return None if path.exists() or path == shm_directory() else f"make {path.name}"


def program(argv: tuple[Any, ...]) -> str:
    """The script or program that *argv* runs."""
    scripts = [Path(str(word)).name for word in argv if str(word).endswith(".py")]
    return scripts[0] if scripts else Path(str(argv[0])).name

"""``python -m benchmarks NAME [options]``: run a workload and print what it came to."""

import argparse
import sys
from collections.abc import Mapping
from typing import Protocol

from playwright.sync_api import Error as BrowserError

from benchmarks.links import UnknownLink
from benchmarks.processes import Failed
from benchmarks.workloads import (
    codecs,
    core,
    fanout,
    framebuffer,
    glances,
    idle,
    moving,
    report,
    sessions,
    typing,
)


class Workload(Protocol):
    """What a module of ``workloads/`` has, or a thing in one."""

    __doc__: str | None

    def options(self, parser: argparse.ArgumentParser) -> None:
        """Say what can be said on the command line."""

    def run(self, arguments: argparse.Namespace) -> None:
        """Measure and print."""


WORKLOADS: Mapping[str, Workload] = {
    "typing": typing,
    "scroll": moving.SCROLL,
    "drag": moving.DRAG,
    "slides": moving.SLIDES,
    "office": moving.OFFICE,
    "pixels": moving.ALL,
    "fanout": fanout,
    "sessions": sessions,
    "report": report,
    "framebuffer": framebuffer,
    "codecs": codecs,
    "core": core,
    "glances": glances,
    "idle": idle,
}


def main() -> int:
    """Run what the command line asks for; the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    names = parser.add_subparsers(dest="workload", required=True)
    for name, workload in WORKLOADS.items():
        summary = (workload.__doc__ or "").partition("\n")[0]
        workload.options(names.add_parser(name, help=summary, description=workload.__doc__))
    arguments = parser.parse_args()
    try:
        WORKLOADS[arguments.workload].run(arguments)
    except (Failed, BrowserError, UnknownLink) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A slide show with a clock that moves 30 times a second: what the page shows of it."""

import argparse

from benchmarks.workloads import moving


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    moving.options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    moving.run(["slides"], arguments)

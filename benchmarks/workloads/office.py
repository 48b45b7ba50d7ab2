"""Half a minute of office work: what the page shows of it, and all it takes."""

import argparse

from benchmarks.workloads import moving


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    moving.options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    moving.run(["office"], arguments)

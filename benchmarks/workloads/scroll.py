"""Text that fills the screen and scrolls 60 times a second: what the page shows of it."""

import argparse

from benchmarks.workloads import moving


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    moving.options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    moving.run(["scroll"], arguments)

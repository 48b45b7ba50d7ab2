"""Scroll, drag, slides and office, one after the other in each round."""

import argparse

from benchmarks.scenes import SCENES
from benchmarks.workloads import moving


def options(parser: argparse.ArgumentParser) -> None:
    """The command line's."""
    moving.options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    moving.run(list(SCENES), arguments)

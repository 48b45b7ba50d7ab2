"""``python -m benchmarks NAME [options]``: run a workload and print what it came to."""

import argparse
import sys

from playwright.sync_api import Error as BrowserError

from benchmarks.processes import Failed
from benchmarks.workloads import codecs, core, framebuffer, glances, idle, typing

WORKLOADS = {
    "typing": typing,
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
    except (Failed, BrowserError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

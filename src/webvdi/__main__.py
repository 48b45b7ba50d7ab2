"""``webvdi``, and ``python -m webvdi``: the command line, also for who is quick with Ctrl-C."""

import sys


def main() -> None:
    """Run the command; an interrupt while it is being loaded ends it as quietly as later ones."""
    try:
        from webvdi.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

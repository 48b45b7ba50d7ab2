"""``python -m webvdi`` is ``webvdi``."""

from webvdi.cli.main import main

main()

"""How errors are to be shown: in words, or as JSON once a command was asked for ``--json``."""

json = False

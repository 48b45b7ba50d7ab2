"""What our processes say to each other by the way they end."""

GIVE_UP = 78
"""Exit code of a server that cannot work as it was told to (sysexits.h: EX_CONFIG).

Its supervisor does not start it again.
"""

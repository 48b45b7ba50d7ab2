"""The command line, and the composition root: here the rooms are put together."""

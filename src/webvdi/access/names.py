"""Names by which people are shown to one another."""

MAX_NAME = 64
"""Characters of a person's name; the viewer protocol has the same bound."""


def display_name(asked: str) -> str:
    """*asked*, which may come from a stranger, as others may be shown it.

    One line, no control characters, at most ``MAX_NAME`` characters.
    """
    printable = "".join(c if c.isprintable() else " " for c in asked[: 8 * MAX_NAME])
    return " ".join(printable.split())[:MAX_NAME].rstrip()

"""webvdi: a whole, unmodified operating system in a plain web browser.

The rooms, from the ground up, are described in ARCHITECTURE.md.
"""

__version__ = "0.1.0"

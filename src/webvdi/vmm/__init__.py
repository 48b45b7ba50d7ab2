"""What runs machines: the words (``machine``), the Engine contract, and its implementations.

``qemu`` is the default engine, one host; ``fake`` is for tests of those above.  See the room map
in ARCHITECTURE.md.
"""

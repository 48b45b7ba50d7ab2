"""Where pictures come from: the contract of a display source, and its implementations."""

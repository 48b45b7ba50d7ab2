"""The commands as people type them: options and help here, the work in the modules above.

Nothing heavy is imported before a command runs, so ``webvdi --help`` and TAB stay fast.
"""

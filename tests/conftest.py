"""What holds for the whole suite: the fast and the deep profile."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

DEEP = os.environ.get("WEBVDI_TEST_PROFILE") == "deep"

# Machines are shared and noisy: an example may take its time; what is asserted is never a time.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", UNHURRIED)
settings.register_profile("deep", UNHURRIED, max_examples=2000)
settings.load_profile("deep" if DEEP else "fast")


def pytest_configure() -> None:
    """Have Ctrl-C work for the tests about it, and in the programs that they start.

    A shell without job control starts what runs in the background with SIGINT ignored, and that
    is inherited.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests marked *deep* out of the fast profile: deselected, not skipped."""
    if DEEP:
        return
    deep = [item for item in items if item.get_closest_marker("deep")]
    if deep:
        config.hook.pytest_deselected(items=deep)
        items[:] = [item for item in items if item not in deep]

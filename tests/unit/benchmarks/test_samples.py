"""Percentiles, spreads and turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.samples import Spread, Summary, alternating, percentile

samples = st.lists(st.floats(-1e6, 1e6), min_size=1)


def test_percentiles_are_interpolated() -> None:
    assert percentile([4, 1, 3, 2], 0.5) == 2.5
    assert percentile(list(range(101)), 0.95) == 95
    assert percentile([7], 0.95) == 7


@given(samples, st.floats(0, 1))
def test_a_percentile_lies_within_the_sample(values: list[float], fraction: float) -> None:
    slack = 1e-6
    assert min(values) - slack <= percentile(values, fraction) <= max(values) + slack
    assert percentile(values, 0) == min(values)
    assert percentile(values, 1) == max(values)


@pytest.mark.parametrize(("values", "fraction"), [([], 0.5), ([1.0], -0.1), ([1.0], 1.1)])
def test_no_percentile(values: list[float], fraction: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, fraction)


def test_a_summary() -> None:
    assert Summary.of([1, 2, 3, 4, 4]) == Summary(n=5, mean=2.8, p50=3, p95=4)


def test_a_spread_over_rounds() -> None:
    assert Spread.of([3, 1, 2]) == Spread(median=2, low=1, high=3)


def test_turns_alternate_so_that_a_drift_hits_all_alike() -> None:
    assert alternating(["a", "b"], 3) == ["a", "b", "b", "a", "a", "b"]
    assert alternating(["a", "b", "c"], 2) == ["a", "b", "c", "c", "b", "a"]
    assert alternating(["a"], 0) == []

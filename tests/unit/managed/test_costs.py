"""What updates took tells what the next ones will take; equal viewers are told the same."""

import pytest

from webvdi.managed.costs import Bytes, Costs, Factors


def learned(expected: Bytes, size_bytes: int, times: int) -> Factors:
    costs = Costs()
    for _ in range(times):
        costs.learn(expected, size_bytes)
    costs.adopt()
    return costs.factors


@pytest.mark.parametrize("ratio", [0.1, 0.25, 0.6, 1.0, 1.7, 3.0])
def test_factors_come_to_what_updates_take(ratio: float) -> None:
    factors = learned(Bytes(text=10_000), int(ratio * 10_000), 30)
    assert 0.8 < factors.text / ratio < 1.45
    assert factors.photo == 1


def test_what_takes_more_is_believed_at_once_and_what_takes_less_slowly() -> None:
    assert learned(Bytes(text=10_000), 25_000, 2).text >= 2
    assert learned(Bytes(text=10_000), 4_000, 2).text > 0.5


def test_photographs_and_text_are_told_apart_and_a_mixture_teaches_nothing() -> None:
    assert learned(Bytes(text=100, photo=10_000), 20_000, 9).text == 1
    assert learned(Bytes(text=100, photo=10_000), 20_000, 9).photo >= 2
    assert learned(Bytes(text=5_000, photo=5_000), 30_000, 9) == Factors()


def test_little_teaches_nothing_nor_do_headers() -> None:
    assert learned(Bytes(text=500), 5_000, 9) == Factors()
    assert learned(Bytes(text=5_000, other=6_000), 11_000, 9) == Factors()


def test_factors_are_bounded() -> None:
    assert learned(Bytes(text=2_000), 1 << 30, 99).text <= 16
    assert learned(Bytes(text=1 << 30), 0, 99).text >= 1 / 16


def test_factors_hold_until_they_are_adopted_and_do_not_waver() -> None:
    costs = Costs()
    costs.learn(Bytes(text=10_000), 30_000)
    assert costs.factors == Factors()
    seen = set()
    for number in range(60):
        costs.learn(Bytes(text=10_000), 21_000 if number % 2 else 19_000)
        costs.adopt()
        seen.add(costs.factors)
    assert len(seen) <= 2

"""What is said of the variables is what a `DeliveryContext` takes."""

from __future__ import annotations

import pytest

from tlspolicy import DELIVERY, DeliveryContext, PolicyValueError
from tlspolicy.analysis.variables import ADDRESSES, DOMAINS, HOSTS, LISTED, NATURAL, default, integers

TEXTS = sorted(name for name, kind in DELIVERY.variables.items() if kind is str)
INTEGERS = sorted(name for name, kind in DELIVERY.variables.items() if kind is int)


@pytest.mark.parametrize("variable", [name for name in TEXTS if name not in LISTED])
def test_hosts_are_what_is_kept_in_lower_case(variable: str) -> None:
    kept = getattr(DeliveryContext(**{variable: "A.Example."}), variable)  # type: ignore[arg-type]
    assert kept == ("a.example" if variable in HOSTS else "A.Example.")


@pytest.mark.parametrize("variable", TEXTS)
def test_of_some_all_values_are_known(variable: str) -> None:
    for value in LISTED.get(variable, ("anything",)):
        assert getattr(DeliveryContext(**{variable: value}), variable) == value  # type: ignore[arg-type]
    if variable in LISTED:
        with pytest.raises(PolicyValueError):
            DeliveryContext(**{variable: "anything"})  # type: ignore[arg-type]


@pytest.mark.parametrize("variable", INTEGERS)
def test_integers_are_within_their_range(variable: str) -> None:
    ((least, greatest),) = integers(variable).ranges
    for value in (least, greatest):
        assert getattr(DeliveryContext(**{variable: value}), variable) == value  # type: ignore[arg-type]
    for value in (least - 1, greatest + 1):
        with pytest.raises(PolicyValueError):
            DeliveryContext(**{variable: value})  # type: ignore[arg-type]
    assert (least == 0) == (variable in NATURAL)


@pytest.mark.parametrize("variable", DELIVERY.variables)
def test_a_variable_that_is_left_out(variable: str) -> None:
    assert default(variable) == getattr(DeliveryContext(), variable)


def test_domains_and_addresses_are_hosts() -> None:
    assert DOMAINS | ADDRESSES < HOSTS

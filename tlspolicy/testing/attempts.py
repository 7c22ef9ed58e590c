"""Strategies for delivery attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tlspolicy.boundaries import boundaries
from tlspolicy.context import SOURCES, DeliveryContext, LastError
from tlspolicy.errors import PolicyTypeError, did_you_mean, quoted
from tlspolicy.expressions.values import INT_MAX, INT_MIN
from tlspolicy.policy import TlsPolicy
from tlspolicy.rule_coverage import RuleCoverage
from tlspolicy.testing.literals import ADDRESSES, DOMAINS, HOSTS, IPS, NAMES, TEXTS, any_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

_PLAIN: Final = DeliveryContext()
_NONE: Final = LastError.NONE.value
_DOMAIN_OF: Final = {"sender": "sender_domain", "rcpt": "rcpt_domain"}

_COUNTS: Final = st.integers(1, 9) | st.integers(0, INT_MAX)
_SECONDS: Final = st.sampled_from([1, 60, 3_600, 86_400, 432_000]) | st.integers(0, INT_MAX)

_FREE: Final[Mapping[str, SearchStrategy[Any]]] = {
    "sender": ADDRESSES,
    "sender_domain": DOMAINS,
    "rcpt": ADDRESSES,
    "rcpt_domain": DOMAINS,
    "recipients": st.lists(ADDRESSES, max_size=4).map(tuple),
    "mx": HOSTS,
    "remote_ip": IPS,
    "local_ip": IPS,
    "received_from_ip": IPS,
    "received_via_port": st.sampled_from([25, 465, 587]) | st.integers(0, 65_535),
    "priority": st.integers(-9, 9) | st.integers(INT_MIN, INT_MAX),
    "retry_num": _COUNTS,
    "notify_num": _COUNTS,
    "expires_in": _SECONDS,
    "queue_age": _SECONDS,
    "queue_name": st.sampled_from(["default", "remote", "local", "Slow"]) | TEXTS,
    "source": st.sampled_from(SOURCES),
    "size": st.sampled_from([1, 1_024, 1_048_576, 26_214_400]) | st.integers(0, INT_MAX),
    # Rules speak of failures of TLS more than of all others.
    "last_error": st.just(LastError.TLS.value) | st.sampled_from([str(error) for error in LastError][1:]),
    "last_status": st.sampled_from(
        ["454 4.7.0 TLS not available", "STARTTLS is not offered", "certificate has expired", "421 busy"]
    )
    | TEXTS,
}
"""Values of each field beside its default."""


def contexts(**fixed: object) -> SearchStrategy[DeliveryContext]:
    """Any `DeliveryContext`: consistent, and mostly as deliveries have them.

    A domain is that of its address, `recipients` hold `rcpt` if anybody, and mostly there is a `last_error` on retries
    and none on first attempts; what is fixed stays as it is. All shrink to `DeliveryContext()`, and an example that
    fails is shown with the fields that are not their defaults.

    Args:
        fixed: fields that are given, each a value or a strategy of values.

    Raises:
        PolicyTypeError: a name that is no field.
    """
    return _attempts({}, fixed)


def contexts_for(policy: TlsPolicy | RuleCoverage, **fixed: object) -> SearchStrategy[DeliveryContext]:
    """Contexts that a policy tells apart: as `contexts`, most values being those of `boundaries(policy)`.

    Args:
        policy: the policy, or its `RuleCoverage`.
        fixed: as for `contexts`.

    Raises:
        PolicyTypeError: `policy` is neither, or a field that does not exist is to be fixed.
    """
    rules = policy.policy if isinstance(policy, RuleCoverage) else policy
    if not isinstance(rules, TlsPolicy):
        raise PolicyTypeError(f"the policy must be a TlsPolicy, not {type(rules).__name__}")
    near: dict[str, SearchStrategy[Any]] = {name: st.sampled_from(values) for name, values in boundaries(rules).items()}
    if "last_error" in near:
        near["last_error"] = any_of(_FREE["last_error"], near["last_error"])
    return _attempts(near, fixed)


def _attempts(near: Mapping[str, SearchStrategy[Any]], fixed: Mapping[str, object]) -> SearchStrategy[DeliveryContext]:
    for name in fixed:
        if name not in _FREE:
            hint = did_you_mean(name, _FREE)
            raise PolicyTypeError(f"{quoted(name)} is no field of a DeliveryContext{hint}")
    strategies = {
        name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fixed.items()
    }
    return _fields(near, strategies).flatmap(_built)


def _built(values: Mapping[str, object]) -> SearchStrategy[DeliveryContext]:
    """A strategy of the one context, which Hypothesis then shows as this call of `DeliveryContext`."""
    return st.builds(DeliveryContext, **{name: st.just(value) for name, value in values.items()})


@st.composite
def _fields(
    draw: DrawFn, near: Mapping[str, SearchStrategy[Any]], fixed: Mapping[str, SearchStrategy[Any]]
) -> dict[str, object]:
    """The fields that are fixed, or not their defaults, in the order of `DeliveryContext`."""
    values: dict[str, Any] = {name: draw(strategy) for name, strategy in fixed.items()}
    for address, domain in _DOMAIN_OF.items():
        values |= _address(draw, address, domain, near, values)
    if "recipients" not in values:
        others = draw(_field("recipients", near))
        values["recipients"] = (
            (values["rcpt"], *others) if others and values["rcpt"] and draw(st.booleans()) else others
        )
    if "last_error" not in values:
        values["last_error"] = draw(_last_error(values.get("retry_num"), near))
    if "retry_num" not in values:
        values["retry_num"] = draw(_retry_num(values["last_error"], near))
    for name in _FREE:
        if name not in values:
            values[name] = draw(_field(name, near))
    return {name: values[name] for name in _FREE if name in fixed or values[name] != getattr(_PLAIN, name)}


def _address(
    draw: DrawFn, address: str, domain: str, near: Mapping[str, SearchStrategy[Any]], values: Mapping[str, Any]
) -> dict[str, object]:
    """An address and its domain, as far as they are not given in `values`: the domain alone, or an address of it."""
    if address in values:
        return {domain: values.get(domain, "")}  # `DeliveryContext` takes it from the address.
    if domain not in values and draw(st.booleans()):
        return {address: draw(_field(address, near)), domain: ""}
    name = values[domain] if domain in values else draw(_field(domain, near))
    if name and draw(st.booleans()):
        return {address: f"{draw(NAMES)}@{name}", domain: values.get(domain, "")}
    return {address: "", domain: name}


def _last_error(retry_num: object, near: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[str]:
    """What the last attempt failed of, where it is known how many there were, or not."""
    if retry_num is None:
        return _field("last_error", near)
    plain, free = st.just(_NONE), _FREE["last_error"]
    return any_of(*[plain] * 9, free) if retry_num == 0 else any_of(*[free] * 9, plain)


def _retry_num(last_error: object, near: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[int]:
    """How many attempts there were before: mostly none before one that follows no failure, and else some."""
    numbers = _field("retry_num", near)
    if last_error == _NONE:
        return any_of(*[st.just(0)] * 4, numbers)
    return numbers.flatmap(lambda number: st.just(number) if number else any_of(*[st.just(1)] * 4, st.just(0)))


def _field(name: str, near: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[Any]:
    """A field's default, values near to it, and free ones."""
    plain = st.just(getattr(_PLAIN, name))
    return any_of(plain, *[near[name]] * 6, _FREE[name]) if name in near else any_of(plain, _FREE[name])

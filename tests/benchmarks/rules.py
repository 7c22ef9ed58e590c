"""The rules that are timed, and the functions that somebody would write by hand in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import rurex

from tlspolicy import DeliveryContext, TlsPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

SEED: Final = TlsPolicy(
    starttls=[{"if": "retry_num > 1 && last_error == 'tls'", "then": "disable"}, {"else": "require"}],
    allow_invalid_certs=[{"if": "retry_num > 0 && last_error == 'tls'", "then": True}, {"else": False}],
)
NINE: Final = (
    "rcpt_domain == 'a.org'",
    "rcpt_domain == 'b.org' && priority > 3",
    "ends_with(mx, '.gov')",
    "retry_num > 5 && last_error == 'dns'",
    "source == 'dsn' || source == 'report'",
    "contains(['x.org', 'y.org', 'z.org'], rcpt_domain)",
    "size > 10485760",
    "priority < -3",
    "retry_num > 1 && (last_error == 'tls' || last_error == 'dane')",
)
TEN: Final = (*NINE[:7], r"matches('^([^.]+)@spam\.net$', sender)", *NINE[7:])

_ATTEMPT: Final[dict[str, Any]] = {
    "sender": "john@sender.example",
    "rcpt": "jane@example.org",
    "mx": "mx1.example.org",
    "size": 5_000,
    "source": "authenticated",
}
FIRST: Final = DeliveryContext(**_ATTEMPT)
SECOND: Final = DeliveryContext(**_ATTEMPT, retry_num=1, last_error="tls")
THIRD: Final = DeliveryContext(**_ATTEMPT, retry_num=2, last_error="tls")
LAST: Final = DeliveryContext(**_ATTEMPT, retry_num=2, last_error="dane")

A, B, C = object(), object(), object()
R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 = (object() for _ in range(11))
_AMONG: Final = frozenset({"x.org", "y.org", "z.org"})
_SEARCH: Final = rurex.compile(r"^([^.]+)@spam\.net$").search


def policy(conditions: tuple[str, ...]) -> TlsPolicy:
    """A policy whose every rule gives a decision of its own."""
    return TlsPolicy(starttls=[*({"if": each, "then": "optional"} for each in conditions), {"else": "require"}])


def seed_by_hand(c: DeliveryContext) -> object:
    """The seed's rules."""
    if c.last_error == "tls":
        n = c.retry_num
        if n > 1:
            return A
        if n > 0:
            return B
    return C


def nine_by_hand(c: DeliveryContext) -> object:
    """The nine rules."""
    domain = c.rcpt_domain
    if domain == "a.org":
        return R0
    if domain == "b.org" and c.priority > 3:
        return R1
    if c.mx.endswith(".gov"):
        return R2
    n, error = c.retry_num, c.last_error
    if n > 5 and error == "dns":
        return R3
    source = c.source
    if source == "dsn" or source == "report":  # noqa: PLR1714  (as the rule has it)
        return R4
    if domain in _AMONG:
        return R5
    if c.size > 10_485_760:
        return R6
    if c.priority < -3:
        return R7
    if n > 1 and (error == "tls" or error == "dane"):  # noqa: PLR1714
        return R8
    return R9


def ten_by_hand(c: DeliveryContext) -> object:
    """The nine rules, and one with a regular expression."""
    domain = c.rcpt_domain
    if domain == "a.org":
        return R0
    if domain == "b.org" and c.priority > 3:
        return R1
    if c.mx.endswith(".gov"):
        return R2
    n, error = c.retry_num, c.last_error
    if n > 5 and error == "dns":
        return R3
    source = c.source
    if source == "dsn" or source == "report":  # noqa: PLR1714
        return R4
    if domain in _AMONG:
        return R5
    if c.size > 10_485_760:
        return R6
    if _SEARCH(c.sender):
        return R7
    if c.priority < -3:
        return R8
    if n > 1 and (error == "tls" or error == "dane"):  # noqa: PLR1714
        return R9
    return R10


BY_HAND: Final[dict[str, tuple[TlsPolicy, Callable[[DeliveryContext], object], DeliveryContext]]] = {
    "seed, first attempt": (SEED, seed_by_hand, FIRST),
    "seed, second attempt": (SEED, seed_by_hand, SECOND),
    "seed, third attempt": (SEED, seed_by_hand, THIRD),
    "nine rules, the last matches": (policy(NINE), nine_by_hand, LAST),
    "nine rules, none matches": (policy(NINE), nine_by_hand, FIRST),
    "ten rules with a regex, the last matches": (policy(TEN), ten_by_hand, LAST),
}

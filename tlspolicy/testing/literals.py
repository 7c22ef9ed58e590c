"""Strategies for what rules and attempts are made of: names, domains, addresses, texts and numbers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tlspolicy.expressions.nodes import MILLISECONDS, Boolean, Duration, Float, Integer, Node, String
from tlspolicy.expressions.values import INT_MAX

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

NAMES: Final = st.sampled_from(["jane", "postmaster", "a.b+c", "é", "x@y"])
DOMAINS: Final = st.sampled_from(
    ["a.example", "b.example", "mx.a.example", "xa.example", "a.example.b.example", "localhost", "xn--9ca.example"]
) | st.from_regex(r"[a-z0-9]{1,3}(-[a-z0-9]{1,2})?(\.[a-z]{2,4}){1,2}", fullmatch=True)
HOSTS: Final = DOMAINS.map("mx.{}".format) | DOMAINS
ADDRESSES: Final = st.builds("{}@{}".format, NAMES, DOMAINS)
IPS: Final = st.sampled_from(
    ["192.0.2.1", "198.51.100.255", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1"]
) | st.ip_addresses().map(str)
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PATTERNS: Final = st.sampled_from(["a", r"\.example$", r"^mx[0-9]+\.", "(?i)^(.+)@(.+)$", r"\d+|(x)", ""]).map(String)
"""Regular expressions, as nodes."""

# Texts that functions, comparisons and indexes treat in ways of their own.
_TELLING: Final = st.sampled_from(
    ["", "a", "a.example", ".example", "jane@a.example", "tls", "0", "-5", "1e3", "nan", " 5", "192.0.2.1", "É\r\nß"]
)


def any_of(*strategies: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """As `st.one_of`, where a strategy may be given several times to be taken more often. Shrinks to the first."""
    return st.sampled_from(strategies).flatmap(lambda strategy: strategy)


@cache
def integers() -> SearchStrategy[Node]:
    """Literals that are integers: small ones first, durations and truth values among them."""
    plain = (st.integers(0, 9) | st.integers(0, INT_MAX)).map(Integer)
    return st.one_of(plain, st.sampled_from(list(MILLISECONDS)).flatmap(durations), st.booleans().map(Boolean))


@cache
def durations(unit: str) -> SearchStrategy[Node]:
    """Durations of a unit, as long as the language has them."""
    return st.builds(Duration, st.integers(0, INT_MAX // MILLISECONDS[unit]), st.just(unit))


@cache
def floats() -> SearchStrategy[Node]:
    """Literals that are floats, which have no sign."""
    return st.one_of(st.sampled_from([0.0, 0.5, 1.5, 1e16]), st.integers(0, 10**9).map(lambda n: n / 1000)).map(Float)


@cache
def strings() -> SearchStrategy[Node]:
    """Literals that are texts."""
    return st.one_of(_TELLING, quotable("'"), quotable('"')).map(String)


def quotable(quote: str) -> SearchStrategy[str]:
    """What a string in these quotes can say: no quote but after a backslash, and after that neither n nor r nor t."""
    plain = st.characters(exclude_categories=["Cs"], exclude_characters=f"\\{quote}")
    protected = st.characters(exclude_categories=["Cs"], exclude_characters="\\nrt") | st.sampled_from("\n\r\t'\"d.")
    escapes = st.builds(lambda backslashes, after: backslashes + after, st.sampled_from(["\\", "\\\\"]), protected)
    return st.lists(plain | escapes, max_size=6).map("".join)

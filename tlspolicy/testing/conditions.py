"""A strategy for conditions as administrators write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tlspolicy.context import SOURCES, LastError
from tlspolicy.expressions.nodes import Array, Binary, Call, Integer, Logical, Name, Node, String, Unary
from tlspolicy.expressions.printer import printed
from tlspolicy.testing.literals import PATTERNS, any_of
from tlspolicy.testing.trees import usable_functions

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tlspolicy.expressions.schema import Schema

_ORDERS: Final = st.sampled_from([">", ">=", "==", "<", "<=", "!="])
_EQUALITY: Final = st.sampled_from(["==", "!="])
_SMALL: Final = st.integers(0, 5)
_LARGE: Final = st.sampled_from([60, 3_600, 86_400, 1_048_576])
_NETWORKS: Final = st.sampled_from(["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"]).map(String)
_DOMAINS: Final = st.sampled_from(["a.example", "b.example", "mx.a.example"])
_ENDINGS: Final = _DOMAINS.map(".{}".format).map(String)
_HOSTS: Final = st.sampled_from(["rcpt_domain", "mx", "sender_domain"]).map(Name)
_ERRORS: Final = st.sampled_from([str(error) for error in (LastError.TLS, *LastError)]).map(String)


def conditions(schema: Schema) -> SearchStrategy[str]:
    """Conditions on the usual variables of a delivery, and with the functions that `schema` has beside the language's.

    They are integers, name no levels and shrink to `retry_num > 0`.
    """
    atoms = any_of(_numbers(), _numbers(), _errors(), _errors(), _domains(), _domains(), _others(schema))
    return st.recursive(atoms, _joined, max_leaves=4).map(printed)


def _joined(operands: SearchStrategy[Node]) -> SearchStrategy[Node]:
    run = st.lists(operands, min_size=2, max_size=3).map(tuple)
    return st.builds(Logical, st.sampled_from(["&&", "||"]), run) | st.builds(Unary, st.just("!"), operands)


def _numbers() -> SearchStrategy[Node]:
    few = st.sampled_from(["retry_num", "retry_num", "notify_num", "received_via_port"]).map(Name)
    many = st.sampled_from(["queue_age", "expires_in", "size"]).map(Name)
    negative = _SMALL.map(Integer).map(lambda number: Unary("-", number))
    return any_of(
        st.builds(Binary, _ORDERS, few, _SMALL.map(Integer)),
        st.builds(Binary, _ORDERS, many, _LARGE.map(Integer)),
        st.builds(Binary, _ORDERS, st.just(Name("priority")), negative),
        st.builds(Binary, _ORDERS, st.just(Call("count", (Name("recipients"),))), _SMALL.map(Integer)),
    )


def _errors() -> SearchStrategy[Node]:
    is_one = st.builds(Binary, _EQUALITY, st.just(Name("last_error")), _ERRORS)
    sources = st.sampled_from(SOURCES).map(String)
    return any_of(
        is_one,
        is_one,
        _among(_ERRORS, st.just(Name("last_error"))),
        st.builds(Binary, _EQUALITY, st.just(Name("source")), sources),
    )


def _domains() -> SearchStrategy[Node]:
    texts = _DOMAINS.map(String)
    recipient = st.just(Call("email_part", (Name("rcpt"), String("domain"))))
    return any_of(
        st.builds(Binary, _EQUALITY, _HOSTS, texts),
        _calls("ends_with", _HOSTS, _ENDINGS),
        _among(texts, _HOSTS),
        st.builds(Binary, _EQUALITY, recipient, texts),
    )


def _others(schema: Schema) -> SearchStrategy[Node]:
    usable = usable_functions(schema)
    texts = st.sampled_from(["mx", "rcpt_domain", "rcpt", "sender", "queue_name", "last_status"]).map(Name)
    found = [
        _calls("is_empty", texts),
        _calls("starts_with", texts, st.sampled_from(["mx.", "smtp"]).map(String)),
        _calls("is_ip_in_cidr", st.sampled_from(["remote_ip", "received_from_ip"]).map(Name), _NETWORKS),
        _calls("contains", st.just(Name("recipients")), _DOMAINS.map("jane@{}".format).map(String)),
        *(_calls(name, *[texts] * count) for name in schema.functions for count in usable.get(name, ())),
    ]
    if "matches" in usable:
        found.append(_calls("matches", PATTERNS, texts))
    return any_of(*found)


def _among(elements: SearchStrategy[Node], of: SearchStrategy[Node]) -> SearchStrategy[Node]:
    arrays = st.lists(elements, min_size=1, max_size=3, unique=True).map(lambda items: Array(tuple(items)))
    return _calls("contains", arrays, of)


def _calls(function: str, *arguments: SearchStrategy[Node]) -> SearchStrategy[Node]:
    return st.tuples(*arguments).map(lambda drawn: Call(function, drawn))

"""The functions of the language: one table, and what each of them does.

Where a function takes a text, any other value is taken as its text. A function that "maps" is applied to each element
when its first argument is an array, and gives an array.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

from tlspolicy.expressions.values import Value, equal, text

if TYPE_CHECKING:
    from collections.abc import Callable

# What Unicode calls White_Space, as Rust trims it; Python's own strip() also takes U+001C to U+001F.
WHITE_SPACE = "".join(
    map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
)

INT = frozenset({int})
TEXT = frozenset({str})
TEXTS = frozenset({str, tuple})
ANY = frozenset({int, float, str, tuple})


@dataclass(frozen=True, slots=True)
class Function:
    """What the language knows of a function.

    Args:
        arity: how many arguments it takes.
        returns: the types that its result may have.
        call: the function itself; `None` for `matches`, which the evaluator carries out because it sets the captures.
    """

    arity: int
    returns: frozenset[type]
    call: Callable[..., Value] | None


def _mapping(function: Callable[..., Value]) -> Callable[..., Value]:
    """Apply `function` to the text of its first argument, or of each element where that is an array."""

    @wraps(function)
    def mapped(value: Value, *rest: Value) -> Value:
        if isinstance(value, tuple):
            return tuple([function(text(item), *rest) for item in value])
        return function(text(value), *rest)

    return mapped


def _starts_with(value: Value, prefix: Value) -> Value:
    return int(text(value).startswith(text(prefix)))


def _ends_with(value: Value, suffix: Value) -> Value:
    return int(text(value).endswith(text(suffix)))


def _contains(value: Value, wanted: Value) -> Value:
    """An element of an array that equals `wanted`, or a part of a text."""
    if isinstance(value, tuple):
        return int(any(equal(item, wanted) for item in value))
    return int(text(wanted) in text(value))


def _is_empty(value: Value) -> Value:
    return int(value in ("", ()))


@_mapping
def _to_lowercase(value: str) -> Value:
    return value.lower()


@_mapping
def _to_uppercase(value: str) -> Value:
    return value.upper()


def _is_ip_addr(value: Value) -> Value:
    return int(_ip_address(text(value)) is not None)


def _ip_address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """`value` as an address: no blanks, leading zeros, brackets or zones."""
    if "%" in value:
        return None
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


@_mapping
def _email_part(address: str, part: Value) -> Value:
    """The part before (`'local'`) or after (`'domain'`) the last `@`, trimmed; `''` otherwise."""
    local, at, domain = address.rpartition("@")
    if not at:
        return ""
    return {"local": local, "domain": domain}.get(text(part), "").strip(WHITE_SPACE)


def _if_then(condition: Value, then: Value, otherwise: Value) -> Value:
    return then if condition else otherwise


FUNCTIONS: dict[str, Function] = {
    "contains": Function(2, INT, _contains),
    "email_part": Function(2, TEXTS, _email_part),
    "ends_with": Function(2, INT, _ends_with),
    "if_then": Function(3, ANY, _if_then),
    "is_empty": Function(1, INT, _is_empty),
    "is_ip_addr": Function(1, INT, _is_ip_addr),
    "matches": Function(2, INT, None),
    "starts_with": Function(2, INT, _starts_with),
    "to_lowercase": Function(1, TEXTS, _to_lowercase),
    "to_uppercase": Function(1, TEXTS, _to_uppercase),
}

"""Examples of values for which a condition may be true, and others for which it may be false: guesses, to be tried."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_network
from itertools import combinations
from typing import TYPE_CHECKING, Final

from tlspolicy.analysis.variables import ADDRESSES, HOSTS, integers
from tlspolicy.context import DELIVERY
from tlspolicy.expressions.checker import patterns
from tlspolicy.expressions.conditions import literal
from tlspolicy.expressions.nodes import Node, every
from tlspolicy.expressions.regions import Integers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.expressions.values import Value

_MOST: Final = 24
_ADDRESSES: Final = ("192.0.2.1", "10.0.0.1", "2001:db8::1", "::1")
_TEXTS: Final = ("", "mx1.example.org", "0", "1")
_LONGEST: Final = 200
_FEW: Final = 4

_PIECE: Final = re.compile(
    r"""(?P<flags>\(\?[a-zA-Z-]+\))
    | (?P<group>\((?:\?(?:[a-zA-Z-]*:|P?<[^>]*>))?)
    | \\(?P<escape>[pP](?:\{[^}]*\}|.)|.)
    | \[(?P<class>\^?\]?(?:[^\]\\[]|\\.|\[:[^\]]*:\])*)\]
    | (?P<repetition>[*+?]\??|\{(?P<least>[0-9]*)[^}]*\})
    | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_READABLE: Final = "a1.-_"
_PLAIN: Final = {"^": "", "$": "", ".": "a"}
_ESCAPES: Final = {"d": "1", "D": "a", "w": "a", "W": ".", "s": " ", "S": "a", "b": "", "B": "", "A": "", "z": ""}


def example_values(node: Node, variable: str) -> Iterator[str | int]:
    """Some values of a variable that a condition looks at, as a `DeliveryContext` has them."""
    is_text = DELIVERY.variables[variable] is str
    found: Iterator[str | int] = _texts(node, variable) if is_text else _integers(node, variable)
    yield from list(dict.fromkeys(found))[:_MOST]


def _texts(node: Node, variable: str) -> Iterator[str]:
    hosts = variable in HOSTS
    if variable.endswith("ip"):
        yield from (address for value in _constants(node) for address in _of_network(value))
    for guess in (*map(example_of, patterns(node)), *(value for value in _constants(node) if isinstance(value, str))):
        for text in (guess, f"mx1.{guess}", f"mx1{guess}", *([f"jane@{guess}"] if variable in ADDRESSES else ())):
            if len(text) <= _LONGEST:
                yield text.lower().rstrip(".") if hosts else text
    yield from _TEXTS
    if variable.endswith("ip"):
        yield from _ADDRESSES
    yield "a" * _LONGEST


def _integers(node: Node, variable: str) -> Iterator[int]:
    constants = [value for value in _constants(node) if isinstance(value, int)]
    products = [left * right for left, right in combinations(constants[:_FEW], 2)]
    for value in (0, 1, 2, *constants, *products):
        for near in (value - 1, value, value + 1):
            if integers(variable).both(Integers.of([near])):
                yield near


def _of_network(value: Value) -> Iterator[str]:
    """An address of a network."""
    with suppress(ValueError):
        yield str(ip_network(str(value), strict=False)[-1])


def _constants(node: Node) -> Iterator[Value]:
    for each in every(node):
        value = literal(each, DELIVERY)
        if value is not None:
            yield value


def example_of(pattern: str) -> str:
    """A text that a regular expression may match: first alternatives, and repetitions as short as they go."""
    made: list[str] = [""]
    opened: list[int] = []
    over = -1  # how deep the group is whose first alternative is over
    for piece in _PIECE.finditer(pattern):
        text = piece.group()
        if piece["group"]:
            opened.append(len(made))
            made.append("")
        elif text == ")" and opened:
            start = opened.pop()
            made[start:] = ["".join(made[start:])]
            over = over if len(opened) >= over else -1
        elif text == "|" and over < 0:
            over = len(opened)
        elif over >= 0 or piece["flags"]:
            continue
        elif piece["repetition"]:
            made[-1] *= min(int(piece["least"] or 0), _LONGEST + 1) if text[0] == "{" else text[0] == "+"
        else:
            made.append(_one(piece))
        if len(made[-1]) > _LONGEST:
            return ""
    return "".join(made)


def _one(piece: re.Match[str]) -> str:
    """A character that an escape, a class or a plain character stands for."""
    if piece["escape"]:
        return _ESCAPES.get(piece["escape"], piece["escape"] if len(piece["escape"]) == 1 else "a")
    if piece["class"]:
        return _member(piece["class"])
    return _PLAIN.get(piece.group(), piece.group())


def _member(inside: str) -> str:
    if inside.startswith("^"):
        return next((character for character in _READABLE if character not in inside), "~")
    if inside.startswith("\\"):
        return _ESCAPES.get(inside[1:2], inside[1:2])
    return "a" if inside.startswith("[") else inside[0]

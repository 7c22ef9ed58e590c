"""The values of a delivery attempt at which the rules of a policy may change their mind."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import fields
from ipaddress import ip_network
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.context import DELIVERY, SOURCES, DeliveryContext, LastError
from tlspolicy.errors import PolicyError
from tlspolicy.expressions.conditions import literal
from tlspolicy.expressions.nodes import Array, Binary, Call, Logical, Name, Node, String, Unary, every
from tlspolicy.expressions.values import number, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tlspolicy.expressions.rules import RuleList
    from tlspolicy.expressions.schema import Schema
    from tlspolicy.expressions.values import Value
    from tlspolicy.policy import TlsPolicy

MAX_VALUES: Final = 1_000
"""The most values of one variable."""

_DEFAULTS: Final = DeliveryContext()
_ALL: Final[dict[str, tuple[str, ...]]] = {"last_error": tuple(map(str, LastError)), "source": SOURCES}
_ADDRESSES: Final = frozenset({"sender", "rcpt"})
_IP_ADDRESSES: Final = ("192.0.2.1", "2001:db8::1")
_ELSEWHERE: Final = "elsewhere.example"
_SOMEONE: Final = "someone"
# The functions that give a number by how long a text or an array is, and the longest that is made of one.
_LENGTHS: Final = frozenset({"len", "count", "count_chars"})
_LONGEST: Final = 256
# The arguments that say what a function is to do, by their places: no variable is compared with them.
_MODES: Final = {"email_part": 1, "hash": 1}
# What a regular expression has beside the characters that stand for themselves; and a run of those, as the group.
_PATTERN_PIECE: Final = r"\[(?:\\.|[^\]\\])*\]|\(\?[^:)]*[:)]|\{[^}]*\}|\\\w|((?:[\w@ -]|\\[^\w\s])+)(?![*?{])"


class Atom(NamedTuple):
    """A part of an expression that `&&`, `||`, `^`, `!` and `if_then` do not divide.

    Args:
        variables: those that it reads.
        constants: the values of the constants in it, and the literal runs of its regular expressions.
        is_of_lengths: whether it asks how long something is.
    """

    variables: frozenset[str]
    constants: tuple[Value, ...]
    is_of_lengths: bool


def boundaries(policy: TlsPolicy) -> dict[str, tuple[Value, ...]]:
    """The values of each variable at which the rules of a policy may change their mind.

    For a number these are each constant that stands beside it in a condition or a result, and its neighbours; for a
    text each such constant, and texts that begin with it, end with it, hold it, are a sub-domain of it or only look
    like one; for addresses those at such domains; for `recipients` arrays with and without them; for `last_error` and
    `source` all that there are. What lies between is decided as one of them for rules that compare variables with
    constants. For rules that calculate with several variables, or search for regular expressions, the values are no
    more than likely.

    Args:
        policy: the policy.

    Returns:
        For each variable that the rules read, by its name in the order of `DeliveryContext`'s fields: at most
        `MAX_VALUES` values, as a `DeliveryContext` keeps them, the default first, numbers in ascending order otherwise.
        The same policy has always the same. Each value may be given to a `DeliveryContext` with any other fields.
    """
    # Dictionaries in the place of sets: these keep the order of the rules.
    constants: dict[str, dict[Value, None]] = defaultdict(dict)
    lengths: dict[str, dict[Value, None]] = defaultdict(dict)
    for rules in policy.rules.values():
        for variables, values, is_of_lengths in _atoms(rules):
            for variable in variables:
                (lengths if is_of_lengths else constants)[variable].update(dict.fromkeys(values))
    return {
        field.name: _kept(field.name, constants[field.name], lengths[field.name])
        for field in fields(DeliveryContext)
        if field.name in constants or field.name in lengths
    }


def _atoms(rules: RuleList) -> Iterator[Atom]:
    for expression in (*chain.from_iterable(rules.rules), rules.default):
        for node in _undivided(expression.node):
            yield _atom(node, rules.schema)


def _undivided(node: Node) -> list[Node]:
    """The parts of `node` that are no operands of anything that looks only at their truth."""
    found: list[Node] = []
    ahead = [node]
    while ahead:
        match ahead.pop():
            case Logical(_, operands) | Call("if_then", operands):
                ahead += reversed(operands)
            case Unary("!", operand):
                ahead.append(operand)
            case Binary("^", left, right):
                ahead += (right, left)
            case part:
                found.append(part)
    return found


def _atom(node: Node, schema: Schema) -> Atom:
    nodes = every(node)
    variables = frozenset(each.name for each in nodes if isinstance(each, Name) and each.name in schema.variables)
    if not variables:
        return Atom(variables, (), is_of_lengths=False)
    calls = [each for each in nodes if isinstance(each, Call)]
    return Atom(
        variables,
        tuple(dict.fromkeys(_constants(nodes, calls, schema))),
        is_of_lengths=any(call.function in _LENGTHS for call in calls),
    )


def _constants(nodes: list[Node], calls: list[Call], schema: Schema) -> Iterator[Value]:
    skipped = {id(call.arguments[_MODES[call.function]]) for call in calls if call.function in _MODES}
    for call in calls:
        match call:
            case Call("matches", (String(pattern) as literal_pattern, _)):
                skipped.add(id(literal_pattern))
                for run in filter(None, re.findall(_PATTERN_PIECE, pattern)):
                    yield re.sub(r"\\(.)", r"\1", run)
            case _:
                pass
    for node in nodes:
        if id(node) not in skipped and not isinstance(node, Array):  # Its elements follow.
            value = literal(node, schema)
            if value is not None:
                yield value


def _kept(variable: str, constants: Iterable[Value], lengths: Iterable[Value]) -> tuple[Value, ...]:
    """The values of `variable` that a `DeliveryContext` keeps: the default, and those that constants make likely.

    Args:
        variable: its name.
        constants: what it is compared with.
        lengths: the same, where it is asked how long something is.
    """
    default: Value = getattr(_DEFAULTS, variable)
    kept = {default: None}
    for candidate in _candidates(variable, constants, lengths):
        try:
            kept[getattr(DeliveryContext(**{variable: candidate}), variable)] = None  # type: ignore[arg-type]
        except PolicyError:  # A rule may name what no context can hold.
            continue
        if len(kept) == MAX_VALUES:
            break
    if isinstance(default, int):
        return (default, *sorted(value for value in kept if isinstance(value, int) and value != default))
    return tuple(kept)


def _candidates(variable: str, constants: Iterable[Value], lengths: Iterable[Value]) -> Iterable[Value]:
    if variable in _ALL:
        return _ALL[variable]
    kind = DELIVERY.variables[variable]
    if kind is int:
        return chain((-1, 0, 1), chain.from_iterable(map(_neighbours, chain(constants, lengths))))
    texts = [*map(text, constants), *(value for value in lengths if isinstance(value, str))]
    sizes = [size for value in lengths for size in _neighbours(value) if 0 <= size <= _LONGEST]
    if kind is tuple:
        return _recipients(texts, sizes)
    elsewhere = _IP_ADDRESSES if variable.endswith("_ip") else (_ELSEWHERE, f"mx.{_ELSEWHERE}")
    values = chain(texts, ("x" * size for size in sizes), elsewhere, chain.from_iterable(map(_variants, texts)))
    return chain.from_iterable(map(_addresses, values)) if variable in _ADDRESSES else values


def _neighbours(value: Value) -> tuple[int, ...]:
    """The integers next to a number, or to the number that a text is."""
    read = number(value)
    return tuple(range(math.floor(read) - 1, math.ceil(read) + 2)) if math.isfinite(read) else ()


def _variants(constant: str) -> tuple[str, ...]:
    """Texts by which tests of a text can be told apart; for a network, addresses within and just outside it."""
    bare = constant.lstrip(".@")
    return _near(constant) or (
        bare,
        f"mx.{bare}",
        f"x{bare}",
        f"x{constant}",
        f"{constant}x",
        f"x{constant}x",
        constant.upper(),
        constant[:-1],
    )


def _near(constant: str) -> tuple[str, ...]:
    """The addresses at both sides of both ends of a network; none where the constant is no network."""
    try:
        network = ip_network(constant.strip(), strict=False)
    except ValueError:
        return ()
    first, last = network[0], network[-1]
    most = 2**network.max_prefixlen - 1
    beside = [type(first)(each) for each in (int(first) - 1, int(last) + 1) if 0 <= each <= most]
    return tuple(map(str, (first, last, *beside)))


def _addresses(part: str) -> tuple[str, ...]:
    """An address, as it is; of anything else the addresses that it is a part of, and it alone."""
    if part.startswith("@"):
        return (f"{_SOMEONE}{part}",)
    if "@" in part:
        return (part,)
    return (f"{_SOMEONE}@{part.lstrip('.')}", part) if "." in part else (part, f"{part}@{_ELSEWHERE}")


def _recipients(texts: Iterable[str], sizes: Iterable[int]) -> Iterator[tuple[str, ...]]:
    """Another recipient than the constants name, each of theirs without and with it, and arrays of certain sizes."""
    other = f"{_SOMEONE}@{_ELSEWHERE}"
    yield (other,)
    for address in chain.from_iterable(map(_addresses, texts)):
        yield (address,)
        yield (other, address)
    yield from ((other,) * size for size in sizes)

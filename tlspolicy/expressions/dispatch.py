"""Long runs of rules that compare a variable with constants, as a look-up: which of them can be the one?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tlspolicy.expressions.conditions import within
from tlspolicy.expressions.nodes import Call, Logical, Name, Node, String
from tlspolicy.expressions.regions import Integers, Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlspolicy.expressions.schema import Schema


class Lookup(NamedTuple):
    """What is looked up: the variable, or a part of it.

    Args:
        variable: its name.
        part: how many characters at its start, or, where it is negative, at its end; 0 for all of it.
    """

    variable: str
    part: int = 0


class Key(NamedTuple):
    """What must be found by a look-up for a condition to be true."""

    lookup: Lookup
    value: str | int


class Keyed(NamedTuple):
    """Conditions as keys, one of which must be found, and a condition that must be true beside that, if any."""

    keys: tuple[Key, ...]
    rest: Node | None


def keyed(conditions: Sequence[Node], schema: Schema) -> Keyed | None:
    """The keys without one of which not all of `conditions` are true; `None` where there are none."""
    for number, condition in enumerate(conditions):
        keys = _keys(condition, schema)
        if keys:
            return Keyed(keys, _together((*conditions[:number], *conditions[number + 1 :])))
    for number, condition in enumerate(conditions):
        if isinstance(condition, Logical) and condition.operator == "&&":
            return keyed((*conditions[:number], *condition.operands, *conditions[number + 1 :]), schema)
    return None


def _together(conditions: tuple[Node, ...]) -> Node | None:
    return Logical("&&", conditions) if len(conditions) > 1 else next(iter(conditions), None)


def _keys(condition: Node, schema: Schema) -> tuple[Key, ...] | None:
    """The keys of which one is found where a condition is true, and only there."""
    match condition:
        case Logical("||", operands):
            keys = [_keys(operand, schema) for operand in operands]
            return tuple(dict.fromkeys(key for each in keys for key in each or ())) if all(keys) else None
        case Call("ends_with" | "starts_with" as function, (Name(variable), String(part))) if part:
            if schema.variables.get(variable) is not str:
                return None
            length = len(part) if function == "starts_with" else -len(part)
            return (Key(Lookup(variable, length), part),)
        case _:
            return _keys_of_region(condition, schema)


def _keys_of_region(condition: Node, schema: Schema) -> tuple[Key, ...] | None:
    found = within(condition, schema)
    if found is None:
        return None
    match found.region:
        case Texts(known, without=False):
            values: frozenset[str] | frozenset[int] = known
        case Integers(ranges) if all(first == last for first, last in ranges):
            values = frozenset(first for first, _ in ranges)
        case _:
            return None
    lookup = Lookup(found.variable)
    return tuple([Key(lookup, value) for value in values]) or None

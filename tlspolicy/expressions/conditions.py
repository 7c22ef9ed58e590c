"""What conditions say of single variables: the values for which they are true, as far as that can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.expressions.nodes import (
    MILLISECONDS,
    Array,
    Binary,
    Boolean,
    Call,
    Duration,
    Float,
    Integer,
    Name,
    Node,
    String,
    Unary,
)
from tlspolicy.expressions.regions import Integers, Region, Texts
from tlspolicy.expressions.values import COMPARISONS, Value

if TYPE_CHECKING:
    from tlspolicy.expressions.schema import Schema

MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Within(NamedTuple):
    """A condition that is true where `variable` has a value of `region`, and false elsewhere."""

    variable: str
    region: Region


def within(node: Node, schema: Schema) -> Within | None:
    """What a comparison, or `contains` of an array, says of one variable; `None` where `node` is nothing of the kind.

    It holds for contexts whose variables have the types that the schema says.
    """
    match node:
        case Binary(operator, Name(variable), constant) if operator in COMPARISONS and variable in schema.variables:
            return _compared(variable, operator, constant, schema)
        case Binary(operator, constant, Name(variable)) if operator in COMPARISONS and variable in schema.variables:
            return _compared(variable, MIRRORED[operator], constant, schema)
        case Call("contains", (Array() as array, Name(variable))) if variable in schema.variables:
            return _contained(variable, literal(array, schema), schema)
        case _:
            return None


def _compared(variable: str, operator: str, constant: Node, schema: Schema) -> Within | None:
    value = literal(constant, schema)
    kind = schema.variables[variable]
    if kind is int and isinstance(value, int):
        return Within(variable, Integers.compared(operator, value))
    if kind is str and isinstance(value, str) and operator in ("==", "!="):
        return Within(variable, Texts(frozenset({value}), without=operator == "!="))
    return None


def _contained(variable: str, elements: Value | None, schema: Schema) -> Within | None:
    if not isinstance(elements, tuple):
        return None
    kind = schema.variables[variable]
    texts = [element for element in elements if isinstance(element, str)]
    if kind is str and len(texts) == len(elements):
        return Within(variable, Texts(frozenset(texts), without=False))
    numbers = [element for element in elements if isinstance(element, int)]
    if kind is int and len(numbers) == len(elements):
        return Within(variable, Integers.of(numbers))
    return None


def literal(node: Node, schema: Schema) -> Value | None:
    """The value of a literal, a constant's name or an array of them; `None` for anything else."""
    match node:
        case Integer(value) | Float(value) | String(value):
            return value
        case Boolean(value):
            return int(value)
        case Duration(count, unit):
            return count * MILLISECONDS[unit]
        case Unary("-", Integer(value)):
            return -value
        case Name(name):
            return schema.constants.get(name)
        case Array(items):
            elements = [literal(item, schema) for item in items]
            known = tuple(element for element in elements if element is not None)
            return known if len(known) == len(elements) else None
        case _:
            return None

"""The syntax tree of an expression: frozen data, no behaviour.

A tree says what was written, not what it means: names are not resolved, types are not known.
Every node carries the half-open range of characters it was read from; ranges do not count when trees are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class _Spanned:
    start: int = field(default=0, compare=False, repr=False, kw_only=True)
    end: int = field(default=0, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Integer(_Spanned):
    """`5`: 0 to 2⁶³-1; a sign is a `Unary`."""

    value: int


@dataclass(frozen=True, slots=True)
class Float(_Spanned):
    """`1.5`."""

    value: float


@dataclass(frozen=True, slots=True)
class Duration(_Spanned):
    """`5m`: `count` times the lower-case `unit`, one of the keys of `MILLISECONDS`."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True)
class Boolean(_Spanned):
    """`true` or `false`: the integers 1 and 0, kept apart so that they print as they were written."""

    value: bool


@dataclass(frozen=True, slots=True)
class String(_Spanned):
    """`'text'`, its escapes already read."""

    value: str


@dataclass(frozen=True, slots=True)
class Name(_Spanned):
    """`retry_num`, `require`: a variable or a constant; the schema knows which."""

    name: str


@dataclass(frozen=True, slots=True)
class Capture(_Spanned):
    """`$1`: a group of the last `matches`."""

    group: int


@dataclass(frozen=True, slots=True)
class Global(_Spanned):
    """`$name`, the dollar sign included."""

    name: str


@dataclass(frozen=True, slots=True)
class Array(_Spanned):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index(_Spanned):
    """`value[index]`."""

    value: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Call(_Spanned):
    """`function(a, b)`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary(_Spanned):
    """`!a`, `-a`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(_Spanned):
    """`a + b`; `operator` in its first spelling: `^ == != < <= > >= + - * /`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logical(_Spanned):
    """`a && b && c` or `a || b || c`: one node for the whole run, two operands or more."""

    operator: str
    operands: tuple[Node, ...]


Node: TypeAlias = (
    Integer
    | Float
    | Duration
    | Boolean
    | String
    | Name
    | Capture
    | Global
    | Array
    | Index
    | Call
    | Unary
    | Binary
    | Logical
)

MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


_LEAVES = (Name, String, Integer, Boolean, Duration, Float, Capture, Global)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below `node`, from left to right."""
    if isinstance(node, _LEAVES):  # Most are, and a long list of rules has very many.
        return ()
    match node:
        case Array(items):
            return items
        case Index(value, index):
            return (value, index)
        case Call(_, arguments):
            return arguments
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Logical(_, operands):  # pragma: no branch (there is no other kind)
            return operands


def every(node: Node) -> list[Node]:
    """`node` and all nodes below it, each before those below it."""
    found = [node]
    for each in found:
        found += children(each)
    return found

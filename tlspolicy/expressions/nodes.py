"""The syntax tree of an expression: frozen data, no behaviour.

A tree says what was written, not what it means: names are not resolved, types are not known.
Every node carries the half-open range of characters it was read from; ranges do not count when trees are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Spanned:
    """What nodes have in common. To generate it anew for each kind would take a third of the time to import them."""

    start: int = field(default=0, kw_only=True)
    end: int = field(default=0, kw_only=True)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((type(self), self._parts()))

    def __repr__(self) -> str:
        names: tuple[str, ...] = self.__match_args__
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def _parts(self) -> object:
        """All but the range."""
        return _reading(self.__match_args__)(self)


@cache
def _reading(names: tuple[str, ...]) -> Callable[[object], object]:
    return attrgetter(*names)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Integer(_Spanned):
    """`5`: 0 to 2⁶³-1; a sign is a `Unary`."""

    value: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Float(_Spanned):
    """`1.5`."""

    value: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Duration(_Spanned):
    """`5m`: `count` times the lower-case `unit`, one of the keys of `MILLISECONDS`."""

    count: int
    unit: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Boolean(_Spanned):
    """`true` or `false`: the integers 1 and 0, kept apart so that they print as they were written."""

    value: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class String(_Spanned):
    """`'text'`, its escapes already read."""

    value: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name(_Spanned):
    """`retry_num`, `require`: a variable or a constant; the schema knows which."""

    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Capture(_Spanned):
    """`$1`: a group of the last `matches`."""

    group: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Global(_Spanned):
    """`$name`, the dollar sign included."""

    name: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Array(_Spanned):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Index(_Spanned):
    """`value[index]`."""

    value: Node
    index: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call(_Spanned):
    """`function(a, b)`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unary(_Spanned):
    """`!a`, `-a`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binary(_Spanned):
    """`a + b`; `operator` in its first spelling: `^ == != < <= > >= + - * /`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False, repr=False)
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

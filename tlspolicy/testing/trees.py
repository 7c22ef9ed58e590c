"""A strategy for expressions: trees whose types are known, and their texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from hypothesis import strategies as st

from tlspolicy.context import DELIVERY
from tlspolicy.errors import PolicyTypeError
from tlspolicy.expressions.checker import binary_types, negated_types, problems, result_types
from tlspolicy.expressions.functions import ANY, ARRAY, FUNCTIONS, INT, PROVIDED, TEXT
from tlspolicy.expressions.nodes import Array, Binary, Call, Capture, Global, Index, Logical, Name, Node, String, Unary
from tlspolicy.expressions.printer import printed
from tlspolicy.expressions.schema import TYPES
from tlspolicy.expressions.values import BINARY, COMPARISONS
from tlspolicy.testing.literals import PATTERNS, any_of, floats, integers, strings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

    from tlspolicy.expressions.schema import Schema

    Types: TypeAlias = frozenset[type]
    Way: TypeAlias = Callable[[Types, int], Node]

_DEPTH: Final = 3
_MOST_ARGUMENTS: Final = 4
_FLOAT: Final = frozenset({float})
_NUMBER: Final = INT | _FLOAT
_OF_ONE_TYPE: Final = ((INT, INT), (TEXT, TEXT), (_FLOAT, _FLOAT), (ARRAY, ARRAY))
_OPERANDS: Final = (*_OF_ONE_TYPE, (_FLOAT, INT), (_NUMBER, _NUMBER), (ARRAY, TEXT), (TEXT, INT))
# What the arguments of functions are, where they are not all texts.
_ARGUMENTS: Final[Mapping[str, tuple[Types, ...]]] = {
    "contains": (TEXT | ARRAY, TEXT),
    "contains_ignore_case": (TEXT | ARRAY, TEXT),
    "count": (ARRAY,),
    "dedup": (ARRAY,),
    "is_empty": (TEXT | ARRAY,),
    "is_intersect": (ARRAY, ARRAY),
    "is_number": (ANY,),
    "len": (TEXT | ARRAY,),
    "sort": (ARRAY, INT),
    "split_n": (TEXT, TEXT, INT),
    "substring": (TEXT, INT, INT),
    "winnow": (ARRAY,),
}
# Operators whose result has the same type, whatever they are given.
_TAKE_ANY: Final = COMPARISONS | {"!", "^", "/"}
# Arguments that say what a function is to do, by their places.
_MODES: Final = {
    "email_part": (1, ("domain", "local")),
    "hash": (1, ("sha256", "md5", "sha1", "sha512")),
}


class _Operation(NamedTuple):
    operator: str
    operands: tuple[Types, ...]
    result: Types


_OPERATIONS: Final = (
    *[_Operation(each, both, binary_types(each, *both)) for each in BINARY for both in _OPERANDS],
    *[_Operation("!", (kinds,), INT) for kinds in (INT, TEXT, ARRAY)],
    *[_Operation("-", (kinds,), negated_types(kinds)) for kinds in (INT, _NUMBER)],
)


def expressions(schema: Schema = DELIVERY, result: type | Collection[type] = TYPES) -> SearchStrategy[str]:
    """Texts of expressions without problems over a schema, as `Expression.parse` takes them.

    They use all kinds of operators, every function of the language and of the schema, and `matches` where the engine of
    regular expressions is installed. Most have operands of types that go together, and some have any. They are in the
    printer's spelling, and shrink to a single name or literal.

    Args:
        schema: what they may name.
        result: the type that the value has, or the types that it may have, of `int`, `float`, `str` and `tuple`: those
            of `Expression.result_types` are all among them.

    Raises:
        PolicyTypeError: a type that the language does not have, or none.
    """
    return trees(schema, result).map(printed)


def trees(schema: Schema, result: type | Collection[type] = TYPES) -> SearchStrategy[Node]:
    """The trees of `expressions`."""
    types = frozenset({result} if isinstance(result, type) else result)
    if not types or not types <= ANY:
        raise PolicyTypeError("the result of an expression is one or more of int, float, str and tuple")
    functions = usable_functions(schema)
    leaves: dict[type, SearchStrategy[Node]] = {
        kind: _leaves(schema, kind, captures="matches" in functions) for kind in TYPES
    }
    return _trees(leaves, functions, types).filter(lambda node: result_types(node, schema) <= types)


def usable_functions(schema: Schema) -> dict[str, tuple[int, ...]]:
    """The functions that expressions over `schema` may call, and the numbers of arguments that they take."""
    arities = {name: function.arity for name, function in FUNCTIONS.items()}
    arities |= {name: PROVIDED.get(name, tuple(range(_MOST_ARGUMENTS + 1))) for name in schema.functions}
    usable = {
        name: tuple(count for count in arity if not any(problems(Call(name, (String("a"),) * count), schema)))
        for name, arity in arities.items()
    }
    return {name: arity for name, arity in usable.items() if arity}


@st.composite
def _trees(
    draw: DrawFn,
    leaves: Mapping[type, SearchStrategy[Node]],
    functions: Mapping[str, tuple[int, ...]],
    types: Types,
) -> Node:
    return _Author(draw, leaves, functions).node(types, _DEPTH)


def _leaves(schema: Schema, kind: type, *, captures: bool) -> SearchStrategy[Node]:
    """The names and literals of a type."""
    literals: dict[type, SearchStrategy[Node]] = {
        int: integers(),
        float: floats(),
        str: any_of(strings(), strings(), st.integers(0, 3).map(Capture)) if captures else strings(),
        tuple: st.lists(strings() | integers(), max_size=3).map(lambda items: Array(tuple(items))),
    }
    names = [*_names(schema, kind)]
    return any_of(st.sampled_from(names), literals[kind]) if names else literals[kind]


@dataclass(frozen=True, slots=True)
class _Author:
    """Writes trees of given types. A variable counts as what the schema says, which a mapping may not keep.

    Args:
        draw: Hypothesis' own.
        leaves: names and literals of each type.
        functions: what may be called, and with how many arguments.
    """

    draw: DrawFn
    leaves: Mapping[type, SearchStrategy[Node]]
    functions: Mapping[str, tuple[int, ...]]

    def node(self, types: Types, depth: int) -> Node:
        """A tree whose value has one of `types`, so many operators deep at most."""
        shapes: tuple[Way, ...] = (self._leaf, self._operation, self._call)
        shape = self.draw(st.sampled_from(shapes if depth else shapes[:1]))
        return shape(types, depth - 1)

    def _operand(self, types: Types, depth: int) -> Node:
        """A tree that should have one of `types`, and may have any."""
        return self.node(types if self.draw(st.integers(0, 9)) < 9 else ANY, depth)  # noqa: PLR2004

    def _leaf(self, types: Types, _depth: int) -> Node:
        kind = self.draw(st.sampled_from([kind for kind in TYPES if kind in types]))
        leaf: Node = self.draw(self.leaves[kind])
        return leaf

    def _operation(self, types: Types, depth: int) -> Node:
        ways: list[Way] = [self._operator]
        if int in types:
            ways.append(self._joined)
        if tuple in types:
            ways.append(self._array)
        if types == ANY:
            ways.append(self._indexed)
        return self.draw(st.sampled_from(ways))(types, depth)

    def _operator(self, types: Types, depth: int) -> Node:
        operation = self.draw(st.sampled_from(_operations(types)))
        write = self._operand if operation.operator in _TAKE_ANY else self.node
        parts = [write(kinds, depth) for kinds in operation.operands]
        return Unary(operation.operator, *parts) if len(parts) == 1 else Binary(operation.operator, *parts)

    def _joined(self, types: Types, depth: int) -> Node:
        operator = self.draw(st.sampled_from(["&&", "||"]))
        others = [self._operand(INT, depth) for _ in range(self.draw(st.integers(1, 2)))]
        return Logical(operator, (self.node(types, depth), *others))

    def _array(self, _types: Types, depth: int) -> Node:
        return Array(tuple(self.node(ANY, depth) for _ in range(self.draw(st.integers(0, 3)))))

    def _indexed(self, _types: Types, depth: int) -> Node:
        return Index(self._operand(ARRAY, depth), self._operand(INT, depth))

    def _call(self, types: Types, depth: int) -> Node:
        name = self.draw(st.sampled_from([*_giving(types, self.functions)]))
        if name == "if_then":
            return Call(name, (self._operand(INT, depth), self.node(types, depth), self.node(types, depth)))
        kinds = _ARGUMENTS.get(name) or (TEXT,) * self.draw(st.sampled_from(self.functions[name]))
        arguments = [self._operand(each, depth) for each in kinds]
        if name == "matches":
            arguments[0] = self.draw(PATTERNS)
        if name in _MODES and self.draw(st.integers(0, 9)) < 9:  # noqa: PLR2004  (mostly)
            place, modes = _MODES[name]
            arguments[place] = String(self.draw(st.sampled_from(modes)))
        return Call(name, tuple(arguments))


def _names(schema: Schema, kind: type) -> Iterator[Node]:
    """The variables and the constants of a type."""
    yield from (Name(name) for name, its in schema.variables.items() if its is kind)
    for name, value in schema.constants.items():
        if type(value) is kind:
            yield Global(name) if name.startswith("$") else Name(name)


@cache
def _operations(types: Types) -> tuple[_Operation, ...]:
    """Those whose result has one of `types`."""
    return tuple(operation for operation in _OPERATIONS if operation.result <= types)


def _giving(types: Types, functions: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    """The functions whose result has one of `types`; `if_then` gives what it is given."""
    yield "if_then"
    for name in functions:
        if name != "if_then" and (FUNCTIONS[name].returns if name in FUNCTIONS else ANY) <= types:
            yield name

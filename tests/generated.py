"""What property tests draw: trees that the parser can make, their texts, and what to evaluate them with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tlspolicy import Schema
from tlspolicy.expressions.functions import FUNCTIONS
from tlspolicy.expressions.nodes import (
    MILLISECONDS,
    Array,
    Binary,
    Boolean,
    Call,
    Capture,
    Float,
    Global,
    Index,
    Integer,
    Logical,
    Name,
    Node,
    String,
    Unary,
)
from tlspolicy.expressions.printer import printed
from tlspolicy.expressions.values import BINARY, COMPARISONS, INT_MAX, INT_MIN, UNARY, Value
from tlspolicy.testing.literals import durations, quotable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

SCHEMA = Schema(
    {"number": int, "ratio": float, "word": str, "words": tuple},
    {"require": 1, "disable": 0, "$list": ("a", 1, 2.5)},
)
NAMES = (*SCHEMA.variables, "require", "disable")
ARITIES = {name: function.arity for name, function in FUNCTIONS.items()}

_WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$"
# Texts that functions, comparisons and indexes treat in ways of their own.
_TELLING_TEXTS = st.sampled_from(
    ["", "0", "-5", "1e3", ".5", "inf", "nan", " 5", "1_0", "٣", "a@b.example", "local", "192.0.2.1", "::1", "É\r\nß"]
)
_PATTERNS = st.sampled_from(["", "a", "^(.)(.*)$", "(?i)[A-Z]+", r"\d+|(x)", r"\."]).map(String)


def values() -> SearchStrategy[Value]:
    """Any value of the language: NaN, infinities and nested arrays included."""
    scalars = (
        st.integers(INT_MIN, INT_MAX)
        | st.floats()
        | _TELLING_TEXTS
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    )
    return st.recursive(scalars, lambda items: st.lists(items, max_size=3).map(tuple), max_leaves=5)


def contexts(names: Sequence[str] = tuple(SCHEMA.variables)) -> SearchStrategy[dict[str, Value]]:
    """Contexts of a schema made by hand, whose variables are `names`: each has any value, or none."""
    return st.fixed_dictionaries({}, optional={name: values() for name in names})


def trees(
    names: Sequence[str] = NAMES,
    functions: Mapping[str, tuple[int, ...]] = ARITIES,
    *,
    right_arity: bool = True,
    max_leaves: int = 12,
) -> SearchStrategy[Node]:
    """Trees of every kind of node, all of which the parser can make; far fewer levels deep than it allows.

    With the defaults they have no problems over `SCHEMA`.

    Args:
        names: what a `Name` may say, at least one.
        functions: what a `Call` may call, and how many arguments it takes.
        right_arity: whether a call has as many arguments as its function takes, and `matches` a pattern; else it has
            any number of arguments of any kind.
        max_leaves: about how many literals and names a tree has at most.
    """

    def larger(operands: SearchStrategy[Node]) -> SearchStrategy[Node]:
        calls = _calls(functions, operands, right_arity=right_arity) if functions else st.nothing()
        return _operations(operands) | calls

    return st.recursive(_leaves(names), larger, max_leaves=max_leaves)


def expression_texts() -> SearchStrategy[str]:
    """Expressions that parse, and have no problems over `SCHEMA`."""
    return trees().map(printed)


def _leaves(names: Sequence[str]) -> SearchStrategy[Node]:
    words = st.text(_WORD, min_size=1, max_size=4).filter(lambda word: not word.isdecimal())
    return st.one_of(
        st.sampled_from(names).map(Name),
        (st.integers(0, 3) | st.integers(0, INT_MAX)).map(Integer),
        st.floats(min_value=0).map(Float),
        st.sampled_from(list(MILLISECONDS)).flatmap(durations),
        st.booleans().map(Boolean),
        st.one_of(_TELLING_TEXTS, quotable("'"), quotable('"')).map(String),
        st.integers(0, 99).map(Capture),
        st.sampled_from(["$list", "$1x", "$."]).map(Global) | words.map(lambda word: Global(f"${word}")),
    )


def _operations(operands: SearchStrategy[Node]) -> SearchStrategy[Node]:
    return st.one_of(
        st.builds(Unary, st.sampled_from(list(UNARY)), operands),
        st.builds(Binary, st.sampled_from(list(BINARY)), operands, operands),
        st.builds(Logical, st.sampled_from(["&&", "||"]), st.lists(operands, min_size=2, max_size=4).map(tuple)),
        st.builds(Index, operands, operands),
        st.lists(operands, max_size=3).map(lambda items: Array(tuple(items))),
    )


@st.composite
def _calls(
    draw: DrawFn, functions: Mapping[str, tuple[int, ...]], operands: SearchStrategy[Node], *, right_arity: bool
) -> Node:
    name = draw(st.sampled_from(list(functions)))
    if not right_arity:
        return Call(name, tuple(draw(st.lists(operands, max_size=4))))
    arguments = [draw(operands) for _ in range(draw(st.sampled_from(functions[name])))]
    if name == "matches":
        arguments[0] = draw(_PATTERNS)
    return Call(name, tuple(arguments))


@dataclass
class Facts:
    """A context class with an attribute of every type, and two of those that rules mostly speak of."""

    number: int
    another: int
    ratio: float
    word: str
    host: str
    words: tuple[Value, ...]


FACTS = Schema.of(Facts, SCHEMA.constants, {"ask": lambda value: value, "pair": lambda first, second: (first, second)})
_FACTS_FUNCTIONS = ARITIES | {"ask": (1,), "pair": (2,)}
_FACTS_NAMES = (*FACTS.variables, "require", "disable")
# So few that conditions meet: they imply, repeat and exclude one another.
_CONSTANTS = st.integers(0, 3).map(Integer) | st.sampled_from(["a", "b", "", "a@b.example", ".example", "1"]).map(
    String
)


def facts() -> SearchStrategy[Facts]:
    """Contexts of `FACTS`, mostly of values that rules tell apart."""
    integers = st.integers(-1, 4) | st.sampled_from([INT_MIN, INT_MAX, 2**53, 2**53 + 1])
    texts = _TELLING_TEXTS | st.sampled_from(["a", "b", "mx.a.example", "x" * 70])
    arrays = values().map(lambda value: value if isinstance(value, tuple) else (value,))
    return st.builds(Facts, integers, integers, st.floats(), texts, texts, arrays)


def conditions() -> SearchStrategy[Node]:
    """Conditions as people write them: comparisons of a variable with a constant, and what joins them."""
    names = st.sampled_from(list(FACTS.variables)[:-1]).map(Name)
    operators = st.sampled_from(sorted(COMPARISONS))
    functions = st.sampled_from(["starts_with", "ends_with", "contains"])
    atoms = st.one_of(
        st.builds(Binary, operators, names, _CONSTANTS),
        st.builds(Binary, operators, _CONSTANTS, names),
        st.builds(lambda function, name, part: Call(function, (name, part)), functions, names, _CONSTANTS),
        st.builds(lambda array, name: Call("contains", (Array(tuple(array)), name)), st.lists(_CONSTANTS), names),
        st.builds(lambda pattern, name: Call("matches", (pattern, name)), _PATTERNS, names),
        st.booleans().map(Boolean),
    )
    return st.recursive(atoms, _joined, max_leaves=5)


def _joined(operands: SearchStrategy[Node]) -> SearchStrategy[Node]:
    run = st.lists(operands, min_size=2, max_size=3).map(tuple)
    return st.builds(Logical, st.sampled_from(["&&", "||"]), run) | st.builds(Unary, st.just("!"), operands)


def results(*, constant: bool = False) -> SearchStrategy[Node]:
    """What a rule may give: mostly constants, and choices among them."""
    constants = _CONSTANTS | st.just(Array((Integer(1),)))
    choices = st.recursive(
        constants,
        lambda parts: st.builds(lambda *three: Call("if_then", three), conditions(), parts, parts),
        max_leaves=3,
    )
    others = trees(_FACTS_NAMES, _FACTS_FUNCTIONS, max_leaves=4) | st.integers(0, 2).map(Capture)
    return constants if constant else constants | choices | others


def rule_lists() -> SearchStrategy[list[dict[str, str]]]:
    """Rule lists over `FACTS`: of any conditions, with runs of rules on one variable, or of few simple rules."""
    any_rule = st.tuples(conditions() | trees(_FACTS_NAMES, _FACTS_FUNCTIONS, max_leaves=6), results())
    equal = st.builds(lambda constant: Binary("==", Name("word"), constant), _CONSTANTS)
    ending = st.builds(lambda constant: Call("ends_with", (Name("host"), constant)), _CONSTANTS)
    more = st.builds(lambda first, second: Logical("&&", (first, second)), equal, conditions())
    run = st.lists(st.tuples(equal | ending | more, results(constant=True) | results()), min_size=4, max_size=9)
    few = st.lists(any_rule, max_size=3)
    return st.builds(_rule_list, few | st.builds(lambda *parts: [*chain(*parts)], few, run, few), results())


def simple_rule_lists() -> SearchStrategy[list[dict[str, str]]]:
    """Short rule lists whose conditions are quick and whose results are constant."""
    constants = results(constant=True)
    names = st.sampled_from(["number", "another", "word", "host"]).map(Name)
    functions = st.sampled_from(["starts_with", "ends_with"])
    texts = st.sampled_from(["a", "b", ".example"]).map(String)
    comparisons = st.builds(Binary, st.sampled_from(sorted(COMPARISONS)), names, _CONSTANTS)
    endings = st.builds(lambda function, name, part: Call(function, (name, part)), functions, names, texts)
    quick = st.recursive(comparisons | endings | names | st.booleans().map(Boolean), _joined, max_leaves=3)
    chosen = st.builds(lambda *parts: Call("if_then", parts), quick, constants, constants)
    rules = st.lists(st.tuples(quick, constants | chosen), max_size=3)
    return st.builds(_rule_list, rules, constants)


def _rule_list(rules: Sequence[tuple[Node, Node]], default: Node) -> list[dict[str, str]]:
    written = [{"if": printed(condition), "then": printed(result)} for condition, result in rules]
    return [*written, {"else": printed(default)}]

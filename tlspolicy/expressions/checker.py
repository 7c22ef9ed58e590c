"""Names, arity and types: everything that can be known before there is a value."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, NamedTuple

from tlspolicy.errors import did_you_mean, listed, quoted
from tlspolicy.expressions import regex
from tlspolicy.expressions.functions import ANY, FUNCTIONS, INT, PROVIDED, TEXT
from tlspolicy.expressions.nodes import (
    Array,
    Binary,
    Boolean,
    Call,
    Capture,
    Duration,
    Float,
    Global,
    Index,
    Integer,
    Logical,
    Name,
    Node,
    String,
    Unary,
    children,
    every,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tlspolicy.expressions.schema import Schema

_FLOAT = frozenset({float})
_NUMBER = frozenset({int, float})
_ARRAY = frozenset({tuple})
_LITERALS = ("true", "false")


class Problem(NamedTuple):
    """A sentence, and the half-open range of characters it is about."""

    message: str
    start: int
    end: int


def problems(node: Node, schema: Schema) -> Iterator[Problem]:
    """All that is wrong with `node` as an expression over `schema`, from left to right: names, arity, patterns."""
    match node:
        case Name(name):
            yield from _name_problems(name, node, schema)
        case Call():
            yield from _call_problems(node, schema)
        case _:
            pass
    for child in children(node):
        yield from problems(child, schema)


def _name_problems(name: str, node: Node, schema: Schema) -> Iterator[Problem]:
    if name in schema.variables or name in schema.constants:
        return
    if name in FUNCTIONS or name in PROVIDED or name in schema.functions:
        message = f"{quoted(name)} is a function: write {name}(…)"
    elif name[0] in ".0123456789":
        message = (
            f"{quoted(name)} is no number and no duration: numbers are written 5 or 1.5, durations 5d 5h 5m 5s 5ms"
        )
    else:
        hint = did_you_mean(name, (*schema.variables, *schema.constants, *_LITERALS))
        message = f"unknown name {quoted(name)}{hint or f'; a text is written in quotes: {quoted(name)}'}"
    yield Problem(message, node.start, node.end)


def _call_problems(call: Call, schema: Schema) -> Iterator[Problem]:
    name = call.function
    provider = schema.functions.get(name)
    if name not in FUNCTIONS and provider is None:
        yield Problem(_unknown_function(name, schema), call.start, call.start + len(name))
        return
    given = len(call.arguments)
    arity = FUNCTIONS[name].arity if name in FUNCTIONS else PROVIDED.get(name)
    if arity and given not in arity:
        takes = listed(map(str, arity))
        message = f"{name}() takes {takes} argument{'' if takes == '1' else 's'}, this gives {given}"
        yield Problem(message, call.start, call.end)
    elif provider and not _accepts(provider, given):
        message = f"what was given to answer {name}() does not take {given} argument{'' if given == 1 else 's'}"
        yield Problem(message, call.start, call.end)
    elif name == "matches":
        yield from _pattern_problems(call.arguments[0])


def _unknown_function(name: str, schema: Schema) -> str:
    if name in schema.variables or name in schema.constants:
        return f"{quoted(name)} is no function"
    if name in PROVIDED:
        return f'{name}() asks the world: say what answers it, functions={{"{name}": …}}'
    return f"unknown function {quoted(name)}{did_you_mean(name, (*FUNCTIONS, *PROVIDED, *schema.functions))}"


def _accepts(provider: Callable[..., object], given: int) -> bool:
    """Whether a callable takes as many arguments, as far as Python can tell."""
    try:
        arguments = signature(provider).bind
    except Exception:  # noqa: BLE001  (some that are written in C have none, and some classes do anything)
        return True
    try:
        arguments(*range(given))
    except TypeError:
        return False
    return True


def _pattern_problems(pattern: Node) -> Iterator[Problem]:
    if not isinstance(pattern, String):
        yield Problem("the first argument of matches() is a regular expression in quotes", pattern.start, pattern.end)
        return
    try:
        regex.compiled(pattern.value)
    except regex.RegexError as error:
        start, end = pattern.start, pattern.end
        # A string is as long as its source between the quotes; in parentheses it is not.
        if error.position is not None and end - start == len(pattern.value) + 2:
            start += 1 + error.position
            end = start + 1
        yield Problem(error.reason, start, end)


def result_types(node: Node, schema: Schema) -> frozenset[type]:
    """The types that the value of `node` may have; `node` has no problems over `schema`."""
    match node:
        case Integer() | Duration() | Boolean():
            return INT
        case Float():
            return _FLOAT
        case String() | Capture():
            return TEXT
        case Array():
            return _ARRAY
        case Index():
            return ANY
        case Global(name):
            return frozenset({type(schema.constants.get(name, 0))})
        case Name(name):
            return _name_types(name, schema)
        case Call("if_then", (_, then, otherwise)):
            return result_types(then, schema) | result_types(otherwise, schema)
        case Call(function, _):
            return FUNCTIONS[function].returns if function in FUNCTIONS else ANY
        case Unary("!", _):
            return INT
        case Unary(_, operand):
            return negated_types(result_types(operand, schema))
        case Logical(_, operands):
            return result_types(operands[0], schema) | INT
        case Binary(operator, left, right):  # pragma: no branch (there is no other kind)
            return binary_types(operator, result_types(left, schema), result_types(right, schema))


def _name_types(name: str, schema: Schema) -> frozenset[type]:
    if name in schema.constants:
        return frozenset({type(schema.constants[name])})
    return frozenset({schema.variables[name]}) if schema.context_class else ANY


def negated_types(operand: frozenset[type]) -> frozenset[type]:
    """The types that `-x` may have, by those that x may have."""
    return _NUMBER if operand & {float, str} else INT


def binary_types(operator: str, left: frozenset[type], right: frozenset[type]) -> frozenset[type]:
    """The types that the result of an operator may have, by those that its operands may have."""
    match operator:
        case "+":
            return frozenset().union(*(_sum_types(a, b) for a in left for b in right))
        case "-" | "*":
            arrays = _ARRAY if operator == "-" and tuple in left | right else frozenset[type]()
            return arrays | (_NUMBER if (left | right) & {float, str} else INT)
        case "/":
            return _FLOAT
        case _:
            return INT


def _sum_types(left: type, right: type) -> frozenset[type]:
    if tuple in (left, right):
        return _ARRAY
    if str in (left, right):  # The empty text leaves the other side as it is.
        return frozenset({left, right})
    return _FLOAT if float in (left, right) else INT


def is_constant(node: Node, schema: Schema) -> bool:
    """Whether the value of `node` depends on nothing, and it sets no captures."""
    match node:
        case Capture():
            return False
        case Name(name):
            return name in schema.constants
        case Call(function) if function == "matches" or function not in FUNCTIONS:
            return False
        case _:
            return all(is_constant(child, schema) for child in children(node))


def patterns(node: Node) -> Iterator[str]:
    """The regular expressions in `node`."""
    for each in every(node):
        match each:
            case Call("matches", (String(pattern), _)):
                yield pattern
            case _:
                pass


def asynchronous_functions(node: Node, schema: Schema) -> Iterator[str]:
    """The functions that `node` calls and that coroutine functions answer."""
    for each in every(node):
        if isinstance(each, Call) and schema.asynchronous(each.function):
            yield each.function

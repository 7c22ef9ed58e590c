"""Nodes and a context to a value, plainly: the definition of the language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlspolicy.expressions import regex
from tlspolicy.expressions.functions import FUNCTIONS
from tlspolicy.expressions.nodes import (
    MILLISECONDS,
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
)
from tlspolicy.expressions.scope import Step
from tlspolicy.expressions.values import (
    BINARY,
    COMPARISONS,
    UNARY,
    UnusableValueError,
    Value,
    check_text_length,
    index,
    shorter,
    text,
)

if TYPE_CHECKING:
    from tlspolicy.expressions.scope import Scope


class EvaluationProblem(Exception):  # noqa: N818  (internal: `Expression` makes a PolicyEvaluationError of it)
    """`node` has no usable value, for `reason`."""

    def __init__(self, reason: str, node: Node) -> None:
        super().__init__(reason, node)
        self.reason = reason
        self.node = node


def evaluate(node: Node, scope: Scope) -> Value:
    """The value of `node`, which has no problems over the scope's schema.

    Raises:
        EvaluationProblem: there is no usable one.
    """
    try:
        value = _evaluate(node, scope)
    except UnusableValueError as error:
        raise EvaluationProblem(str(error), node) from error.__cause__
    if scope.steps is not None:
        scope.steps.append(Step(node, value, scope.captures))
    return value


def _evaluate(node: Node, scope: Scope) -> Value:
    match node:
        case Integer(value) | Float(value) | String(value):
            return value
        case Duration(count, unit):
            return count * MILLISECONDS[unit]
        case Boolean(value):
            return int(value)
        case Name(name):
            constants = scope.schema.constants
            return constants[name] if name in constants else scope.read(name)
        case Global(name):
            return scope.schema.constants.get(name, 0)
        case Capture(group):
            return scope.captures[group] if group < len(scope.captures) else ""
        case Array(items):
            scope.spend_work(len(items))
            return tuple([evaluate(item, scope) for item in items])
        case Index(value, position):
            indexed, at = evaluate(value, scope), evaluate(position, scope)
            scope.spend(at)
            return index(indexed, at)
        case Unary(operator, operand):
            operated = evaluate(operand, scope)
            scope.spend(operated)
            return UNARY[operator](operated)
        case Binary(operator, left, right):
            operands = evaluate(left, scope), evaluate(right, scope)
            scope.spend(*(shorter(*operands) if operator in COMPARISONS else operands))
            return BINARY[operator](*operands)
        case Logical(operator, conditions):
            return _logical(operator == "||", conditions, scope)
        case Call("matches", (String(pattern), subject)):
            return matches(pattern, evaluate(subject, scope), scope)
        case Call(function, arguments):  # pragma: no branch (there is no other kind)
            return _call(function, [evaluate(argument, scope) for argument in arguments], scope)


def _logical(decisive: bool, operands: tuple[Node, ...], scope: Scope) -> Value:  # noqa: FBT001
    """`||` (decided by what is true) and `&&` (by what is false).

    The first operand, when it decides, is given back as it is; any later one gives 1 or 0.
    """
    first, *rest = operands
    value = evaluate(first, scope)
    if bool(value) == decisive:
        return value
    return int(any(bool(evaluate(operand, scope)) == decisive for operand in rest) == decisive)


def matches(pattern: str, subject: Value, scope: Scope) -> Value:
    """Whether `pattern` is found in a text; `$0` is then what was found, `$1`, `$2`, … its groups, or else `''`."""
    scope.captures = ()
    scope.spend(subject)
    searched = text(subject)
    scope.spend_search(regex.cost(pattern) * len(searched.encode()))
    groups = regex.search(pattern, searched)
    if groups is None:
        return 0
    scope.captures = groups
    return 1


def _call(function: str, arguments: list[Value], scope: Scope) -> Value:
    known = FUNCTIONS.get(function)
    for _ in range(known.passes if known else 1):
        scope.spend(*(known.looks_at(*arguments) if known else arguments))
    result = known.call(*arguments) if known and known.call else scope.ask(function, arguments)
    scope.spend(result)
    if isinstance(result, str):
        check_text_length(len(result))
    return result

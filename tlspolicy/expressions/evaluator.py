"""Nodes and a context to a value, plainly: the definition of the language."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

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
from tlspolicy.expressions.values import BINARY, UNARY, UnusableValueError, Value, index, text

if TYPE_CHECKING:
    from tlspolicy.expressions.schema import Schema


class Step(NamedTuple):
    """A node that was evaluated, and its value."""

    node: Node
    value: Value


@dataclass(slots=True)
class Scope:
    """What one evaluation of a rule list reads and keeps.

    Args:
        schema: says what the names mean.
        context: what the variables are read from; the schema has checked it.
        captures: the groups of the last `matches` that was evaluated.
        steps: when it is a list, every node evaluated is added to it, operands before operators.
    """

    schema: Schema
    context: object
    captures: tuple[str, ...] = ()
    steps: list[Step] | None = field(default=None, kw_only=True)


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
        scope.steps.append(Step(node, value))
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
            return constants[name] if name in constants else scope.schema.read(scope.context, name)
        case Global(name):
            return scope.schema.constants.get(name, 0)
        case Capture(group):
            return scope.captures[group] if group < len(scope.captures) else ""
        case Array(items):
            return tuple([evaluate(item, scope) for item in items])
        case Index(value, position):
            return index(evaluate(value, scope), evaluate(position, scope))
        case Unary(operator, operand):
            return UNARY[operator](evaluate(operand, scope))
        case Binary(operator, left, right):
            return BINARY[operator](evaluate(left, scope), evaluate(right, scope))
        case Logical(operator, operands):
            return _logical(operator == "||", operands, scope)
        case Call("matches", (String(pattern), subject)):
            return _matches(pattern, evaluate(subject, scope), scope)
        case Call(function, arguments):  # pragma: no branch (there is no other kind)
            return _call(function, [evaluate(argument, scope) for argument in arguments])


def _logical(decisive: bool, operands: tuple[Node, ...], scope: Scope) -> Value:  # noqa: FBT001
    """`||` (decided by what is true) and `&&` (by what is false).

    The first operand, when it decides, is given back as it is; any later one gives 1 or 0.
    """
    first, *rest = operands
    value = evaluate(first, scope)
    if bool(value) == decisive:
        return value
    return int(any(bool(evaluate(operand, scope)) == decisive for operand in rest) == decisive)


def _matches(pattern: str, subject: Value, scope: Scope) -> Value:
    scope.captures = ()
    groups = regex.search(pattern, text(subject))
    if groups is None:
        return 0
    scope.captures = groups
    return 1


def _call(function: str, arguments: list[Value]) -> Value:
    call = FUNCTIONS[function].call
    assert call is not None, "matches is carried out above"  # noqa: S101  (for the type checker)
    return call(*arguments)
